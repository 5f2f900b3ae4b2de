#pragma once

#include <slipway/engine/result.hpp>

namespace slipway::cli {

/// What the process tells its caller. An interrupted one gives 128 + the signal's number.
namespace exit_code {
inline constexpr int success = 0;
inline constexpr int failed = 1;             ///< a step, or the engine, failed
inline constexpr int usage = 2;              ///< wrong arguments or configuration
inline constexpr int engine_unreachable = 3; ///< no engine answers
inline constexpr int interrupted = 130;
inline constexpr int bug = 70;
} // namespace exit_code

/// The exit code that belongs to an error.
inline int exit_code_of(const Error& error) noexcept
{
    switch (error.code) {
    case Errc::unreachable:
        return exit_code::engine_unreachable;
    case Errc::cancelled:
        return exit_code::interrupted;
    case Errc::internal:
        return exit_code::bug;
    case Errc::invalid_argument:
    case Errc::not_found:
    case Errc::unsupported:
        // The same kinds from the engine concern its objects, not our arguments.
        return error.answer ? exit_code::failed : exit_code::usage;
    default:
        return exit_code::failed;
    }
}

} // namespace slipway::cli
