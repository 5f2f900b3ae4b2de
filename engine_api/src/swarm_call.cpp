#include "swarm_call.hpp"

#include "log_query.hpp"

namespace slipway::engine {

namespace {

/// Copies nothing but the request, so that the options need not outlive the call.
Result<Request>
with_log_query(Result<Request> request, const LogOptions& options, const Traits& traits)
{
    if (!request) return request;
    if (options.until) {
        return fail(Errc::invalid_argument, "the log of a swarm has no end to be asked for");
    }
    CHECK_OK(add_log_query(*request, options, traits));
    return request;
}

Task<std::unique_ptr<ResponseStream>>
open_log(Transport& transport, Result<Request> request, std::string doing)
{
    auto log = co_await open(transport, std::move(request), std::move(doing));
    if (!log) name_swarm_state(log.error());
    co_return log;
}

} // namespace

void name_swarm_state(Error& error)
{
    const bool refused = error.code == Errc::engine && error.answer && error.answer->status == 503;
    if (refused && error.message.find("swarm") != std::string::npos) error.code = Errc::conflict;
}

Task<> perform_swarm(Transport& transport, Result<Request> request, std::string doing)
{
    auto done = co_await perform(transport, std::move(request), std::move(doing));
    if (!done) name_swarm_state(done.error());
    co_return done;
}

Task<std::unique_ptr<ResponseStream>> open_swarm_log(
    Transport& transport, Result<Request> request, const LogOptions& options, std::string doing
)
{
    auto asked = with_log_query(std::move(request), options, transport.traits());
    return open_log(transport, std::move(asked), std::move(doing));
}

} // namespace slipway::engine
