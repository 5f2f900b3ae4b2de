#include "sandbox/fetch_step.hpp"

#include "interrupted.hpp"
#include "sandbox/masked_sink.hpp"

#include <slipway/core/labels.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::core {

namespace {

// $1: the job's home, $2: the step's; then the probe. Nothing that reads the job's home as a home
// runs here. Whoever writes crates holds the same lock.
constexpr const char* prepare_script = R"(home=$1 fresh=$2; shift 2
mkdir -m 700 "$fresh" && mkdir "$fresh/home" "$fresh/registry" &&
mkdir -p "$home/registry/cache" "$home/registry/src" "$home/registry/index" "$home/git" &&
ln -s "$home/registry/cache" "$home/registry/src" "$home/registry/index" "$fresh/registry/" &&
ln -s "$home/git" "$home/.package-cache" "$fresh/" || exit 1
if [ $# -gt 0 ] && "$@" >/dev/null 2>&1; then
  rm -rf "$fresh"
  exit 0
fi
rm "$fresh/registry/index" "$fresh/git" && exit 9
exit 1)";
constexpr int something_to_fetch = 9;

// $3: how the step ended. What is new comes in one go, so that half of it is never there.
constexpr const char* settle_script = R"(home=$1 fresh=$2 code=0
if command -v flock >/dev/null 2>&1; then exec 9>>"$home/.package-cache" && flock 9; fi
settle() {
  [ -d "$fresh/$1" ] || return 0
  mkdir -p "$home/$1" || code=1
  for entry in "$fresh/$1"/*; do
    part=$1/${entry##*/}
    if [ ! -d "$entry" ]; then continue; fi
    if [ ! -e "$home/$part" ]; then
      cp -RP "$entry" "$home/$part.new-$$" && mv "$home/$part.new-$$" "$home/$part" || code=1
    elif [ "$2" = again ]; then
      cp -RPf "$entry/." "$home/$part/" || code=1
    fi
  done
}
if [ "$3" = 0 ]; then
  settle registry/index again
  settle git/db again
  for repository in "$fresh"/git/checkouts/*; do settle "git/checkouts/${repository##*/}" once; done
fi
rm -rf "$fresh"
exit $code)";

std::vector<std::string> shell_words(const char* script, std::vector<std::string> args)
{
    std::vector<std::string> argv{"sh", "-c", script, "slipway"};
    argv.insert(argv.end(), args.begin(), args.end());
    return argv;
}

std::string value_of(const std::string& variable)
{
    return variable.substr(std::min(variable.find('=') + 1, variable.size()));
}

// What the parts of the step have in common.
struct Fetching {
    std::shared_ptr<Lease> lease;
    FetchStep step;
    LeasedJob job;
    JobStreams streams;
    std::string fresh = "/tmp/" + unique_name("fetch");
};
using SharedFetching = std::shared_ptr<const Fetching>;

SharedFetching
fetching_before(std::shared_ptr<Lease> lease, FetchStep step, LeasedJob job, JobStreams streams)
{
    auto all = std::make_shared<Fetching>();
    all->lease = std::move(lease);
    all->step = std::move(step);
    all->job = std::move(job);
    all->streams = std::move(streams);
    // Nothing asks anything, and the terminal stays as it is for the command.
    all->job.terminal = false;
    all->streams.in = nullptr;
    all->streams.on_terminal = nullptr;
    all->streams.on_end = nullptr;
    if (all->streams.err == nullptr) all->streams.err = all->streams.out;
    return all;
}

// Cargo and git look for what they are to believe in the directories of the step alone.
void add_places(LeasedJob& job, const Fetching& all)
{
    job.env.insert(job.env.end(), all.step.env.begin(), all.step.env.end());
    job.env.push_back("CARGO_HOME=" + all.fresh);
    job.env.push_back("HOME=" + all.fresh + "/home");
    job.env.push_back("XDG_CONFIG_HOME=" + all.fresh + "/home");
    job.env.push_back("GIT_CONFIG_GLOBAL=/dev/null");
}

Task<JobResult> run_part(std::shared_ptr<Lease> lease, LeasedJob job, JobStreams streams)
{
    const bool interrupted = co_await is_interrupted();
    if (interrupted) co_return fail(Errc::cancelled, "interrupted");
    co_return co_await lease->run(std::move(job), std::move(streams));
}

Task<JobResult> run_script(SharedFetching all, const char* script, std::vector<std::string> args)
{
    LeasedJob job = all->job;
    job.argv = shell_words(script, std::move(args));
    add_places(job, *all);
    JobStreams streams = all->streams;
    co_return co_await run_part(all->lease, std::move(job), std::move(streams));
}

Task<JobResult> run_with_secrets(SharedFetching all)
{
    std::vector<std::string> words;
    for (const std::string& secret : all->step.secrets) {
        words.push_back(value_of(secret));
    }
    MaskedSink out(*all->streams.out, words);
    MaskedSink err(*all->streams.err, words);
    JobStreams streams = all->streams;
    streams.out = &out;
    streams.err = &err;
    LeasedJob job = all->job;
    job.argv = all->step.argv;
    add_places(job, *all);
    job.secrets = all->step.secrets;
    CO_TRY(JobResult result, co_await run_part(all->lease, std::move(job), std::move(streams)));
    CO_CHECK(co_await out.flush());
    CO_CHECK(co_await err.flush());
    co_return result;
}

// Nothing where there was nothing to fetch.
Task<std::optional<JobResult>> fetch_before(SharedFetching all)
{
    std::vector<std::string> prepare{all->step.home, all->fresh};
    prepare.insert(prepare.end(), all->step.probe.begin(), all->step.probe.end());
    CO_TRY(JobResult prepared, co_await run_script(all, prepare_script, std::move(prepare)));
    if (prepared.exit_code == 0) co_return std::optional<JobResult>();
    if (prepared.exit_code != something_to_fetch) co_return prepared;
    CO_TRY(JobResult fetched, co_await run_with_secrets(all));
    std::vector<std::string> settle{all->step.home, all->fresh, std::to_string(fetched.exit_code)};
    CO_TRY(JobResult settled, co_await run_script(all, settle_script, std::move(settle)));
    if (fetched.exit_code == 0 && settled.exit_code != 0) co_return settled;
    co_return fetched;
}

} // namespace

Task<JobResult> run_after_fetch(
    std::shared_ptr<Lease> lease, std::optional<FetchStep> fetch, LeasedJob job, JobStreams streams
)
{
    if (fetch) {
        const SharedFetching all = fetching_before(lease, *fetch, job, streams);
        CO_TRY(std::optional<JobResult> fetched, co_await fetch_before(all));
        const bool is_over = fetched && (fetch->is_command || fetched->exit_code != 0);
        if (is_over && streams.on_end) streams.on_end();
        if (is_over) co_return *std::move(fetched);
        const bool interrupted = co_await is_interrupted();
        if (interrupted) co_return fail(Errc::cancelled, "interrupted");
    }
    co_return co_await lease->run(std::move(job), std::move(streams));
}

} // namespace slipway::core
