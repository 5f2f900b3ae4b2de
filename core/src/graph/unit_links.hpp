#pragma once

#include <slipway/core/unit_file.hpp>

namespace slipway::core {

/// Looks at units together, which were read well alone: completes their `deps` by what others make
/// of their inputs. Errors: invalid_argument (see read_unit_file).
Result<> link_units(UnitFile& file);

} // namespace slipway::core
