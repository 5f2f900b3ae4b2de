#include <slipway/core/manifest.hpp>

namespace slipway::core {

std::string_view to_string(EntryType type) noexcept
{
    switch (type) {
    case EntryType::file:
        return "file";
    case EntryType::directory:
        return "directory";
    case EntryType::symlink:
        return "symlink";
    case EntryType::fifo:
        return "fifo";
    }
    return "unknown";
}

std::string_view to_string(KeepReason reason) noexcept
{
    switch (reason) {
    case KeepReason::changed:
        return "changed on both sides";
    case KeepReason::deleted:
        return "deleted there, changed here";
    case KeepReason::not_empty:
        return "deleted there, not empty here";
    }
    return "unknown";
}

std::string_view to_string(SkipReason reason) noexcept
{
    switch (reason) {
    case SkipReason::socket:
        return "socket";
    case SkipReason::device:
        return "device";
    case SkipReason::tagged_cache:
        return "tagged cache directory";
    case SkipReason::vanished:
        return "vanished";
    case SkipReason::filtered:
        return "filtered";
    }
    return "unknown";
}

} // namespace slipway::core
