#pragma once

#include "images/builder_choice.hpp"

#include <slipway/core/image_build.hpp>
#include <slipway/engine/build.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/client.hpp>

#include <memory>
#include <string>

namespace slipway::core {

/// A build and what people are told of it.
struct Building {
    std::shared_ptr<engine::ByteSource> context;
    engine::BuildSpec spec; ///< but for builder and credentials; has one tag
    WhatToBuild what;
    std::string origin;       ///< what people call the Dockerfile
    std::string base;         ///< what the variable BASE stands for
    std::string hint_of_step; ///< for a step that fails
    std::string hint_of_copy; ///< for one that finds no file
};

/// Builds it and returns its tag. Errors: those of build_image.
Task<std::string> run_building(engine::Client client, Building building, OnImageEvent on_event);

/// What to do about an image that the engine cannot have.
std::string hint_of_image(const NeededImage& image, const std::string& origin);

} // namespace slipway::core
