#pragma once

#include "context.hpp"

#include <slipway/core/dockerfile_image.hpp>
#include <slipway/core/image_catalog.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/core/sandbox.hpp>
#include <slipway/engine/client.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace slipway::cli {

/// The image a job runs in: that of a target, or any other.
struct ImageChoice {
    std::string target;                          ///< a stage of the image file
    std::string image;                           ///< a reference; wins when it is set
    std::optional<core::ImageCatalog> catalog{}; ///< the image file; none: the built-in one
    /// Built first: it is `image`, or what `catalog` starts from.
    std::optional<core::DockerfileImage> dockerfile{};
    std::string own_target{}; ///< whose image of Slipway's that one may start from
    std::string platform{};   ///< what the image must be for; empty: any
    /// For the hint when the image lacks the program. Empty: there is nothing to say of this image.
    std::string without_program{};
};

/// "x86_64-unknown-linux-gnu" on an amd64 machine.
std::string host_target();

/// Where this process stands, without symlinks. Errors: not_found (it has been removed).
Result<std::filesystem::path> current_directory();

/// The reference of the image, which the engine may not have yet. Errors: invalid_argument (none
/// can be it, no such target).
Result<std::string> image_reference(const Context& context, const ImageChoice& choice);

/// Makes sure that the engine has the image and returns its reference: a target's image is built,
/// any other one pulled. Errors: those of the build or the pull; invalid_argument (no such target).
Task<std::string> provide_image(Context& context, engine::Client client, ImageChoice choice);

/// Whether a job failed before it began, as the engine does not have its image.
bool lacks_image(const Error& error);

/// What the variable SLIPWAY_AGENT says of slipway's agent in sandboxes.
enum class AgentUse {
    none,  ///< 0
    usual, ///< not set: where it could lately run, or nothing is known of it
    anew,  ///< 1: it is tried in each; see PoolOptions::agent_anew
};
/// Errors: invalid_argument (another value than 0 and 1).
Result<AgentUse> agent_use();

/// What the variables SLIPWAY_SANDBOX_IDLE (seconds) and SLIPWAY_AGENT ask for.
/// Errors: invalid_argument (a value that is none).
Result<core::PoolOptions> pool_options();

/// What is slipway's in the user's cache: $XDG_CACHE_HOME/slipway, else ~/.cache/slipway. Empty
/// where neither is known.
std::filesystem::path cache_directory(const Context& context);

/// Where it is noted what was seen of workspaces: Workspace::notes. Empty where there is no place
/// for it, which only costs time.
std::filesystem::path notes_directory(const Context& context);

/// Tells that another command has the workspace.
std::function<void()> tell_waiting(const Context& context);

/// Where a job runs.
enum class Container {
    fresh, ///< one of its own, removed afterwards
    warm,  ///< a sandbox of the pool
};

/// Connects this process's stdin, stdout and stderr (or its terminal) with the job, runs it, tells
/// what came back and returns the job's exit code. What makes the job's fields (image, terminal) is
/// filled in here.
///
/// `wrote` is told all that the job writes, when it is there; with a terminal all is stdout.
using JobWrote = std::function<void(bool to_stderr, std::string_view bytes)>;
Task<int> run_job(
    Context& context, ImageChoice choice, core::Job job, Container container, JobWrote wrote = {}
);

} // namespace slipway::cli
