#pragma once

#include <slipway/core/image_catalog.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/result.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// For what the configuration of cross is read.
struct CrossQuestion {
    std::filesystem::path root;      ///< the workspace's: `Cross.toml` and `Cargo.toml` stand there
    std::filesystem::path directory; ///< what a relative CROSS_CONFIG starts from
    std::map<std::string, std::string, std::less<>> environment;
    std::string target;      ///< empty: nobody has named one
    std::string host_target; ///< for when the configuration names none either
};

/// A Dockerfile of the project's, to build the image from.
struct CrossDockerfile {
    std::string text;
    std::filesystem::path file;    ///< absolute
    std::filesystem::path context; ///< absolute: the directory whose files it may copy
    std::map<std::string, std::string> build_args;
    std::string place; ///< where it is configured: "/w/Cross.toml:4:13"
};

/// A platform that there is the image for, and the toolchains that run in it.
struct ImageToolchain {
    std::string platform; ///< "os/arch[/variant]"
    std::string host;     ///< the triple that they run on: "x86_64-unknown-linux-musl"
    std::string place;    ///< where it is configured: "/w/Cross.toml:4:13"
};

/// What CROSS_CONTAINER_OPTS asks of the container, as in Job.
struct ContainerWishes {
    std::string network;
    std::string platform;
    std::int64_t memory_bytes = 0;
    double cpus = 0;
};

/// What the configuration of cross says for one target. What is empty it does not say.
struct CrossConfig {
    std::string target;        ///< CrossQuestion's, else build.default-target, else the host's
    bool chose_target = false; ///< it is build.default-target
    std::string image;         ///< a reference; wins over Slipway's own image of the target
    std::vector<ImageToolchain> image_toolchains{}; ///< image.toolchain; empty: it is not set
    std::optional<CrossDockerfile> dockerfile{};    ///< wins over both, which it may start from
    std::vector<std::string> pre_build;             ///< commands for a shell in the image
    std::string pre_build_script;                   ///< the text of a program to run there instead
    std::string pre_build_place;            ///< where it is configured: "/w/Cross.toml:4:13"
    std::map<std::string, std::string> env; ///< variables to pass on, with their values
    std::vector<BesideWorkspace> volumes{}; ///< directories to have at their own paths
    bool remote = false;                    ///< CROSS_REMOTE: files are sent, not bound
    /// The standard library is to be built anew: these crates of it, or those that cargo takes.
    std::optional<std::vector<std::string>> build_std{};
    ContainerWishes container{};
    std::vector<std::string> warnings; ///< a line each, for a person
};

/// Reads `CROSS_CONFIG`, else `Cross.toml`, then what that leaves open from
/// [workspace.metadata.cross] of the workspace's Cargo.toml, then from the first
/// [package.metadata.cross] of its packages. The variables CROSS_BUILD_<KEY> and
/// CROSS_TARGET_<TRIPLE>_<KEY> win over files, except that the target's value in a file wins over
/// CROSS_BUILD_<KEY>. An empty variable is none.
///
/// A key that nobody knows is a warning. Errors name the file with line and column, or the
/// variable: invalid_argument (no TOML, a value of the wrong type or without a meaning, a file that
/// CROSS_CONFIG, `dockerfile` or `pre-build` names and that cannot be read), unsupported (what
/// cross can do and Slipway cannot, when it is set for this target and would change the build).
Result<CrossConfig> read_cross_config(const CrossQuestion& question);

/// The stage that has the pre-build commands of a target done: "<target>-pre-build".
std::string pre_build_stage(std::string_view target);

/// The image file with that stage, on top of the configured image or of the target's in `images`.
/// The commands run one after another in one shell, which ends at the first that fails, with
/// CROSS_DEB_ARCH set to Debian's name of the target's architecture; a script gets the target as
/// its argument.
///
/// Errors: invalid_argument (`images` has no such target), unsupported (a target that no stage can
///   be named after; commands longer than a Dockerfile's line may be).
Result<ImageCatalog> with_pre_build(const CrossConfig& config, const ImageCatalog& images);

} // namespace slipway::core
