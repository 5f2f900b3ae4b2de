#include "sandbox/process_mark.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>

namespace slipway::core {

namespace {

std::string first_line(const std::string& path)
{
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

// "BOOT/PID-NAMESPACE/": what processes that can see each other have in common.
std::string place()
{
    std::array<char, 64> space{};
    const auto n = ::readlink("/proc/self/ns/pid", space.data(), space.size());
    const std::string_view link(space.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    std::string number;
    for (const char c : link) {
        if (c >= '0' && c <= '9') number += c;
    }
    return first_line("/proc/sys/kernel/random/boot_id") + "/" + number + "/";
}

// The 22nd field of /proc/PID/stat; the second is a name that may hold anything, in parentheses.
std::string start_time(const std::string& pid)
{
    const std::string stat = first_line("/proc/" + pid + "/stat");
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos) return {};
    constexpr int fields_between = 20;
    std::size_t at = name_end + 1;
    for (int field = 0; field < fields_between && at != std::string::npos; ++field) {
        at = stat.find(' ', at + (field == 0 ? 0 : 1));
    }
    if (at == std::string::npos) return {};
    return stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

} // namespace

std::string process_mark()
{
    const std::string pid = std::to_string(::getpid());
    return place() + pid + "/" + start_time(pid);
}

Liveness liveness(std::string_view mark)
{
    const std::string here = place();
    if (!mark.starts_with(here)) return Liveness::unknown;
    mark.remove_prefix(here.size());
    const auto slash = mark.find('/');
    if (slash == std::string_view::npos || slash == 0) return Liveness::unknown;
    const std::string_view pid = mark.substr(0, slash);
    if (pid.find_first_not_of("0123456789") != std::string_view::npos) return Liveness::unknown;
    const std::string began = start_time(std::string(pid));
    if (began == mark.substr(slash + 1)) return Liveness::alive;
    if (!began.empty()) return Liveness::dead; // a later one of the same number
    // /proc may hide other users' processes.
    pid_t number = 0;
    std::from_chars(pid.data(), pid.data() + pid.size(), number);
    return number > 0 && ::kill(number, 0) != 0 && errno == ESRCH ? Liveness::dead
                                                                  : Liveness::unknown;
}

} // namespace slipway::core
