#include "graph/found_result.hpp"

#include "agent/codec.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace slipway::core::graph {

namespace {

constexpr std::size_t most_sets = 16; // of discovered inputs, for one declared key
constexpr std::uint64_t longest_note = std::uint64_t{64} << 20;
constexpr std::uint64_t longest_result = std::uint64_t{64} << 20;
constexpr std::uint64_t longest_blob = std::uint64_t{1} << 31;

// Sets of paths that runs have discovered, the newest first.
struct DiscoveredSets {
    std::vector<std::vector<std::string>> sets;

    static void fields(auto& f, auto& m) { f(m.sets); }
};

DiscoveredSets sets_of(const std::optional<std::string>& note)
{
    if (!note) return {};
    auto sets = agent::decode<DiscoveredSets>(*note);
    return sets ? *std::move(sets) : DiscoveredSets{};
}

void add_set(DiscoveredSets& sets, std::vector<std::string> set)
{
    std::erase(sets.sets, set);
    sets.sets.insert(sets.sets.begin(), std::move(set));
    if (sets.sets.size() > most_sets) sets.sets.resize(most_sets);
}

std::vector<Blob> blobs_of(const StoredResult& result)
{
    std::vector<Blob> blobs;
    for (const StoredOutput& output : result.outputs) {
        if (output.kind == StoredOutput::Kind::file) blobs.push_back(output.content);
    }
    if (result.log.size != 0) blobs.push_back(result.log);
    return blobs;
}

// Whether all blobs of a result are here, or come. Errors: cancelled.
Task<bool> fetch_blobs(Build& build, StoredResult result)
{
    for (const Blob& blob : blobs_of(result)) {
        if (build.order.store->has(blob)) continue;
        Sha256 name = blob.digest;
        CO_TRY(
            const auto bytes,
            co_await build.order.shared->get(SharedCache::Kind::blob, name, longest_blob)
        );
        if (!bytes) co_return false;
        if (!build.order.store->import_form(blob, *bytes)) co_return false;
    }
    co_return true;
}

// Whether a result has nothing but what the unit may make: one of a shared cache was somebody
// else's to write.
bool is_all_declared(const Unit& unit, const std::vector<StoredOutput>& outputs)
{
    OutputPaths declared;
    for (const UnitPath& output : unit.outputs) {
        declared.add(output.text);
    }
    return std::ranges::all_of(outputs, [&](const StoredOutput& output) {
        if (declared.has(output.path)) return true;
        const std::string below = output.path + "/";
        return output.kind == StoredOutput::Kind::directory
               && std::ranges::any_of(unit.outputs, [&](const UnitPath& one) {
                      return one.text.starts_with(below);
                  });
    });
}

// Errors: cancelled.
Task<std::optional<StoredResult>> fetch_result(Build& build, const Unit& unit, Sha256 key)
{
    std::optional<StoredResult> none;
    CO_TRY(
        const auto bytes,
        co_await build.order.shared->get(SharedCache::Kind::result, key, longest_result)
    );
    if (!bytes) co_return none;
    auto result = StoredResult::decode(*bytes);
    if (!result || result->key != key || !is_all_declared(unit, result->outputs)) co_return none;
    CO_TRY(const bool all, co_await fetch_blobs(build, *result));
    if (!all) co_return none;
    static_cast<void>(build.order.store->put_result(*result));
    co_return result;
}

} // namespace

Task<std::optional<FoundResult>> find_result(Build& build, std::size_t place, UnitInputs inputs)
{
    std::optional<FoundResult> none;
    Store& store = *build.order.store;
    const Unit& unit = *build.state->plan().units[place].unit;
    const Sha256 declared = declared_record(inputs).digest();
    const bool discovers = !inputs.depfile.empty();
    std::set<std::vector<std::string>> tried;
    // The shared cache is asked only for what this machine does not know.
    for (const bool shared : {false, true}) {
        if (shared && (!build.order.shared || !store.writable())) break;
        std::vector<std::vector<std::string>> sets;
        if (!discovers) {
            sets.emplace_back();
        } else if (!shared) {
            sets = sets_of(store.find_note(declared)).sets;
        } else {
            CO_TRY(
                const auto note,
                co_await build.order.shared->get(SharedCache::Kind::note, declared, longest_note)
            );
            sets = sets_of(note).sets;
            for (const auto& known : tried) {
                if (std::ranges::find(sets, known) == sets.end()) sets.push_back(known);
            }
        }
        for (const std::vector<std::string>& set : sets) {
            CO_TRY(Record::Table table, build.state->discovered(place, set));
            FoundResult found;
            found.record = result_record(inputs, table);
            found.discovered = std::move(table);
            found.shared = shared;
            const Sha256 key = found.record.digest();
            std::optional<StoredResult> result;
            if (shared) {
                CO_TRY(result, co_await fetch_result(build, unit, key));
            } else {
                result = store.find_result(key);
            }
            tried.insert(set);
            if (!result) continue;
            found.result = *std::move(result);
            if (shared && discovers) {
                DiscoveredSets known = sets_of(store.find_note(declared));
                add_set(known, set);
                static_cast<void>(store.put_note(declared, agent::encode(known)));
            }
            co_return found;
        }
    }
    co_return none;
}

Result<StoredResult> keep_result(
    Store& store,
    StoredResult result,
    std::string_view log,
    const UnitInputs& inputs,
    const std::vector<std::string>& discovered
)
{
    if (!log.empty()) {
        TRY(result.log, store.put(log));
    }
    CHECK_OK(store.put_result(result));
    if (!inputs.depfile.empty()) {
        const Sha256 declared = declared_record(inputs).digest();
        DiscoveredSets sets = sets_of(store.find_note(declared));
        add_set(sets, discovered);
        CHECK_OK(store.put_note(declared, agent::encode(sets)));
    }
    return result;
}

Task<> share_result(const BuildOrder& order, StoredResult result, UnitInputs inputs)
{
    for (const Blob& blob : blobs_of(result)) {
        auto form = order.store->export_form(blob);
        if (!form) co_return ok(); // it has been damaged or removed just now
        Sha256 name = blob.digest;
        CO_CHECK(co_await order.shared->put(SharedCache::Kind::blob, name, *std::move(form)));
    }
    std::string bytes = result.encode();
    Sha256 key = result.key;
    CO_CHECK(co_await order.shared->put(SharedCache::Kind::result, key, std::move(bytes)));
    if (inputs.depfile.empty()) co_return ok();
    const Sha256 declared = declared_record(inputs).digest();
    // What others have discovered stays known.
    CO_TRY(
        const auto there,
        co_await order.shared->get(SharedCache::Kind::note, declared, longest_note)
    );
    DiscoveredSets sets = sets_of(there);
    DiscoveredSets own = sets_of(order.store->find_note(declared));
    for (auto set = own.sets.rbegin(); set != own.sets.rend(); ++set) {
        add_set(sets, *set);
    }
    std::string note = agent::encode(sets);
    CO_CHECK(co_await order.shared->put(SharedCache::Kind::note, declared, std::move(note)));
    co_return ok();
}

} // namespace slipway::core::graph
