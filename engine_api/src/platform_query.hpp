#pragma once

#include <slipway/engine/transport.hpp>

#include <string_view>

namespace slipway::engine {

/// Appends "os/arch[/variant]" as the JSON that all want but pull, import and build, where there is
/// any. Errors: invalid_argument (another form), unsupported (the API in use is older than `since`,
/// and would pass it over).
Result<> add_json_platform(
    Request& request, std::string_view platform, ApiVersion since, const Traits& traits
);

} // namespace slipway::engine
