#include "cache/http_cache.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/interruption.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace slipway::core {

namespace cache {

namespace {

constexpr std::size_t at_a_time = 16;

engine::WebClient client_for(
    const boost::asio::any_io_executor& executor,
    const Place& place,
    const SharedCacheOptions& options
)
{
    engine::WebOptions web;
    web.connect_deadline = options.connect_limit;
    web.max_connections = at_a_time;
    return engine::WebClient(executor, place.server, web);
}

void leave_alone(HttpCacheState& state, const std::string& what)
{
    state.report.last_failure = what;
    state.asking.failed(what);
    if (!state.asking.open()) return;
    state.report.left_alone = state.requests.place().shown + ": " + state.asking.why();
}

void note_refusal(HttpCacheState& state, const Outcome& outcome)
{
    const bool refused = !outcome.refused.empty();
    ++state.report.failed;
    state.report.last_failure = refused ? outcome.refused : outcome.too_large;
    if (!refused) return; // a smaller one may do
    state.writing.failed(outcome.refused);
    if (state.writing.open()) {
        state.report.not_written = state.requests.place().shown + ": " + state.writing.why();
    }
}

// What one operation tells about the server.
void settle(HttpCacheState& state, const Result<>& done, const Outcome& outcome)
{
    if (!done) {
        ++state.report.failed;
        if (done.error().code != Errc::cancelled) leave_alone(state, describe(done.error()));
        return;
    }
    if (!outcome.slow.empty()) {
        leave_alone(state, outcome.slow);
    } else {
        state.asking.succeeded();
    }
    if (outcome.missed) ++state.report.missed;
    if (outcome.bytes) {
        ++state.report.found;
        state.report.bytes_in += outcome.bytes->size();
    }
    if (!outcome.too_large.empty() || !outcome.refused.empty()) {
        note_refusal(state, outcome);
    } else if (outcome.stored) {
        state.writing.succeeded();
        ++state.report.stored;
    }
}

// Runs `work` when its turn comes, unless the cache is left alone by then.
Task<> carry_out(
    std::shared_ptr<HttpCacheState> state,
    bool writes,
    Task<> work,
    std::shared_ptr<Outcome> outcome
)
{
    const engine::Interruption stop(co_await boost::asio::this_coro::cancellation_state);
    CO_TRY(const Gate::Place turn, co_await state->gate.enter());
    if (state->asking.open() || (writes && state->writing.open())) {
        co_return ok();
    }
    engine::Child child(state->executor, std::move(work));
    Result<> done;
    {
        const Breaker::Running running(state->asking, [&child] { child.cancel(); });
        done = co_await child.join();
    }
    if (stop.arrived()) co_return fail(Errc::cancelled, "cancelled");
    settle(*state, done, *outcome);
    co_return ok();
}

Task<std::optional<std::string>> get_by(
    std::shared_ptr<HttpCacheState> state, SharedCache::Kind kind, Sha256 name, std::uint64_t most
)
{
    const auto outcome = std::make_shared<Outcome>();
    CO_CHECK(
        co_await carry_out(state, false, fetch_object(state, kind, name, most, outcome), outcome)
    );
    co_return std::move(outcome->bytes);
}

Task<> put_by(
    std::shared_ptr<HttpCacheState> state, SharedCache::Kind kind, Sha256 name, std::string bytes
)
{
    if (!state->options.write) co_return ok();
    const auto outcome = std::make_shared<Outcome>();
    const auto all = std::make_shared<const std::string>(std::move(bytes));
    CO_CHECK(co_await carry_out(state, true, store_object(state, kind, name, all, outcome), outcome)
    );
    if (outcome->stored) state->report.bytes_out += all->size();
    co_return ok();
}

class HttpCache final : public SharedCache {
public:
    explicit HttpCache(std::shared_ptr<HttpCacheState> state) : state_(std::move(state)) {}

    Task<std::optional<std::string>> get(Kind kind, Sha256 name, std::uint64_t most) override
    {
        return get_by(state_, kind, name, most);
    }
    Task<> put(Kind kind, Sha256 name, std::string bytes) override
    {
        return put_by(state_, kind, name, std::move(bytes));
    }
    SharedCacheReport report() const override { return state_->report; }

private:
    std::shared_ptr<HttpCacheState> state_; // what still runs has it, too
};

// A header of HTTP has to hold them.
bool can_be_key(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

Result<> check_keys(const SharedCacheOptions& options)
{
    if (options.access_key.empty() || options.secret_key.empty()) {
        Error error(
            Errc::invalid_argument, "a shared cache on S3 needs an access key and its secret"
        );
        error.hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        return fail(std::move(error));
    }
    if (!can_be_key(options.access_key) || !can_be_key(options.secret_key)
        || !can_be_key(options.session_token)) {
        return fail(
            Errc::invalid_argument,
            "a key or token of S3 has a space or another character that none has"
        );
    }
    return ok();
}

} // namespace

HttpCacheState::HttpCacheState(
    boost::asio::any_io_executor with, Place place, const SharedCacheOptions& given_options
)
    : executor(std::move(with)),
      options(given_options),
      requests(place, given_options),
      client(client_for(executor, place, options)),
      gate(executor, at_a_time),
      asking(options.failures),
      writing(options.failures)
{
}

Result<> check_options(const SharedCacheOptions& options)
{
    constexpr std::chrono::milliseconds none(0);
    if (options.failures == 0 || options.connect_limit <= none || options.answer_limit <= none) {
        return fail(
            Errc::invalid_argument, "a shared cache needs some time, and at least one failure"
        );
    }
    TRY(const Place place, parse_place(options));
    return place.s3 ? check_keys(options) : ok();
}

} // namespace cache

Result<std::shared_ptr<SharedCache>>
SharedCache::open(boost::asio::any_io_executor executor, SharedCacheOptions options)
{
    CHECK_OK(cache::check_options(options));
    TRY(cache::Place place, cache::parse_place(options));
    return std::make_shared<cache::HttpCache>(
        std::make_shared<cache::HttpCacheState>(std::move(executor), std::move(place), options)
    );
}

} // namespace slipway::core
