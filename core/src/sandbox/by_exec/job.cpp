#include "sandbox/pool/job.hpp"

#include "agent/within.hpp"
#include "sandbox/by_exec/sandbox.hpp"
#include "sandbox/by_exec/script.hpp"
#include "sandbox/settle.hpp"
#include "sandbox/streams.hpp"

#include <slipway/engine/exec.hpp>
#include <slipway/engine/frames.hpp>
#include <slipway/engine/pause.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <array>
#include <optional>

namespace slipway::core::by_exec {

namespace asio = boost::asio;
using engine::Child;
using namespace std::chrono_literals;

namespace {

// After a job was killed, for its end to come; an engine may be stuck, or the sandbox paused.
constexpr auto end_patience = 2s;
// Engines know of an exec's end a little after its output has ended.
constexpr auto exit_patience = 10s;
constexpr auto watch_interval = 1s;
constexpr std::chrono::milliseconds mark_interval(5);
constexpr int killed_code = 128 + 9;
constexpr std::size_t longest_answer = 64'000;
// Those of an exec are text, so there is none that cannot be typed. An engine holds back what may
// be the begin of them: one Ctrl-^ comes with the next key.
constexpr const char* unlikely_keys = "ctrl-^,ctrl-^,ctrl-^,ctrl-^,ctrl-^,ctrl-^,ctrl-^,ctrl-^";

std::string user_of(const pool::Ids& ids)
{
    return fmt::format("{}:{}", ids.uid, ids.gid);
}

// What a job's helpers, which may outlive it for a moment, know of it.
struct ExecJob {
    std::shared_ptr<Sandbox> sandbox;
    std::string exec;
    std::unique_ptr<engine::DuplexStream> stream;
    std::shared_ptr<MarkedSink> marked;
    std::uint64_t pieces = 0; ///< of output so far
    bool writing = false;     ///< somebody takes one of them
    Child output;
    bool late = false;         ///< its deadline is over
    std::optional<Error> lost; ///< the engine does not know it any more
    std::optional<engine::TerminalSize> wanted_size;
};

// Passes on what the job writes, and lets its watch know that it goes on.
class Noting final : public engine::ByteSink {
public:
    Noting(ExecJob& job, engine::ByteSink& to) : job_(&job), to_(&to) {}
    Task<> write(std::string_view data) override
    {
        ++job_->pieces;
        job_->writing = true;
        auto written = co_await to_->write(data);
        job_->writing = false;
        co_return written;
    }

private:
    ExecJob* job_;
    engine::ByteSink* to_;
};

// Its number in the sandbox, 0 before it has said so.
std::int64_t pid_of(const ExecJob& job)
{
    return job.marked->mark() ? job.marked->mark()->pid : 0;
}

// Of a script that ends by itself; what it says.
Task<std::string> run_script(std::shared_ptr<Sandbox> sandbox, std::vector<std::string> command)
{
    engine::Execs execs(sandbox->client.transport());
    engine::ExecSpec spec;
    spec.cmd = std::move(command);
    spec.user = user_of(sandbox->ids); // without capabilities root cannot signal others
    spec.working_dir = "/";
    CO_TRY(const std::string exec, co_await execs.create(sandbox->container, spec));
    CO_TRY(const auto stream, co_await execs.start(exec));
    std::string said;
    engine::StringSink sink(said, longest_answer);
    CO_CHECK(co_await engine::demultiplex(*stream, sink, sink));
    co_return said;
}

Task<> tell(std::shared_ptr<Sandbox> sandbox, std::vector<std::string> command)
{
    CO_CHECK(co_await run_script(std::move(sandbox), std::move(command)));
    co_return ok();
}

Task<> start_exec(std::shared_ptr<ExecJob> job, bool terminal)
{
    engine::Execs execs(job->sandbox->client.transport());
    CO_TRY(job->stream, co_await execs.start(job->exec, terminal));
    co_return ok();
}

// Ends the job: with a signal and a grace, or at once. What cannot be ended is left to the removal
// of the sandbox.
Task<> end_job(std::shared_ptr<ExecJob> job, std::string signal)
{
    const auto executor = co_await asio::this_coro::executor;
    for (auto waited = 0ms; pid_of(*job) == 0 && waited < interrupt_grace; waited += 10ms) {
        CO_CHECK(co_await engine::pause(10ms)); // it is just being started
    }
    const std::int64_t pid = pid_of(*job);
    if (pid != 0 && !signal.empty()) {
        Child telling(executor, tell(job->sandbox, signal_command(pid, signal)));
        CO_CHECK(co_await engine::pause(interrupt_grace));
    }
    Child killing;
    if (pid != 0) killing = Child(executor, tell(job->sandbox, kill_command(pid)));
    CO_CHECK(co_await engine::pause(end_patience));
    job->stream->close();
    job->output.cancel();
    co_return ok();
}

Task<> keep_deadline(std::shared_ptr<ExecJob> job, std::chrono::milliseconds deadline)
{
    CO_CHECK(co_await engine::pause(deadline));
    job->late = true;
    co_return co_await end_job(job, "");
}

constexpr int most_failures = 10; // one after the other

// A process that has left the job's session can hold its output open after its end, and a sandbox
// can go without a word on the stream. What is being read is not cut off.
Task<> watch(std::shared_ptr<ExecJob> job)
{
    engine::Execs execs(job->sandbox->client.transport());
    std::uint64_t before = 0;
    int failures = 0;
    for (int quiet = 0; quiet < 2;) {
        CO_CHECK(co_await engine::pause(watch_interval));
        const auto seen = co_await execs.inspect(job->exec);
        if (!seen) {
            // A busy engine is not one that has lost it.
            if (seen.error().code == Errc::cancelled) co_return ok();
            if (seen.error().code != Errc::not_found && ++failures < most_failures) continue;
            job->lost = seen.error();
            break;
        }
        failures = 0;
        const bool ended = engine::finished(*seen, job->sandbox->client.traits());
        quiet = ended && !job->writing && job->pieces == before ? quiet + 1 : 0;
        before = job->pieces;
    }
    job->stream->close();
    job->output.cancel();
    co_return ok();
}

// One call at a time, so that the last size is the one that stays. Just after the start the
// terminal may not be there yet.
Task<> resize(std::shared_ptr<ExecJob> job)
{
    for (int failures = 0; job->wanted_size && failures < 10;) {
        const engine::TerminalSize size = *job->wanted_size;
        job->wanted_size.reset();
        engine::Execs execs(job->sandbox->client.transport());
        const auto done = co_await execs.resize(job->exec, size);
        if (done) continue;
        if (done.error().code == Errc::cancelled) break;
        ++failures;
        if (!job->wanted_size) job->wanted_size = size;
        CO_CHECK(co_await engine::pause(20ms));
    }
    co_return ok();
}

Error gone(const Sandbox& sandbox)
{
    Error error(Errc::truncated, "the sandbox " + sandbox.container + " has ended meanwhile");
    error.hint = "somebody has removed it, or its engine has ended";
    return error;
}

JobResult not_started(const Mark& mark, const std::string& cwd)
{
    JobResult result;
    result.exit_code = mark.what == Mark::What::not_found ? 127 : 126;
    switch (mark.what) {
    case Mark::What::not_found:
        result.not_run = "executable file not found in $PATH";
        break;
    case Mark::What::not_executable:
        result.not_run = "permission denied";
        break;
    case Mark::What::no_directory:
    case Mark::What::started:
        result.not_run = "cannot change to the directory " + cwd;
        break;
    }
    return result;
}

class ExecRun {
public:
    ExecRun(std::shared_ptr<Sandbox> sandbox, LeasedJob job, JobStreams streams)
        : leased_(std::move(job)), streams_(std::move(streams)), job_(std::make_shared<ExecJob>())
    {
        job_->sandbox = std::move(sandbox);
        job_->marked = std::make_shared<MarkedSink>(*streams_.out);
    }

    Task<JobResult> go()
    {
        executor_ = co_await asio::this_coro::executor;
        if (leased_.terminal && !leased_.secrets.empty()) {
            co_return fail(Errc::invalid_argument, "a job with secrets has no terminal");
        }
        Sandbox& sandbox = *job_->sandbox;
        const engine::ExecSpec spec = exec_spec();
        engine::Execs execs(sandbox.client.transport());
        auto created = co_await execs.create(sandbox.container, spec);
        if (!created && created.error().answer) {
            CO_CHECK(co_await check_running());
        }
        CO_TRY(job_->exec, std::move(created));
        // It runs even when nobody listens to the answer.
        Child starting(executor_, start_exec(job_, leased_.terminal));
        const Settled started = co_await settle(starting);
        if (!started.result) co_return fail(started.result.error());
        auto ended = co_await converse(started.interrupted);
        if (streams_.on_end) streams_.on_end();
        if (job_->late) co_return fail(Errc::timed_out, program() + " took longer than it may");
        if (job_->lost) {
            CO_CHECK(co_await check_running());
            co_return fail(*job_->lost);
        }
        if (!ended && !over(ended.error())) co_return fail(std::move(ended).error());
        co_return co_await result();
    }

    const std::string& program() const { return leased_.argv.front(); }

private:
    bool has_input() const { return streams_.in != nullptr || !leased_.secrets.empty(); }

    engine::ExecSpec exec_spec()
    {
        const Sandbox& sandbox = *job_->sandbox;
        agent::Run run = pool::run_message(leased_, sandbox.image, sandbox.ids);
        cwd_ = run.cwd;
        engine::ExecSpec spec;
        const Input input = leased_.secrets.empty() ? Input::plain : Input::variables_first;
        spec.cmd = job_command(run.cwd, run.argv, input);
        spec.env = std::move(run.env);
        spec.working_dir = "/";
        spec.user = user_of(sandbox.ids);
        spec.tty = leased_.terminal;
        spec.attach_stdin = has_input();
        spec.detach_keys = unlikely_keys;
        return spec;
    }

    static Task<>
    take(std::shared_ptr<ExecJob> job, engine::ByteSink* err, bool terminal, OnReset reset)
    {
        Noting out(*job, *job->marked);
        Noting errors(*job, err != nullptr ? *err : *job->marked); // a terminal has one output
        co_return co_await receive(*job->stream, &out, &errors, terminal, reset);
    }

    // What is typed before the script has said its mark would be echoed in front of it.
    static Task<> feed(
        std::shared_ptr<ExecJob> job,
        std::vector<std::string> secrets,
        engine::ByteSource* in,
        bool terminal
    )
    {
        if (!secrets.empty()) {
            const std::string lines = fmt::format("{}\n\n", fmt::join(secrets, "\n"));
            if (!co_await job->stream->write(lines)) co_return ok(); // it has ended
        }
        if (in == nullptr) co_return co_await job->stream->shutdown_write();
        while (terminal && !job->marked->mark()) {
            CO_CHECK(co_await engine::pause(mark_interval));
        }
        co_return co_await forward(*in, *job->stream, terminal);
    }

    Task<> converse(bool interrupted)
    {
        const engine::Interruption stop(co_await asio::this_coro::cancellation_state);
        Child input;
        if (has_input()) {
            input = Child(executor_, feed(job_, leased_.secrets, streams_.in, leased_.terminal));
        }
        if (leased_.terminal && streams_.on_terminal) follow_terminal();
        // A child, so that an interrupt does not lose bytes in the middle of a frame.
        const OnReset reset = on_reset(job_->sandbox->client.traits(), has_input());
        job_->output = Child(executor_, take(job_, streams_.err, leased_.terminal, reset));
        Child watching(executor_, watch(job_));
        Child deadline;
        if (leased_.deadline.count() > 0) {
            deadline = Child(executor_, keep_deadline(job_, leased_.deadline));
        }
        Result<> ended = fail(Errc::cancelled, "interrupted");
        if (!interrupted) ended = co_await job_->output.wait();
        interrupted_ = interrupted || stop.arrived();
        if (job_->output.running()) {
            const std::string signal =
                streams_.interrupt_signal ? streams_.interrupt_signal() : std::string("SIGINT");
            Child ending(executor_, end_job(job_, signal));
            co_await job_->output.join(); // a second interrupt ends it at once
        } else if (!ended && !over(ended.error())) {
            // Who does not take its output has no use for the job.
            Child killing(executor_, tell(job_->sandbox, kill_command(pid_of(*job_))));
            const Within patience(executor_, end_patience, [&killing] { killing.cancel(); });
            co_await killing.join();
        }
        if (interrupted_) ended = fail(Errc::cancelled, "interrupted");
        input.cancel();
        const auto fed = co_await input.join();
        if (ended && !fed && fed.error().code != Errc::cancelled) ended = fail(fed.error());
        if (resize_) {
            resize_->cancel();
            co_await resize_->join();
        }
        co_return ended;
    }

    // There is nothing more to be read, as the watch has seen.
    bool over(const Error& error) const
    {
        if (interrupted_) return false;
        return error.code == Errc::cancelled;
    }

    void follow_terminal()
    {
        resize_ = std::make_shared<Child>();
        streams_.on_terminal(
            [job = job_, executor = executor_, child = resize_](engine::TerminalSize size) {
                job->wanted_size = size;
                if (!child->running()) *child = Child(executor, resize(job));
            }
        );
    }

    Task<> check_running()
    {
        Sandbox& sandbox = *job_->sandbox;
        engine::Containers containers(sandbox.client.transport());
        const auto info = co_await containers.inspect(sandbox.container);
        if (!info && info.error().code != Errc::not_found) co_return fail(info.error());
        if (!info || !info->state.running) co_return fail(gone(sandbox));
        out_of_memory_ = info->state.oom_killed;
        co_return ok();
    }

    // An engine says for a moment yet that a sandbox runs whose end has killed the job.
    Task<> check_alive()
    {
        CO_CHECK(co_await check_running());
        auto said = co_await run_script(job_->sandbox, probe_command());
        if (said && *said == alive_text) co_return ok();
        if (!said && !said.error().answer) co_return fail(std::move(said).error());
        CO_CHECK(co_await check_running());
        co_return fail(gone(*job_->sandbox));
    }

    Task<std::int64_t> exit_code()
    {
        const Sandbox& sandbox = *job_->sandbox;
        engine::Execs execs(sandbox.client.transport());
        const auto until = std::chrono::steady_clock::now() + exit_patience;
        for (auto step = 1ms;; step = std::min<std::chrono::milliseconds>(step * 2, 200ms)) {
            const auto seen = co_await execs.inspect(job_->exec);
            if (!seen) {
                CO_CHECK(co_await check_running());
                co_return fail(seen.error());
            }
            if (engine::finished(*seen, sandbox.client.traits())) {
                co_return seen->exit_code.value_or(0);
            }
            if (std::chrono::steady_clock::now() > until) {
                CO_CHECK(co_await check_running());
                co_return fail(
                    Errc::engine, "the engine does not tell how " + program() + " ended"
                );
            }
            CO_CHECK(co_await engine::pause(step));
        }
    }

    Task<JobResult> result()
    {
        CO_TRY(const std::int64_t code, co_await exit_code());
        const std::optional<Mark>& mark = job_->marked->mark();
        if (mark && mark->what != Mark::What::started) co_return not_started(*mark, cwd_);
        if (code == killed_code || !mark) {
            CO_CHECK(co_await check_alive());
        }
        if (!mark) {
            const std::string& said = job_->marked->other();
            co_return fail(Errc::engine, said.empty() ? "the engine did not start it" : said);
        }
        JobResult result;
        result.exit_code = code;
        result.out_of_memory = code == killed_code && out_of_memory_;
        co_return result;
    }

    LeasedJob leased_;
    JobStreams streams_;
    std::shared_ptr<ExecJob> job_;
    asio::any_io_executor executor_;
    std::string cwd_;
    std::shared_ptr<Child> resize_;
    bool interrupted_ = false;
    bool out_of_memory_ = false;
};

} // namespace

Task<JobResult> run_by_exec(std::shared_ptr<Sandbox> sandbox, LeasedJob job, JobStreams streams)
{
    if (job.argv.empty()) co_return fail(Errc::invalid_argument, "a job without a command");
    ExecRun run(std::move(sandbox), std::move(job), std::move(streams));
    const std::string program = run.program();
    co_return during(co_await run.go(), "running " + program + " in the sandbox");
}

} // namespace slipway::core::by_exec
