#pragma once

#include "images/build_needs.hpp"

#include <slipway/core/image_build.hpp>
#include <slipway/engine/build.hpp>
#include <slipway/engine/client.hpp>

#include <functional>
#include <string>

namespace slipway::core {

struct WhatToBuild {
    std::string dockerfile; ///< its text
    std::string target;     ///< stage; empty: the last
    BuildArgs args;
    engine::Environment environment; ///< where the credentials of registries are
    /// What to do when the engine lacks an image and cannot fetch it.
    std::function<std::string(const NeededImage& image)> hint_of_missing;
};

/// Decides who builds, and has the engine fetch what its BuildKit will need: that gets no session,
/// and without one it cannot ask for credentials.
///
/// Errors: unsupported (it needs BuildKit, and this one cannot do it), those of
///   engine::Images::pull.
Task<engine::Builder>
choose_builder(engine::Client client, WhatToBuild what, OnImageEvent on_event);

} // namespace slipway::core
