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

// $1: the job's home, $2: the step's; then the probe. Whoever writes crates holds the same lock.
constexpr const char* prepare_script = R"(home=$1 fresh=$2; shift 2
[ $# -eq 0 ] || ! "$@" >/dev/null 2>&1 || exit 0
mkdir -m 700 "$fresh" && mkdir "$fresh/registry" &&
mkdir -p "$home/registry/cache" "$home/registry/src" &&
ln -s "$home/registry/cache" "$home/registry/src" "$fresh/registry/" &&
ln -s "$home/.package-cache" "$fresh/" && exit 9
exit 1)";
constexpr int something_to_fetch = 9;

// $3: how the step ended.
constexpr const char* settle_script = R"(home=$1 fresh=$2 code=0
for part in registry/index git; do
  [ "$3" = 0 ] && [ -d "$fresh/$part" ] || continue
  mkdir -p "$home/$part" && cp -RPf "$fresh/$part/." "$home/$part/" || code=1
done
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

class Fetching {
public:
    Fetching(std::shared_ptr<Lease> lease, FetchStep step, const LeasedJob& job, JobStreams streams)
        : lease_(std::move(lease)), step_(std::move(step)), job_(job), streams_(std::move(streams))
    {
        // Nothing asks anything, and the terminal stays as it is for the command.
        job_.terminal = false;
        streams_.in = nullptr;
        streams_.on_terminal = nullptr;
        streams_.on_end = nullptr;
        if (streams_.err == nullptr) streams_.err = streams_.out;
    }

    // Nothing where there was nothing to fetch.
    Task<std::optional<JobResult>> go()
    {
        std::vector<std::string> words{step_.home, fresh_};
        words.insert(words.end(), step_.probe.begin(), step_.probe.end());
        CO_TRY(JobResult prepared, co_await run_script(prepare_script, words));
        if (prepared.exit_code == 0) co_return std::optional<JobResult>();
        if (prepared.exit_code != something_to_fetch) co_return prepared;
        CO_TRY(JobResult fetched, co_await fetch());
        words.assign({step_.home, fresh_, std::to_string(fetched.exit_code)});
        CO_TRY(JobResult settled, co_await run_script(settle_script, words));
        if (fetched.exit_code == 0 && settled.exit_code != 0) co_return settled;
        co_return fetched;
    }

private:
    Task<JobResult> run_script(const char* script, std::vector<std::string> args)
    {
        LeasedJob job = job_;
        job.argv = shell_words(script, std::move(args));
        co_return co_await run(std::move(job), streams_);
    }

    Task<JobResult> fetch()
    {
        std::vector<std::string> words;
        for (const std::string& secret : step_.secrets) {
            words.push_back(value_of(secret));
        }
        MaskedSink out(*streams_.out, words);
        MaskedSink err(*streams_.err, words);
        JobStreams streams = streams_;
        streams.out = &out;
        streams.err = &err;
        LeasedJob job = job_;
        job.argv = step_.argv;
        job.env.insert(job.env.end(), step_.env.begin(), step_.env.end());
        job.env.push_back("CARGO_HOME=" + fresh_);
        job.secrets = step_.secrets;
        CO_TRY(JobResult result, co_await run(std::move(job), std::move(streams)));
        CO_CHECK(co_await out.flush());
        CO_CHECK(co_await err.flush());
        co_return result;
    }

    Task<JobResult> run(LeasedJob job, JobStreams streams)
    {
        if (co_await is_interrupted()) co_return fail(Errc::cancelled, "interrupted");
        co_return co_await lease_->run(std::move(job), std::move(streams));
    }

    std::shared_ptr<Lease> lease_;
    FetchStep step_;
    LeasedJob job_;
    JobStreams streams_;
    std::string fresh_ = "/tmp/" + unique_name("fetch");
};

} // namespace

Task<JobResult> run_after_fetch(
    std::shared_ptr<Lease> lease, std::optional<FetchStep> fetch, LeasedJob job, JobStreams streams
)
{
    if (fetch) {
        Fetching fetching(lease, *fetch, job, streams);
        CO_TRY(std::optional<JobResult> fetched, co_await fetching.go());
        const bool is_over = fetched && (fetch->is_command || fetched->exit_code != 0);
        if (is_over && streams.on_end) streams.on_end();
        if (is_over) co_return *std::move(fetched);
        if (co_await is_interrupted()) co_return fail(Errc::cancelled, "interrupted");
    }
    co_return co_await lease->run(std::move(job), std::move(streams));
}

} // namespace slipway::core
