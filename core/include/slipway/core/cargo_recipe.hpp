#pragma once

#include <slipway/core/cross_config.hpp>
#include <slipway/core/fetch_step.hpp>
#include <slipway/core/kept_directory.hpp>
#include <slipway/core/toolchain.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace slipway::core {

/// What is known where `slipway cargo` was typed.
struct CargoCall {
    std::vector<std::string> args; ///< what follows `cargo`, untouched: "build", "--target", ...
    std::filesystem::path directory;
    std::filesystem::path home;
    std::map<std::string, std::string, std::less<>> environment;
    std::string host_target; ///< "x86_64-unknown-linux-gnu": when nothing names a target
    /// "image": its own, to which `+NAME` is passed on. Else ToolchainQuestion::wanted. Empty: that
    /// of `+NAME`, else of the variable SLIPWAY_TOOLCHAIN, else the image's.
    std::string toolchain{};
    /// What `toolchain` was unpacked from. Empty: it is no archive.
    std::filesystem::path toolchain_archive{};
    /// "linux/amd64": what the engine runs by itself. Empty: nobody has asked it, which has to be
    /// done when the plan `needs_engine_platform`.
    std::string engine_platform{};
    bool image_named = false; ///< by the caller: what is configured of target.T.image is not meant
};

/// The archive that a call wants its toolchain out of, absolute: a name with a '/' or ".tar" that
/// is no directory's. It has to be unpacked before the call can be planned. Empty: it wants none.
std::filesystem::path wanted_archive(const CargoCall& call);

/// How that becomes a job in the image of a target.
struct CargoPlan {
    std::string target;
    std::vector<std::string> argv; ///< "cargo" and the arguments as typed, see plan_cargo
    std::vector<std::string> env;  ///< "NAME=value"
    Workspace workspace;
    std::vector<KeptDirectory> kept; ///< CARGO_HOME: registries and git, whatever the image
    std::optional<HostToolchain> toolchain{}; ///< none: the image's
    /// Cross's image.toolchain is set, and which of them is taken depends on what the engine runs:
    /// this plan has no toolchain and no platform.
    bool needs_engine_platform = false;
    std::optional<FetchStep> fetch{}; ///< where it may need tokens of registries
    CrossConfig cross; ///< the image, the container and warnings; its variables are in `env`
};

/// Plans a cargo command. The target is that of `--target`, else of CROSS_BUILD_TARGET, else of
/// CARGO_BUILD_TARGET, else of build.target in `.cargo/config.toml`, else of build.default-target
/// in cross's configuration, else the host's. Cargo's arguments are not changed: the variable
/// CARGO_BUILD_TARGET carries the target, the image's own or ours where cross's configuration chose
/// target or image, or a toolchain of this machine is used, and CARGO_TARGET_DIR the place of the
/// outputs. Only where that configuration asks for build-std, a command that compiles gets
/// -Zbuild-std, and `+NAME`, a toolchain of this machine, is for us and not for cargo.
///
/// Packages outside of the workspace that its manifests name by `path` are there, too, with the
/// workspaces around them.
///
/// What comes back: everything the command changed in the workspace, and of the target directory
/// the results (`target/<triple>/<profile>/` with its examples, docs, packages) and none of cargo's
/// intermediate files. The variables of cargo, rustc and of proxies travel in, none with
/// credentials, and those that cross's configuration passes through, whatever they are. So do the
/// registries of the user's cargo home, as variables. Tokens of those that are used are for a step
/// before the command alone.
///
/// Errors: invalid_argument (no subcommand; an option without its value; `+NAME` beside another
///   toolchain; a target directory
///   outside of the workspace; cargo's configuration does not parse, or its home has something of
///   the wrong type, or another index for a registry's name than the workspace has), not_found (no
///   Cargo.toml for a command that needs one), those of find_workspace, read_cross_config and
///   find_toolchain.
Result<CargoPlan> plan_cargo(const CargoCall& call);

} // namespace slipway::core
