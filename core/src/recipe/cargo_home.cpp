#include "recipe/cargo_home.hpp"

#include "recipe/toml_file.hpp"

#include <optional>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

tl::unexpected<Error> refused_in_home(const toml::node& node, const std::string& what)
{
    Error error(Errc::invalid_argument, place_of(node.source()) + ": " + what);
    error.hint = "correct this file, which cargo would refuse too";
    return fail(std::move(error));
}

// Nothing when it is not there.
Result<std::string>
text_in(const toml::table& table, std::string_view name, const std::string& path)
{
    const toml::node* const node = table.get(name);
    if (node == nullptr) return std::string();
    const auto text = node->value_exact<std::string>();
    if (!text) return refused_in_home(*node, path + "." + std::string(name) + " is no text");
    return *text;
}

Result<const toml::table*> table_in(const toml::table& table, std::string_view name)
{
    const toml::node* const node = table.get(name);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) return refused_in_home(*node, std::string(name) + " is no table");
    return node->as_table();
}

Result<> take_registry(CargoHome& home, const std::string& name, const toml::table& table)
{
    const std::string path = "registries." + name;
    const std::string key = registry_key(name);
    TRY(const std::string index, text_in(table, "index", path));
    TRY(const std::string token, text_in(table, "token", path));
    if (!token.empty()) home.tokens.emplace(key, token);
    if (index.empty()) return ok();
    const toml::node& node = *table.get("index");
    const auto [known, is_new] =
        home.registries.emplace(key, CargoHome::Registry{name, index, place_of(node.source())});
    if (is_new || known->second.name == name) return ok(); // as the file before says
    return refused_in_home(
        node,
        path + " and registries." + known->second.name
            + " are one name in the variables by which cargo is told of them"
    );
}

Result<> take_file(CargoHome& home, const toml::table& file)
{
    TRY(const toml::table* const registries, table_in(file, "registries"));
    if (registries != nullptr) {
        for (const auto& [name, node] : *registries) {
            const std::string path = "registries." + std::string(name.str());
            if (!node.is_table()) return refused_in_home(node, path + " is no table");
            CHECK_OK(take_registry(home, std::string(name.str()), *node.as_table()));
        }
    }
    TRY(const toml::table* const registry, table_in(file, "registry"));
    if (registry == nullptr || !home.default_registry.empty()) return ok();
    TRY(home.default_registry, text_in(*registry, "default", "registry"));
    return ok();
}

std::optional<fs::path> file_in(const fs::path& directory, const std::string& name)
{
    std::error_code ignored;
    for (const std::string& one : {name, name + ".toml"}) {
        if (fs::exists(directory / one, ignored)) return directory / one;
    }
    return {};
}

} // namespace

std::string registry_key(std::string_view name)
{
    std::string key(name);
    for (char& letter : key) {
        if (letter == '-') letter = '_';
        if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    }
    return key;
}

Result<CargoHome> read_cargo_home(const fs::path& directory)
{
    CargoHome home;
    for (const char* const name : {"credentials", "config"}) { // a token of the first one wins
        const auto file = file_in(directory, name);
        if (!file) continue;
        auto parsed = read_toml(*file, TomlMistakes::placed);
        if (!parsed) {
            parsed.error().context.emplace_back("reading cargo's configuration");
            return fail(std::move(parsed).error());
        }
        CHECK_OK(take_file(home, *parsed));
    }
    return home;
}

} // namespace slipway::core
