#include "ascii.hpp"
#include "graph/tool_state.hpp"
#include "graph/unit_log.hpp"
#include "workspace/on_thread.hpp"

#include <slipway/core/tool_build.hpp>
#include <slipway/engine/pause.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace slipway::core {

namespace {

using graph::ToolState;
using graph::UnitLog;
using graph::UnitStream;
using namespace std::chrono_literals;

using StatePtr = std::shared_ptr<ToolState>;

Task<> look_on_thread(StatePtr state)
{
    const std::function<Result<int>(const std::atomic<bool>&)> work =
        [&](const std::atomic<bool>& stop) -> Result<int> {
        CHECK_OK(state->look(stop));
        return 0;
    };
    CO_CHECK(co_await on_thread(work));
    co_return ok();
}

// Another process that builds it is waited for; what it has made is looked at then.
Task<Fd> lock_tool(StatePtr state, std::string name, std::shared_ptr<BuildWatch> watch)
{
    for (bool waited = false;; waited = true) {
        CO_TRY(auto lock, state->try_lock());
        if (lock) {
            if (waited) {
                CO_CHECK(co_await look_on_thread(state));
            }
            co_return *std::move(lock);
        }
        if (!waited) watch->waits(name);
        CO_CHECK(co_await engine::pause(10ms));
    }
}

void note_end(ToolState& state, const UnitLog& log, UnitEnd& end, BuildWatch& watch)
{
    const auto noted = state.end(log.bytes(), end.duration.count());
    if (!noted)
        watch.warning("this build is not noted, and is done again: " + describe(noted.error()));
}

Task<UnitEnd> run_tool(StatePtr state, UnitEnd end, RunTool run, std::shared_ptr<BuildWatch> watch)
{
    const auto log = std::make_shared<UnitLog>();
    const auto began = std::chrono::steady_clock::now();
    const std::function<void(bool, std::string_view)> wrote =
        [log](bool err, std::string_view bytes) {
            log->add(err ? UnitStream::err : UnitStream::out, bytes);
        };
    CO_TRY(end.exit_code, co_await run(wrote));
    end.duration = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began
    );
    end.outcome = end.exit_code == 0 ? UnitOutcome::ran : UnitOutcome::failed;
    if (state && end.exit_code == 0) note_end(*state, *log, end, *watch);
    co_return end;
}

// The lock under which it runs; nothing when it is fresh.
Task<std::optional<Fd>>
begin_tool(StatePtr state, bool force, std::string name, std::shared_ptr<BuildWatch> watch)
{
    CO_CHECK(co_await look_on_thread(state));
    if (!force && state->reasons().empty()) co_return std::nullopt;
    CO_TRY(Fd lock, co_await lock_tool(state, name, watch));
    if (!force && state->reasons().empty()) co_return std::nullopt;
    const std::vector<DirtyReason> forced{{"forced"}};
    watch->begins(name, force ? forced : state->reasons());
    CO_CHECK(state->begin());
    co_return std::optional<Fd>(std::move(lock));
}

} // namespace

std::string shown_variable(std::string_view name, const std::string& value)
{
    constexpr std::array<std::string_view, 7> secrets{
        "TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL", "AUTH"};
    const std::string letters = upper(name);
    const bool secret = std::ranges::any_of(secrets, [&letters](std::string_view word) {
        return letters.find(word) != std::string::npos;
    });
    return secret ? "secret " + to_hex(sha256(value)) : value;
}

Task<UnitEnd> build_tool(ToolUnit unit, bool force, RunTool run, std::shared_ptr<BuildWatch> watch)
{
    UnitEnd end;
    end.unit = unit.identity.name;
    auto opened = ToolState::open(std::move(unit), false);
    if (!opened) {
        watch->warning(
            "no build is noted here, and each is done anew: " + describe(opened.error())
        );
        co_return co_await run_tool(nullptr, std::move(end), std::move(run), watch);
    }
    const auto state = std::make_shared<ToolState>(*std::move(opened));
    auto began = co_await begin_tool(state, force, end.unit, watch);
    if (!began && began.error().code != Errc::cancelled) {
        watch->warning("this build is not noted, and is done again: " + describe(began.error()));
        co_return co_await run_tool(nullptr, std::move(end), std::move(run), watch);
    }
    CO_TRY(const std::optional<Fd> lock, std::move(began));
    if (!lock) {
        end.log = state->log();
        co_return end;
    }
    co_return co_await run_tool(state, std::move(end), std::move(run), watch);
}

Result<UnitForecast> forecast_tool(const ToolUnit& unit)
{
    TRY(ToolState state, ToolState::open(unit, true));
    const std::atomic<bool> never = false;
    CHECK_OK(state.look(never));
    UnitForecast forecast;
    forecast.unit = unit.identity.name;
    forecast.directory = state.directory().native();
    forecast.reasons = state.reasons();
    forecast.fresh = forecast.reasons.empty();
    return forecast;
}

} // namespace slipway::core
