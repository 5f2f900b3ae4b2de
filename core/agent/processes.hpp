#pragma once

#include <sys/types.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace slipway::agent {

struct Process {
    pid_t pid = 0;
    pid_t parent = 0; ///< 0: it came from outside of this pid namespace
    char state = '?'; ///< as in /proc/PID/stat
    bool is_dead = false;
    std::string name;
};

/// Such as a bridge: it came into this pid namespace from outside, and lives.
inline bool is_visitor(const Process& process)
{
    return process.pid != 1 && process.parent == 0 && !process.is_dead;
}
bool is_visitor(pid_t pid);

/// All processes of this pid namespace that /proc shows.
std::vector<Process> list_processes();

struct Killed {
    bool any = false;  ///< there was one that lived
    bool gone = false; ///< none is left
};

/// Kills all descendants of this process save those in `spared` and theirs, and reaps what becomes
/// its child. They are stopped before they are killed, so that a fork bomb comes to its end; after
/// `at_most` it gives up.
Killed kill_descendants(const std::set<pid_t>& spared, std::chrono::milliseconds at_most);

/// Kills all processes of this pid namespace but its first, which this is, and reaps them. No
/// process can be born meanwhile that is not killed with the others. False: some are left after
/// `at_most`; the kernel holds them.
bool kill_everybody(std::chrono::milliseconds at_most);

} // namespace slipway::agent
