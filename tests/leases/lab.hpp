#pragma once

#include "support/run.hpp"
#include "support/temp_directory.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/endpoint.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipway::test {

/// The engine of SLIPWAY_TEST_ENGINE.
inline engine::Endpoint engine_under_test()
{
    const char* const name = std::getenv("SLIPWAY_TEST_ENGINE");
    REQUIRE_MESSAGE(name != nullptr, "SLIPWAY_TEST_ENGINE names no engine");
    std::string variable = "SLIPWAY_TEST_" + std::string(name) + "_HOST";
    std::ranges::transform(variable, variable.begin(), [](unsigned char c) {
        return c == '-' ? '_' : static_cast<char>(std::toupper(c));
    });
    const char* const host = std::getenv(variable.c_str());
    REQUIRE_MESSAGE(host != nullptr, variable << " names no engine");
    auto endpoint = engine::parse_endpoint(host);
    REQUIRE(endpoint);
    return *endpoint;
}

/// Gives these bytes, then an error if there is one.
class Bytes final : public engine::ByteSource {
public:
    explicit Bytes(std::string bytes, std::optional<Error> failure = {})
        : bytes_(std::move(bytes)), failure_(std::move(failure))
    {
    }
    Task<std::size_t> read(std::span<char> into) override
    {
        const std::size_t n = bytes_.copy(into.data(), into.size(), at_);
        at_ += n;
        if (n == 0 && failure_) co_return fail(*failure_);
        co_return n;
    }

private:
    std::string bytes_;
    std::optional<Error> failure_;
    std::size_t at_ = 0;
};

struct Ran {
    core::JobResult result;
    std::string out;
    std::string err;
};

inline Task<Ran> run_job(
    core::Lease& lease, std::vector<std::string> argv, std::shared_ptr<engine::ByteSource> in = {}
)
{
    core::LeasedJob job;
    job.argv = std::move(argv);
    job.env.emplace_back("ODD=a=b\nc");
    Ran ran;
    engine::StringSink out(ran.out);
    engine::StringSink err(ran.err);
    core::JobStreams streams;
    streams.in = in.get();
    streams.out = &out;
    streams.err = &err;
    CO_TRY(ran.result, co_await lease.run(std::move(job), streams));
    co_return ran;
}

inline std::vector<std::string> shell(std::string script)
{
    std::vector<std::string> argv{"sh", "-c"};
    argv.push_back(std::move(script));
    return argv;
}

using Body = std::function<Task<>(core::Lease&)>;

inline Task<> in_lease(engine::Endpoint endpoint, core::PoolOptions options, Body body)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    CO_TRY(const auto client, co_await engine::Client::connect(executor, std::move(endpoint)));
    core::SandboxSpec spec;
    spec.image = "busybox:latest";
    spec.scratch = {"/tmp", "/work"};
    const bool with_agent = options.agent;
    CO_TRY(auto lease, co_await core::acquire(client, std::move(spec), std::move(options)));
    CHECK((lease->road() != core::Road::exec) == with_agent);
    const auto done = co_await body(*lease);
    const std::string container = lease->container();
    CO_CHECK(co_await lease->discard());
    engine::Containers containers(client.transport());
    const auto there = co_await containers.inspect(container);
    CHECK(!there);
    co_return done;
}

/// Runs `body` in a sandbox with the agent, and in one without.
inline void with_and_without_agent(const Body& body)
{
    const TempDirectory pools;
    for (const bool agent : {true, false}) {
        CAPTURE(agent);
        core::PoolOptions options;
        options.directory = pools.path();
        options.agent = agent;
        const auto done = run(in_lease(engine_under_test(), options, body));
        CHECK_MESSAGE(done, describe(done ? Error(Errc::internal, "") : done.error()));
    }
}

} // namespace slipway::test
