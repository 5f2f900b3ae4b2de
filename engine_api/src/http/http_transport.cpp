#include "http/http_transport.hpp"

#include "error_reply.hpp"
#include "http/host_field.hpp"
#include "net/asio.hpp"
#include "net/ssh_tunnel.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace slipway::engine {

using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t max_idle_connections = 6;
constexpr std::size_t max_error_body = std::size_t{1} << 20U;
constexpr std::size_t max_whole_body = std::size_t{64} << 20U;
// Who was refused wants to hear it soon, and with a status alone when its text does not come.
constexpr std::chrono::milliseconds refusal_patience(10'000);
constexpr std::string_view line_breakers("\r\n\0", 3);

// Whether a second try is harmless, when the first one died without a byte of answer. Of a DELETE
// it may find that the first one was carried out; without it, a connection that the engine closed
// while it was idle would leave a container behind.
bool repeatable(const Request& request)
{
    const std::string& method = request.method();
    return request.source() == nullptr
           && (method == "GET" || method == "HEAD" || method == "DELETE" || method == "PUT");
}

// How fast a body has to come, on the average.
class Pace {
public:
    Pace(std::optional<std::size_t> bytes_a_second, std::optional<std::chrono::milliseconds> free)
        : least_(bytes_a_second), from_(Clock::now() + free.value_or(std::chrono::milliseconds(0)))
    {
    }
    Result<> check(std::size_t bytes) const
    {
        const std::chrono::duration<double> took = Clock::now() - from_;
        if (!least_ || took.count() <= 0
            || static_cast<double>(bytes) >= took.count() * static_cast<double>(*least_)) {
            return ok();
        }
        return fail(
            Errc::timed_out,
            "the answer comes slower than " + std::to_string(*least_) + " bytes a second"
        );
    }

private:
    std::optional<std::size_t> least_;
    Clock::time_point from_;
};

// Reads to the end of the body. `watchdog`, if any, hears of each piece. Of a body that is too long
// the first `max_bytes` are there.
Task<> read_whole(
    Connection& connection, Watchdog* watchdog, Pace pace, std::size_t max_bytes, std::string& body
)
{
    std::array<char, 16384> piece{};
    for (;;) {
        CO_TRY(const std::size_t n, co_await connection.receive_body(piece));
        if (n == 0) {
            co_return ok();
        }
        if (watchdog != nullptr) watchdog->restart();
        if (body.size() + n > max_bytes) {
            body.append(piece.data(), max_bytes - body.size());
            co_return fail(
                Errc::protocol, "an answer of more than " + std::to_string(max_bytes) + " bytes"
            );
        }
        body.append(piece.data(), n);
        CO_CHECK(pace.check(body.size()));
    }
}

// Visible ASCII: what a request line and a field name may hold.
bool is_plain(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// The caller waits for its end, so that what it refers to lives.
Task<> take_into(ConnectionLimit::Place* place, ConnectionLimit& limit, Use use)
{
    CO_TRY(*place, co_await limit.take(use));
    co_return ok();
}

/// A stream with its place among the connections, which comes free when it is closed.
class PlacedStream final : public NetStream {
public:
    PlacedStream(std::unique_ptr<NetStream> lower, ConnectionLimit::Place place)
        : lower_(std::move(lower)), place_(std::move(place))
    {
    }
    Task<std::size_t> read(std::span<char> into) override { return lower_->read(into); }
    Task<> write(std::string_view data) override { return lower_->write(data); }
    Task<> shutdown_write() override { return lower_->shutdown_write(); }
    std::size_t write_now(std::string_view data) noexcept override
    {
        return lower_->write_now(data);
    }
    void close() noexcept override
    {
        lower_->close();
        place_.reset();
    }
    bool stale() noexcept override { return lower_->stale(); }

private:
    std::unique_ptr<NetStream> lower_;
    ConnectionLimit::Place place_;
};

// What must not pass for an answer of the API.
Result<> check_status(int status, bool any_server)
{
    if (status == 101) {
        return fail(Errc::protocol, "the engine changed the protocol, which was not asked for");
    }
    if (!any_server && status >= 300 && status < 400 && status != 304) {
        return fail(
            Errc::protocol,
            "the engine redirects (HTTP " + std::to_string(status)
                + "), which no call of its API does"
        );
    }
    return ok();
}

} // namespace

HttpTransport::HttpTransport(
    boost::asio::any_io_executor executor,
    Endpoint endpoint,
    ClientOptions options,
    std::shared_ptr<SshTunnel> tunnel,
    Connector connector
)
    : executor_(std::move(executor)),
      endpoint_(std::move(endpoint)),
      options_(std::move(options)),
      tunnel_(std::move(tunnel)),
      connector_(std::move(connector)),
      limit_(executor_, options_.max_connections, options_.connect_deadline)
{
    if (endpoint_.scheme == Endpoint::Scheme::ssh && tunnel_ == nullptr) {
        std::vector<std::string> sockets{endpoint_.socket_path};
        tunnel_ = std::make_shared<SshTunnel>(endpoint_, std::move(sockets));
    }
}

std::string HttpTransport::route(const Request& request) const
{
    const std::string prefix = request.versioned() ? "/v" + to_string(traits_.api) : "";
    return endpoint_.base_path + prefix + request.path();
}

Result<std::string> HttpTransport::head_of(const Request& request, bool upgrade) const
{
    const std::string target = route(request) + request.target().substr(request.path().size());
    if (!is_plain(target)) {
        return fail(Errc::invalid_argument, "the path of the request is not percent-encoded");
    }
    std::string head = request.method() + " " + target + " HTTP/1.1\r\n";
    const auto field = [&](std::string_view name, std::string_view value) {
        head.append(name).append(": ").append(value).append("\r\n");
    };
    if (endpoint_.scheme != Endpoint::Scheme::tcp) {
        field("Host", "localhost"); // Go refuses a path or an empty name
    } else {
        field("Host", host_field(endpoint_, any_server_));
    }
    field("User-Agent", "slipway");
    field("Accept-Encoding", "identity");
    if (upgrade) {
        field("Connection", "Upgrade"); // podman wants exactly this
        field("Upgrade", "tcp");
    }
    if (request.length()) {
        field("Content-Length", std::to_string(*request.length()));
    } else if (request.source() != nullptr) {
        field("Transfer-Encoding", "chunked");
    } else if (!request.text().empty() || request.method() == "POST" || request.method() == "PUT") {
        field("Content-Length", std::to_string(request.text().size()));
    }
    for (const auto& [name, value] : options_.headers.all()) {
        if (!request.headers().has(name)) field(name, value);
    }
    for (const auto& [name, value] : request.headers().all()) {
        if (!is_plain(name) || value.find_first_of(line_breakers) != std::string::npos) {
            return fail(Errc::invalid_argument, "a header of the request has a line break in it");
        }
        field(name, value);
    }
    return head + "\r\n" + request.text();
}

std::vector<std::string> HttpTransport::secrets() const
{
    std::vector<std::string> values;
    for (const auto& field : options_.headers.all()) {
        values.push_back(field.second);
    }
    return values;
}

void HttpTransport::trace(const Request& request, int status, Clock::time_point since)
{
    if (options_.on_call) {
        CallTrace call;
        call.method = request.method();
        call.route = route(request);
        call.status = status;
        call.took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - since);
        options_.on_call(call);
    }
}

// The watchdog must outlive the task: it is the caller's.
Task<std::unique_ptr<Connection>> HttpTransport::connect_new(Use use, Watchdog& watchdog)
{
    while (limit_.full(use) && !idle_.empty()) {
        idle_.erase(idle_.begin());
    }
    ConnectionLimit::Place place = limit_.take_now(use);
    if (place == nullptr) {
        // A child, which the deadline of the whole call can cancel.
        Child waiting(executor_, take_into(&place, limit_, use));
        watchdog.on_expire([&waiting] { waiting.cancel(); });
        auto taken = co_await waiting.join();
        watchdog.on_expire(nullptr);
        if (watchdog.expired()) {
            taken = fail(watchdog.error());
        }
        CO_CHECK(during(std::move(taken), "reaching " + to_string(endpoint_)));
    }
    const auto limit = options_.connect_deadline;
    auto opening =
        connector_ ? connector_() : connect(executor_, endpoint_, tunnel_, limit, watchdog);
    CO_TRY(auto opened, co_await std::move(opening));
    auto stream = std::make_shared<PlacedStream>(std::move(opened), std::move(place));
    co_return std::make_unique<Connection>(executor_, std::move(stream));
}

Deadlines HttpTransport::deadlines_of_call(const Request& request) const
{
    Deadlines deadlines = options_.call_deadlines;
    // An upload takes as long as it takes; only one that stands still runs out of time.
    if (request.source() != nullptr) deadlines.total.reset();
    return request.deadlines_or(deadlines);
}

std::unique_ptr<Connection> HttpTransport::take_idle()
{
    const auto oldest = Clock::now() - traits_.idle_limit;
    std::erase_if(idle_, [&](const Idle& idle) { return idle.since <= oldest; });
    while (!idle_.empty()) {
        auto last = std::move(idle_.back().connection);
        idle_.pop_back();
        if (!last->stale()) {
            last->reused = true;
            return last;
        }
    }
    return nullptr;
}

void HttpTransport::park(std::unique_ptr<Connection> connection)
{
    const auto most = any_server_ ? options_.max_connections : max_idle_connections;
    if (connection->reusable() && idle_.size() < most && !limit_.wanted()) {
        Idle idle;
        idle.connection = std::move(connection);
        idle.since = Clock::now();
        idle_.push_back(std::move(idle));
    }
}

// One exchange up to the end of its answer.
Task<Response> HttpTransport::exchange(
    Connection& connection,
    const Request& request,
    const std::string& head,
    const Deadlines& deadlines,
    Watchdog& watchdog
)
{
    const bool is_head = request.method() == "HEAD";
    watchdog.begin(CallPart::header, deadlines.header);
    auto turns = request.source() != nullptr ? watchdog.turns() : nullptr;
    CO_CHECK(co_await connection.send(
        head, request.source(), is_head, std::move(turns), request.length()
    ));
    CO_CHECK(co_await connection.receive_head());
    watchdog.begin(CallPart::idle, deadlines.idle);
    CO_CHECK(check_status(connection.answer().status(), any_server_));
    Response answer;
    answer.status = connection.answer().status();
    answer.headers = connection.answer().headers();
    const auto cut = request.answer_cut();
    const auto most = cut.value_or(max_whole_body);
    const Pace pace(request.answer_pace(), deadlines.idle);
    const auto read = co_await read_whole(connection, &watchdog, pace, most, answer.body);
    if (!read && cut && answer.body.size() == *cut) {
        co_await connection.abandon();
        co_return answer;
    }
    CO_CHECK(read);
    CO_CHECK(co_await connection.finish());
    co_return answer;
}

Task<Response> HttpTransport::send(Request request)
{
    const auto since = Clock::now();
    const Deadlines deadlines = deadlines_of_call(request);
    const std::string doing = request.method() + " " + route(request);
    CO_TRY(const std::string head, during(head_of(request, false), doing));
    Watchdog watchdog(executor_, deadlines.total, std::min(deadlines.header, deadlines.idle));
    for (bool retried = false;; retried = true) {
        // A body that is streamed cannot be sent twice, so it never meets a stale connection.
        auto connection = retried || request.source() ? nullptr : take_idle();
        if (connection == nullptr) {
            auto fresh = co_await connect_new(Use::call, watchdog);
            if (!fresh) {
                trace(request, 0, since);
                co_return fail(during(std::move(fresh), doing).error());
            }
            connection = *std::move(fresh);
        }
        watchdog.on_expire([c = connection.get()] { c->close(); });
        auto answer = co_await exchange(*connection, request, head, deadlines, watchdog);
        watchdog.on_expire(nullptr);
        if (answer) {
            trace(request, answer->status, since);
            park(std::move(connection));
            co_return answer;
        }
        co_await connection->abandon();
        const bool nothing_came = connection->reused && !connection->heard_anything();
        if (watchdog.expired()) {
            answer = fail(watchdog.error());
        } else if (nothing_came && repeatable(request) && answer.error().code != Errc::cancelled) {
            continue;
        }
        trace(request, 0, since);
        co_return during(std::move(answer), doing);
    }
}

// Reads what the engine says about its refusal; a status without its text still tells enough.
Task<Error> HttpTransport::refusal(Exchange& exchange, const Request& request)
{
    Connection& connection = *exchange.connection;
    Response reply;
    reply.status = connection.answer().status();
    reply.headers = connection.answer().headers();
    const auto patience = options_.call_deadlines.idle.value_or(refusal_patience);
    exchange.watchdog.begin(CallPart::idle, std::min(patience, refusal_patience));
    const Interruption stop(co_await boost::asio::this_coro::cancellation_state);
    // What came of it is its text, however it ended: not in time as a whole, or too long.
    const Pace any_pace({}, {});
    co_await read_whole(connection, nullptr, any_pace, max_error_body, reply.body);
    co_await connection.abandon();
    if (stop.arrived()) {
        co_return fail(cancelled_error("reading the engine's refusal"));
    }
    co_return error_from(reply, request.method(), route(request), traits_.kind);
}

Task<std::shared_ptr<Exchange>> HttpTransport::start(Request request, bool upgrade)
{
    const auto since = Clock::now();
    const std::string doing = request.method() + " " + route(request);
    CO_TRY(const std::string head, during(head_of(request, upgrade), doing));
    const Deadlines deadlines = request.deadlines_or(options_.stream_deadlines);
    Watchdog clock(executor_, deadlines.total);
    auto fresh = co_await connect_new(Use::stream, clock);
    if (!fresh) {
        trace(request, 0, since);
        co_return fail(during(std::move(fresh), doing).error());
    }
    const auto exchange =
        std::make_shared<Exchange>(*std::move(fresh), deadlines, std::move(clock), doing);
    Connection& connection = *exchange->connection;
    Watchdog& watchdog = exchange->watchdog;
    const bool is_head = request.method() == "HEAD";
    watchdog.begin(CallPart::header, deadlines.header);
    auto turns = request.source() != nullptr ? watchdog.turns() : nullptr;
    auto done = co_await connection.send(
        head, request.source(), is_head, std::move(turns), request.length()
    );
    if (done) {
        done = co_await connection.receive_head();
    }
    watchdog.begin(CallPart::idle, {}); // the stream's reader sets its limit
    const int status = done ? connection.answer().status() : 0;
    trace(request, status, since);
    if (done && status >= 400) {
        CO_TRY(Error refused, co_await refusal(*exchange, request));
        co_return fail(std::move(refused));
    }
    if (done && !(upgrade && status == 101)) {
        done = check_status(status, any_server_);
    }
    if (!done) {
        co_await connection.abandon();
        if (watchdog.expired()) {
            done = fail(watchdog.error());
        }
        co_return fail(during(std::move(done), doing).error());
    }
    co_return exchange;
}

Task<std::unique_ptr<ResponseStream>> HttpTransport::open(Request request)
{
    CO_TRY(auto exchange, co_await start(std::move(request), false));
    co_return response_stream(std::move(exchange));
}

Task<std::unique_ptr<DuplexStream>> HttpTransport::upgrade(Request request)
{
    CO_TRY(const auto exchange, co_await start(std::move(request), true));
    Connection& connection = *exchange->connection;
    const int status = connection.answer().status();
    // A 200 with a length or chunks is a whole answer and no stream.
    if (status != 101 && (status != 200 || !connection.answer().ends_with_connection())) {
        auto refused = fail(
            Errc::protocol,
            "HTTP " + std::to_string(status) + " with a body where a raw stream was due"
        );
        refused.value().hint = "a proxy between us and the engine may not let streams through";
        refused.value().context.push_back(exchange->doing);
        co_return refused;
    }
    std::string leftover = connection.take_leftover();
    co_return hijacked_stream(connection.release(), std::move(leftover));
}

} // namespace slipway::engine
