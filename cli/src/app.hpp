#pragma once

#include "context.hpp"

#include <optional>

namespace slipway::cli {

/// Reads the command line into `context`: the global options and the command that was chosen.
/// Returns an exit code when there is nothing more to do: after --help and --version, which are
/// printed to stdout, and after a mistake, which is explained on stderr.
std::optional<int> parse(int argc, const char* const* argv, Context& context);

} // namespace slipway::cli
