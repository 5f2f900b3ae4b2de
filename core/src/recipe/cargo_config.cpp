#include "recipe/cargo_config.hpp"

#include <toml++/toml.h>

#include <optional>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

// Cargo takes the name without the ending first, when both are there.
std::optional<fs::path> config_in(const fs::path& directory)
{
    std::error_code ignored;
    for (const char* const name : {"config", "config.toml"}) {
        const fs::path file = directory / ".cargo" / name;
        if (fs::is_regular_file(file, ignored)) return file;
    }
    return {};
}

std::vector<std::string> texts(const toml::node_view<const toml::node>& one_or_more)
{
    std::vector<std::string> out;
    if (const toml::array* const list = one_or_more.as_array()) {
        for (const toml::node& item : *list) {
            out.push_back(item.value_or(std::string()));
        }
    } else if (const auto one = one_or_more.value<std::string>()) {
        out.push_back(*one);
    }
    return out;
}

Error not_parsed(const fs::path& file, const toml::parse_error& mistake)
{
    const toml::source_position at = mistake.source().begin;
    std::string place = file.string();
    if (at.line > 0) { // none when the file cannot be read
        place += ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
    }
    Error error(Errc::invalid_argument, place + ": " + std::string(mistake.description()));
    error.context.push_back("reading cargo's configuration");
    error.hint = "correct this file, which cargo would refuse too";
    return error;
}

} // namespace

Result<CargoConfig> read_cargo_config(const fs::path& directory, const fs::path& root)
{
    CargoConfig config;
    const bool inside = !directory.lexically_relative(root).string().starts_with("..");
    for (fs::path at = inside ? directory : root;; at = at.parent_path()) {
        if (const auto file = config_in(at)) {
            const toml::parse_result parsed = toml::parse_file(file->string());
            if (!parsed) return fail(not_parsed(*file, parsed.error()));
            const toml::table& table = parsed.table();
            const toml::node_view<const toml::node> build = table["build"];
            if (config.targets.empty()) config.targets = texts(build["target"]);
            const std::string target_dir = build["target-dir"].value_or(std::string());
            if (config.target_dir.empty() && !target_dir.empty()) {
                config.target_dir = (at / target_dir).lexically_normal();
            }
        }
        if (at == root || at == at.parent_path()) return config;
    }
}

} // namespace slipway::core
