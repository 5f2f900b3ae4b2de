#pragma once

#include <string>

namespace slipway::sync {

/// Removes `path` below the directory `top`, with all that is in it, as far as this process may;
/// directories that it owns are made writable for that. Follows no symlink.
/// What is not there is removed. 0, or an errno and the path in `failed`.
int remove_tree(int top, const std::string& path, std::string& failed);

} // namespace slipway::sync
