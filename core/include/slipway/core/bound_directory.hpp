#pragma once

#include <slipway/engine/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace slipway::core {

/// A directory of this machine that a sandbox has at the same path: what jobs write there is
/// written here. Two directories that had one path one after the other are two.
struct BoundDirectory {
    std::string path;              ///< absolute, without symlinks
    std::uint64_t file_system = 0; ///< its st_dev
    std::uint64_t inode = 0;
    bool read_only = false;
    bool readable = false; ///< for the user of this process
    bool ours = false;     ///< and belongs to him, who may write there
};

/// Errors: not_found, io (it is no directory).
Result<BoundDirectory> bound_directory(const std::filesystem::path& path);

} // namespace slipway::core
