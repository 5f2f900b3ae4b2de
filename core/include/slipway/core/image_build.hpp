#pragma once

#include <slipway/core/image_catalog.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/credentials.hpp>
#include <slipway/engine/proxies.hpp>
#include <slipway/engine/result.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace slipway::core {

/// Something that happened in a build or a pull, for a person to see.
struct ImageEvent {
    enum class Kind {
        step,   ///< a step of the Dockerfile begins; `text` is its instruction
        output, ///< a line that the step wrote, without its line end
        note,   ///< a line of the engine about its own doings ("Using cache")
        pull,   ///< the engine fetches an image: "Downloading 3f4a1b: 12 MB of 80 MB"
        done,   ///< the step came to its end
        failed, ///< this is the step that the build failed in, if it was one; comes last
    };
    Kind kind = Kind::note;
    std::string text;
    /// The step that this is about; no two of a build have the same. "host 2/3" is the second of
    /// three in the stage `host`, whoever builds, and "2/3" that of the only stage; a step that is
    /// not in the Dockerfile, but in its base image, has its builder's own numbers. BuildKit has
    /// several steps under way at once.
    std::string place;
};
/// Called on the thread of the task.
using OnImageEvent = std::function<void(const ImageEvent&)>;

struct BuildChoice {
    std::string target;    ///< a target of the catalog
    std::string base;      ///< the image to start from; empty: the catalog's
    bool no_cache = false; ///< run every step anew
    /// For the hint when the engine lacks the base: how the caller lets people name another one, as
    /// "name one that it has with --base IMAGE". Empty: it does not.
    std::string how_to_choose_base{};
    /// Where the credentials are for the registries of the images that the target needs; those of
    /// other registries are not sent, and their helpers not asked.
    engine::Environment environment{};
    engine::Proxies proxies{}; ///< for the steps; see engine::add_proxies
};

/// Whether the catalog can build that. Errors: invalid_argument (no such target: the hint has them;
/// a base for a Dockerfile without `ARG BASE`, or one that is no reference).
Result<> check_choice(const ImageCatalog& catalog, const BuildChoice& choice);

/// Builds the image of a target and returns its reference. The context holds the Dockerfile and
/// nothing else, so a COPY from the context finds no file. The image has the label
/// org.slipway.target, and not our owner label: a container of the user's would inherit it and pass
/// for one of ours.
///
/// BuildKit builds where the engine has it; the images that the target needs are pulled before,
/// because it gets no session to ask for credentials. The classic builder (on podman: buildah)
/// builds elsewhere, and where BuildKit lacks something that the Dockerfile can do without: the
/// image of a `# syntax=` line that cannot be had, or a base for another platform than the
/// engine's. A note says so.
///
/// Cancelling closes the connection. dockerd stops the build then and removes its container; podman
/// 4.3 ends the step it is at first, and leaves neither container nor image
/// (Traits::build_survives_disconnect).
///
/// Errors: those of check_choice, unauthorized (a registry wants credentials, or other ones: the
/// hint says where they were looked for), engine (a step failed: the message says which and with
/// what exit code), unsupported (it needs BuildKit, which cannot do it), those of
///   engine::Images::pull, engine::Builds and engine::ProgressStream.
/// API: POST /build, 1.29+.
Task<std::string>
build_image(engine::Client client, ImageCatalog catalog, BuildChoice choice, OnImageEvent on_event);

/// The reference of a target's image, which is built when the engine does not have it.
/// Errors: those of engine::Images::inspect and build_image.
Task<std::string> ensure_image(
    engine::Client client, ImageCatalog catalog, BuildChoice choice, OnImageEvent on_event
);

/// Makes sure that the engine has the image `reference`, for `platform` unless that is empty, which
/// is pulled when it does not, with the
/// credentials that engine::find_credentials finds in `environment`.
/// Errors: those of engine::Images::pull and engine::ProgressStream; the hint of unauthorized says
/// where credentials were looked for.
Task<> ensure_pulled(
    engine::Client client,
    engine::Environment environment,
    std::string reference,
    OnImageEvent on_event,
    std::string platform = {}
);

/// Makes sure that an image of the engine's is for `platform`: podman 4 would run another one, too.
/// Errors: unsupported, those of engine::Images::inspect.
Task<> check_platform(engine::Client client, std::string reference, std::string platform);

} // namespace slipway::core
