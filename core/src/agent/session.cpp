#include "agent/session.hpp"

#include "agent/link.hpp"
#include "agent/run_job.hpp"
#include "agent/within.hpp"

#include <boost/asio/this_coro.hpp>

#include <utility>

namespace slipway::core {

namespace asio = boost::asio;
using engine::Child;

namespace {

Error too_late(std::string what, std::chrono::milliseconds limit)
{
    Error error(
        Errc::timed_out,
        "the sandbox's agent has not " + std::move(what) + " within "
            + std::to_string(limit.count()) + " ms"
    );
    error.hint = hanging_hint;
    return error;
}

Task<agent::ResetDone> reset_agent(std::shared_ptr<AgentLink> link, std::chrono::milliseconds limit)
{
    const auto wanted = link->reset(limit);
    const auto late = std::make_shared<bool>(false);
    const auto executor = co_await asio::this_coro::executor;
    const Within deadline(executor, limit, [wanted, late] {
        *late = true;
        wanted->changed.notify();
    });
    while (!wanted->done && !link->failure() && !*late) {
        CO_CHECK(co_await wanted->changed.wait());
    }
    if (wanted->done) co_return *wanted->done;
    co_return fail(link->failure() ? *link->failure() : too_late("reset the sandbox", limit));
}

Task<JobEnd> run_named(std::shared_ptr<AgentLink> link, agent::Run run, JobIo io)
{
    const std::string program = run.argv.empty() ? "nothing" : run.argv.front();
    auto end = co_await run_job(link, std::move(run), std::move(io));
    co_return during(std::move(end), "running " + program + " in the sandbox");
}

Task<> say_bye(std::shared_ptr<AgentLink> link)
{
    if (link->failure()) co_return fail(*link->failure());
    link->send(agent::Type::bye, 0);
    // The agent may end the connection as soon as it has read it.
    CO_CHECK(co_await AgentLink::flush(link));
    link->fail(Error(Errc::cancelled, "the session with the sandbox's agent was ended"));
    co_return ok();
}

} // namespace

AgentSession::AgentSession(std::shared_ptr<AgentLink> link, SessionOptions options)
    : link_(std::move(link)), options_(options)
{
}

AgentSession::~AgentSession()
{
    link_->fail(Error(Errc::cancelled, "the session with the sandbox's agent was dropped"));
}

Task<std::unique_ptr<AgentSession>>
AgentSession::open(std::unique_ptr<engine::DuplexStream> stream, SessionOptions options)
{
    const auto executor = co_await asio::this_coro::executor;
    const auto link = std::make_shared<AgentLink>(executor, std::move(stream));
    std::unique_ptr<AgentSession> session(new AgentSession(link, options));
    link->greet(options);
    // Beside the reading: an agent that cannot get rid of its output need not read our hello.
    session->writer_ = Child(executor, AgentLink::write(link));
    {
        const Within deadline(executor, options.answer_within, [link, options] {
            link->fail(too_late("answered the hello", options.answer_within));
        });
        auto welcome = co_await AgentLink::answer(link);
        if (!welcome) {
            Error error = std::move(welcome).error();
            error.context.emplace_back("opening a session with the sandbox's agent");
            co_return fail(std::move(error));
        }
        session->welcome_ = *std::move(welcome);
    }
    session->reader_ = Child(executor, AgentLink::read(link));
    session->renewal_ = Child(executor, AgentLink::renew(link));
    co_return session;
}

Task<JobEnd> AgentSession::run(agent::Run run, JobIo io)
{
    return run_named(link_, std::move(run), std::move(io));
}

Task<agent::ResetDone> AgentSession::reset()
{
    return reset_agent(link_, options_.reset_within);
}

Task<> AgentSession::bye()
{
    return say_bye(link_);
}

} // namespace slipway::core
