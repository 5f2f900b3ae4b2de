#include "agent/event.hpp"
#include "graph/fresh_note.hpp"
#include "graph/scheduler.hpp"
#include "graph/unit_builder.hpp"
#include "graph/unit_log.hpp"
#include "sandbox/owner.hpp"
#include "workspace/on_thread.hpp"

#include <slipway/core/build_units.hpp>
#include <slipway/engine/child.hpp>
#include <slipway/engine/system.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace slipway::core {

namespace {

using graph::Build;
using graph::BuildState;
using graph::PlannedUnit;
using graph::ReadyUnits;
using graph::Tokens;

// How a unit ended that was built beside others.
struct Ended {
    std::optional<Result<UnitEnd>> result;
    bool thrown = false;
};

struct Running {
    engine::Child child;
    std::shared_ptr<Ended> end;
};

// Whether an error concerns one unit: its files, or its part of slipway.toml.
bool is_units_own(const Error& error)
{
    if (error.answer) return false;
    switch (error.code) {
    case Errc::not_found:
    case Errc::invalid_argument:
    case Errc::conflict:
    case Errc::permission_denied:
    case Errc::unsupported:
    case Errc::io:
        return true;
    default:
        return false;
    }
}

class Scheduler {
public:
    Scheduler(boost::asio::any_io_executor executor, std::shared_ptr<Build> build)
        : executor_(std::move(executor)),
          build_(std::move(build)),
          changed_(std::make_shared<Event>(executor_)),
          ready_(build_->state->plan()),
          done_(build_->state->plan().units.size())
    {
    }

    static Task<BuildSummary> run(std::shared_ptr<Scheduler> self)
    {
        Result<> result = ok();
        for (;;) {
            result = co_await begin_ready(self);
            if (!result || self->running_.empty()) break;
            while (result && !self->any_ended()) {
                result = co_await self->changed_->wait();
            }
            if (result) {
                result = co_await take_ended(self);
            }
            if (!result) break;
        }
        if (!result) {
            for (auto& [place, running] : self->running_) {
                running.child.cancel();
            }
        }
        for (auto& [place, running] : self->running_) {
            static_cast<void>(co_await running.child.join());
        }
        self->running_.clear();
        const auto saved = self->build_->state->files().save();
        if (!saved)
            self->build_->watch->warning("what was learned is lost: " + describe(saved.error()));
        CO_CHECK(result);
        if (self->summary_.fresh == self->done_.size()) {
            // Without the note the next build takes longer.
            static_cast<void>(graph::note_fresh(*self->build_->state, self->fresh_));
        }
        self->tell_left_out();
        co_return self->summary_;
    }

private:
    const PlannedUnit& planned(std::size_t place) const
    {
        return build_->state->plan().units[place];
    }

    bool any_ended() const
    {
        return std::ranges::any_of(running_, [](const auto& one) {
            return one.second.end->result.has_value() || one.second.end->thrown;
        });
    }

    bool stopped() const { return summary_.failed != 0 && !build_->order.keep_going; }

    // Begins what is ready and for what there is room; what is fresh ends at once.
    static Task<> begin_ready(std::shared_ptr<Scheduler> self)
    {
        const auto& ready = self->ready_.ready();
        while (!ready.empty() && !self->stopped()) {
            const auto first = *ready.begin();
            const std::size_t place = first.second;
            self->ready_.take(place);
            auto looked = self->is_fresh(place);
            if (!looked && is_units_own(looked.error())) {
                self->end_of(place, self->failure(place, looked.error()));
                continue;
            }
            CO_TRY(const bool fresh, std::move(looked));
            if (fresh) {
                self->end_of(place, graph::fresh_unit(*self->build_, place));
            } else {
                self->stale_.insert(first);
            }
        }
        if (self->stale_.empty() || self->stopped()) co_return ok();
        CO_CHECK(co_await get_ready(self));
        for (auto at = self->stale_.begin(); at != self->stale_.end() && !self->tokens_->full();) {
            const std::size_t place = at->second;
            if (self->tokens_->take(*self->planned(place).unit)) {
                at = self->stale_.erase(at);
                self->begin(place);
            } else {
                ++at;
            }
        }
        co_return ok();
    }

    Result<bool> is_fresh(std::size_t place)
    {
        BuildState& state = *build_->state;
        TRY(const graph::UnitKey key, state.key(place));
        TRY(const graph::Freshness found, state.freshness(place, key));
        const bool exported = planned(place).asked && !build_->order.out_dir.empty();
        return found.fresh && found.placed && !exported;
    }

    // What is needed as soon as there is something to do.
    static Task<> get_ready(std::shared_ptr<Scheduler> self)
    {
        if (self->tokens_) co_return ok();
        Build& build = *self->build_;
        CO_TRY(build.owner, co_await owner_for(build.client));
        CO_TRY(const auto info, co_await engine::System(build.client.transport()).info());
        Tokens::Capacity capacity;
        capacity.memory_bytes = info.memory_bytes;
        capacity.cpus = build.order.jobs != 0 ? build.order.jobs
                                              : static_cast<unsigned>(std::max(1, int(info.cpus)));
        build.order.pool.most =
            std::max(build.order.pool.most, static_cast<std::size_t>(capacity.cpus) + 2);
        self->tokens_.emplace(capacity);
        co_return ok();
    }

    void begin(std::size_t place)
    {
        const auto end = std::make_shared<Ended>();
        Running running;
        running.end = end;
        running.child = engine::Child(executor_, work(build_, place, end, changed_));
        running_.emplace(place, std::move(running));
    }

    static Task<> work(
        std::shared_ptr<Build> build,
        std::size_t place,
        std::shared_ptr<Ended> end,
        std::shared_ptr<Event> changed
    )
    {
        try {
            auto result = co_await graph::build_unit(build, place);
            end->result.emplace(std::move(result));
        } catch (...) { // a bug of ours: `join` tells it
            end->thrown = true;
            changed->notify();
            throw;
        }
        changed->notify();
        co_return ok();
    }

    UnitEnd failure(std::size_t place, const Error& error) const
    {
        UnitEnd end;
        end.unit = planned(place).unit->name;
        end.outcome = UnitOutcome::failed;
        end.exit_code = 1;
        end.error = graph::place_text(*build_, place) + describe(error);
        end.hint = error.hint;
        return end;
    }

    static Task<> take_ended(std::shared_ptr<Scheduler> self)
    {
        std::vector<std::size_t> ended;
        for (const auto& [place, running] : self->running_) {
            if (running.end->result || running.end->thrown) ended.push_back(place);
        }
        for (const std::size_t place : ended) {
            Running running = std::move(self->running_.at(place));
            self->running_.erase(place);
            static_cast<void>(co_await running.child.join());
            self->tokens_->give_back(*self->planned(place).unit);
            Result<UnitEnd> end = std::move(*running.end->result);
            if (!end && is_units_own(end.error())) end = self->failure(place, end.error());
            CO_CHECK(end);
            self->end_of(place, *std::move(end));
        }
        co_return ok();
    }

    void end_of(std::size_t place, UnitEnd end)
    {
        done_[place] = true;
        switch (end.outcome) {
        case UnitOutcome::fresh:
            ++summary_.fresh;
            fresh_.push_back(place);
            break;
        case UnitOutcome::placed:
            ++summary_.placed;
            break;
        case UnitOutcome::reused:
            ++summary_.reused;
            break;
        case UnitOutcome::ran:
            ++summary_.ran;
            break;
        case UnitOutcome::left_out:
            ++summary_.left_out;
            break;
        case UnitOutcome::failed:
            if (++summary_.failed == 1) summary_.exit_code = end.exit_code == 0 ? 1 : end.exit_code;
            break;
        }
        const bool failed = end.outcome == UnitOutcome::failed;
        end.place = graph::place_of(build_->order, planned(place).unit->place);
        end.done = ++build_->ended;
        end.of = done_.size();
        build_->watch->ended(end);
        if (!failed) {
            ready_.built(place);
            pin(place);
            return;
        }
        for (const std::size_t dependent : ready_.failed(place)) {
            if (done_[dependent]) continue;
            UnitEnd left;
            left.unit = planned(dependent).unit->name;
            left.outcome = UnitOutcome::left_out;
            left.reason = "it needs " + planned(place).unit->name;
            done_[dependent] = true;
            ++summary_.left_out;
            left.done = ++build_->ended;
            left.of = done_.size();
            build_->watch->ended(left);
        }
    }

    void pin(std::size_t place)
    {
        const BuildOrder& order = build_->order;
        const graph::BuiltUnit* const unit = build_->state->built(place);
        if (order.pin.empty() || !planned(place).asked || unit == nullptr) return;
        const std::string name = order.pin + "/" + planned(place).unit->name;
        Result<> pinned = fail(Errc::unsupported, "there is no store");
        if (order.store) pinned = order.store->pin(name, unit->key);
        if (!pinned) {
            build_->watch->warning(name + " is not pinned: " + describe(pinned.error()));
        }
    }

    void tell_left_out()
    {
        for (std::size_t place = 0; place < done_.size(); ++place) {
            if (done_[place]) continue;
            UnitEnd left;
            left.unit = planned(place).unit->name;
            left.outcome = UnitOutcome::left_out;
            left.reason = "another unit has failed";
            ++summary_.left_out;
            left.done = ++build_->ended;
            left.of = done_.size();
            build_->watch->ended(left);
        }
    }

    boost::asio::any_io_executor executor_;
    std::shared_ptr<Build> build_;
    std::shared_ptr<Event> changed_;
    ReadyUnits ready_;
    std::vector<bool> done_;
    ReadyUnits::Ready stale_; // and wait for room
    std::optional<Tokens> tokens_;
    std::map<std::size_t, Running> running_;
    BuildSummary summary_;
    std::vector<std::size_t> fresh_; // in the order in which they ended
};

// Whether a build may find that it has nothing to do without a look at each unit.
bool may_be_known(const BuildOrder& order)
{
    return !order.force && order.pin.empty() && order.out_dir.empty();
}

BuildSummary tell_fresh(
    const BuildOrder& order,
    const graph::Layout& layout,
    const std::vector<graph::FreshUnit>& units,
    BuildWatch& watch
)
{
    BuildSummary summary;
    for (const graph::FreshUnit& unit : units) {
        UnitEnd end = graph::fresh_unit(order, layout, unit);
        end.done = ++summary.fresh;
        end.of = units.size();
        watch.ended(end);
    }
    return summary;
}

} // namespace

Sha256 toolchain_digest(const engine::ImageInfo& image)
{
    std::vector<std::string> env = image.config.env;
    std::ranges::sort(env);
    Record record("toolchain", 1);
    record.add("os", image.os)
        .add("architecture", image.architecture)
        .add("variant", image.variant)
        .add("layers", image.layers)
        .add("env", std::move(env))
        .add("entrypoint", image.config.entrypoint)
        .add("user", image.config.user);
    return record.digest();
}

std::string_view name(UnitOutcome outcome) noexcept
{
    switch (outcome) {
    case UnitOutcome::fresh:
        return "fresh";
    case UnitOutcome::placed:
        return "placed";
    case UnitOutcome::reused:
        return "reused";
    case UnitOutcome::ran:
        return "ran";
    case UnitOutcome::failed:
        return "failed";
    case UnitOutcome::left_out:
        return "left-out";
    }
    return "";
}

void for_each_piece(
    std::string_view log, const std::function<void(bool to_stderr, std::string_view)>& each
)
{
    graph::read_log(log, [&each](graph::UnitStream stream, std::string_view bytes) {
        each(stream == graph::UnitStream::err, bytes);
    });
}

Task<BuildSummary>
build_units(engine::Client client, BuildOrder order, std::shared_ptr<BuildWatch> watch)
{
    const auto build = std::make_shared<Build>();
    build->client = std::move(client);
    build->order = std::move(order);
    build->watch = std::move(watch);
    const graph::Layout layout(build->order.file.path.parent_path());
    std::optional<std::vector<graph::FreshUnit>> fresh;
    const std::function<Result<int>(const std::atomic<bool>&)> open =
        [&](const std::atomic<bool>& stop) -> Result<int> {
        if (may_be_known(build->order)) fresh = graph::still_fresh(build->order, layout);
        if (fresh) return 0;
        TRY(build->state, BuildState::open(build->order, false, &stop));
        return 0;
    };
    CO_CHECK(co_await on_thread(open));
    if (fresh) co_return tell_fresh(build->order, layout, *fresh, *build->watch);
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto scheduler = std::make_shared<Scheduler>(executor, build);
    co_return co_await Scheduler::run(scheduler);
}

Result<std::vector<UnitForecast>> forecast_units(const BuildOrder& order)
{
    TRY(const auto state, BuildState::open(order, true));
    std::vector<UnitForecast> all;
    std::vector<bool> stale(state->plan().units.size());
    for (std::size_t place = 0; place < stale.size(); ++place) {
        const PlannedUnit& planned = state->plan().units[place];
        UnitForecast one;
        one.unit = planned.unit->name;
        one.directory = state->layout().unit(planned.directory).native();
        for (const std::size_t dependency : planned.dependencies) {
            if (!stale[dependency] && state->built(dependency) != nullptr) continue;
            one.reasons.push_back({"stale-dependency", state->plan().units[dependency].unit->name});
        }
        if (one.reasons.empty()) {
            TRY(const graph::UnitKey key, state->key(place));
            TRY(graph::Freshness found, state->freshness(place, key));
            one.reasons = std::move(found.reasons);
            one.fresh = found.fresh && found.placed;
            stale[place] = !found.fresh;
        } else {
            stale[place] = true;
        }
        all.push_back(std::move(one));
    }
    return all;
}

} // namespace slipway::core
