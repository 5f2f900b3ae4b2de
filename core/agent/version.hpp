#pragma once

namespace slipway::agent {

/// What `welcome` and `slipway-agent version` say.
inline constexpr const char* build_text = "slipway-agent " SLIPWAY_VERSION;

} // namespace slipway::agent
