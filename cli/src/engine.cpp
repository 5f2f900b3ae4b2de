#include "engine.hpp"

#include <slipway/engine/duration.hpp>
#include <slipway/engine/http_headers.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <memory>

namespace slipway::cli {
namespace {

/// The clients that discovery made, so that the chosen engine is not asked twice.
using Clients = std::map<std::string, engine::Client>;

Task<engine::Traits> ask_engine(
    boost::asio::any_io_executor executor,
    engine::Endpoint endpoint,
    engine::ClientOptions options,
    std::shared_ptr<Clients> clients
)
{
    CO_TRY(
        engine::Client client,
        co_await engine::Client::connect(executor, endpoint, std::move(options))
    );
    engine::Traits traits = client.traits();
    clients->insert_or_assign(to_string(endpoint), std::move(client));
    co_return traits;
}

std::string trace_line(const engine::CallTrace& call)
{
    return fmt::format(
        "{:<6} {} {} {}",
        call.method,
        call.route,
        call.status == 0 ? std::string("no answer") : std::to_string(call.status),
        engine::duration_text(call.took)
    );
}

} // namespace

Result<engine::ClientOptions> client_options(Context& context)
{
    engine::ClientOptions options;
    if (context.globals.verbose) {
        options.on_call = [printer = context.printer](const engine::CallTrace& call) {
            printer->detail(trace_line(call));
        };
    }
    if (const char* version = std::getenv("DOCKER_API_VERSION");
        version != nullptr && *version != '\0') {
        const char* const doing = "reading DOCKER_API_VERSION";
        auto named = during(engine::parse_api_version(version), doing);
        if (!named) {
            named.error().hint = "leave it unset, and the best version is negotiated";
            return fail(std::move(named).error());
        }
        options.api = *named;
        CHECK_OK(during(engine::check_api_version(*options.api), doing));
    }
    auto headers = engine::read_http_headers(context.environment);
    if (!headers) {
        const std::string said = describe(headers.error());
        const auto proxies = engine::read_proxies(context.environment);
        const bool both = !proxies && describe(proxies.error()) == said;
        if (both) context.proxies.emplace();
        context.printer->warning(
            said
            + (both ? ": headers and proxies in it are not used" : ": headers in it are not sent")
        );
    }
    options.headers = std::move(headers).value_or(engine::Headers());
    return options;
}

Task<engine::Client> connect(Context& context)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    CO_TRY(const engine::ClientOptions options, client_options(context));
    const auto clients = std::make_shared<Clients>();
    // Not a coroutine itself: what it captures is copied into the task's arguments.
    const engine::Ping ping = [executor, options, clients](engine::Endpoint endpoint) {
        return ask_engine(executor, std::move(endpoint), options, clients);
    };
    context.printer->progress("Looking for a container engine");
    auto found = co_await engine::discover(context.environment, context.globals.host, ping);
    if (!found) {
        const Errc code = found.error().code;
        context.no_engine = code == Errc::unreachable || code == Errc::permission_denied
                            || code == Errc::timed_out || code == Errc::protocol;
        co_return fail(std::move(found).error());
    }
    CO_CHECK(during(
        engine::check_spoken(found->traits), "asking " + to_string(found->candidate.endpoint)
    ));
    context.printer->end_progress();
    co_return clients->at(to_string(found->candidate.endpoint));
}

const engine::Proxies& proxies_for(Context& context)
{
    if (!context.proxies) {
        auto proxies = engine::read_proxies(context.environment);
        if (!proxies) {
            context.printer->warning(describe(proxies.error()) + ": proxies in it are not used");
        }
        context.proxies = std::move(proxies).value_or(engine::Proxies());
    }
    return *context.proxies;
}

} // namespace slipway::cli
