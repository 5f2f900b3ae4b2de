#pragma once

#include "recipe/cross_settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace slipway::core {

/// The crates of the standard library that the key build-std and its variables ask for; none: those
/// that cargo takes by itself. Nothing when they do not ask for it.
/// Errors: invalid_argument (no name of a crate).
Result<std::optional<std::vector<std::string>>> read_build_std(const CrossSettings& settings);

/// Whether cargo's arguments have -Zbuild-std.
bool asks_for_build_std(const std::vector<std::string>& args);

/// Puts "-Zbuild-std" with the crates behind the subcommand in the arguments of cargo, if that
/// compiles and they have no such option yet.
void add_build_std(std::vector<std::string>& args, const std::vector<std::string>& crates);

} // namespace slipway::core
