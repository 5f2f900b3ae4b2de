#include "archive/cache_tag.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace slipway::core {

bool is_tagged_cache(int dir) noexcept
{
    // Never waits for the writer of a fifo.
    const int tag =
        ::openat(dir, cache_tag_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (tag < 0) return false;
    struct stat status {};
    std::array<char, cache_tag.size()> text{};
    ssize_t got = -1;
    if (::fstat(tag, &status) == 0 && S_ISREG(status.st_mode)) {
        do {
            got = ::read(tag, text.data(), text.size());
        } while (got < 0 && errno == EINTR);
    }
    ::close(tag);
    return std::string_view(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0) == cache_tag;
}

} // namespace slipway::core
