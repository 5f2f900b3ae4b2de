#include "graph/unit_keys.hpp"

#include "graph/unit_text.hpp"

#include <algorithm>
#include <array>

namespace slipway::core {
namespace {

constexpr std::string_view command_or_script =
    "write command = [\"PROGRAM\", ...], or script = \"...\" for sh";
constexpr std::string_view caches_form =
    "an array of tables: [{ name = \"ccache\", path = \"/ccache\" }]";
constexpr std::string_view cache_place = "a cache has a place in the sandbox, as in /ccache";
constexpr std::string_view own_cache_place = "give each cache a place of its own";
constexpr std::string_view leave_one_out = "leave one of them out";

bool is_variable_name(std::string_view name)
{
    return !name.empty() && name.find('=') == std::string_view::npos
           && name.find('\0') == std::string_view::npos;
}

bool is_or_is_in(std::string_view path, std::string_view above)
{
    return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

} // namespace

struct UnitKeys::Known {
    std::string_view name;
    Result<> (UnitKeys::*read)(const toml::node&);
};

const UnitKeys::Known UnitKeys::known_keys[]{
    {"caches", &UnitKeys::caches},
    {"command", &UnitKeys::command},
    {"cpus", &UnitKeys::cpus},
    {"deadline", &UnitKeys::deadline},
    {"depfile", &UnitKeys::depfile},
    {"deps", &UnitKeys::deps},
    {"discover", &UnitKeys::discover},
    {"env", &UnitKeys::env},
    {"inputs", &UnitKeys::inputs},
    {"inputs_from", &UnitKeys::inputs_from},
    {"memory", &UnitKeys::memory},
    {"network", &UnitKeys::network},
    {"outputs", &UnitKeys::outputs},
    {"pass_env", &UnitKeys::pass_env},
    {"scratch", &UnitKeys::scratch},
    {"script", &UnitKeys::script},
    {"toolchain", &UnitKeys::toolchain},
};

Result<> UnitKeys::read(const toml::key& name, const toml::table& table)
{
    for (const auto& [key, value] : table) {
        const auto* const known = std::ranges::find(known_keys, key.str(), &Known::name);
        if (known == std::end(known_keys)) {
            std::array<std::string_view, std::size(known_keys)> names;
            std::ranges::transform(known_keys, names.begin(), &Known::name);
            return values_->unknown_key(key, "", names);
        }
        CHECK_OK((this->*known->read)(value));
    }
    if (unit_->command.empty()) {
        return values_->wrong_table(
            name.source(), "has no command", std::string(command_or_script)
        );
    }
    return env_and_pass_env(table);
}

Result<> UnitKeys::command(const toml::node& node)
{
    CHECK_OK(values_->texts(node, "command", unit_->command));
    if (unit_->command.empty()) return no_command(node, "command is empty");
    if (!unit_->command.front().empty()) return ok();
    return no_command(
        node.as_array()->front(), "command has no program: its first string is empty"
    );
}

// A table gives its keys sorted: `command` comes before.
Result<> UnitKeys::script(const toml::node& node)
{
    std::string text;
    CHECK_OK(values_->text(node, "script", text));
    if (!unit_->command.empty()) {
        return values_->wrong_table(
            node.source(), "has both command and script", std::string(leave_one_out)
        );
    }
    if (text.find_first_not_of(" \t\r\n") == std::string::npos)
        return no_command(node, "script is empty");
    unit_->command = {"sh", "-euc", std::move(text)};
    return ok();
}

Result<> UnitKeys::no_command(const toml::node& node, std::string_view what) const
{
    return values_->wrong_key(node.source(), what, std::string(command_or_script));
}

Result<> UnitKeys::toolchain(const toml::node& node)
{
    return values_->text(node, "toolchain", unit_->toolchain);
}

Result<> UnitKeys::inputs(const toml::node& node)
{
    return values_->paths(node, "inputs", UnitPathRole::input, unit_->inputs);
}

Result<> UnitKeys::discover(const toml::node& node)
{
    return values_->paths(node, "discover", UnitPathRole::input, unit_->discover);
}

Result<> UnitKeys::depfile(const toml::node& node)
{
    return values_->path(node, "depfile", UnitPathRole::depfile, unit_->depfile.emplace());
}

Result<> UnitKeys::inputs_from(const toml::node& node)
{
    return values_->paths(node, "inputs_from", UnitPathRole::list, unit_->inputs_from);
}

Result<> UnitKeys::outputs(const toml::node& node)
{
    return values_->paths(node, "outputs", UnitPathRole::output, unit_->outputs);
}

Result<> UnitKeys::scratch(const toml::node& node)
{
    return values_->paths(node, "scratch", UnitPathRole::scratch, unit_->scratch);
}

Result<> UnitKeys::deps(const toml::node& node)
{
    return values_->names(node, "deps", unit_->deps);
}

Result<> UnitKeys::env(const toml::node& node)
{
    if (!node.is_table()) return values_->wrong_type(node, "env", "a table of strings");
    for (const auto& [key, value] : *node.as_table()) {
        CHECK_OK(variable("env", key.str(), key.source()));
        CHECK_OK(values_->text(value, "env." + brief(key.str()), unit_->env[std::string(key.str())])
        );
    }
    return ok();
}

Result<> UnitKeys::pass_env(const toml::node& node)
{
    CHECK_OK(values_->texts(node, "pass_env", unit_->pass_env));
    auto name = unit_->pass_env.begin();
    for (const toml::node& one : *node.as_array()) {
        CHECK_OK(variable("pass_env", *name++, one.source()));
    }
    return ok();
}

Result<>
UnitKeys::variable(std::string_view key, std::string_view name, const toml::source_region& at) const
{
    if (is_variable_name(name)) return ok();
    return values_->wrong_key(
        at,
        std::string(key) + ": " + in_quotes(name) + " is no name of a variable",
        "a name is not empty and has no ="
    );
}

Result<> UnitKeys::env_and_pass_env(const toml::table& table) const
{
    if (unit_->env.empty() || unit_->pass_env.empty()) return ok();
    auto name = unit_->pass_env.begin();
    for (const toml::node& one : *table.get("pass_env")->as_array()) {
        const std::string& passed = *name++;
        if (!unit_->env.contains(passed)) continue;
        return values_->wrong_table(
            one.source(),
            "has " + brief(passed) + " both in env and in pass_env",
            std::string(leave_one_out)
        );
    }
    return ok();
}

Result<> UnitKeys::network(const toml::node& node)
{
    std::string& network = unit_->network;
    CHECK_OK(values_->text(node, "network", network));
    if (network == "none" || network == "engine") return ok();
    return values_->wrong_value(
        node, "network", in_quotes(network) + " is not known", "write \"none\" or \"engine\""
    );
}

Result<> UnitKeys::caches(const toml::node& node)
{
    if (!node.is_array()) return values_->wrong_type(node, "caches", caches_form);
    for (const toml::node& one : *node.as_array()) {
        CHECK_OK(cache(one));
    }
    return ok();
}

Result<> UnitKeys::cache(const toml::node& node)
{
    static constexpr std::array<std::string_view, 3> known{"locked", "name", "path"};
    if (!node.is_table()) return values_->wrong_item(node, "caches", caches_form);
    UnitCache cache;
    const toml::table& table = *node.as_table();
    for (const auto& [key, value] : table) {
        if (key.str() == "locked") {
            CHECK_OK(values_->flag(value, "caches.locked", cache.locked));
        } else if (key.str() == "name") {
            CHECK_OK(values_->text(value, "caches.name", cache.name));
        } else if (key.str() == "path") {
            CHECK_OK(values_->text(value, "caches.path", cache.path));
        } else {
            return values_->unknown_key(key, "caches", known);
        }
    }
    for (const std::string_view needed : {known[1], known[2]}) {
        if (table.contains(needed)) continue;
        return values_->wrong_key(
            node.source(),
            "caches has a cache without " + std::string(needed),
            "write " + std::string(caches_form)
        );
    }
    CHECK_OK(check_cache(table, cache));
    unit_->caches.push_back(std::move(cache));
    return ok();
}

Result<> UnitKeys::check_cache(const toml::table& table, const UnitCache& cache) const
{
    CHECK_OK(values_->check_name("cache", cache.name, table.get("name")->source()));
    const toml::node& path = *table.get("path");
    if (auto mistake = check_absolute_path(cache.path)) {
        if (mistake->hint.empty()) mistake->hint = cache_place;
        return values_->wrong_value(path, "caches", mistake->what, std::move(mistake->hint));
    }
    for (const UnitCache& other : unit_->caches) {
        std::string what;
        if (other.name == cache.name) {
            what = "caches has " + in_quotes(cache.name) + " twice";
        } else if (is_or_is_in(cache.path, other.path)) {
            what = "caches: " + in_quotes(cache.path) + " is below " + in_quotes(other.path);
        } else if (is_or_is_in(other.path, cache.path)) {
            what = "caches: " + in_quotes(cache.path) + " is above " + in_quotes(other.path);
        }
        if (what.empty()) continue;
        if (other.path == cache.path) what = "caches has " + in_quotes(cache.path) + " twice";
        return values_->wrong_key(table.source(), what, std::string(own_cache_place));
    }
    return ok();
}

Result<> UnitKeys::cpus(const toml::node& node)
{
    return values_->cpus(node, "cpus", unit_->cpus);
}

Result<> UnitKeys::memory(const toml::node& node)
{
    return values_->memory(node, "memory", unit_->memory_bytes);
}

Result<> UnitKeys::deadline(const toml::node& node)
{
    return values_->deadline(node, "deadline", unit_->deadline);
}

} // namespace slipway::core
