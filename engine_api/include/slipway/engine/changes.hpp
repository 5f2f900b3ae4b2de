#pragma once

#include <cstdint>
#include <string>

namespace slipway::engine {

/// What happened to a path; other numbers than these may come.
enum class ChangeKind : std::int32_t { modified = 0, added = 1, deleted = 2 };

/// A path in a container that differs from its image.
struct FileChange {
    std::string path;
    ChangeKind kind = ChangeKind::modified;
};

} // namespace slipway::engine
