#pragma once

#include <slipway/core/lease.hpp>

#include <memory>
#include <optional>

namespace slipway::core {

/// Runs a job, and before it what fetches with secrets, if there is anything to fetch.
///
/// What earlier jobs have left in FetchStep::home is believed nothing: the step has a home of its
/// own in /tmp, with a name that nobody knows. The crates in it are those of the job's home, of
/// which no more than the contents is read; what the step has got of indexes and of git goes there
/// afterwards. All that is the work of the image's `sh`, `mkdir`, `ln`, `cp` and `rm`. The secrets
/// are in the variables of the step alone, and what it says goes without them.
///
/// When the step fails, the job is not run, and the result is the step's.
/// Errors: those of Lease::run.
Task<JobResult> run_after_fetch(
    std::shared_ptr<Lease> lease, std::optional<FetchStep> fetch, LeasedJob job, JobStreams streams
);

} // namespace slipway::core
