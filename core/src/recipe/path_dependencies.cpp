#include "recipe/path_dependencies.hpp"

#include "path_inside.hpp"
#include "recipe/cargo_members.hpp"
#include "recipe/toml_file.hpp"
#include "workspace/cargo_root.hpp"

#include <slipway/core/workspace.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

class PathDependencies {
public:
    PathDependencies(fs::path root, fs::path home) : root_(std::move(root)), home_(std::move(home))
    {
    }

    void look()
    {
        visit(root_);
        while (!left_.empty()) {
            const fs::path package = *left_.begin();
            left_.erase(left_.begin());
            visit(package);
        }
    }

    std::vector<fs::path> packages() const { return {seen_.begin(), seen_.end()}; }

    std::vector<fs::path> outside() const
    {
        std::vector<fs::path> out;
        for (const fs::path& directory : outside_) { // a directory comes before what is in it
            if (out.empty() || !is_in(directory, out.back())) out.push_back(directory);
        }
        return out;
    }

private:
    void visit(const fs::path& directory)
    {
        if (!seen_.insert(directory).second) return;
        const auto manifest = read_toml(directory / "Cargo.toml");
        if (!manifest) return;
        take_dependencies(*manifest, directory);
        if (const toml::table* const targets = (*manifest)["target"].as_table()) {
            for (const auto& [name, target] : *targets) {
                if (target.is_table()) take_dependencies(*target.as_table(), directory);
            }
        }
        if (const toml::table* const sources = (*manifest)["patch"].as_table()) {
            for (const auto& [name, source] : *sources) {
                take_list(source.as_table(), directory);
            }
        }
        const toml::table* const workspace = (*manifest)["workspace"].as_table();
        if (workspace == nullptr) return;
        take_list((*workspace)["dependencies"].as_table(), directory);
        if (directory != root_) return; // of others only what is named is built
        for (const fs::path& member : member_manifests(directory, *workspace)) {
            note(member.parent_path());
        }
    }

    void take_dependencies(const toml::table& table, const fs::path& directory)
    {
        constexpr std::array<std::string_view, 5> lists{
            "dependencies",
            "dev-dependencies",
            "build-dependencies",
            "dev_dependencies",
            "build_dependencies"};
        for (const std::string_view list : lists) {
            take_list(table[list].as_table(), directory);
        }
    }

    void take_list(const toml::table* list, const fs::path& directory)
    {
        if (list == nullptr) return;
        for (const auto& [name, dependency] : *list) {
            const toml::table* const options = dependency.as_table();
            if (options == nullptr) continue;
            const std::string path = (*options)["path"].value_or(std::string());
            if (!path.empty()) note(directory / path);
        }
    }

    void note(const fs::path& place)
    {
        std::error_code failed;
        const fs::path package = fs::canonical(place, failed);
        if (failed || !fs::is_regular_file(package / "Cargo.toml", failed)) return;
        left_.insert(package);
        if (is_in(package, root_)) return;
        const fs::path around = cargo_root(package).value_or(package);
        const bool whole = !is_in(root_, around) && around != home_ && check_workspace(around);
        const fs::path& chosen = whole ? around : package;
        if (chosen == home_ || !check_workspace(chosen)) return;
        outside_.insert(chosen);
        if (whole) left_.insert(around);
    }

    fs::path root_;
    fs::path home_;
    std::set<fs::path> seen_;
    std::set<fs::path> left_;
    std::set<fs::path> outside_;
};

PathDependencies all_dependencies(const fs::path& root, const fs::path& home)
{
    std::error_code ignored;
    PathDependencies all(root, fs::weakly_canonical(home, ignored));
    all.look();
    return all;
}

} // namespace

std::vector<fs::path> path_dependencies_outside(const fs::path& root, const fs::path& home)
{
    return all_dependencies(root, home).outside();
}

std::vector<fs::path> packages_of(const fs::path& root, const fs::path& home)
{
    return all_dependencies(root, home).packages();
}

} // namespace slipway::core
