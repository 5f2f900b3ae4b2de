#include "own_limits.hpp"

#include "descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>

namespace slipway::agent {

namespace {

constexpr gid_t nobodys_id = 65'533;

std::string read_badness()
{
    std::array<char, 32> text{};
    const Fd file(::open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC));
    const ssize_t got = file ? ::read(file.get(), text.data(), text.size()) : 0;
    return {text.data(), static_cast<std::size_t>(got > 0 ? got : 0)};
}

} // namespace

OwnLimits::Limits OwnLimits::look()
{
    Limits out{};
    for (std::size_t i = 0; i < out.size(); ++i) {
        ::getrlimit(static_cast<__rlimit_resource>(i), &out[i]);
    }
    return out;
}

OwnLimits::OwnLimits() : first_(look()), badness_(read_badness())
{
    // The system lets a process change another's limits when all ids of both are the same. A job
    // gets all of its own set.
    if (::getpid() != 1) return;
    [[maybe_unused]] const int ignored =
        ::setresgid(static_cast<gid_t>(-1), static_cast<gid_t>(-1), nobodys_id);
}

std::string OwnLimits::check() const
{
    const Limits now = look();
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (now[i].rlim_cur != first_[i].rlim_cur || now[i].rlim_max != first_[i].rlim_max) {
            return "the agent's limit " + std::to_string(i) + " is not what it was";
        }
    }
    return read_badness() == badness_ ? "" : "the agent's oom_score_adj is not what it was";
}

} // namespace slipway::agent
