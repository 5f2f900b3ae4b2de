#pragma once

#include <slipway/core/cross_config.hpp>
#include <slipway/core/image_build.hpp>
#include <slipway/core/manifest.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <map>
#include <string>

namespace slipway::core {

/// An image of the project's own Dockerfile, and all that goes into it.
struct DockerfileImage {
    /// "slipway/<target>-dockerfile:<12 hex digits>". The digits stand for the Dockerfile, its
    /// arguments and every file that it may copy: whatever changes one of them gives another image.
    std::string name;
    std::string label; ///< "<target>-dockerfile"
    std::string text;
    std::string origin;            ///< what people call it: a path
    std::string file;              ///< path in the context that the engine gets
    std::filesystem::path context; ///< empty: nothing is copied from it
    EntryFilter keep;              ///< what of the context goes there
    std::map<std::string, std::string> args;
    bool needs_own_image = false; ///< it starts from Slipway's image of the target
};

/// Reads what `config.dockerfile`, which must be there, takes from its context. It has the
/// arguments of the configuration and, if it names them, CROSS_DEB_ARCH and CROSS_BASE_IMAGE: the
/// configured image, else `own_image`, the reference of Slipway's image of the target.
///
/// The files are those that COPY and ADD name, without what `.dockerignore` names and directories
/// that a CACHEDIR.TAG marks.
///
/// Errors: invalid_argument (of .dockerignore, with its line), those of TarSource::read.
Task<DockerfileImage> plan_dockerfile_image(CrossConfig config, std::string own_image);

/// Whether the configured Dockerfile uses $CROSS_BASE_IMAGE and that is Slipway's image of the
/// target.
bool starts_from_own_image(const CrossConfig& config);

/// Builds it when the engine does not have it. `choice` gives environment and proxies; its target
/// and base are not used. Errors: those of build_image.
Task<std::string> ensure_dockerfile_image(
    engine::Client client, DockerfileImage image, BuildChoice choice, OnImageEvent on_event
);

} // namespace slipway::core
