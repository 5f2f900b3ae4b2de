// What one call costs on a kept-alive connection. The engine is that of DOCKER_HOST.
#include "support/run.hpp"

#include <slipway/engine/client.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/endpoint.hpp>

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

using namespace slipway;

namespace {

struct Engine {
    Engine()
    {
        const char* url = std::getenv("DOCKER_HOST");
        auto endpoint = engine::parse_endpoint(url != nullptr ? url : "");
        if (!endpoint) throw std::runtime_error(describe(endpoint.error()));
        auto connected = test::run(io, engine::Client::connect(io.get_executor(), *endpoint));
        if (!connected) throw std::runtime_error(describe(connected.error()));
        client = *std::move(connected);
    }
    boost::asio::io_context io;
    engine::Client client;
};

void ping(benchmark::State& state)
{
    Engine engine;
    for (auto step : state) {
        static_cast<void>(step);
        engine::Request request("HEAD", "/_ping");
        request.unversioned();
        const auto pong = test::run(engine.io, engine.client.transport().send(request));
        if (!pong) state.SkipWithError(describe(pong.error()).c_str());
    }
}

void inspect(benchmark::State& state)
{
    Engine engine;
    engine::Containers containers(engine.client.transport());
    engine::ContainerSpec spec;
    spec.image = "busybox:latest";
    spec.cmd = {"true"};
    const auto made = test::run(engine.io, containers.create(spec));
    if (!made) {
        state.SkipWithError(describe(made.error()).c_str());
        return;
    }
    for (auto step : state) {
        static_cast<void>(step);
        const auto info = test::run(engine.io, containers.inspect(made->id));
        if (!info) state.SkipWithError(describe(info.error()).c_str());
    }
    const auto gone = test::run(engine.io, containers.discard(made->id));
    if (!gone) state.SkipWithError(describe(gone.error()).c_str());
}

} // namespace

BENCHMARK(ping)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(inspect)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_MAIN();
