#include "sandbox/pool/container.hpp"
#include "sandbox/pool/job.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/pool/limits.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace slipway;
using namespace slipway::core;

namespace {

engine::Endpoint endpoint(const std::string& path)
{
    engine::Endpoint endpoint;
    endpoint.socket_path = path;
    return endpoint;
}

} // namespace

TEST_SUITE("sandbox.pool")
{
    TEST_CASE("a key differs when anything of the spec does")
    {
        const SandboxSpec plain;
        std::vector<SandboxSpec> specs(12, plain);
        specs[1].image = "x";
        specs[2].platform = "x";
        specs[3].user = "x";
        specs[4].network = "x";
        specs[5].scratch = {"x"};
        specs[6].scratch = {"", "x"};
        specs[7].mounts.resize(1);
        specs[8].mounts.resize(1);
        specs[8].mounts[0].read_only = true;
        specs[9].limits.pids = 1;
        specs[10].limits.memory_bytes = 1;
        specs[11].limits.cpus = 1;
        std::set<std::string> keys;
        for (const SandboxSpec& spec : specs) {
            keys.insert(pool::key(endpoint("/a"), spec));
        }
        CHECK(keys.size() == specs.size());
        CHECK(pool::key(endpoint("/a"), plain) == pool::key(endpoint("/a"), SandboxSpec()));
        CHECK(pool::key(endpoint("/b"), plain) != pool::key(endpoint("/a"), plain));
        CHECK(pool::key(endpoint("/a"), plain).starts_with(pool::key(endpoint("/a")) + "-"));
    }

    TEST_CASE("limits are on by default, where the engine has them")
    {
        engine::EngineInfo engine;
        engine.memory_bytes = 1'000;
        engine.cpus = 4;
        const auto held = [&](SandboxLimits asked) {
            const auto limits = pool::limits_on(engine, asked);
            REQUIRE(limits.has_value());
            return *limits;
        };
        CHECK(held({}).pids == SandboxLimits::none);
        CHECK(held({}).memory_bytes == SandboxLimits::none);
        CHECK(held({}).cpus == SandboxLimits::none);
        engine.can_limit_memory = engine.can_limit_cpus = engine.can_limit_pids = true;
        CHECK(held({}).pids == 4'096);
        CHECK(held({}).memory_bytes == 900);
        CHECK(held({}).cpus == 4);
        SandboxLimits own;
        own.pids = 7;
        own.memory_bytes = 5'000;
        own.cpus = 0.5;
        CHECK(held(own).pids == 7);
        CHECK(held(own).memory_bytes == 5'000);
        CHECK(held(own).cpus == 0.5);
        own.pids = own.memory_bytes = SandboxLimits::none;
        own.cpus = SandboxLimits::none;
        CHECK(held(own).pids == SandboxLimits::none);
        CHECK(held(own).memory_bytes == SandboxLimits::none);
        CHECK(held(own).cpus == SandboxLimits::none);
    }

    TEST_CASE("a limit that is asked for and cannot be kept is an error")
    {
        engine::EngineInfo engine;
        engine.memory_bytes = 1'000;
        engine.cpus = 4;
        SandboxLimits memory;
        memory.memory_bytes = 500;
        SandboxLimits cpus;
        cpus.cpus = 0.5;
        for (const SandboxLimits& asked : {memory, cpus}) {
            const auto limits = pool::limits_on(engine, asked);
            REQUIRE(!limits.has_value());
            CHECK(limits.error().code == Errc::unsupported);
            CHECK(limits.error().hint.find("without the limit") != std::string::npos);
        }
        CHECK(pool::limits_on(engine, cpus).error().message == "the engine cannot limit CPUs");
        engine.can_limit_memory = engine.can_limit_cpus = true;
        CHECK(pool::limits_on(engine, memory).has_value());
        CHECK(pool::limits_on(engine, cpus).has_value());
    }

    TEST_CASE("ids of a user")
    {
        CHECK(pool::parse_ids("")->uid == 0);
        CHECK(pool::parse_ids("1000:100")->uid == 1000);
        CHECK(pool::parse_ids("1000:100")->gid == 100);
        for (const char* bad : {"1000", "me:me", "1000:", ":1", "-1:1", "1:1 ", "1:4294967296"}) {
            CAPTURE(bad);
            const auto ids = pool::parse_ids(bad);
            REQUIRE(!ids.has_value());
            CHECK(ids.error().code == Errc::invalid_argument);
        }
    }

    TEST_CASE("a job has what its image has, and its own on top")
    {
        engine::ImageConfig image;
        image.env = {"PATH=/image", "A=image", "B=image"};
        image.entrypoint = {"/entry", "-x"};
        image.working_dir = "/work";
        LeasedJob job;
        job.argv = {"make"};
        job.env = {"B=job", "C=a=b"};
        const auto run = pool::run_message(job, image, {7, 8});
        CHECK(run.argv == std::vector<std::string>{"/entry", "-x", "make"});
        CHECK(
            run.env
            == std::vector<std::string>{"PATH=/image", "HOME=/tmp", "A=image", "B=job", "C=a=b"}
        );
        CHECK(run.cwd == "/work");
        CHECK(run.has_ids);
        CHECK(run.uid == 7);
        CHECK(run.gid == 8);
        job.cwd = "/own";
        CHECK(pool::run_message(job, {}, {}).cwd == "/own");
        CHECK(pool::run_message(job, {}, {}).env.front().starts_with("PATH=/usr/local/sbin:"));
    }

    TEST_CASE("how it ended, as a shell tells it")
    {
        agent::Exit exit;
        exit.code = 7;
        CHECK(pool::result_of(exit, "x").exit_code == 7);
        exit.how = static_cast<std::uint8_t>(agent::Ending::signaled);
        exit.code = 9;
        exit.flags = agent::Exit::out_of_memory;
        CHECK(pool::result_of(exit, "x").exit_code == 137);
        CHECK(pool::result_of(exit, "x").out_of_memory);
        agent::Failed failed;
        failed.step = static_cast<std::uint8_t>(agent::Step::find);
        failed.error = 2;
        CHECK(pool::result_of(failed, "nope").exit_code == 127);
        CHECK(pool::result_of(failed, "nope").not_run == "nope: No such file or directory");
        failed.step = static_cast<std::uint8_t>(agent::Step::execute);
        failed.text = "its words";
        CHECK(pool::result_of(failed, "nope").exit_code == 126);
        CHECK(pool::result_of(failed, "nope").not_run == "its words");
    }
}
