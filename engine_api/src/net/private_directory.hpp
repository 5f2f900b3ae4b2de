#pragma once

#include "owned_fd.hpp"

#include <slipway/engine/result.hpp>

#include <filesystem>
#include <utility>

namespace slipway::engine {

/// A fresh directory that nobody else may enter, for sockets: its path is short and plain. It goes
/// with this object. One whose process was killed goes when the next is made by the same user: who
/// lives holds a lock on his.
class PrivateDirectory {
public:
    /// In XDG_RUNTIME_DIR, else in /tmp. Errors: io, permission_denied.
    static Result<PrivateDirectory> make();
    PrivateDirectory(PrivateDirectory&& other) noexcept = default;
    PrivateDirectory& operator=(PrivateDirectory&&) = delete;
    ~PrivateDirectory();

    const std::filesystem::path& path() const noexcept { return path_; }

private:
    PrivateDirectory(std::filesystem::path path, OwnedFd lock)
        : path_(std::move(path)), lock_(std::move(lock))
    {
    }

    std::filesystem::path path_;
    OwnedFd lock_; // none when another object has it
};

} // namespace slipway::engine
