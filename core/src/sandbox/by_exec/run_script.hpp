#pragma once

#include "sandbox/by_exec/sandbox.hpp"

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <memory>
#include <string>
#include <vector>

namespace slipway::core::by_exec {

/// Runs a shell's script in the sandbox as its user; the words are its $1, $2, ... Streams are
/// borrowed, and none is as good as an empty one.
///
/// Errors: with the script's first line on stderr: not_found (its exit code is 3), invalid_argument
///   (4), engine (any other but 0); those of Lease::run.
Task<> run_script(
    std::shared_ptr<Sandbox> sandbox,
    std::string script,
    std::vector<std::string> words,
    engine::ByteSource* in = nullptr,
    engine::ByteSink* out = nullptr
);

} // namespace slipway::core::by_exec
