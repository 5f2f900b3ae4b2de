// Makes the units of a project built without running one, in a moment: each output gets the bytes
// of the unit's inputs, one after the other, and each unit has discovered the header of its name.
// What is left is as a build leaves it, in the project, its .slipway and the store. The engine is
// that of DOCKER_HOST.
//
//   bench_unit_seed DIRECTORY STORE IMAGE TARGET
#include "graph/build_state.hpp"
#include "graph/found_result.hpp"
#include "graph/output_files.hpp"
#include "support/run.hpp"

#include <slipway/core/store.hpp>
#include <slipway/core/unit_file.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/endpoint.hpp>
#include <slipway/engine/images.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::core;

namespace {

namespace fs = std::filesystem;

Task<ResolvedToolchain> toolchain_of(std::string image)
{
    const char* const host = std::getenv("DOCKER_HOST");
    CO_TRY(engine::Endpoint endpoint, engine::parse_endpoint(host == nullptr ? "" : host));
    const auto executor = co_await boost::asio::this_coro::executor;
    CO_TRY(auto client, co_await engine::Client::connect(executor, std::move(endpoint)));
    CO_TRY(const auto info, co_await engine::Images(client.transport()).inspect(image));
    ResolvedToolchain toolchain;
    toolchain.image = info.id;
    toolchain.digest = toolchain_digest(info);
    co_return toolchain;
}

void make_output(const fs::path& root, const Unit& unit, const fs::path& output)
{
    fs::create_directories(output.parent_path());
    std::ofstream out(output, std::ios::binary);
    for (const UnitPath& input : unit.inputs) {
        out << std::ifstream(root / input.text, std::ios::binary).rdbuf();
    }
}

Result<> seed(graph::BuildState& state, std::size_t place)
{
    const graph::Layout& layout = state.layout();
    const graph::PlannedUnit& planned = state.plan().units[place];
    std::vector<std::string> discovered = planned.discoverable->paths;
    std::erase_if(discovered, [&](const std::string& path) {
        return fs::path(path).filename() != planned.unit->name + ".h";
    });
    TRY(const graph::UnitKey key, state.key(place));
    TRY(const auto table, state.discovered(place, discovered));
    const Record record = result_record(key.inputs, table);
    CHECK_OK(layout.make_unit(planned.directory));
    TRY(const fs::path fresh, graph::fresh_outputs(layout, planned.directory));
    for (const UnitPath& output : planned.unit->outputs) {
        make_output(layout.root(), *planned.unit, fresh / output.text);
    }
    StoredResult result;
    result.key = record.digest();
    result.unit = planned.unit->name;
    std::optional<Error> failure;
    TRY(result.outputs, graph::take_outputs(fresh, state.order().store.get(), failure));
    if (failure) return fail(*failure);
    CHECK_OK(graph::install_outputs(layout, planned.directory));
    graph::BuiltUnit unit;
    unit.directory = planned.directory;
    unit.label = planned.label;
    unit.key = result.key;
    unit.discovered = discovered;
    for (const StoredOutput& output : result.outputs) {
        unit.outputs.push_back({output, {}, {}});
    }
    CHECK_OK(graph::write_records(layout.unit(planned.directory), {state.action(planned), record}));
    CHECK_OK(graph::place_outputs(layout, planned.directory, result.outputs, nullptr));
    state.mark(unit);
    unit.good = true;
    CHECK_OK(state.log().add(std::move(unit)));
    Store& store = *state.order().store;
    auto kept = graph::keep_result(store, std::move(result), "", key.inputs, discovered);
    return kept.map([](const StoredResult&) {});
}

Result<> seed_all(const std::vector<std::string>& args)
{
    const fs::path root = fs::canonical(args[1]);
    BuildOrder order;
    order.variables = {args[4], "debug"};
    TRY(order.file, read_unit_file(root / unit_file_name, order.variables));
    TRY(Store store, Store::open(args[2]));
    order.store = std::make_shared<Store>(std::move(store));
    TRY(const ResolvedToolchain toolchain, test::run(toolchain_of(args[3])));
    for (const UnitToolchain& one : order.file.toolchains) {
        order.toolchains.emplace(one.name, toolchain);
    }
    TRY(const auto state, graph::BuildState::open(order, false));
    for (std::size_t place = 0; place < state->plan().units.size(); ++place) {
        CHECK_OK(seed(*state, place));
    }
    return state->files().save();
}

} // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string> args(argv, argv + argc);
    if (args.size() != 5) return 2;
    const auto done = seed_all(args);
    if (done) return 0;
    fmt::print(stderr, "{}\n", describe(done.error()));
    return 1;
}
