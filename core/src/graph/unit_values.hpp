#pragma once

#include "graph/unit_paths.hpp"

#include <slipway/core/unit_file.hpp>

#include <toml++/toml.h>

#include <span>

namespace slipway::core {

FilePlace place_in_file(const toml::source_region& source) noexcept;

/// Values of a unit file, and their errors. Each function checks a value's type first; `key` is
/// how an error calls it behind the table's name.
class UnitValues {
public:
    UnitValues(const std::filesystem::path& file, const UnitVariables& variables);

    /// What is read from now on stands in this table: "unit.main".
    void enter(std::string_view kind, std::string_view name);

    Result<> text(const toml::node& node, std::string_view key, std::string& out) const;
    Result<>
    texts(const toml::node& node, std::string_view key, std::vector<std::string>& out) const;
    Result<> flag(const toml::node& node, std::string_view key, bool& out) const;
    Result<>
    path(const toml::node& node, std::string_view key, UnitPathRole role, UnitPath& out) const;
    Result<> paths(
        const toml::node& node, std::string_view key, UnitPathRole role, std::vector<UnitPath>& out
    ) const;
    /// Texts with their places.
    Result<> names(const toml::node& node, std::string_view key, std::vector<UnitPath>& out) const;
    Result<> memory(const toml::node& node, std::string_view key, std::int64_t& out) const;
    Result<> cpus(const toml::node& node, std::string_view key, double& out) const;
    /// A name by `is_unit_name`; `kind` is what it is of.
    Result<>
    check_name(std::string_view kind, std::string_view name, const toml::source_region& at) const;
    Result<>
    deadline(const toml::node& node, std::string_view key, std::chrono::milliseconds& out) const;

    /// "write TYPE" is the hint.
    Result<> wrong_type(const toml::node& node, std::string_view key, std::string_view type) const;
    Result<> unknown_key(
        const toml::key& key, std::string_view in, std::span<const std::string_view> known
    ) const;
    /// "unit.main.inputs: what"
    Result<> wrong_value(
        const toml::node& node, std::string_view key, std::string_view what, std::string hint
    ) const;
    /// "unit.main.inputs has an integer in it"
    Result<> wrong_item(const toml::node& node, std::string_view key, std::string_view type) const;
    /// "unit.main.WHAT": `what` begins with a key.
    Result<>
    wrong_key(const toml::source_region& at, std::string_view what, std::string hint) const;
    /// "unit.main WHAT"
    Result<>
    wrong_table(const toml::source_region& at, std::string_view what, std::string hint) const;

private:
    Result<> item(
        const toml::node& node, std::string_view key, std::string_view type, std::string& out
    ) const;
    Result<> expand(const toml::node& node, std::string_view key, std::string& text) const;
    std::string label(std::string_view key) const;

    const std::filesystem::path* file_;
    const UnitVariables* variables_;
    std::string file_name_;
    std::string_view kind_;
    std::string_view name_;
};

} // namespace slipway::core
