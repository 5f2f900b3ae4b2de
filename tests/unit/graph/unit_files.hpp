#pragma once

#include "graph/parse_unit_file.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::test {

inline Result<core::UnitFile>
parsed(std::string_view text, const core::UnitVariables& variables = {"arm64", "debug"})
{
    return core::parse_unit_file(text, "slipway.toml", variables);
}

/// What a file is refused with, the hint behind a bar; as a user reads it.
inline std::string refusal(const Result<core::UnitFile>& file)
{
    if (file) return "accepted";
    CHECK(file.error().code == Errc::invalid_argument);
    CHECK(file.error().context.empty());
    return file.error().message + " | " + file.error().hint;
}

/// A text and what it is refused with.
struct Mistake {
    std::string_view text;
    std::string_view refusal;
};

/// Each text stands behind one line with a toolchain, so that its first line is the second one.
inline void check_mistakes(const std::vector<Mistake>& rows)
{
    for (const Mistake& row : rows) {
        CAPTURE(row.text);
        CHECK(
            refusal(parsed("toolchain.cc.image = 'debian'\n" + std::string(row.text)))
            == row.refusal
        );
    }
}

inline std::vector<std::string> texts(const std::vector<core::UnitPath>& paths)
{
    std::vector<std::string> out;
    for (const core::UnitPath& path : paths) {
        out.push_back(path.text);
    }
    return out;
}

/// "gen 4:11": a name and where it comes from.
inline std::vector<std::string> placed(const std::vector<core::UnitPath>& paths)
{
    std::vector<std::string> out;
    for (const core::UnitPath& path : paths) {
        out.push_back(
            path.text + " " + std::to_string(path.place.line) + ":"
            + std::to_string(path.place.column)
        );
    }
    return out;
}

} // namespace slipway::test
