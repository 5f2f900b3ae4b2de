#pragma once

#include <slipway/core/unit_file.hpp>

#include <string_view>

namespace slipway::core {

/// What `read_unit_file` makes of the bytes of `file`, which is not read. Errors: invalid_argument.
Result<UnitFile> parse_unit_file(
    std::string_view text, const std::filesystem::path& file, const UnitVariables& variables
);

} // namespace slipway::core
