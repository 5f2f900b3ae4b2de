#pragma once

#include "descriptor.hpp"

#include <string>
#include <string_view>

namespace slipway::core {

/// Opens what is below a directory. Symlinks on the way are followed where they stay below it; one
/// that does not is EXDEV, and so is an absolute one, wherever it leads.
class Below {
public:
    /// Borrows the directory. `by_hand`: as on a system that has no openat2.
    explicit Below(int root, bool by_hand = false) noexcept;

    int root() const noexcept { return root_; }

    /// O_PATH of a directory, "" for the root. Without one errno says why.
    Fd directory(const std::string& path) const;
    /// A file to read. The last name of the path is not followed: ELOOP.
    Fd file(const std::string& path) const;

private:
    int root_;
    bool by_hand_;
};

/// Of an errno of a look at a path: there is nothing of that path.
bool is_nothing(int error) noexcept;

} // namespace slipway::core
