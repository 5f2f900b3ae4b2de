#pragma once

#include "json.hpp"

#include <slipway/engine/filters.hpp>
#include <slipway/engine/transport.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::engine {

/// For calls in which the engine works on its disk before it answers: prune, commit, df.
inline constexpr std::chrono::minutes disk_work{30};
/// For streams whose header is due at once: attach, exec, archive, a log that is not followed.
inline constexpr std::chrono::minutes prompt_header{5};

/// A Task that is an error from the start, for plain functions that refuse their arguments.
template <class T = void>
Task<T> refuse(Error error)
{
    co_return fail(std::move(error));
}

/// The path segment of a container, exec or volume: without a leading '/', percent-encoded.
/// Errors: invalid_argument (empty, "." or "..", or with a '/' inside: such paths reach other
/// routes).
Result<std::string> segment_of(std::string_view name, std::string_view what);
/// The same for an image, whose name has '/' inside.
Result<std::string> image_segment(std::string_view name);

/// An id of 64 digits as people know it: its first 12. Names stay as they are.
std::string_view short_id(std::string_view name) noexcept;

/// `METHOD /prefix/{name}suffix`, or the reason why there is no such request.
Result<Request> request_on(
    std::string_view method,
    std::string_view prefix,
    const Result<std::string>& segment,
    std::string_view suffix = {}
);

/// Appends `filters` as JSON when there are any. Errors: invalid_argument (not UTF-8).
Result<> add_filters(Request& request, const Filters& filters);

/// What no Error about the request may show.
std::vector<std::string> secrets_of(const Transport& transport, const Request& request);

/// What an Error says of the answer that caused it.
EngineAnswer answer_to(const Transport& transport, const Request& request, int status);

// The functions below are coroutines: they own everything but the transport. `doing` says what is
// attempted and on which object, as in "starting container web"; it becomes the error's context.

/// Sends, and turns a status of 400 and more (and redirects) into an Error. 304 is a value.
Task<Response> exchange(Transport& transport, Result<Request> request, std::string doing);

/// The same where the answer has nothing to say.
Task<> perform(Transport& transport, Result<Request> request, std::string doing);

/// The same with the answer's body as a stream.
Task<std::unique_ptr<ResponseStream>>
open(Transport& transport, Result<Request> request, std::string doing);
Task<std::unique_ptr<DuplexStream>>
upgrade(Transport& transport, Result<Request> request, std::string doing);

/// The same with the answer's body as JSON.
template <class T>
Task<T> call(Transport& transport, Result<Request> request, std::string doing)
{
    EngineAnswer answer;
    if (request) answer = answer_to(transport, *request, 0);
    CO_TRY(Response reply, co_await exchange(transport, std::move(request), doing));
    Result<T> value = json::decode<T>(std::move(reply.body));
    if (!value) {
        answer.status = reply.status;
        value.error().answer = std::move(answer);
    }
    co_return during(std::move(value), std::move(doing));
}

} // namespace slipway::engine
