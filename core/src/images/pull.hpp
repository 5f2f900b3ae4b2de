#pragma once

#include "images/build_log.hpp"

#include <slipway/core/image_build.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/images.hpp>
#include <slipway/engine/progress.hpp>

#include <string>

namespace slipway::core {

/// Reads a stream of messages to its end into a log. Both must outlive the task.
Task<> follow(engine::ProgressStream& stream, BuildLog& log);

/// Pulls an image, for `platform` unless that is empty, with the credentials that are found in
/// `environment`. Errors: those of ensure_pulled.
Task<> pull_image(
    engine::Client client,
    engine::Environment environment,
    std::string reference,
    std::string platform,
    OnImageEvent on_event
);

/// "linux/arm64/v8".
std::string platform_of(const engine::ImageInfo& image);

/// Whether `has`, which may name more than `wanted`, serves for it. What an imported image leaves
/// open fits.
bool fits_platform(const std::string& has, const std::string& wanted);

/// The registry may have refused for want of credentials. The Hub says "denied" to whom it does not
/// know, also of what does not exist.
bool may_want_login(const Error& error);

/// What to do when the engine could not speak to the registry of `reference` as it wanted: it does
/// not trust the certificate, or there is no TLS at all. Empty: the error is about something else.
std::string hint_of_tls(const Error& error, const std::string& reference, engine::EngineKind kind);

} // namespace slipway::core
