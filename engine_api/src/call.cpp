#include "call.hpp"

#include "error_reply.hpp"
#include "secrets.hpp"

namespace slipway::engine {

namespace {

Error bad_name(std::string_view name, std::string_view what)
{
    if (name.empty()) {
        return Error(Errc::invalid_argument, "the name of the " + std::string(what) + " is empty");
    }
    return Error(
        Errc::invalid_argument, "\"" + std::string(name) + "\" cannot name a " + std::string(what)
    );
}

/// Redirects are never followed: Go's servers send them for paths that nobody meant.
bool is_refusal(int status)
{
    return status >= 300 && status != 304;
}

} // namespace

Result<std::string> segment_of(std::string_view name, std::string_view what)
{
    if (name.starts_with('/')) name.remove_prefix(1);
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos) {
        return fail(bad_name(name, what));
    }
    return Request::segment(name);
}

Result<std::string> image_segment(std::string_view name)
{
    std::string_view rest = name;
    for (bool more = true; more;) {
        const auto slash = rest.find('/');
        const auto part = rest.substr(0, slash);
        if (part.empty() || part == "." || part == "..") return fail(bad_name(name, "image"));
        more = slash != std::string_view::npos;
        if (more) rest.remove_prefix(slash + 1);
    }
    return Request::segment(name);
}

std::string_view short_id(std::string_view name) noexcept
{
    const bool is_id =
        name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    return is_id ? name.substr(0, 12) : name;
}

Result<Request> request_on(
    std::string_view method,
    std::string_view prefix,
    const Result<std::string>& segment,
    std::string_view suffix
)
{
    if (!segment) return fail(segment.error());
    return Request(std::string(method), std::string(prefix) + *segment + std::string(suffix));
}

Result<> add_filters(Request& request, const Filters& filters)
{
    if (filters.empty()) return ok();
    TRY(const std::string text, json::encode(filters));
    request.query("filters", text);
    return ok();
}

std::vector<std::string> secrets_of(const Transport& transport, const Request& request)
{
    std::vector<std::string> all = transport.secrets();
    all.insert(all.end(), request.secrets().begin(), request.secrets().end());
    return all;
}

EngineAnswer answer_to(const Transport& transport, const Request& request, int status)
{
    const Traits& traits = transport.traits();
    const std::string prefix = request.versioned() ? "/v" + to_string(traits.api) : std::string();
    return EngineAnswer{
        status, request.method(), prefix + request.path(), std::string(to_string(traits.kind))};
}

Task<Response> exchange(Transport& transport, Result<Request> request, std::string doing)
{
    if (!request) co_return during<Response>(fail(std::move(request).error()), std::move(doing));
    const EngineAnswer answer = answer_to(transport, *request, 0);
    const std::vector<std::string> secrets = secrets_of(transport, *request);
    Result<Response> reply = co_await transport.send(*std::move(request));
    if (reply && is_refusal(reply->status)) {
        reply = fail(error_from(*reply, answer.method, answer.route, transport.traits().kind));
    }
    if (!reply) reply = fail(hide(std::move(reply).error(), secrets));
    co_return during(std::move(reply), std::move(doing));
}

Task<> perform(Transport& transport, Result<Request> request, std::string doing)
{
    CO_CHECK(co_await exchange(transport, std::move(request), std::move(doing)));
    co_return ok();
}

Task<std::unique_ptr<ResponseStream>>
open(Transport& transport, Result<Request> request, std::string doing)
{
    using Stream = std::unique_ptr<ResponseStream>;
    if (!request) co_return during<Stream>(fail(std::move(request).error()), std::move(doing));
    const EngineAnswer answer = answer_to(transport, *request, 0);
    const std::vector<std::string> secrets = secrets_of(transport, *request);
    Result<Stream> stream = co_await transport.open(*std::move(request));
    if (stream && is_refusal((*stream)->status())) {
        const Response refusal{(*stream)->status(), (*stream)->headers(), {}};
        stream = fail(error_from(refusal, answer.method, answer.route, transport.traits().kind));
    }
    if (!stream) stream = fail(hide(std::move(stream).error(), secrets));
    co_return during(std::move(stream), std::move(doing));
}

Task<std::unique_ptr<DuplexStream>>
upgrade(Transport& transport, Result<Request> request, std::string doing)
{
    using Stream = std::unique_ptr<DuplexStream>;
    if (!request) co_return during<Stream>(fail(std::move(request).error()), std::move(doing));
    const std::vector<std::string> secrets = secrets_of(transport, *request);
    Result<Stream> stream = co_await transport.upgrade(*std::move(request));
    if (!stream) stream = fail(hide(std::move(stream).error(), secrets));
    co_return during(std::move(stream), std::move(doing));
}

} // namespace slipway::engine
