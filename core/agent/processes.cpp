#include "processes.hpp"

#include "descriptor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string_view>

namespace slipway::agent {

namespace {

using Clock = std::chrono::steady_clock;

/// "12 (name) S 1 ..."; the name may have anything in it.
bool parse_stat(std::string_view text, Process& out)
{
    const std::size_t open = text.find('(');
    const std::size_t close = text.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos
        || close + 4 >= text.size()) {
        return false;
    }
    out.name = text.substr(open + 1, close - open - 1);
    out.state = text[close + 2];
    std::array<long, 17> numbers{}; // from the parent's id to the count of threads
    const char* at = text.data() + close + 3;
    for (long& number : numbers) {
        char* end = nullptr;
        number = std::strtol(at, &end, 10);
        if (end == at) return false;
        at = end;
    }
    out.parent = static_cast<pid_t>(numbers.front());
    // The first thread of a process may end before the others: then it is no zombie yet.
    out.is_dead = out.state == 'X' || (out.state == 'Z' && numbers.back() <= 1);
    return true;
}

bool read_process(int proc, const char* name, Process& out)
{
    out.pid = static_cast<pid_t>(std::strtol(name, nullptr, 10));
    const std::string path = std::string(name) + "/stat";
    const Fd file(::openat(proc, path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 512> text{};
    const ssize_t got = file ? ::read(file.get(), text.data(), text.size() - 1) : -1;
    return got > 0 && parse_stat({text.data(), static_cast<std::size_t>(got)}, out);
}

/// Those that live.
std::set<pid_t> living_descendants(const std::set<pid_t>& spared)
{
    std::multimap<pid_t, Process> children;
    for (Process& process : list_processes()) {
        children.emplace(process.parent, std::move(process));
    }
    std::set<pid_t> found;
    std::vector<pid_t> open{::getpid()};
    while (!open.empty()) {
        const auto [begin, end] = children.equal_range(open.back());
        open.pop_back();
        for (auto at = begin; at != end; ++at) {
            const Process& child = at->second;
            if (spared.contains(child.pid)) continue;
            open.push_back(child.pid);
            if (!child.is_dead) found.insert(child.pid);
        }
    }
    return found;
}

/// False: this process has no children.
bool reap()
{
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    return pid == 0;
}

/// For a child to end.
void wait_a_moment()
{
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    const timespec moment{0, 2'000'000};
    ::sigtimedwait(&child, nullptr, &moment);
}

/// Stops all until there is none that has not been.
void stop_all(const std::set<pid_t>& spared, Clock::time_point until)
{
    std::set<pid_t> stopped;
    for (bool is_more = true; is_more && Clock::now() < until;) {
        is_more = false;
        for (const pid_t pid : living_descendants(spared)) {
            if (!stopped.insert(pid).second) continue;
            is_more = ::kill(pid, SIGSTOP) == 0 || is_more;
        }
    }
}

} // namespace

bool is_visitor(pid_t pid)
{
    Process process;
    const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return proc && pid != 1 && read_process(proc.get(), std::to_string(pid).c_str(), process)
           && is_visitor(process);
}

std::vector<Process> list_processes()
{
    std::vector<Process> out;
    DIR* proc = ::opendir("/proc");
    if (proc == nullptr) return out;
    while (const dirent* entry = ::readdir(proc)) {
        Process process;
        const bool is_process = entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
        if (is_process && read_process(::dirfd(proc), entry->d_name, process)) {
            out.push_back(std::move(process));
        }
    }
    ::closedir(proc);
    return out;
}

Killed kill_descendants(const std::set<pid_t>& spared, std::chrono::milliseconds at_most)
{
    const auto until = Clock::now() + at_most;
    Killed out;
    int nobody_seen = 0;
    for (;;) {
        if (!reap()) {
            out.gone = true;
            return out;
        }
        std::set<pid_t> living = living_descendants(spared);
        out.any = out.any || !living.empty();
        // One that is born while its parent dies can escape one look, but not two. Where nobody is
        // spared the absence of children is the better proof.
        nobody_seen = living.empty() ? nobody_seen + 1 : 0;
        if (nobody_seen > 1 && !spared.empty()) {
            out.gone = true;
            return out;
        }
        if (Clock::now() > until) return out;
        if (living.size() > 1) {
            stop_all(spared, until);
            living = living_descendants(spared);
        }
        for (const pid_t pid : living) {
            ::kill(pid, SIGKILL);
        }
        wait_a_moment();
    }
}

bool kill_everybody(std::chrono::milliseconds at_most)
{
    const auto until = Clock::now() + at_most;
    for (;;) {
        // Who is about to fork sees the signal first.
        ::kill(-1, SIGKILL);
        if (!reap()) return true;
        if (Clock::now() > until) return false;
        wait_a_moment();
    }
}

} // namespace slipway::agent
