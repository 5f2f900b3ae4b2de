#pragma once

#include "archive/posix.hpp"
#include "workspace/uplift.hpp"

#include <slipway/core/workspace.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <string>

namespace slipway::core {

/// The build directory PATH of a workspace that is bound: each image builds in PATH/.slipway/IMAGE.
/// Jobs may do with all of it what they like, also meanwhile: from the workspace's root on no
/// symlink is followed.
class BuildPlace {
public:
    /// Makes PATH; one that is new gets a CACHEDIR.TAG.
    ///
    /// Errors: permission_denied, io, unsupported (PATH is not below the root, or a symlink is on
    ///   the way, or something that is no directory).
    static Result<BuildPlace> prepare(const std::filesystem::path& root, BuildDirectory directory);

    /// Where a job is told to build. `image`: letters and digits.
    std::string inside(const std::string& image) const;

    /// Gives the image's results a name in PATH, each in one step: as a clone of its blocks, else
    /// as a second name, else as a copy. What is there already costs a look. What an earlier uplift
    /// has put there and is no result any more is removed, unless somebody has changed it. One
    /// process does this at a time.
    ///
    /// Errors: conflict (something that is no file stands where one should be), io,
    ///   permission_denied.
    Result<Uplifted> uplift(const std::string& image) const;

    /// Removes what all images have built, with the results, and PATH where nothing else is in it.
    /// Errors: io, permission_denied.
    Result<Uplifted> clear() const;

private:
    BuildPlace(BuildDirectory directory, posix::Fd root, std::filesystem::path below);

    BuildDirectory directory_;
    posix::Fd root_;
    std::filesystem::path below_; ///< PATH, from the root
};

} // namespace slipway::core
