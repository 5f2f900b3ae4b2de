#pragma once

#include "sandbox/pool/container.hpp"

#include <slipway/engine/bytes.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// A sandbox without the agent: its work is done by scripts for the image's own shell. The engine's
/// exec has no call that ends a process, and its process ids are those of another machine.
namespace slipway::core::by_exec {

/// What a script says before anything else, on its first line.
struct Mark {
    enum class What { started, not_found, not_executable, no_directory };
    What what = What::started;
    std::int64_t pid = 0; ///< in the sandbox; of `started`
};

/// The sandbox's first command: gives the scratch directories to the jobs' user, says
/// `ready_text` and ends when its stdin does.
std::vector<std::string>
first_command(const std::vector<std::string>& scratch, const pool::Ids& ids);
inline constexpr std::string_view ready_text = "slipway ready\n";

/// A job: says how it begins, runs it in a session of its own, and kills what it left behind. The
/// exit code is the job's, 128 and more for a signal. With `Input::variables_first`, its input
/// begins with lines of "NAME=value" for the job, and an empty one.
enum class Input { plain, variables_first };
std::vector<std::string>
job_command(const std::string& cwd, const std::vector<std::string>& argv, Input input);

/// Sends a signal, as "SIGINT", to a job's first process group.
std::vector<std::string> signal_command(std::int64_t pid, const std::string& signal);

/// Kills all that a job has started; what has left its session, too, when no other job runs.
std::vector<std::string> kill_command(std::int64_t pid);

/// Says `alive_text`, where anything runs at all.
std::vector<std::string> probe_command();
inline constexpr std::string_view alive_text = "alive\n";

/// Takes the mark off what a script writes and passes on the rest.
class MarkedSink final : public engine::ByteSink {
public:
    /// `out` is borrowed.
    explicit MarkedSink(engine::ByteSink& out) : out_(&out) {}

    Task<> write(std::string_view data) override;

    const std::optional<Mark>& mark() const noexcept { return mark_; }
    /// Without a mark: what was written instead, as far as a person would read it.
    const std::string& other() const noexcept { return line_; }

private:
    engine::ByteSink* out_;
    std::optional<Mark> mark_;
    bool is_other_ = false;
    std::string line_;
};

} // namespace slipway::core::by_exec
