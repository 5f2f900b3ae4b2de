#pragma once

#include <slipway/engine/result.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace slipway::core {

inline constexpr std::string_view to_read_advice =
    "make it readable for you, or keep it outside the workspace";
inline constexpr std::string_view to_write_advice =
    "you need the right to write there: see its owner and mode";

/// What is to be done about a file here that we may not touch; the engine's own refusals carry its
/// answer.
template <class T>
Result<T> advised(Result<T> result, const std::string& doing, std::string_view advice)
{
    if (!result && result.error().code == Errc::permission_denied && !result.error().answer
        && result.error().hint.empty()) {
        result.error().hint = advice;
    }
    return during(std::move(result), doing);
}

} // namespace slipway::core
