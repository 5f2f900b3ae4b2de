#pragma once

#include "archive/posix.hpp"
#include "workspace/uplift.hpp"

#include <slipway/core/workspace.hpp>
#include <slipway/engine/result.hpp>

#include <string>
#include <vector>

namespace slipway::core {

/// Where one image builds in a workspace that is bound: PATH/.slipway/IMAGE. A job may do with all
/// of it what it likes: no symlink below PATH is followed, and PATH is what it was before the job.
class BuildPlace {
public:
    /// Makes what is above it; PATH gets a CACHEDIR.TAG where it is new. `image`: letters and
    /// digits.
    ///
    /// Errors: permission_denied, io, unsupported (PATH leads out of the workspace).
    static Result<BuildPlace>
    prepare(const std::filesystem::path& root, BuildDirectory directory, std::string image);

    /// Where the job is told to build.
    std::string inside() const;

    /// Gives the results a name in PATH, each in one step: as a clone of its blocks, else as a
    /// second name, else as a copy. What is there already costs a look. What an earlier uplift has
    /// put there and is no result any more is removed, unless somebody has changed it.
    ///
    /// Errors: conflict (something that is no file stands where one should be), io,
    ///   permission_denied.
    Result<Uplifted> uplift() const;

    /// Removes what all images have built, with the results. Errors: io, permission_denied.
    Result<Uplifted> clear() const;

private:
    UpliftPlaces uplift_places(std::string record) const;
    BuildPlace(BuildDirectory directory, std::string image, posix::Fd path, posix::Fd places);

    BuildDirectory directory_;
    std::string image_;
    posix::Fd path_;
    posix::Fd places_; ///< PATH/.slipway
};

} // namespace slipway::core
