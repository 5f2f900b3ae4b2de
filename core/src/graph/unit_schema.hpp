#pragma once

#include <slipway/core/unit_file.hpp>

#include <toml++/toml.h>

namespace slipway::core {

/// The units and toolchains of a parsed file, each looked at alone: every key is known and has a
/// value of its type that makes sense, `{target}` and `{profile}` have their values. Errors:
/// invalid_argument.
Result<UnitFile> units_of(
    const toml::table& root, const std::filesystem::path& file, const UnitVariables& variables
);

} // namespace slipway::core
