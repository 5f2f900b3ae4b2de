#pragma once

#include "descriptor.hpp"
#include "mounts.hpp"

#include <sys/stat.h>

#include <string>

namespace slipway::agent {

/// A directory that jobs may fill, and that is emptied between sessions.
class Scratch {
public:
    /// Opens it. On failure `error` says why, and the object is not used.
    Scratch(std::string path, std::string& error, MountQuery query = MountQuery::any);

    /// Removes what is in it. Follows no symlinks, stays on its mount: what is mounted below is
    /// left alone, with the directories that lead to it. Gives the directory the mode and the owner
    /// that it had. What could not be done, or empty. Descriptors and memory are bounded, however
    /// deep and wide the tree is.
    std::string clear() const;

private:
    std::string path_;
    Fd directory_;
    struct stat first_ {};
    MountQuery query_;
};

} // namespace slipway::agent
