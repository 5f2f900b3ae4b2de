#pragma once

#include <slipway/core/unit_file.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace slipway::core {

/// What was read from `text` with these variables, to be read again in a fraction of the time.
std::string
encode_unit_notes(const UnitFile& file, std::string_view text, const UnitVariables& variables);

/// Nothing when the notes are of another text, other variables, a file of another name or another
/// version, or damaged.
std::optional<UnitFile> decode_unit_notes(
    std::string_view notes,
    std::string_view text,
    const std::filesystem::path& file,
    const UnitVariables& variables
);

} // namespace slipway::core
