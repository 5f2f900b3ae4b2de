#pragma once

#include <slipway/engine/traits.hpp>

#include <string_view>

namespace slipway::test {

/// The name of a trait that is true or false. A trait that the list does not have is a bug of the
/// tests, and throws.
std::string_view name_of(bool engine::Traits::*trait);

} // namespace slipway::test
