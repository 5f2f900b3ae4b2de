#pragma once

#include "tree.hpp"

#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

namespace slipway::agent {

/// What a walk has come to; valid during the call.
struct Found {
    int parent;       ///< an open directory
    const char* name; ///< below it
    const char* path; ///< below the directory of the walk
    struct stat status;
};

/// Goes once through the directory `top` and calls `visit` for all that the items mean, and for all
/// below that, in the order of the bytes of the names, a directory before what it has. No symlink
/// is followed but on the way of a path. It ends with the first call that does not give `done`,
/// save for `missing`: what was found has gone away since, and is as if it had never been there.
TreeEnd walk(
    const std::string& top,
    const std::vector<TreeItem>& items,
    const std::function<TreeEnd(const Found&)>& visit
);

/// Whether an errno says that a name is not there, or not any more.
bool is_gone(int error);

/// The text of a symlink. False: errno says why.
bool read_link(const Found& found, std::string& target);

} // namespace slipway::agent
