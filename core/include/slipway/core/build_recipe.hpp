#pragma once

#include <slipway/core/workspace.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// By what a project is built.
enum class ProjectKind {
    cargo, ///< Cargo.toml
    cmake, ///< CMakeLists.txt
    make,  ///< GNUmakefile, makefile or Makefile
    units, ///< slipway.toml: see unit_file.hpp
};

struct Project {
    ProjectKind kind = ProjectKind::cargo;
    std::filesystem::path workspace; ///< its root: see find_workspace
    std::filesystem::path directory; ///< where the file stands that tells the kind
};

/// The project of the workspace around `directory`. The nearest slipway.toml above `directory`
/// wins, up to the workspace's root, or to `home` where nothing tells a root. Else the workspace's
/// root is looked at first, then the directories on the way down to `directory`; in each Cargo.toml
/// wins over CMakeLists.txt, and that over a Makefile.
///
/// Errors: not_found (none of them: the message names what was looked for), those of
///   find_workspace.
Result<Project>
find_project(const std::filesystem::path& directory, const std::filesystem::path& home);

enum class BuildProfile { debug, release };

/// What `slipway build` was asked for.
struct BuildCall {
    std::filesystem::path directory;       ///< where it was typed
    std::string target;                    ///< a triple; empty only for cargo, or with an image
    std::string image;                     ///< a reference, in place of a target's own image
    std::filesystem::path build_dir;       ///< relative to `directory`; empty: the usual place
    std::optional<BuildProfile> profile{}; ///< none: debug
    unsigned jobs = 0;                     ///< at once; 0: as the tool does by itself
    bool test = false;                     ///< tests are run as well
    std::vector<std::string> args{};       ///< further ones of the tool
};

/// What follows `cargo`: see plan_cargo.
std::vector<std::string> cargo_arguments(const BuildCall& call);

/// The directory below target/<triple> that such arguments build in: "debug", "release", or what a
/// profile of the project's own is called.
std::string cargo_profile_directory(const std::vector<std::string>& args);

/// Whether a line that a tool has written only tells how far it is ("   Compiling x v0.1.0",
/// "[1/2] Building CXX object x.o"), without its end, as text without escape sequences.
bool is_progress(ProjectKind tool, std::string_view line);

/// How a project of cmake or make becomes a job. Both need `sh` in the image.
struct BuildPlan {
    std::vector<std::string> argv;
    std::filesystem::path directory; ///< that the job runs in
    /// That it builds in, of cmake; empty where it may do more than build what is stale there.
    std::filesystem::path results;
    std::string never_done; ///< see ToolUnit
    Workspace workspace;
};

/// Plans the build of a project of cmake. It is configured once, for Ninja and with the image's
/// CMAKE_TOOLCHAIN_FILE, and again for another profile and for arguments that begin with -D, which
/// are cmake's; all other arguments are those of `cmake --build`, with `test` of ctest.
///
/// Results are in `build/<target>` of the project, with an image in place of a target in
/// `build/<image>`. A CACHEDIR.TAG marks that directory: it stays in the workspace's volume, and
/// what comes back is all that a build makes but cmake's and ninja's own files.
///
/// Errors: invalid_argument (the build directory is not inside of the workspace, or it has files
///   here and no CACHEDIR.TAG, so that it would be taken for one; -D without a name).
Result<BuildPlan> plan_cmake(const BuildCall& call, const Project& project);

/// Plans a make where the project's Makefile stands. CC, CXX, AR and RANLIB are the target's, by
/// the image's variables CC_<target> and so on, and EMULATOR is what runs the target's programs;
/// they win over what the Makefile sets. An image in place of a target has its own. With `test` it
/// makes `check` where there is such a target, else `test`.
///
/// Errors: unsupported (a profile or a build directory: only the Makefile knows).
Result<BuildPlan> plan_make(const BuildCall& call, const Project& project);

} // namespace slipway::core
