#pragma once

#include <string>
#include <vector>

namespace slipway::core {

/// What cargo fetches with secrets, before a job's command and in its sandbox. The command, and all
/// that the command runs, must not have them.
struct FetchStep {
    std::vector<std::string> argv; ///< fetches into the directory that CARGO_HOME names
    /// Runs first, without secrets; where it succeeds there is nothing to fetch. Empty: there is.
    std::vector<std::string> probe;
    std::vector<std::string> env;     ///< "NAME=value", on top of the job's
    std::vector<std::string> secrets; ///< the same; see LeasedJob::secrets
    std::string home;                 ///< CARGO_HOME of the job, to which all goes in the end
    bool is_command = false;          ///< `argv` is the job's: there is no command after it
};

} // namespace slipway::core
