#pragma once

#include "agent/messages.hpp"
#include "descriptor.hpp"

#include <map>
#include <string>

namespace slipway::agent {

/// The directories that a session has taken (What::keep): of each, the directory in it that is
/// ours, which is made when it is missing. A lock belongs to what was opened, not to the process
/// that took it: while this has it open, it is held, also when no worker is left, and a job can
/// take it away only by removing what is locked.
class KeptDirectories {
public:
    /// That of run.argv.front(); the same one each time, as long as it is there. -1: errno says
    /// why.
    int open(const Run& run);
    /// Gives all locks up, once the workers are gone, too.
    void clear() { open_.clear(); }

private:
    std::map<std::string, Fd> open_;
};

} // namespace slipway::agent
