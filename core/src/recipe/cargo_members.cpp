#include "recipe/cargo_members.hpp"

#include "path_inside.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

// The text or the texts of a list, without what is neither: cargo complains about that.
std::vector<std::string> texts_of(const toml::table& table, std::string_view name)
{
    std::vector<std::string> out;
    if (const toml::array* const list = table[name].as_array()) {
        for (const toml::node& item : *list) {
            if (const auto text = item.value<std::string>()) out.push_back(*text);
        }
    }
    return out;
}

// The directories that a pattern of workspace.members stands for, part by part as in a shell.
std::vector<fs::path> directories_matching(const fs::path& root, const fs::path& pattern)
{
    std::vector<fs::path> found{root};
    for (const fs::path& part : pattern) {
        if (part.empty() || part == ".") continue;
        std::vector<fs::path> next;
        for (const fs::path& at : found) {
            if (part.native().find_first_of("*?[") == std::string::npos) {
                next.push_back(at / part);
                continue;
            }
            std::error_code ignored;
            for (fs::directory_iterator entry(at, ignored), end; entry != end;
                 entry.increment(ignored)) {
                const fs::path name = entry->path().filename();
                if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) == 0)
                    next.push_back(at / name);
            }
        }
        std::ranges::sort(next);
        found = std::move(next);
    }
    return found;
}

} // namespace

std::vector<fs::path> member_manifests(const fs::path& root, const toml::table& workspace)
{
    std::vector<fs::path> excluded;
    for (const std::string& directory : texts_of(workspace, "exclude")) {
        excluded.push_back((root / directory).lexically_normal());
    }
    std::vector<fs::path> manifests;
    for (const std::string& pattern : texts_of(workspace, "members")) {
        for (const fs::path& directory : directories_matching(root, pattern)) {
            const fs::path manifest = (directory / "Cargo.toml").lexically_normal();
            std::error_code ignored;
            const bool known = std::ranges::find(manifests, manifest) != manifests.end();
            const bool left_out = std::ranges::any_of(excluded, [&](const fs::path& top) {
                return is_in(manifest, top);
            });
            if (!known && !left_out && manifest != root / "Cargo.toml"
                && fs::is_regular_file(manifest, ignored)) {
                manifests.push_back(manifest);
            }
        }
    }
    return manifests;
}

} // namespace slipway::core
