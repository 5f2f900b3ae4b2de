#pragma once

#include "devices.hpp"
#include "own_limits.hpp"
#include "patience.hpp"
#include "scratch.hpp"
#include "server.hpp"

#include <sys/types.h>

#include <list>
#include <set>
#include <string>

namespace slipway::agent {

/// What is done to a sandbox so that nothing of a session is left for the next one.
class Housekeeping {
public:
    /// Opens the scratch directories, after they were given to their owner. Throws when that fails
    /// or the IPC namespace is the machine's own.
    explicit Housekeeping(const ServeOptions& options);

    /// Kills all processes at once where none has to be spared: as PID 1, when nobody came in from
    /// outside. False: that is not so. From now on to the end of `clean` there is one patience for
    /// all that does not go.
    bool kill_at_once();

    /// A supervisor was killed, or could not kill all of its job: what the job started may be
    /// children of ours.
    void may_have_orphans() noexcept { orphans_ = true; }
    bool has_orphans() const noexcept { return orphans_; }
    void kill_orphans(const std::set<pid_t>& spared);

    /// After the last job: kills what is left, empties the scratch directories and the IPC
    /// namespace, and removes what is new in /dev.
    void clean();
    /// Why the last `clean` did not end well, or empty.
    const std::string& problem() const noexcept { return problem_; }

private:
    std::string clear_processes();

    const ServeOptions* options_;
    std::list<Scratch> scratch_;
    // As they are when all else is prepared: that changes a limit, and the owner of /dev/shm.
    OwnLimits limits_;
    Devices devices_;
    Patience patience_;
    bool orphans_ = false;
    std::string problem_;
};

} // namespace slipway::agent
