#include "agent/run_job.hpp"

#include "agent/within.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/pause.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <csignal>
#include <optional>
#include <utility>

namespace slipway::core {

namespace asio = boost::asio;
using engine::Child;

namespace {

// Of stdin: one is read into while another is being written.
constexpr std::size_t most_unsent_blocks = 4;
// Of a stream of its own: what is read and written at once.
constexpr std::size_t own_bytes = std::size_t{256} << 10;
// After a job was killed, for its end to come.
constexpr std::chrono::milliseconds end_patience(1'000);

// Gives on what a job writes to its own stream, until that ends; of a job that was dropped the rest
// is thrown away, and its end tells. Its stderr is small meanwhile: that of a worker, which says
// what went wrong.
Task<>
give_own(std::shared_ptr<AgentLink> link, std::shared_ptr<AgentJob> job, engine::ByteSink* to)
{
    const auto buffer = std::make_unique_for_overwrite<char[]>(own_bytes);
    const std::span<char> room(buffer.get(), own_bytes);
    CO_CHECK(co_await job->own->shutdown_write()); // a stdin that is empty
    for (;;) {
        const auto n = co_await job->own->read(room);
        if (link->failure()) co_return fail(*link->failure());
        if (!n) co_return fail(n.error());
        if (*n == 0) co_return ok();
        job->arrived += *n;
        if (to == nullptr || job->dropped) continue;
        job->giving = true;
        CO_CHECK(co_await to->write(std::string_view(room.data(), *n)));
        job->giving = false;
    }
}

// Gives on what the job writes until it has ended and all is given on.
Task<> give_output(std::shared_ptr<AgentLink> link, std::shared_ptr<AgentJob> job, JobIo io)
{
    if (job->own && io.in == nullptr) {
        CO_CHECK(co_await give_own(link, job, io.out));
    }
    JobOutput output; // takes turns with the job's
    for (;;) {
        job->giving = !job->output.parts.empty();
        while (!job->output.parts.empty()) {
            output.clear();
            std::swap(output, job->output);
            std::string_view rest = output.bytes;
            for (const JobOutput::Part& part : output.parts) {
                engine::ByteSink* const sink = part.stream == agent::Stream::out ? io.out : io.err;
                if (sink != nullptr) {
                    CO_CHECK(co_await sink->write(rest.substr(0, part.size)));
                }
                rest.remove_prefix(part.size);
                link->given(*job, part.stream, part.size);
            }
        }
        job->giving = false;
        if (job->end) co_return ok();
        if (link->failure()) co_return fail(*link->failure());
        CO_CHECK(co_await job->changed.wait());
    }
}

// Sends stdin by the job's own stream, until its end or the job's, which then tells why.
Task<>
feed_own(std::shared_ptr<AgentLink> link, std::shared_ptr<AgentJob> job, engine::ByteSource& from)
{
    const auto buffer = std::make_unique_for_overwrite<char[]>(own_bytes);
    const std::span<char> room(buffer.get(), own_bytes);
    while (!job->end && !job->dropped && !link->failure()) {
        const auto n = co_await from.read(room);
        if (!n) {
            if (n.error().code != Errc::cancelled) link->drop(*job);
            co_return fail(n.error());
        }
        if (*n == 0) {
            co_return co_await job->own->shutdown_write();
        }
        const auto sent = co_await job->own->write(std::string_view(room.data(), *n));
        if (!sent && sent.error().code != Errc::io) co_return fail(sent.error());
        if (!sent) break;
    }
    co_return ok();
}

// Sends stdin until its end or the job's.
Task<>
feed_job(std::shared_ptr<AgentLink> link, std::shared_ptr<AgentJob> job, engine::ByteSource& from)
{
    if (job->own) {
        co_return co_await feed_own(link, job, from);
    }
    const auto over = [&] { return job->end || job->dropped || link->failure(); };
    while (!over()) {
        if (job->in_window == 0 || job->unsent >= most_unsent_blocks) {
            CO_CHECK(co_await job->may_send.wait());
            continue;
        }
        Outbox::Block block = link->block();
        const auto room = block.room();
        const auto most = std::min<std::uint64_t>(room.size(), job->in_window);
        const auto n = co_await from.read(room.first(static_cast<std::size_t>(most)));
        if (!n) {
            // Half of its input must not look like all of it.
            if (n.error().code != Errc::cancelled) link->drop(*job);
            co_return fail(n.error());
        }
        AgentLink::send_in(link, job, std::move(block), *n);
        if (*n == 0) break;
    }
    co_return ok();
}

// Ends the wait for a job that the agent does not end. As long as our own sinks are slow it may
// have ended: the agent says so after all output.
Task<> keep_deadline(
    std::shared_ptr<AgentLink> link,
    std::shared_ptr<AgentJob> job,
    std::chrono::milliseconds deadline
)
{
    CO_CHECK(co_await engine::pause(deadline));
    Silence overdue(link->options().overdue_for);
    std::uint64_t arrived = job->arrived; // its end comes behind its output
    for (bool late = false; !late;) {
        const auto before = Silence::Clock::now();
        CO_CHECK(co_await engine::pause(overdue.step()));
        if (job->giving || arrived != job->arrived) overdue.broken();
        arrived = job->arrived;
        late = overdue.passed(Silence::Clock::now() - before);
    }
    job->overdue = !job->end;
    if (job->stop) job->stop();
    co_return ok();
}

Error not_ended(std::chrono::milliseconds deadline, std::chrono::milliseconds patience)
{
    Error error(
        Errc::timed_out,
        "it took longer than the " + std::to_string(deadline.count())
            + " ms that it may, and the sandbox's agent has not ended it within "
            + std::to_string(patience.count()) + " ms more"
    );
    error.hint = hanging_hint;
    return error;
}

std::optional<std::chrono::milliseconds> deadline_of(const agent::Run& run)
{
    constexpr std::uint64_t most = std::uint64_t{1} << 40U; // as for the agent
    if (run.deadline_ms == 0) return std::nullopt;
    return std::chrono::milliseconds(std::min(run.deadline_ms, most));
}

Task<> await_end(std::shared_ptr<AgentLink> link, std::shared_ptr<AgentJob> job)
{
    while (!job->end && !link->failure()) {
        CO_CHECK(co_await job->changed.wait());
    }
    co_return ok();
}

// The caller's functions may outlive the run.
void hand_out_controls(
    const std::shared_ptr<AgentLink>& link,
    const std::shared_ptr<AgentJob>& job,
    const agent::Run& run,
    const JobIo& io
)
{
    const std::weak_ptr<AgentLink> weak_link = link;
    const std::weak_ptr<AgentJob> weak_job = job;
    if (io.on_signal) {
        io.on_signal([weak_link, weak_job](int number) {
            const auto to = weak_link.lock();
            const auto of = weak_job.lock();
            if (!to || !of || of->end) return;
            agent::Signal signal;
            signal.number = static_cast<std::uint8_t>(number);
            to->send(agent::Type::signal, of->channel, signal);
        });
    }
    if (io.on_terminal && run.terminal) {
        io.on_terminal([weak_link, weak_job](engine::TerminalSize size) {
            const auto to = weak_link.lock();
            const auto of = weak_job.lock();
            if (!to || !of || of->end) return;
            agent::Resize resize;
            resize.rows = size.rows;
            resize.columns = size.columns;
            to->send(agent::Type::resize, of->channel, resize);
        });
    }
}

// However the run ends, what it started does not go on.
class JobGuard {
public:
    JobGuard(std::shared_ptr<AgentLink> link, std::shared_ptr<AgentJob> job)
        : link_(std::move(link)), job_(std::move(job))
    {
    }
    JobGuard(const JobGuard&) = delete;
    JobGuard& operator=(const JobGuard&) = delete;
    ~JobGuard()
    {
        job_->stop = nullptr;
        link_->drop(*job_);
    }

private:
    std::shared_ptr<AgentLink> link_;
    std::shared_ptr<AgentJob> job_;
};

Task<JobEnd> follow_job(
    std::shared_ptr<AgentLink> link,
    std::shared_ptr<AgentJob> job,
    std::optional<std::chrono::milliseconds> deadline,
    JobIo io
)
{
    const auto executor = co_await asio::this_coro::executor;
    // Children, so that an interrupt does not lose what is being given on.
    Child output(executor, give_output(link, job, io));
    job->stop = [&output] { output.cancel(); };
    Child input;
    if (io.in != nullptr) input = Child(executor, feed_job(link, job, *io.in));
    Child overdue;
    if (deadline) overdue = Child(executor, keep_deadline(link, job, *deadline));
    auto ended = co_await output.wait();
    if (output.running()) { // interrupted
        link->cancel(*job, io.stop_signal ? io.stop_signal() : SIGTERM, io.grace);
        // A sink may be stuck, or the agent.
        const Within patience(executor, io.grace + end_patience, [&output] { output.cancel(); });
        co_await output.join();
        ended = fail(Errc::cancelled, "interrupted");
    } else if (job->overdue && !job->end) {
        ended = fail(not_ended(*deadline, link->options().overdue_for));
    }
    job->stop = nullptr;
    if (link->failure() && link->failure()->code == Errc::cancelled && !job->end) {
        ended = fail(*link->failure());
    }
    input.cancel();
    const auto fed = co_await input.join();
    if (ended && !fed && fed.error().code != Errc::cancelled) ended = fail(fed.error());
    if (!ended && !job->end && ended.error().code != Errc::cancelled) {
        link->drop(*job);
        Child end(executor, await_end(link, job));
        const Within patience(executor, end_patience, [&end] { end.cancel(); });
        co_await end.join();
    }
    if (!ended) co_return fail(std::move(ended).error());
    co_return *job->end;
}

} // namespace

Task<JobEnd> run_job(std::shared_ptr<AgentLink> link, agent::Run run, JobIo io)
{
    const bool is_program = run.what == static_cast<std::uint8_t>(agent::What::program);
    const bool is_talk = io.in != nullptr && io.out != nullptr; // not much, to and fro
    run.own_stream = !is_program && !is_talk && link->has_own_streams();
    run.has_in = io.in != nullptr && !run.own_stream;
    run.window = OutputWindow::size;
    CO_TRY(const auto job, link->start(run));
    const JobGuard guard(link, job);
    hand_out_controls(link, job, run, io);
    co_return co_await follow_job(link, job, deadline_of(run), std::move(io));
}

} // namespace slipway::core
