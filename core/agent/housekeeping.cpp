#include "housekeeping.hpp"

#include "ipc.hpp"
#include "processes.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace slipway::agent {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds orphan_patience{2'000};

bool is_first()
{
    return ::getpid() == 1;
}

std::string somebody_left()
{
    for (const Process& process : list_processes()) {
        if (process.pid != 1 && process.parent != 0 && !process.is_dead) {
            return "process " + std::to_string(process.pid) + " (" + process.name + ") is left";
        }
    }
    return {};
}

} // namespace

Housekeeping::Housekeeping(const ServeOptions& options) : options_(&options)
{
    if (options.ipc && is_machines_ipc()) {
        throw std::runtime_error("--ipc: this IPC namespace is the machine's, not a sandbox's");
    }
    for (const std::string& path : options.scratch) {
        // A new volume is root's, with a mode that suits nobody else.
        const auto& owner = options.owner;
        if (owner
            && (::chown(path.c_str(), owner->uid, owner->gid) != 0
                || ::chmod(path.c_str(), S_ISVTX | 0777) != 0)) {
            throw std::runtime_error("giving away " + path + ": " + ::strerror(errno));
        }
        std::string error;
        scratch_.emplace_back(path, error);
        if (!error.empty()) throw std::runtime_error("--scratch " + error);
    }
    if (options.ipc) forbid_hidden_queues();
    devices_ = Devices(); // /dev/shm has its owner by now
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
}

} // namespace slipway::agent
