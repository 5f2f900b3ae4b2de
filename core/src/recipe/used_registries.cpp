#include "recipe/used_registries.hpp"

#include "recipe/cargo_home.hpp"
#include "recipe/path_dependencies.hpp"
#include "recipe/toml_file.hpp"

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

// In tables of dependencies, names are anybody's.
void take_dependency_registries(UsedRegistries& used, const toml::table& table, bool is_manifest)
{
    for (const auto& [key, node] : table) {
        const std::string_view name = key.str();
        if (is_manifest && (name == "package" || name == "metadata")) continue;
        const bool is_workspace = is_manifest && name == "workspace";
        if (node.is_table()) take_dependency_registries(used, *node.as_table(), is_workspace);
        const auto text = node.value<std::string>();
        if (text && name == "registry") used.keys.insert(registry_key(*text));
        if (text && name == "registry-index") used.indexes.insert(same_index(*text));
    }
}

void take_locked(UsedRegistries& used, const toml::table& lock)
{
    const toml::array* const packages = lock["package"].as_array();
    if (packages == nullptr) return;
    for (const toml::node& node : *packages) {
        const toml::table* const package = node.as_table();
        if (package == nullptr) continue;
        const std::string source = (*package)["source"].value_or(std::string());
        if (source.starts_with("registry+") || source.starts_with("sparse+")) {
            used.indexes.insert(same_index(source));
        }
    }
}

} // namespace

std::string same_index(std::string_view index)
{
    constexpr std::string_view of_lock = "registry+";
    constexpr std::string_view of_git = ".git";
    if (index.starts_with(of_lock)) index.remove_prefix(of_lock.size());
    while (index.ends_with('/')) {
        index.remove_suffix(1);
    }
    if (index.ends_with(of_git)) index.remove_suffix(of_git.size());
    return std::string(index);
}

UsedRegistries used_registries(const fs::path& root, const fs::path& home)
{
    UsedRegistries used;
    if (const auto lock = read_toml(root / "Cargo.lock")) take_locked(used, *lock);
    for (const fs::path& package : packages_of(root, home)) {
        const auto manifest = read_toml(package / "Cargo.toml");
        if (manifest) take_dependency_registries(used, *manifest, true);
    }
    return used;
}

} // namespace slipway::core
