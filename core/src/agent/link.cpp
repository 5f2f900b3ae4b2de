#include "agent/link.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace slipway::core {

namespace asio = boost::asio;
using agent::Type;

namespace {

constexpr std::size_t read_room = std::size_t{256} << 10;

Error protocol_error(std::string what)
{
    Error error(Errc::protocol, "the sandbox's agent " + std::move(what));
    error.hint = "remove the sandbox: what answers there does not speak this protocol";
    return error;
}

Error connection_ended()
{
    Error error(Errc::truncated, "the connection to the sandbox's agent has ended");
    error.hint = "the sandbox was removed, or its agent was killed";
    return error;
}

// A lost connection is one thing, whichever operation saw it first.
Error lost(Error error)
{
    if (error.code != Errc::io) return error;
    Error ended = connection_ended();
    ended.message += ": " + error.message;
    ended.cause = error.cause;
    return ended;
}

Error lease_lost(std::chrono::nanoseconds unsent)
{
    Error error(
        Errc::timed_out,
        "the lease of the sandbox has run out: nothing could be sent to its agent for "
            + std::to_string(unsent / std::chrono::milliseconds(1)) + " ms"
    );
    error.hint = "the sandbox hangs, or this machine or program was stopped meanwhile";
    return error;
}

Error no_answer(std::chrono::milliseconds limit)
{
    Error error(
        Errc::timed_out,
        "the sandbox does not answer: nothing has come from its agent for "
            + std::to_string(limit.count()) + " ms"
    );
    error.hint = hanging_hint;
    return error;
}

// Goes on while the machine sleeps.
std::chrono::nanoseconds lasting_time()
{
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::string channel_text(const agent::Message& message)
{
    return "a message of type " + std::to_string(static_cast<unsigned>(message.type)) + " for job "
           + std::to_string(message.channel);
}

Result<agent::Welcome> read_answer(const agent::Message& message)
{
    if (message.channel == 0 && message.type == Type::welcome) {
        auto welcome = agent::decode<agent::Welcome>(message.payload);
        if (welcome && welcome->version == agent::protocol_version) return *std::move(welcome);
    }
    if (message.channel == 0 && message.type == Type::busy) {
        if (const auto busy = agent::decode<agent::Busy>(message.payload)) {
            Error error(
                Errc::conflict,
                "another client has the sandbox, for " + std::to_string(busy->left_ms)
                    + " ms more at least"
            );
            error.hint = "use another sandbox, or try again when the other client has ended";
            return fail(std::move(error));
        }
    }
    if (message.channel == 0 && message.type == Type::refused) {
        if (const auto refused = agent::decode<agent::Refused>(message.payload)) {
            Error error(
                Errc::unsupported,
                "the sandbox's agent speaks versions " + std::to_string(refused->lowest) + " to "
                    + std::to_string(refused->highest) + " of the protocol, this program version "
                    + std::to_string(agent::protocol_version)
            );
            error.hint = "remove the sandbox: another version of slipway made it";
            return fail(std::move(error));
        }
    }
    return fail(protocol_error("answered the hello with something that is no answer"));
}

} // namespace

AgentLink::AgentLink(
    const asio::any_io_executor& executor, std::unique_ptr<engine::DuplexStream> stream
)
    : executor_(executor),
      stream_(std::move(stream)),
      local_(dynamic_cast<LocalStream*>(stream_.get())),
      outbox_(executor),
      written_(executor),
      silence_(options_.silent_for),
      next_renewal_(executor)
{
    // 20 bytes come whole and at once.
    while (tag_ == 0) {
        static_cast<void>(!::getrandom(&tag_, sizeof tag_, 0));
    }
    static_cast<void>(!::getrandom(nonce_.data(), nonce_.size(), 0));
    reader_ = agent::FrameReader(tag_, nonce_);
}

void AgentLink::greet(const SessionOptions& options)
{
    options_ = options;
    silence_ = Silence(options.silent_for, options.lease / 3);
    last_sent_ = lasting_time();
    agent::Hello hello;
    hello.lease_ms = static_cast<std::uint32_t>(options.lease.count());
    hello.nonce = nonce_;
    std::string bytes(options.shared_stream ? agent::preamble_size : 0, '\0');
    agent::append_message(bytes, Type::hello, 0, agent::encode(hello), tag_);
    outbox_.bytes(std::move(bytes));
}

Task<std::size_t> AgentLink::read_some()
{
    auto n = co_await stream_->read(reader_.room(read_room));
    if (failure_) co_return slipway::fail(*failure_);
    if (!n) co_return slipway::fail(lost(std::move(n).error()));
    if (*n == 0) co_return slipway::fail(connection_ended());
    reader_.filled(*n);
    silence_.broken();
    co_return n;
}

Task<agent::Welcome> AgentLink::answer(std::shared_ptr<AgentLink> link)
{
    for (;;) {
        if (const auto message = link->reader_.next()) co_return read_answer(*message);
        // On a connection of our own the answer is the first that comes.
        if (!link->options_.shared_stream && link->reader_.skipped() > 0) {
            co_return slipway::fail(protocol_error("answered the hello with bytes that are no frame"
            ));
        }
        CO_CHECK(co_await link->read_some());
    }
}

Task<> AgentLink::write_piece(const Outbox::Piece& piece)
{
    if (piece.descriptor() < 0) return stream_->write(piece.bytes());
    return local_->write_with(piece.bytes(), piece.descriptor());
}

Task<> AgentLink::write(std::shared_ptr<AgentLink> link)
{
    while (!link->failure_) {
        if (link->outbox_.empty()) {
            CO_CHECK(co_await link->outbox_.changed.wait());
            continue;
        }
        Outbox::Piece piece = link->outbox_.take();
        link->writing_ = true;
        const auto renewals = link->renewals_;
        auto done = co_await link->write_piece(piece);
        if (!done) {
            link->fail(lost(std::move(done).error()));
            break;
        }
        link->writing_ = false;
        link->last_sent_ = lasting_time();
        if (link->renewals_ != renewals) {
            link->silence_.broken(); // it had to wait: somebody takes what we send
        }
        link->outbox_.done(std::move(piece));
        link->written_.notify();
    }
    co_return ok();
}

Task<> AgentLink::flush(std::shared_ptr<AgentLink> link)
{
    while (link->writing_ || !link->outbox_.empty()) {
        if (link->failure_) co_return slipway::fail(*link->failure_);
        CO_CHECK(co_await link->written_.wait());
    }
    co_return ok();
}

Task<> AgentLink::read(std::shared_ptr<AgentLink> link)
{
    for (;;) {
        Result<> good = link->take_all();
        if (good) {
            const auto n = co_await link->read_some();
            if (!n) good = slipway::fail(n.error());
        }
        if (!good) {
            link->fail(std::move(good).error());
            co_return ok();
        }
    }
}

Result<> AgentLink::take_all()
{
    while (const auto message = reader_.next()) {
        CHECK_OK(take(*message));
    }
    if (reader_.skipped() > 0) {
        return slipway::fail(protocol_error("sent bytes that are no frame"));
    }
    return ok();
}

Result<> AgentLink::take(const agent::Message& message)
{
    if (message.type == Type::renewed && message.channel == 0 && message.payload.empty()) {
        return ok(); // that it came is all it says
    }
    if (message.type == Type::reset_done && message.channel == 0) {
        auto done = agent::decode<agent::ResetDone>(message.payload);
        if (!done || resets_.empty()) {
            return slipway::fail(protocol_error("reports a reset that makes no sense"));
        }
        resets_.front()->done = std::move(done);
        resets_.front()->changed.notify();
        resets_.pop_front();
        return ok();
    }
    const auto found = jobs_.find(message.channel);
    if (found == jobs_.end()) {
        return slipway::fail(protocol_error("sent " + channel_text(message) + ", which is none"));
    }
    const auto job = found->second;
    switch (message.type) {
    case Type::out:
        return take_output(*job, agent::Stream::out, message.payload);
    case Type::err:
        return take_output(*job, agent::Stream::err, message.payload);
    case Type::window:
        return take_window(*job, message.payload);
    case Type::started:
        if (agent::decode<agent::Started>(message.payload)) return ok();
        break;
    case Type::exit:
        if (const auto exit = agent::decode<agent::Exit>(message.payload); exit && exit->how <= 1) {
            return take_end(*job, *exit);
        }
        break;
    case Type::failed:
        if (auto failed = agent::decode<agent::Failed>(message.payload)) {
            return take_end(*job, *std::move(failed));
        }
        break;
    default:
        break;
    }
    return slipway::fail(protocol_error("sent " + channel_text(message) + " that makes no sense"));
}

Result<> AgentLink::take_output(AgentJob& job, agent::Stream stream, std::string_view bytes)
{
    job.arrived += bytes.size();
    if (!job.window(stream).arrived(bytes.size())) {
        return slipway::fail(protocol_error("sent more output than it was granted"));
    }
    if (job.dropped) {
        given(job, stream, bytes.size());
        return ok();
    }
    job.output.append(stream, bytes);
    job.changed.notify();
    return ok();
}

Result<> AgentLink::take_window(AgentJob& job, std::string_view payload)
{
    const auto window = agent::decode<agent::Window>(payload);
    if (!window || window->stream != static_cast<std::uint8_t>(agent::Stream::in)) {
        return slipway::fail(protocol_error("granted bytes of a stream that it does not read"));
    }
    job.in_window += window->more;
    job.may_send.notify();
    return ok();
}

Result<> AgentLink::take_end(AgentJob& job, JobEnd end)
{
    job.end = std::move(end);
    job.changed.notify();
    job.may_send.notify();
    jobs_.erase(job.channel);
    return ok();
}

Task<> AgentLink::renew(std::shared_ptr<AgentLink> link)
{
    while (!link->failure_) {
        const auto before = Silence::Clock::now();
        link->next_renewal_.expires_after(link->silence_.step());
        co_await link->next_renewal_.async_wait(asio::as_tuple(asio::use_awaitable));
        const auto now = Silence::Clock::now();
        ++link->renewals_;
        if (!link->resets_.empty() && now < link->resets_until_) link->silence_.broken();
        const auto unsent = lasting_time() - link->last_sent_;
        // On a stream of our own the agent, who may have stood still as long, tells it by its end.
        if (link->options_.shared_stream && unsent > link->options_.lease) {
            link->fail(lease_lost(unsent));
        } else if (link->silence_.passed(now - before)) {
            link->fail(no_answer(link->options_.silent_for));
        } else if (link->outbox_.empty() && !link->writing_) {
            link->send(Type::renew, 0);
        }
    }
    co_return ok();
}

Result<std::shared_ptr<AgentJob>> AgentLink::start(const agent::Run& run)
{
    if (failure_) return slipway::fail(*failure_);
    const std::string payload = agent::encode(run);
    if (payload.size() > agent::max_message) {
        Error error(
            Errc::invalid_argument,
            "arguments and environment have " + std::to_string(payload.size())
                + " bytes, and 4 MiB is the most"
        );
        error.hint = "pass long lists in a file or on stdin";
        return slipway::fail(std::move(error));
    }
    const auto job = std::make_shared<AgentJob>(executor_, ++last_channel_);
    if (run.own_stream) {
        TRY(LocalPair own, local_pair(executor_));
        job->own = std::move(own.ours);
        outbox_.message_with(std::move(own.theirs), Type::run, job->channel, payload, tag_);
    } else {
        outbox_.message(Type::run, job->channel, payload, tag_);
    }
    jobs_.emplace(job->channel, job);
    return job;
}

void AgentLink::send_in(
    const std::shared_ptr<AgentLink>& link,
    const std::shared_ptr<AgentJob>& job,
    Outbox::Block block,
    std::size_t size
)
{
    if (link->failure_ || job->end) return;
    job->in_window -= size;
    ++job->unsent;
    // The link owns the function, so that one may not own the link.
    link->outbox_.in(job->channel, std::move(block), size, link->tag_, [job] {
        --job->unsent;
        job->may_send.notify();
    });
}

void AgentLink::given(AgentJob& job, agent::Stream stream, std::size_t bytes)
{
    grant(job, stream, job.window(stream).given(bytes));
}

void AgentLink::grant(const AgentJob& job, agent::Stream stream, std::uint32_t more)
{
    if (more == 0 || job.end) return;
    agent::Window window;
    window.stream = static_cast<std::uint8_t>(stream);
    window.more = more;
    send(Type::window, job.channel, window);
}

void AgentLink::cancel(const AgentJob& job, int signal, std::chrono::milliseconds grace)
{
    if (job.end) return;
    agent::Cancel message;
    message.signal = static_cast<std::uint8_t>(signal);
    message.grace_ms = static_cast<std::uint32_t>(grace.count());
    send(Type::cancel, job.channel, message);
}

void AgentLink::drop(AgentJob& job)
{
    if (job.dropped || job.end) return;
    job.dropped = true;
    cancel(job, SIGKILL, std::chrono::milliseconds(0));
    job.output.clear();
    // What it still has to say must not keep it from ending.
    for (const auto stream : {agent::Stream::out, agent::Stream::err}) {
        grant(job, stream, job.window(stream).refill());
    }
}

std::shared_ptr<AgentLink::Reset> AgentLink::reset(std::chrono::milliseconds limit)
{
    resets_until_ = std::max(resets_until_, Silence::Clock::now() + limit);
    auto wanted = std::make_shared<Reset>(executor_);
    if (!failure_) {
        send(Type::reset, 0);
        resets_.push_back(wanted);
    }
    return wanted;
}

void AgentLink::fail(Error error)
{
    if (failure_) return;
    failure_ = std::move(error);
    stream_->close();
    next_renewal_.cancel();
    outbox_.changed.notify();
    written_.notify();
    for (const auto& [channel, job] : jobs_) {
        job->changed.notify();
        job->may_send.notify();
        if (job->own) job->own->close();
        if (failure_->code == Errc::cancelled && job->stop) job->stop();
    }
    for (const auto& reset : resets_) {
        reset->changed.notify();
    }
}

} // namespace slipway::core
