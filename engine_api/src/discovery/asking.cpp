#include "discovery/probing.hpp"

#include <slipway/engine/discovery.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <deque>
#include <exception>
#include <memory>

namespace slipway::engine {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

/// How long a ping may take to end after it was cancelled. One that takes longer (a name look-up
/// cannot be cancelled) goes on alone.
constexpr auto answer_grace = 250ms;

/// Without a path an ssh endpoint may need three logins, of which each takes many round trips.
constexpr int times_for_ssh = 3;

enum class Until { all_ended, first_known };

// One round of questions. It is shared with its pings, as one of them may outlive the asking.
// Everything happens on one strand.
struct Round {
    Round(const asio::any_io_executor& executor, std::vector<Candidate> places, Ping question)
        : candidates(std::move(places)),
          ping(std::move(question)),
          rows(candidates.size()),
          signals(candidates.size()),
          wake(executor)
    {
    }

    bool is_enough(Until until) const
    {
        if (thrown) return true;
        if (until == Until::first_known) {
            for (const std::optional<Probed>& row : rows) {
                if (!row) return false;
                if (row->state == ProbeState::answered) return true;
            }
        }
        return pending == 0;
    }

    void ended(std::size_t i, std::exception_ptr exception, Result<Traits> result)
    {
        --pending;
        wake.cancel();
        if (closed) return;
        if (exception) {
            thrown = exception;
        } else if (result) {
            rows[i] = discovery::answered(candidates[i], *std::move(result));
        } else {
            rows[i] = discovery::failed_ping(candidates[i], std::move(result).error());
        }
    }

    std::vector<Candidate> candidates;
    Ping ping;
    std::vector<std::optional<Probed>> rows; // empty while the ping goes on
    std::deque<asio::cancellation_signal> signals;
    asio::steady_timer wake; // ends at the deadline, or is cancelled when a ping ends
    std::size_t pending = 0;
    bool closed = false; // what comes now is not waited for
    std::exception_ptr thrown;
};

void start(const std::shared_ptr<Round>& round, const asio::any_io_executor& executor)
{
    for (std::size_t i = 0; i < round->candidates.size(); ++i) {
        round->rows[i] = discovery::without_asking(round->candidates[i]);
        if (round->rows[i]) continue;
        ++round->pending;
        asio::co_spawn(
            executor,
            round->ping(round->candidates[i].endpoint),
            asio::bind_cancellation_slot(
                round->signals[i].slot(),
                [round, i](std::exception_ptr thrown, Result<Traits> result) {
                    round->ended(i, thrown, std::move(result));
                }
            )
        );
    }
}

// Gives the rows in order; with Until::first_known, none after the first that answered.
Task<std::vector<Probed>> run_round(
    std::vector<Candidate> candidates, Ping ping, std::chrono::milliseconds timeout, Until until
)
{
    co_await asio::this_coro::throw_if_cancelled(false);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const auto round = std::make_shared<Round>(executor, std::move(candidates), std::move(ping));
    start(round, executor);

    const auto is_cancelled = [&] { return state.cancelled() != asio::cancellation_type::none; };
    const auto is_over = [&] {
        return round->wake.expiry() <= asio::steady_timer::clock_type::now();
    };
    round->wake.expires_after(timeout);
    while (!round->is_enough(until) && !is_cancelled() && !is_over()) {
        co_await round->wake.async_wait(as_values);
    }

    round->closed = true;
    for (asio::cancellation_signal& signal : round->signals) {
        signal.emit(asio::cancellation_type::terminal);
    }
    round->wake.expires_after(answer_grace);
    while (round->pending > 0 && !is_over()) {
        co_await round->wake.async_wait(as_values);
    }

    if (round->thrown) std::rethrow_exception(round->thrown);
    if (is_cancelled()) co_return fail(Errc::cancelled, "looking for an engine was cancelled");
    std::vector<Probed> out;
    for (std::size_t i = 0; i < round->rows.size(); ++i) {
        std::optional<Probed>& row = round->rows[i];
        if (!row) row = discovery::timed_out(round->candidates[i], timeout);
        out.push_back(*std::move(row));
        if (until == Until::first_known && out.back().state == ProbeState::answered) break;
    }
    co_return out;
}

// Runs a round on a strand of its own, so that the caller's executor may have many threads.
Task<std::vector<Probed>> run_alone(
    std::vector<Candidate> candidates, Ping ping, std::chrono::milliseconds timeout, Until until
)
{
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const auto strand = asio::make_strand(executor);
    for (const Candidate& candidate : candidates) {
        if (candidate.endpoint.scheme != Endpoint::Scheme::ssh) continue;
        timeout *= times_for_ssh;
        break;
    }
    Task<std::vector<Probed>> round =
        run_round(std::move(candidates), std::move(ping), timeout, until);
    co_return co_await asio::co_spawn(strand, std::move(round), asio::use_awaitable);
}

} // namespace

Task<std::vector<Probed>>
ask(std::vector<Candidate> candidates, Ping ping, std::chrono::milliseconds timeout)
{
    return run_alone(std::move(candidates), std::move(ping), timeout, Until::all_ended);
}

Task<Found> discover(
    Environment environment,
    std::optional<std::string> host_option,
    Ping ping,
    std::chrono::milliseconds timeout
)
{
    CO_TRY(std::vector<Candidate> places, candidates(environment, host_option));
    CO_TRY(
        std::vector<Probed> rows,
        co_await run_alone(std::move(places), std::move(ping), timeout, Until::first_known)
    );
    if (rows.empty() || rows.back().state != ProbeState::answered) {
        co_return fail(discovery::nobody_answered(rows));
    }
    Found found;
    found.candidate = std::move(rows.back().candidate);
    found.traits = *std::move(rows.back().traits);
    rows.pop_back();
    found.passed_over = std::move(rows);
    co_return found;
}

} // namespace slipway::engine
