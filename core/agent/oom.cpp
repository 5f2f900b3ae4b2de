#include "oom.hpp"

#include "descriptor.hpp"

#include <fcntl.h>

#include <array>
#include <cstdlib>
#include <string_view>

namespace slipway::agent {

namespace {

/// In a container its own cgroup stands at the root of the mount: version 2, version 1.
Fd open_counter()
{
    for (const char* path :
         {"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"}) {
        Fd file(::open(path, O_RDONLY | O_CLOEXEC));
        if (file) return file;
    }
    return {};
}

} // namespace

std::uint64_t out_of_memory_kills()
{
    static const Fd counter = open_counter();
    std::array<char, 512> bytes{};
    const ssize_t got = counter ? ::pread(counter.get(), bytes.data(), bytes.size() - 1, 0) : -1;
    if (got <= 0) return 0;
    const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
    constexpr std::string_view name = "oom_kill ";
    const std::size_t at = text.find(name);
    return at == std::string_view::npos
               ? 0
               : std::strtoull(text.data() + at + name.size(), nullptr, 10);
}

} // namespace slipway::agent
