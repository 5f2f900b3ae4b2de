#include "housekeeping.hpp"

#include "ipc.hpp"
#include "processes.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>
#include <vector>

namespace slipway::agent {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds orphan_patience{2'000};

bool is_first()
{
    return ::getpid() == 1;
}

/// Who came in from outside may have children.
std::string somebody_left()
{
    const std::vector<Process> all = list_processes();
    std::map<pid_t, pid_t> parents;
    for (const Process& process : all) {
        parents.emplace(process.pid, process.parent);
    }
    const auto is_ours = [&](pid_t pid) {
        // As many steps as there are processes: the list was not made in one moment.
        for (std::size_t step = 0; step < all.size() && pid > 1; ++step) {
            const auto found = parents.find(pid);
            pid = found == parents.end() ? 1 : found->second;
        }
        return pid != 0;
    };
    for (const Process& process : all) {
        if (process.pid != 1 && !process.is_dead && is_ours(process.pid)) {
            return "process " + std::to_string(process.pid) + " (" + process.name + ") is left";
        }
    }
    return {};
}

/// Makes the sandbox what it is between two sessions. Its scratch directories.
std::list<Scratch> prepare(const ServeOptions& options)
{
    if (options.ipc && is_machines_ipc()) {
        throw std::runtime_error("--ipc: this IPC namespace is the machine's, not a sandbox's");
    }
    std::list<Scratch> scratch;
    for (const std::string& path : options.scratch) {
        // A new volume is root's, with a mode that suits nobody else.
        const auto& owner = options.owner;
        if (owner
            && (::chown(path.c_str(), owner->uid, owner->gid) != 0
                || ::chmod(path.c_str(), S_ISVTX | 0777) != 0)) {
            throw std::runtime_error("giving away " + path + ": " + ::strerror(errno));
        }
        std::string error;
        scratch.emplace_back(path, error);
        if (!error.empty()) throw std::runtime_error("--scratch " + error);
    }
    for (const std::string& path : options.kept) {
        const auto& owner = options.owner;
        if (owner && ::chown(path.c_str(), owner->uid, owner->gid) != 0) {
            throw std::runtime_error("giving away " + path + ": " + ::strerror(errno));
        }
    }
    if (options.ipc) forbid_hidden_queues();
    return scratch;
}

} // namespace

Housekeeping::Housekeeping(const ServeOptions& options)
    : options_(&options), scratch_(prepare(options))
{
}

bool Housekeeping::kill_at_once()
{
    patience_.begin(Clock::now());
    if (!is_first() || options_->bridge) return false;
    const auto all = list_processes();
    const auto visits = [](const Process& process) { return is_visitor(process); };
    if (std::any_of(all.begin(), all.end(), visits)) return false;
    kill_everybody(patience_.left(Clock::now()));
    return true;
}

void Housekeeping::kill_orphans(const std::set<pid_t>& spared)
{
    const auto at_most = std::min(orphan_patience, patience_.left(Clock::now()));
    orphans_ = !kill_descendants(spared, at_most).gone;
}

std::string Housekeeping::clear_processes()
{
    if (!is_first()) return orphans_ ? "a job's supervisor was killed" : "";
    if (!kill_at_once() && !somebody_left().empty()) kill_orphans({});
    std::string left = somebody_left();
    orphans_ = orphans_ && !left.empty();
    return left;
}

void Housekeeping::clean()
{
    problem_ = clear_processes();
    patience_.end();
    const auto note = [this](const std::string& doing, const std::string& error) {
        if (!error.empty() && problem_.empty()) problem_ = doing + error;
    };
    for (const Scratch& scratch : scratch_) {
        if (!options_->keep) note("emptying ", scratch.clear());
    }
    if (options_->ipc) note("", clear_ipc());
    if (is_first()) note("", devices_.clear());
    if (is_first()) note("", limits_.check());
}

} // namespace slipway::agent
