#pragma once

#include "leases/lab.hpp"

#include <slipway/core/inventory.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/volumes.hpp>

#include <boost/asio/this_coro.hpp>
#include <doctest/doctest.h>

#include <string>

namespace slipway::test {

/// A client of the engine that SLIPWAY_TEST_ENGINE names, with a pool of its own.
class Bench {
public:
    static Task<std::shared_ptr<Bench>> open()
    {
        engine::Endpoint endpoint = engine_under_test();
        const auto executor = co_await boost::asio::this_coro::executor;
        CO_TRY(
            engine::Client client, co_await engine::Client::connect(executor, std::move(endpoint))
        );
        co_return std::make_shared<Bench>(std::move(client));
    }
    explicit Bench(engine::Client of) : client(std::move(of)) {}

    core::SandboxSpec spec() const
    {
        core::SandboxSpec made;
        made.image = "busybox:latest";
        made.scratch = {"/tmp", "/work/here"};
        return made;
    }
    core::PoolOptions options(bool agent = true) const
    {
        core::PoolOptions made;
        made.agent = agent;
        made.directory = directory.path() / "slipway";
        return made;
    }
    /// All that this case has made, the persistent ones too.
    Task<> clean()
    {
        const auto base = options().directory;
        CO_TRY(const auto all, co_await core::inventory(client, base));
        for (const auto& object : all) {
            if (object.kind == core::OwnedObject::Kind::container
                && object.in_use != core::InUse::unknown) {
                CO_CHECK(co_await engine::Containers(client.transport()).discard(object.name));
            }
        }
        for (const auto& object : all) {
            if (object.kind == core::OwnedObject::Kind::volume) {
                co_await engine::Volumes(client.transport()).remove(object.name, true);
            }
        }
        co_return ok();
    }

    engine::Client client;
    const TempDirectory directory;
};

/// The output of a shell's script and its exit code, or what went wrong.
inline Task<std::string> said_by(core::Lease& lease, std::string script)
{
    std::vector<std::string> argv = shell(std::move(script));
    CO_TRY(const Ran ran, co_await run_job(lease, std::move(argv)));
    co_return ran.out + ran.err + "=" + std::to_string(ran.result.exit_code);
}

/// Runs a case from its beginning to its end; what it made is removed.
template <class Case>
void on_bench(Case body)
{
    boost::asio::io_context io;
    const auto all = [&]() -> Task<> {
        co_await boost::asio::this_coro::throw_if_cancelled(false);
        CO_TRY(const auto bench, co_await Bench::open());
        auto done = co_await body(*bench);
        const auto cleaned = co_await bench->clean();
        CHECK_MESSAGE(cleaned.has_value(), (cleaned ? "" : describe(cleaned.error())));
        co_return done;
    };
    const auto done = run(io, all());
    CHECK_MESSAGE(done.has_value(), (done ? "" : describe(done.error())));
}

} // namespace slipway::test
