#pragma once

#include "graph/unit_values.hpp"

namespace slipway::core {

/// Reads the keys of one unit.
class UnitKeys {
public:
    /// `values` has entered the unit's table.
    UnitKeys(const UnitValues& values, Unit& unit) : values_(&values), unit_(&unit) {}

    /// All of `unit` but its name and place; `toolchain` may be any text, and `deps` are as they
    /// stand there. Errors: invalid_argument.
    Result<> read(const toml::key& name, const toml::table& table);

private:
    struct Known;
    static const Known known_keys[];

    Result<> command(const toml::node& node);
    Result<> script(const toml::node& node);
    Result<> no_command(const toml::node& node, std::string_view what) const;
    Result<> toolchain(const toml::node& node);
    Result<> inputs(const toml::node& node);
    Result<> discover(const toml::node& node);
    Result<> depfile(const toml::node& node);
    Result<> inputs_from(const toml::node& node);
    Result<> outputs(const toml::node& node);
    Result<> scratch(const toml::node& node);
    Result<> deps(const toml::node& node);
    Result<> env(const toml::node& node);
    Result<> pass_env(const toml::node& node);
    Result<>
    variable(std::string_view key, std::string_view name, const toml::source_region& at) const;
    Result<> env_and_pass_env(const toml::table& table) const;
    Result<> network(const toml::node& node);
    Result<> caches(const toml::node& node);
    Result<> cache(const toml::node& node);
    Result<> check_cache(const toml::table& table, const UnitCache& cache) const;
    Result<> cpus(const toml::node& node);
    Result<> memory(const toml::node& node);
    Result<> deadline(const toml::node& node);

    const UnitValues* values_;
    Unit* unit_;
};

} // namespace slipway::core
