// What it costs to read a list of 5 000 containers, beside RapidJSON's own parse into a document
// of the same text: the least that a reader of JSON can do.
#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/containers.hpp>

#include <rapidjson/document.h>

#include <benchmark/benchmark.h>

#include <string>

using namespace slipway;

namespace {

constexpr int containers_in_list = 5'000;

/// A recorded list, repeated.
const std::string& list()
{
    static const std::string text = [] {
        const std::string recorded = test::docker_reply("containers-list.json");
        const auto first = recorded.find('{');
        const std::string one = recorded.substr(first, recorded.rfind('}') - first + 1);
        std::string out = "[" + one;
        for (int i = 1; i < containers_in_list; ++i)
            out += "," + one;
        return out + "]";
    }();
    return text;
}

void decode(benchmark::State& state)
{
    boost::asio::io_context io;
    const engine::ListContainers options;
    for (auto step : state) {
        static_cast<void>(step);
        state.PauseTiming();
        test::FakeTransport transport;
        transport.reply(200, list());
        state.ResumeTiming();
        const auto got = test::run(io, engine::Containers(transport).list(options));
        if (!got || got->size() < containers_in_list) state.SkipWithError("not read");
    }
}

void dom(benchmark::State& state)
{
    for (auto step : state) {
        static_cast<void>(step);
        rapidjson::Document document;
        document.Parse(list().data(), list().size());
        if (document.HasParseError()) state.SkipWithError("not read");
        benchmark::DoNotOptimize(document);
    }
}

} // namespace

BENCHMARK(decode)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(dom)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_MAIN();
