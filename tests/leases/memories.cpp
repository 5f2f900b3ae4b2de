#include "leases/bench.hpp"
#include "support/tar.hpp"

#include <slipway/engine/images.hpp>
#include <slipway/engine/system.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace slipway;
using namespace slipway::test;

namespace {

namespace fs = std::filesystem;

// What a pool remembers of its engine's limits.
fs::path limits_file(const core::PoolOptions& options)
{
    for (const auto& entry : fs::directory_iterator(options.directory / "engines")) {
        if (entry.path().string().ends_with("-limits")) return entry.path();
    }
    return {};
}

std::string text_of(const fs::path& file)
{
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

Task<> discard(std::unique_ptr<core::Lease> lease)
{
    co_return co_await lease->discard();
}

// An image of its own, by its id.
Task<std::string> make_image(engine::Client client)
{
    engine::ImportImage options;
    options.repository = "slipway-test-vanishing";
    options.tag = "x";
    const auto tar = engine::text_source(make_tar({{"file", "x"}}));
    CO_TRY(auto progress, co_await engine::Images(client.transport()).import(tar, options));
    co_return co_await progress.result();
}

// What somebody else does: makes a container of that name and removes an image.
Task<> interfere(engine::Endpoint endpoint, std::string name, std::string image)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    CO_TRY(const auto client, co_await engine::Client::connect(executor, std::move(endpoint)));
    engine::ContainerSpec spec;
    spec.image = "busybox:latest";
    spec.name = std::move(name);
    spec.cmd.emplace_back("true");
    CO_CHECK(co_await engine::Containers(client.transport()).create(spec));
    engine::RemoveImage force;
    force.force = true;
    CO_CHECK(co_await engine::Images(client.transport()).remove(image, force));
    co_return ok();
}

// What is remembered once a sandbox was made.
Task<std::string> remembered_limits(Bench& bench, core::PoolOptions options)
{
    CO_TRY(auto first, co_await acquire(bench.client, bench.spec(), options));
    CO_CHECK(co_await discard(std::move(first)));
    std::string limits = text_of(limits_file(options));
    REQUIRE(!limits.empty());
    co_return limits;
}

} // namespace

TEST_SUITE("leases.memories")
{
    TEST_CASE("limits that an engine could not keep are asked for again")
    {
        on_bench([](Bench& bench) -> Task<> {
            const core::PoolOptions options = bench.options();
            CO_TRY(const std::string true_ones, co_await remembered_limits(bench, options));
            const fs::path file = limits_file(options);
            std::ofstream(file) << "0 0 0 0 0\n";
            core::SandboxSpec spec = bench.spec();
            spec.limits.memory_bytes = 64 << 20;
            CO_TRY(
                const engine::EngineInfo info,
                co_await engine::System(bench.client.transport()).info()
            );
            auto lease = co_await acquire(bench.client, spec, options);
            CHECK(text_of(file) == true_ones);
            CHECK(lease.has_value() == info.can_limit_memory);
            if (!lease) {
                CHECK(lease.error().code == Errc::unsupported);
                co_return ok();
            }
            co_return co_await discard(*std::move(lease));
        });
    }

    TEST_CASE("limits of a larger machine are forgotten when a sandbox cannot be made with them")
    {
        on_bench([](Bench& bench) -> Task<> {
            const core::PoolOptions options = bench.options();
            CO_TRY(const std::string true_ones, co_await remembered_limits(bench, options));
            const fs::path file = limits_file(options);
            std::ofstream(file) << "1000000000000 4096 1 1 1\n";
            auto refused = co_await acquire(bench.client, bench.spec(), options);
            // Not every engine minds.
            if (refused) {
                co_return co_await discard(*std::move(refused));
            }
            CHECK(!fs::exists(file));
            CO_TRY(auto lease, co_await acquire(bench.client, bench.spec(), options));
            CHECK(lease->road() != core::Road::exec);
            CHECK(text_of(file) == true_ones);
            co_return co_await discard(std::move(lease));
        });
    }

    TEST_CASE("who fails before he has made a container removes none of that name")
    {
        on_bench([](Bench& bench) -> Task<> {
            CO_TRY(const std::string image, co_await make_image(bench.client));
            std::string name;
            engine::ClientOptions tracing;
            // It was not there a moment ago.
            tracing.on_call = [&](const engine::CallTrace& call) {
                const std::size_t at = call.route.find("slipway-kept-");
                if (!name.empty() || call.status != 404 || at == std::string::npos) return;
                name = call.route.substr(at, call.route.rfind('/') - at);
                const auto done = run(interfere(engine_under_test(), name, image));
                CHECK_MESSAGE(done.has_value(), (done ? "" : describe(done.error())));
            };
            const auto executor = co_await boost::asio::this_coro::executor;
            engine::Endpoint endpoint = engine_under_test();
            CO_TRY(
                const engine::Client client,
                co_await engine::Client::connect(executor, std::move(endpoint), std::move(tracing))
            );
            core::SandboxSpec spec = bench.spec();
            spec.image = image;
            core::PoolOptions options = bench.options();
            options.policy = core::LeasePolicy::persistent;
            options.name = "cache";
            const auto lease = co_await acquire(client, spec, options);
            REQUIRE(!lease.has_value());
            CHECK(lease.error().code == Errc::not_found); // the image
            REQUIRE(!name.empty());
            engine::Containers containers(bench.client.transport());
            const auto theirs = co_await containers.inspect(name);
            CHECK(theirs.has_value());
            CO_CHECK(co_await containers.discard(name));
            co_return ok();
        });
    }
}
