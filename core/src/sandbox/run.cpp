#include "agent/within.hpp"
#include "interrupted.hpp"
#include "sandbox/final_state.hpp"
#include "sandbox/not_run.hpp"
#include "sandbox/owned.hpp"
#include "sandbox/owner.hpp"
#include "sandbox/pool/container.hpp"
#include "sandbox/pool/limits.hpp"
#include "sandbox/remove.hpp"
#include "sandbox/settle.hpp"
#include "sandbox/streams.hpp"

#include <slipway/core/container_files.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/core/sandbox.hpp>
#include <slipway/engine/child.hpp>
#include <slipway/engine/pause.hpp>
#include <slipway/engine/system.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace slipway::core {

namespace asio = boost::asio;
using engine::Child;

namespace {

// How an interrupt before the end leaves the workspace.
constexpr std::string_view nothing_back = "no files were brought back";

engine::ContainerSpec spec_of(
    const Job& job,
    const JobStreams& streams,
    const engine::Endpoint& endpoint,
    Owner owner,
    bool init
)
{
    engine::ContainerSpec spec;
    spec.image = job.image;
    spec.name = unique_name("run");
    spec.platform = job.platform;
    spec.cmd = job.argv;
    spec.env = job.env;
    engine::add_proxies(spec.env, engine::proxy_variables(job.proxies, endpoint));
    spec.working_dir = job.cwd;
    spec.labels = labels_for("run");
    spec.tty = job.terminal;
    spec.attach_stdin = spec.open_stdin = streams.in != nullptr;
    spec.stdin_once = streams.in != nullptr; // a half-close ends the command's stdin
    spec.attach_stdout = spec.attach_stderr = true;
    spec.host.network_mode = job.network;
    if (job.memory_bytes > 0) spec.host.memory = job.memory_bytes;
    if (job.cpus > 0) spec.host.nano_cpus = pool::nano_cpus(job.cpus);
    spec.host.log_config.emplace().type = "none"; // the engine would keep a copy of all output
    if (init) spec.host.init = true;
    if (owner.uid != 0) {
        spec.user = std::to_string(owner.uid) + ":" + std::to_string(owner.gid);
        spec.env.insert(spec.env.begin(), "HOME=/tmp"); // the image's may not be writable for it
    }
    return spec;
}

void tell(JobResult& result, const NotRun& why)
{
    result.exit_code = why.exit_code;
    result.not_run = why.reason;
}

// One attempt at a job, from its container's creation to its end.
class Run {
public:
    Run(engine::Client client, Job& job, JobStreams& streams)
        : client_(std::move(client)), containers_(client_.transport()), job_(job), streams_(streams)
    {
    }

    Task<JobResult> go(Owner owner, bool init)
    {
        const auto executor = co_await asio::this_coro::executor;
        engine::ContainerSpec spec = spec_of(job_, streams_, client_.endpoint(), owner, init);
        container_ = spec.name;
        Child making(executor, create(std::move(spec)));
        const Settled created = co_await settle(making);
        const Result<>& made = created.result;
        Result<JobResult> result = fail(Errc::cancelled, "interrupted");
        if (!made) {
            result = fail(made.error());
        } else if (!created.interrupted) {
            result = co_await work(owner, init);
        }
        interrupted_ = co_await is_interrupted();
        if (created.interrupted) interrupted_ = true;
        // The removal has to be able to run; an interrupt that comes now waits for it.
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        if (made || !refused(made.error())) {
            Child removing(executor, remove_container(client_, container_));
            const Settled gone = co_await settle(removing);
            if (gone.interrupted) interrupted_ = true;
            if (!gone.result) {
                if (result) result = fail(gone.result.error());
                result.error().hint = "the container " + container_ + " may still be on the engine";
            }
        }
        if (!result && result.error().code == Errc::cancelled) {
            co_return fail(Errc::cancelled, std::string(files_back_));
        }
        co_return result;
    }

    bool started() const noexcept { return started_; }
    /// At any moment, also one at which that ended nothing.
    bool interrupted() const noexcept { return interrupted_; }

private:
    Task<> create(engine::ContainerSpec spec)
    {
        CO_CHECK(co_await containers_.create(spec));
        co_return ok();
    }

    // Without an answer, or with one that cannot be read, the container may be there.
    static bool refused(const Error& error) { return error.answer && error.answer->status >= 400; }

    Task<JobResult> work(Owner owner, bool init)
    {
        std::shared_ptr<const SentWorkspace> sent;
        if (job_.workspace) {
            CO_TRY(
                sent,
                co_await send_workspace(engine_files(client_, container_), *job_.workspace, owner)
            );
        }
        engine::AttachOptions attach;
        attach.in = streams_.in != nullptr;
        attach.detach_keys = no_detach_keys;
        CO_TRY(auto stream, co_await containers_.attach(container_, attach));
        CO_CHECK(co_await containers_.start(container_));
        started_ = true;
        auto ended = co_await converse(*stream);
        if (streams_.on_end) streams_.on_end();
        if (!ended) {
            if (ended.error().code == Errc::io && job_.workspace) {
                ended.error().hint =
                    "the command was ended, and none of its files were brought back";
            }
            co_return fail(std::move(ended).error());
        }
        CO_TRY(const FinalState state, co_await final_state(client_, container_));
        JobResult result;
        result.exit_code = state.exit_code;
        result.out_of_memory = state.out_of_memory;
        result.outlived_its_output = state.outlived_its_output;
        if (init && (state.exit_code == 1 || state.exit_code == 126 || state.exit_code == 127)) {
            CO_TRY(
                const auto missing,
                co_await look_for_program(client_, container_, job_.argv.front())
            );
            if (missing) tell(result, *missing);
        }
        if (job_.workspace) {
            files_back_ = "only some files were brought back";
            CO_TRY(
                result.fetched,
                co_await fetch_workspace(engine_files(client_, container_), *job_.workspace, sent)
            );
        }
        co_return result;
    }

    // Moves all streams until the command's output ends.
    Task<> converse(engine::DuplexStream& stream)
    {
        const auto executor = co_await asio::this_coro::executor;
        Child input;
        if (streams_.in != nullptr) {
            input = Child(executor, forward(*streams_.in, stream, job_.terminal));
        }
        if (job_.terminal && streams_.on_terminal) {
            follow_terminal(executor);
        }
        // A child, so that an interrupt does not lose bytes in the middle of a frame.
        const OnReset reset = on_reset(client_.traits(), streams_.in != nullptr);
        Child output(executor, receive(stream, streams_.out, streams_.err, job_.terminal, reset));
        // An interrupt that came just when an earlier operation was done has stopped nothing yet.
        Result<> ended;
        if (!co_await is_interrupted()) {
            ended = co_await output.wait();
        }
        if (output.running()) { // interrupted
            co_await interrupt(output, stream);
            ended = fail(Errc::cancelled, "interrupted");
        }
        input.cancel();
        const auto fed = co_await input.join();
        if (ended && !fed && fed.error().code != Errc::cancelled) {
            ended = fail(fed.error());
        }
        if (resize_) {
            resize_->cancel();
            co_await resize_->join();
        }
        co_return ended;
    }

    // Gives the command a moment to end by itself and shows what it still has to say.
    Task<> interrupt(Child& output, engine::DuplexStream& stream)
    {
        const auto executor = co_await asio::this_coro::executor;
        const std::string signal =
            streams_.interrupt_signal ? streams_.interrupt_signal() : std::string("SIGINT");
        co_await containers_.kill(container_, signal); // it may have ended just now
        asio::steady_timer grace(executor, interrupt_grace);
        // The handler can still be due when the stream is gone.
        const auto over = std::make_shared<bool>(false);
        grace.async_wait([&stream, &output, over](const boost::system::error_code& stopped) {
            if (stopped || *over) return;
            stream.close();
            output.cancel(); // it may be writing to somebody who does not read
        });
        co_await output.join(); // a second interrupt ends it at once
        *over = true;
        co_return ok();
    }

    void follow_terminal(const asio::any_io_executor& executor)
    {
        resize_ = std::make_shared<Child>();
        const auto wanted = std::make_shared<std::optional<engine::TerminalSize>>();
        streams_.on_terminal([this, executor, wanted, child = resize_](engine::TerminalSize size) {
            *wanted = size;
            if (!child->running()) *child = Child(executor, resize(client_, container_, wanted));
        });
    }

    // One call at a time, so that the last size is the one that stays. Just after the start the
    // terminal may not be there yet.
    static Task<> resize(
        engine::Client client,
        std::string id,
        std::shared_ptr<std::optional<engine::TerminalSize>> wanted
    )
    {
        int failures = 0;
        while (*wanted && failures < 10) {
            const engine::TerminalSize size = **wanted;
            wanted->reset();
            const auto done = co_await engine::Containers(client.transport()).resize(id, size);
            if (done) {
                continue;
            }
            if (done.error().code == Errc::cancelled) {
                break;
            }
            ++failures;
            if (!*wanted) *wanted = size;
            CO_CHECK(co_await engine::pause(std::chrono::milliseconds(20)));
        }
        co_return ok();
    }

    engine::Client client_;
    engine::Containers containers_;
    Job& job_;
    JobStreams& streams_;
    std::string container_;
    std::string_view files_back_ = nothing_back; // if an interrupt came now
    std::shared_ptr<Child> resize_;
    bool started_ = false;
    bool interrupted_ = false;
};

// How long a run that has ended waits for what earlier ones left to be removed.
constexpr std::chrono::milliseconds longest_sweep{200};

// An engine that cannot limit something says nothing.
Task<> check_limits(engine::Client client, std::int64_t memory_bytes, double cpus)
{
    if (memory_bytes == 0 && cpus == 0) co_return ok();
    CO_TRY(const engine::EngineInfo info, co_await engine::System(client.transport()).info());
    SandboxLimits asked;
    asked.memory_bytes = memory_bytes;
    asked.cpus = cpus;
    CO_CHECK(pool::limits_on(info, asked));
    co_return ok();
}

// What has to be known before there is a container.
Task<Owner> look_ahead(engine::Client client, std::int64_t memory_bytes, double cpus)
{
    CO_TRY(const Owner owner, co_await owner_for(client));
    CO_CHECK(co_await check_limits(client, memory_bytes, cpus));
    co_return owner;
}

Task<JobResult> run_attempts(engine::Client client, Job job, JobStreams streams, Owner owner)
{
    // As PID 1 a command ignores the terminal's Ctrl-C unless it has a handler of its own, so on a
    // terminal the engine's init goes first, where the engine has one.
    const bool init = job.terminal;
    Run attempt(client, job, streams);
    auto result = co_await attempt.go(owner, init);
    if (result || attempt.started()) co_return result;
    // Whatever the engine said meanwhile: nobody shall try again.
    if (attempt.interrupted()) co_return fail(Errc::cancelled, std::string(nothing_back));
    if (!init || !lacks_init(result.error())) co_return result;
    Run plain(client, job, streams);
    co_return co_await plain.go(owner, false);
}

} // namespace

std::optional<JobResult> refuse_long_name(const Job& job)
{
    if (job.argv.empty() || !is_too_long(job.argv.front())) return {};
    NotRun why;
    why.reason = "File name too long";
    JobResult refused;
    tell(refused, why);
    return refused;
}

Task<JobResult> run(engine::Client client, Job job, JobStreams streams)
{
    if (auto refused = refuse_long_name(job)) {
        co_return *std::move(refused);
    }
    const auto found = co_await look_ahead(client, job.memory_bytes, job.cpus);
    if (!found && found.error().code == Errc::cancelled) {
        co_return fail(Errc::cancelled, std::string(nothing_back));
    }
    CO_TRY(const Owner owner, found);
    // Beside the creation, which takes longer; what is there to be removed, beside the command.
    // What the engine has not removed by the end of both is left to the next run.
    const auto executor = co_await asio::this_coro::executor;
    Child sweeping(executor, sweep_jobs(client));
    auto result = co_await run_attempts(client, job, streams, owner);
    if (!result && result.error().code == Errc::cancelled) sweeping.cancel();
    const Within enough(executor, longest_sweep, [&sweeping] { sweeping.cancel(); });
    co_await sweeping.join();
    if (!result) {
        if (const auto why = not_run(result.error(), job.argv.front())) {
            JobResult refused;
            tell(refused, *why);
            co_return refused;
        }
    }
    co_return result;
}

} // namespace slipway::core
