#pragma once

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace slipway {

/// What callers branch on. A value is added only when some caller acts on it.
enum class Errc {
    internal,          ///< a bug of ours
    cancelled,         ///< the caller asked for the end
    timed_out,         ///< a deadline ran out
    unreachable,       ///< no engine answers at the endpoint
    permission_denied, ///< the operating system refused
    not_found,         ///< 404, or a file that is not there
    conflict,          ///< 409: name in use, or wrong state for the request
    invalid_argument,  ///< refused by us, or 400 by the engine
    unauthorized,      ///< 401 or 403
    unsupported,       ///< this engine or this build of Slipway cannot do it
    engine,            ///< the engine failed: 5xx, or an error inside a stream
    protocol,          ///< the peer does not speak the protocol
    truncated,         ///< a stream ended before its end
    io,                ///< a local file or a connection failed
};

/// The lower-case name of `code`, as in "not_found".
std::string_view name(Errc code) noexcept;

/// What the engine answered, when it answered at all.
struct EngineAnswer {
    int status = 0;     ///< HTTP status
    std::string method; ///< "POST"
    std::string route;  ///< path with the version, without the query (it may hold secrets)
    std::string engine; ///< "docker" or "podman"
};

/// The one error type of Slipway.
struct [[nodiscard]] Error {
    Error(Errc kind, std::string text) : code(kind), message(std::move(text)) {}

    Errc code;
    std::string message; ///< one line, no final dot; the engine's own words, unparsed
    std::vector<std::string> context{}; ///< what was being done, innermost first
    std::string hint{};                 ///< what the user can do; may be empty
    std::error_code cause{};            ///< operating system or TLS code when there is one
    std::optional<EngineAnswer> answer{};
};

/// "creating a container: no such image: nope": the outermost context first, then the message.
std::string describe(const Error& error);

/// A value or an Error.
template <class T = void>
using Result = tl::expected<T, Error>;

/// What every asynchronous function of Slipway returns.
template <class T = void>
using Task = boost::asio::awaitable<Result<T>>;

/// `return fail(Errc::not_found, "...")` in a function that returns a Result or a Task.
inline tl::unexpected<Error> fail(Errc code, std::string message)
{
    return tl::unexpected<Error>(Error(code, std::move(message)));
}
inline tl::unexpected<Error> fail(Error error)
{
    return tl::unexpected<Error>(std::move(error));
}

/// Success of a function that returns nothing else.
inline Result<> ok()
{
    return {};
}

/// Adds what was being done to an error; leaves a value alone.
template <class T>
Result<T> during(Result<T> result, std::string what)
{
    if (!result) {
        result.error().context.push_back(std::move(what));
    }
    return result;
}

} // namespace slipway

// TRY(auto x, f()) declares x from a Result or returns its error; CO_TRY does so in a coroutine.
// They are declarations because gcc 12 fails on co_await inside ({ }): keep them in braces.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define SLIPWAY_CAT_(a, b) a##b
#define SLIPWAY_CAT(a, b) SLIPWAY_CAT_(a, b)
#define SLIPWAY_TRY_(ret, tmp, var, expr)                                                          \
    auto tmp = (expr);                                                                             \
    if (!tmp) {                                                                                    \
        ret ::slipway::fail(std::move(tmp).error());                                               \
    }                                                                                              \
    var = *std::move(tmp)
#define SLIPWAY_CHECK_(ret, tmp, expr)                                                             \
    if (auto tmp = (expr); !tmp) {                                                                 \
        ret ::slipway::fail(std::move(tmp).error());                                               \
    }
#define TRY(var, expr) SLIPWAY_TRY_(return, SLIPWAY_CAT(result_, __LINE__), var, expr)
#define CO_TRY(var, expr) SLIPWAY_TRY_(co_return, SLIPWAY_CAT(result_, __LINE__), var, expr)
/// The same for a Result<void>, which declares nothing.
#define CHECK_OK(expr) SLIPWAY_CHECK_(return, SLIPWAY_CAT(result_, __LINE__), expr)
#define CO_CHECK(expr) SLIPWAY_CHECK_(co_return, SLIPWAY_CAT(result_, __LINE__), expr)
// NOLINTEND(bugprone-macro-parentheses)
