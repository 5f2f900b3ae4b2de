#include "recipe/cargo_config.hpp"

#include "path_inside.hpp"
#include "recipe/cargo_home.hpp"
#include "recipe/toml_file.hpp"

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

void take_registries(CargoConfig& config, const toml::table& table)
{
    const toml::node_view<const toml::node> all = table["registries"];
    if (const toml::table* const registries = all.as_table()) {
        for (const auto& [name, registry] : *registries) {
            const std::string index = all[name.str()]["index"].value_or(std::string());
            if (!index.empty()) config.registries.emplace(registry_key(name.str()), index);
        }
    }
    if (config.default_registry.empty()) {
        config.default_registry = table["registry"]["default"].value_or(std::string());
    }
    const toml::node_view<const toml::node> sources = table["source"];
    if (const toml::table* const named = sources.as_table()) {
        for (const auto& [name, source] : *named) {
            const toml::node_view<const toml::node> one = sources[name.str()];
            const std::string stand_in = one["replace-with"].value_or(std::string());
            const std::string index = one["registry"].value_or(std::string());
            if (!stand_in.empty()) config.stand_ins.push_back(stand_in);
            if (!index.empty()) config.sources.emplace(name.str(), index);
        }
    }
}

Error not_read(Error error)
{
    error.context.emplace_back("reading cargo's configuration");
    error.hint = "correct this file, which cargo would refuse too";
    return error;
}

} // namespace

Result<CargoConfig> read_cargo_config(const fs::path& directory, const fs::path& root)
{
    CargoConfig config;
    for (fs::path at = is_in(directory, root) ? directory : root;; at = at.parent_path()) {
        if (const auto file = config_in(at)) {
            auto parsed = read_toml(*file);
            if (!parsed) return fail(not_read(std::move(parsed).error()));
            const toml::table& table = *parsed;
            const toml::node_view<const toml::node> build = table["build"];
            if (config.targets.empty()) config.targets = texts(build["target"]);
            const toml::node_view<const toml::node> crates = table["unstable"]["build-std"];
            const bool named = crates.is_array() ? !crates.as_array()->empty() : bool(crates);
            config.builds_std = config.builds_std || (named && crates.value_or(true));
            take_registries(config, table);
            if (!config.offline) config.offline = table["net"]["offline"].value<bool>();
            const std::string target_dir = build["target-dir"].value_or(std::string());
            if (config.target_dir.empty() && !target_dir.empty()) {
                config.target_dir = (at / target_dir).lexically_normal();
            }
        }
        if (at == root || at == at.parent_path()) return config;
    }
}

} // namespace slipway::core
