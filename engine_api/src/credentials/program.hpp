#pragma once

#include <slipway/engine/result.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>

namespace slipway::engine::credentials {

/// The most that a program may write to stdout, and what is kept of its stderr.
inline constexpr std::size_t max_answer_bytes = std::size_t{1} << 20;
inline constexpr std::size_t kept_complaint_bytes = 4096;

/// The most that a program can be given: what fits into a pipe without anybody reading.
inline constexpr std::size_t max_input_bytes = 4096;

struct ProgramEnd {
    int exit_code = 0; ///< 128 + n when signal n ended it
    std::string out;
    std::string err; ///< its beginning
};

/// Runs `file` with one argument and `input` on stdin, to its end. Nothing of this process but its
/// environment is inherited. The program stands in a session of its own, without a terminal, whose
/// process group is killed when `deadline` is over or the task is cancelled; it is always waited
/// for. SIGCHLD is not touched.
///
/// Errors: those of starting it (not_found, permission_denied, io), timed_out, protocol (it writes
///   too much), invalid_argument (`input` is too long), cancelled.
Task<ProgramEnd> run_program(
    std::filesystem::path file,
    std::string argument,
    std::string input,
    std::chrono::milliseconds deadline
);

} // namespace slipway::engine::credentials
