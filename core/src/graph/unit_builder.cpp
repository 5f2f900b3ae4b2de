#include "graph/unit_builder.hpp"

#include "archive/posix.hpp"
#include "graph/depfile.hpp"
#include "graph/found_result.hpp"
#include "graph/output_files.hpp"
#include "graph/unit_order.hpp"
#include "interrupted.hpp"
#include "workspace/on_thread.hpp"

#include <slipway/engine/pause.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

namespace slipway::core::graph {

namespace {

using namespace std::chrono_literals;

constexpr int most_tries = 4; // while somebody edits what a unit is made of

using BuildPtr = std::shared_ptr<Build>;

std::int64_t now_ms()
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string text_of(const std::vector<DirtyReason>& reasons)
{
    if (reasons.empty()) return {};
    std::string text = describe(reasons.front());
    if (reasons.size() > 1) text += fmt::format(" and {} more", reasons.size() - 1);
    return text;
}

std::vector<StoredOutput> stored(const std::vector<BuiltOutput>& outputs)
{
    std::vector<StoredOutput> all;
    all.reserve(outputs.size());
    for (const BuiltOutput& output : outputs) {
        all.push_back(output.what);
    }
    return all;
}

std::vector<BuiltOutput> unmarked(std::vector<StoredOutput> outputs)
{
    std::vector<BuiltOutput> all;
    all.reserve(outputs.size());
    for (StoredOutput& output : outputs) {
        all.push_back({std::move(output), {}, {}});
    }
    return all;
}

std::vector<std::string> names_of(const Record::Table& table)
{
    std::vector<std::string> names;
    for (const auto& [name, text] : table) {
        names.push_back(name);
    }
    return names;
}

void warn_of_store(Build& build, const Error& error)
{
    if (std::exchange(build.told_store, true)) return;
    build.watch->warning(
        "what is built is not kept for other builds: " + describe(error)
        + (error.hint.empty() ? "" : " (" + error.hint + ")")
    );
}

Store* writable_store(const Build& build)
{
    Store* const store = build.order.store.get();
    return store != nullptr && store->writable() && !build.told_store ? store : nullptr;
}

// The unit's lock, for which another process is waited for.
Task<Fd> lock_unit(BuildPtr build, std::size_t place, bool& waited)
{
    waited = false;
    const PlannedUnit& planned = build->state->plan().units[place];
    CO_CHECK(build->state->layout().make_unit(planned.directory));
    for (bool told = false;; told = true) {
        CO_TRY(auto lock, build->state->layout().try_lock(planned.directory));
        if (lock) co_return *std::move(lock);
        if (!told) build->watch->waits(planned.unit->name);
        waited = true;
        CO_CHECK(co_await engine::pause(10ms));
    }
}

// Places what the unit's directory has, and notes it as good. `before_it`: what is done first, on
// the same thread.
Task<> place_and_note(
    BuildPtr build,
    std::size_t place,
    BuiltUnit unit,
    UnitRecords records,
    std::function<Result<>()> before_it = {}
)
{
    BuildState& state = *build->state;
    const PlannedUnit& planned = state.plan().units[place];
    const BuiltUnit* const known = state.log().find(planned.directory);
    std::vector<BuiltOutput> before;
    if (known != nullptr) before = known->outputs;
    const auto outputs = stored(unit.outputs);
    const std::filesystem::path out_dir = planned.asked ? build->order.out_dir : "";
    std::vector<std::string> declared;
    for (const UnitPath& output : planned.unit->outputs) {
        declared.push_back(output.text);
    }
    const std::function<Result<int>(const std::atomic<bool>&)> work =
        [&](const std::atomic<bool>&) -> Result<int> {
        const Layout& layout = state.layout();
        if (before_it) {
            CHECK_OK(before_it());
        }
        CHECK_OK(write_records(layout.unit(planned.directory), records));
        // Another profile's unit may have the same paths.
        TRY(const Fd placing, layout.lock_placing());
        CHECK_OK(place_outputs(layout, planned.directory, outputs, &before));
        if (!out_dir.empty()) {
            CHECK_OK(export_outputs(layout, planned.directory, declared, out_dir));
        }
        state.mark(unit);
        return 0;
    };
    auto done = co_await on_thread(work);
    CO_CHECK(during(std::move(done), "placing the outputs of " + planned.unit->name));
    unit.good = true;
    CO_CHECK(state.log().add(std::move(unit)));
    co_return ok();
}

// What was known of the unit's last run holds no more: a run of it begins.
Result<> forget(BuildState& state, const PlannedUnit& planned)
{
    BuiltUnit begun;
    if (const BuiltUnit* const known = state.log().find(planned.directory)) begun = *known;
    begun.directory = planned.directory;
    begun.label = planned.label;
    begun.good = false;
    return state.log().add(std::move(begun));
}

BuiltUnit built_unit(const PlannedUnit& planned, const Record& record)
{
    BuiltUnit unit;
    unit.directory = planned.directory;
    unit.label = planned.label;
    unit.key = record.digest();
    return unit;
}

// What a run has written, from the unit's own directory or the store.
std::string
log_of(const BuildOrder& order, const Layout& layout, const std::string& directory, const Blob& log)
{
    std::string bytes;
    if (log.size == 0) return bytes;
    bytes = read_log_file(layout.unit(directory));
    if (bytes.size() == log.size || !order.store) return bytes;
    bytes.clear();
    const auto all = order.store->read(log, [&bytes](std::string_view piece) {
        bytes += piece;
        return ok();
    });
    if (!all) bytes.clear();
    return bytes;
}

// The result of somebody else. False: its blobs cannot be had, or it makes no sense.
Task<bool> take_result(BuildPtr build, std::size_t place, FoundResult found, UnitEnd& end)
{
    BuildState& state = *build->state;
    const PlannedUnit& planned = state.plan().units[place];
    CO_CHECK(forget(state, planned));
    Store& store = *build->order.store;
    const auto outputs = found.result.outputs;
    bool is_none = false;
    const std::function<Result<>()> restore = [&]() -> Result<> {
        const Layout& layout = state.layout();
        TRY(const auto fresh, fresh_outputs(layout, planned.directory));
        Result<> restored = restore_outputs(fresh, store, outputs);
        if (restored) restored = install_outputs(layout, planned.directory);
        is_none = !restored
                  && (restored.error().code == Errc::not_found
                      || restored.error().code == Errc::protocol);
        return during(std::move(restored), "restoring the outputs of " + planned.unit->name);
    };
    BuiltUnit unit = built_unit(planned, found.record);
    unit.discovered = names_of(found.discovered);
    unit.outputs = unmarked(found.result.outputs);
    unit.log = found.result.log;
    unit.duration_ms = found.result.duration_ms;
    UnitRecords records{state.action(planned), found.record};
    auto placed =
        co_await place_and_note(build, place, std::move(unit), std::move(records), restore);
    if (is_none) co_return false;
    CO_CHECK(placed);
    end.outcome = UnitOutcome::reused;
    end.shared = found.shared;
    end.duration = std::chrono::milliseconds(found.result.duration_ms);
    end.log = log_of(build->order, state.layout(), planned.directory, found.result.log);
    write_log_file(state.layout().unit(planned.directory), end.log);
    co_return true;
}

// Whether a path is a symlink that was sent, or leads through one.
Result<bool>
is_behind_symlink(BuildState& state, const PlannedUnit& planned, const std::string& path)
{
    for (std::string_view at = path; !at.empty(); at = posix::split(at).first) {
        const std::string one(at);
        if (!std::ranges::binary_search(planned.discoverable->paths, one)
            && !std::ranges::binary_search(planned.files, one)) {
            continue;
        }
        TRY(const DigestedPath* const found, state.files().look(one));
        if (found->kind == DigestedPath::Kind::symlink) return true;
    }
    return false;
}

// What the depfile names of what could be discovered: of the rest, what is declared is in the key
// anyway, and what is the image's in the digest of the toolchain. Where a symlink led is not known:
// then it is all that could be.
Result<std::vector<std::string>>
discovered_by(BuildState& state, const PlannedUnit& planned, std::string_view depfile)
{
    std::vector<std::string> found;
    if (!planned.unit->depfile) return found;
    TRY(const std::vector<std::string> all, parse_depfile(depfile));
    const std::string here = std::string(work_directory) + "/";
    for (const std::string& one : all) {
        const std::filesystem::path path(one.starts_with(here) ? one.substr(here.size()) : one);
        const std::string clean = path.lexically_normal().native();
        TRY(const bool behind, is_behind_symlink(state, planned, clean));
        if (behind) {
            found = planned.discoverable->paths;
            break;
        }
        const bool known = std::ranges::binary_search(planned.discoverable->paths, clean);
        if (known) found.push_back(clean);
    }
    std::erase_if(found, [&planned](const std::string& path) {
        return std::ranges::binary_search(planned.files, path);
    });
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

struct FreshRun {
    UnitRan ran;
    std::vector<std::string> discovered;
    std::vector<StoredOutput> outputs;
    std::optional<Error> store_failure;
};

Result<> look_again(BuildState& state, const PlannedUnit& planned)
{
    CHECK_OK(state.files().look_at(planned.files, true));
    return state.files().look_at(planned.discoverable->paths, true);
}

// What dependencies have made is what their results say, and not what somebody has written into it
// since.
Result<> check_dependencies(const BuildState& state, const PlannedUnit& planned)
{
    for (const std::size_t dependency : planned.dependencies) {
        const BuiltUnit* const unit = state.built(dependency);
        if (unit != nullptr && state.is_kept(*unit)) continue;
        Error error(
            Errc::conflict,
            "the outputs of " + state.plan().units[dependency].unit->name
                + " were changed while the build went on"
        );
        error.hint = "build again: they are put right then";
        return fail(std::move(error));
    }
    return ok();
}

// All that stands in the sandbox is as it was looked at.
bool as_looked_at(Build& build, std::size_t place, const UnitKey& key)
{
    const PlannedUnit& planned = build.state->plan().units[place];
    const SeenFiles& files = build.state->files();
    return files.unchanged(planned.files) && files.unchanged(planned.discoverable->paths)
           && files.unchanged(key.listed);
}

Task<FreshRun> run_now(BuildPtr build, std::size_t place, UnitKey key)
{
    BuildState& state = *build->state;
    const PlannedUnit& planned = state.plan().units[place];
    CO_TRY(const std::shared_ptr<UnitRun> order, order_unit(*build, place, key));
    CO_TRY(order->outputs, fresh_outputs(state.layout(), planned.directory));
    CO_CHECK(check_dependencies(state, planned));
    FreshRun fresh;
    CO_TRY(fresh.ran, co_await run_unit(build->client, order));
    CO_CHECK(check_dependencies(state, planned));
    if (!fresh.ran.good()) co_return fresh;
    auto discovered = discovered_by(state, planned, fresh.ran.depfile);
    if (!discovered) {
        fresh.ran.exit_code = 1;
        fresh.ran.failure = fmt::format(
            "{}: the depfile {} of unit {}: {}",
            order->place,
            planned.unit->depfile->text,
            planned.unit->name,
            discovered.error().message
        );
        co_return fresh;
    }
    fresh.discovered = *std::move(discovered);
    Store* const store = writable_store(*build);
    const std::function<Result<int>(const std::atomic<bool>&)> work =
        [&](const std::atomic<bool>&) -> Result<int> {
        TRY(fresh.outputs, take_outputs(order->outputs, store, fresh.store_failure));
        CHECK_OK(install_outputs(state.layout(), planned.directory));
        return 0;
    };
    const auto taken = co_await on_thread(work);
    if (!taken && taken.error().code == Errc::invalid_argument) {
        fresh.ran.exit_code = 1;
        fresh.ran.failure =
            fmt::format("{}: unit {}: {}", order->place, planned.unit->name, taken.error().message);
        co_return fresh;
    }
    CO_CHECK(taken);
    co_return fresh;
}

void tell_failure(const UnitRan& ran, UnitEnd& end)
{
    end.outcome = UnitOutcome::failed;
    end.exit_code = ran.exit_code;
    end.error = ran.failure;
    end.hint = ran.hint;
    end.log = ran.log;
    end.duration = ran.took;
}

Task<> run_and_note(
    BuildPtr build, std::size_t place, UnitKey key, std::vector<DirtyReason> reasons, UnitEnd& end
)
{
    BuildState& state = *build->state;
    const PlannedUnit& planned = state.plan().units[place];
    for (int tries = 1;; ++tries) {
        const std::int64_t began = now_ms();
        CO_CHECK(forget(state, planned));
        CO_TRY(FreshRun fresh, co_await run_now(build, place, key));
        if (!as_looked_at(*build, place, key)) {
            if (tries == most_tries) {
                end.outcome = UnitOutcome::failed;
                end.exit_code = 1;
                end.error = "unit " + planned.unit->name + ": its inputs change while it runs";
                end.hint = "whatever writes to them has to end first";
                co_return ok();
            }
            CO_CHECK(look_again(state, planned));
            CO_CHECK(state.files().look_at(key.listed, true));
            CO_TRY(key, state.key(place));
            continue;
        }
        if (!fresh.ran.good()) {
            tell_failure(fresh.ran, end);
            co_return ok();
        }
        if (fresh.store_failure) warn_of_store(*build, *fresh.store_failure);
        CO_TRY(const auto table, state.discovered(place, fresh.discovered));
        const Record record = result_record(key.inputs, table);
        BuiltUnit unit = built_unit(planned, record);
        unit.discovered = std::move(fresh.discovered);
        unit.duration_ms = fresh.ran.took.count();
        unit.log.size = fresh.ran.log.size();
        write_log_file(state.layout().unit(planned.directory), fresh.ran.log);
        StoredResult result;
        result.key = unit.key;
        result.unit = planned.unit->name;
        result.outputs = fresh.outputs;
        result.began_ms = began;
        result.duration_ms = unit.duration_ms;
        result.reason = text_of(reasons);
        if (Store* const store = writable_store(*build); store != nullptr) {
            auto kept =
                keep_result(*store, std::move(result), fresh.ran.log, key.inputs, unit.discovered);
            if (kept) {
                unit.log = kept->log;
                if (build->order.shared) {
                    CO_CHECK(co_await share_result(build->order, *kept, key.inputs));
                }
            } else {
                warn_of_store(*build, kept.error());
            }
        }
        unit.outputs = unmarked(std::move(fresh.outputs));
        UnitRecords records{state.action(planned), record};
        CO_CHECK(co_await place_and_note(build, place, std::move(unit), std::move(records)));
        end.outcome = UnitOutcome::ran;
        end.log = std::move(fresh.ran.log);
        end.duration = fresh.ran.took;
        co_return ok();
    }
}

// Fresh, but not all of it stands where it should. False: the unit's own directory has not got it.
Task<bool> place_again(BuildPtr build, std::size_t place, UnitEnd& end)
{
    BuildState& state = *build->state;
    const PlannedUnit& planned = state.plan().units[place];
    const BuiltUnit* const known = state.built(place);
    if (known == nullptr || !state.is_kept(*known)) co_return false;
    auto records = read_records(state.layout().unit(planned.directory));
    if (!records) co_return false;
    BuiltUnit unit = *known;
    const Blob log = unit.log;
    CO_CHECK(co_await place_and_note(build, place, std::move(unit), *std::move(records)));
    end.outcome = UnitOutcome::placed;
    end.log = log_of(build->order, state.layout(), planned.directory, log);
    co_return true;
}

} // namespace

std::string place_of(const BuildOrder& order, const FilePlace& place)
{
    return fmt::format("{}:{}", order.file.path.filename().native(), place.line);
}

std::string place_text(const Build& build, std::size_t place)
{
    const Unit& unit = *build.state->plan().units[place].unit;
    return fmt::format("{}: unit {}: ", place_of(build.order, unit.place), unit.name);
}

UnitEnd fresh_unit(Build& build, std::size_t place)
{
    const PlannedUnit& planned = build.state->plan().units[place];
    UnitEnd end;
    end.unit = planned.unit->name;
    const Blob& log = build.state->built(place)->log;
    end.log = log_of(build.order, build.state->layout(), planned.directory, log);
    return end;
}

UnitEnd fresh_unit(const BuildOrder& order, const Layout& layout, const FreshUnit& unit)
{
    const Unit& named = order.file.units[unit.place];
    UnitEnd end;
    end.unit = named.name;
    end.place = place_of(order, named.place);
    end.log = log_of(order, layout, unit.directory, unit.log);
    return end;
}

Task<UnitEnd> build_unit(BuildPtr build, std::size_t place)
{
    BuildState& state = *build->state;
    const PlannedUnit& planned = state.plan().units[place];
    UnitEnd end;
    end.unit = planned.unit->name;
    bool waited = false;
    CO_TRY(const Fd lock, co_await lock_unit(build, place, waited));
    CO_CHECK(state.log().refresh()); // another process may have built it meanwhile
    if (waited) {
        CO_CHECK(look_again(state, planned));
    }
    CO_TRY(UnitKey key, state.key(place));
    CO_TRY(Freshness found, state.freshness(place, key));
    end.reason = text_of(found.reasons);
    if (found.fresh) {
        CO_TRY(const bool done, co_await place_again(build, place, end));
        if (done) co_return end;
    }
    const bool forced = planned.asked && build->order.force;
    if (build->order.store && !forced) {
        CO_TRY(auto result, co_await find_result(*build, place, key.inputs));
        if (result) {
            CO_TRY(const bool done, co_await take_result(build, place, *std::move(result), end));
            if (done) co_return end;
        }
    }
    if (found.reasons.empty()) found.reasons.push_back({"missing-output"});
    build->watch->begins(planned.unit->name, found.reasons);
    CO_CHECK(co_await run_and_note(build, place, std::move(key), found.reasons, end));
    co_return end;
}

} // namespace slipway::core::graph
