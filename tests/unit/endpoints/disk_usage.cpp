#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/system.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;
using namespace std::chrono_literals;

TEST_SUITE("engine.system.df")
{
    TEST_CASE("recorded answers of both engines, with totals counted here")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("system-df.json"));
        engine.reply(200, podman_reply("system-df.json"));
        const auto docker = run(System(engine).disk_usage());
        REQUIRE(docker.has_value());
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/system/df");
        CHECK(engine.calls[0].deadline > 10min);
        CHECK(docker->image_totals.count == 1);
        CHECK(docker->image_totals.active == 1);
        CHECK(docker->image_totals.bytes == 1'985'575);
        CHECK(docker->image_totals.reclaimable_bytes == 0);
        CHECK(docker->container_totals.active == 1);
        CHECK(docker->container_totals.bytes == 3);
        CHECK(docker->container_totals.reclaimable_bytes == 0);
        CHECK(docker->volume_totals.active == 1);
        CHECK(docker->containers.at(0).names.at(0) == "slipway-rec");
        CHECK(docker->containers[0].size_rw == 3);
        CHECK(docker->volumes.at(0).usage->containers == 1);
        CHECK(docker->cache_totals.count == 0);
        const auto podman = run(System(engine).disk_usage());
        REQUIRE(podman.has_value());
        CHECK(podman->image_totals.bytes == 2'141'766); // the sum: it says 0 for all layers
        CHECK(podman->container_totals.bytes == 15);
        CHECK(podman->volumes.at(0).name == "slipway-rec-vol");
    }

    TEST_CASE("what counts as in use, as shared and as reclaimable")
    {
        FakeTransport engine;
        engine.reply(
            200,
            R"({"LayersSize":100,"Images":[{"Id":"a","Size":60,"SharedSize":10,"Containers":2},)"
            R"({"Id":"b","Size":50,"SharedSize":10,"Containers":0},)"
            R"({"Id":"c","Size":5,"SharedSize":-1,"Containers":-1}],)"
            R"("Containers":[{"Id":"a","State":"paused","SizeRw":1},{"Id":"b","State":"exited",)"
            R"("SizeRw":2},{"Id":"c","State":"created"}],)"
            R"("Volumes":[{"Name":"a","UsageData":{"Size":7,"RefCount":0}},)"
            R"({"Name":"b","UsageData":{"Size":8,"RefCount":1}},)"
            R"({"Name":"c","UsageData":{"Size":-1,"RefCount":-1}},{"Name":"d"}],)"
            R"("BuildCache":[{"ID":"a","Size":1,"InUse":true},{"ID":"b","Size":2},)"
            R"({"ID":"c","Size":4,"Shared":true}]})"
        );
        const auto usage = run(System(engine).disk_usage());
        REQUIRE(usage.has_value());
        CHECK(usage->image_totals.count == 3);
        CHECK(usage->image_totals.active == 2);
        CHECK(usage->image_totals.bytes == 100);
        CHECK(usage->image_totals.reclaimable_bytes == 45);
        CHECK(usage->container_totals.count == 3);
        CHECK(usage->container_totals.active == 1);
        CHECK(usage->container_totals.bytes == 3);
        CHECK(usage->container_totals.reclaimable_bytes == 2);
        CHECK(usage->volume_totals.count == 4);
        CHECK(usage->volume_totals.active == 1);
        CHECK(usage->volume_totals.bytes == 15);
        CHECK(usage->volume_totals.reclaimable_bytes == 7);
        CHECK(usage->cache_totals.count == 3);
        CHECK(usage->cache_totals.active == 1);
        CHECK(usage->cache_totals.bytes == 3);
        CHECK(usage->cache_totals.reclaimable_bytes == 2);
    }

    TEST_CASE("API 1.52 is asked to be verbose, and its own totals stand")
    {
        FakeTransport engine;
        engine.known.api = {1, 52};
        engine.reply(
            200,
            R"({"ImageUsage":{"ActiveCount":1,"TotalCount":4,"TotalSize":90,"Reclaimable":30,)"
            R"("Items":[{"Id":"a"}]},"ContainerUsage":{"Items":[{"Id":"c","Names":["/n"]}]},)"
            R"("VolumeUsage":{"TotalCount":2},"BuildCacheUsage":{"Items":[{"ID":"r","Type":)"
            R"("regular","LastUsedAt":null,"UsageCount":3}],"TotalSize":5}})"
        );
        const auto usage = run(System(engine).disk_usage());
        REQUIRE(usage.has_value());
        CHECK(engine.calls[0].target == "/system/df?verbose=1");
        CHECK(usage->image_totals.active == 1);
        CHECK(usage->image_totals.count == 4);
        CHECK(usage->image_totals.bytes == 90);
        CHECK(usage->image_totals.reclaimable_bytes == 30);
        CHECK(usage->images.at(0).id == "a");
        CHECK(usage->containers.at(0).names.at(0) == "n");
        CHECK(usage->volume_totals.count == 2);
        CHECK(usage->volumes.empty());
        CHECK(usage->build_cache.at(0).usage_count == 3);
        CHECK(usage->cache_totals.bytes == 5);
    }

    TEST_CASE("a wrong type in the newer form names its path")
    {
        FakeTransport engine;
        engine.reply(200, R"({"ImageUsage":{"Items":[{"Id":"a"},{"Id":7}]}})");
        const auto usage = run(System(engine).disk_usage());
        REQUIRE(!usage.has_value());
        CHECK(
            usage.error().message == "the engine's reply: $.ImageUsage.Items[1].Id is not a string"
        );
    }

    TEST_CASE("parts are asked for from API 1.42 on, and nothing at all is refused here")
    {
        DiskUsageOf some;
        some.images = false;
        some.volumes = false;
        FakeTransport engine;
        engine.reply(200, "{}");
        engine.reply(200, "{}");
        CHECK(run(System(engine).disk_usage(some)).has_value());
        CHECK(engine.calls[0].target == "/system/df");
        engine.known.api = {1, 42};
        CHECK(run(System(engine).disk_usage(some)).has_value());
        CHECK(engine.calls[1].target == "/system/df?type=container&type=build-cache");
        some.containers = false;
        some.build_cache = false;
        const auto refused = run(System(engine).disk_usage(some));
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 2);
    }
}

TEST_SUITE("engine.system.login")
{
    TEST_CASE("credentials go in the body, and a token may come back")
    {
        FakeTransport engine;
        engine.reply(200, R"({"Status":"Login Succeeded","IdentityToken":"t"})");
        engine.reply(200, R"({"IdentityToken":"","Status":"Login Succeeded"})");
        RegistryAuth auth;
        auth.username = "me";
        auth.password = "hunter2";
        auth.server_address = "ghcr.io";
        const auto result = run(System(engine).login(auth));
        REQUIRE(result.has_value());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/auth");
        CHECK(
            engine.calls[0].body
            == R"({"username":"me","password":"hunter2","serveraddress":"ghcr.io"})"
        );
        CHECK(result->status == "Login Succeeded");
        CHECK(result->identity_token == "t");
        CHECK(run(System(engine).login(auth))->identity_token.empty());
    }

    TEST_CASE("refusals of both engines have their code, and the password is in none")
    {
        const std::pair<std::string, Errc> table[] = {
            {docker_reply("auth.refused.json"), Errc::engine},
            {podman_reply("auth.refused.json"), Errc::engine},
            {R"({"message":"login attempt to r.io failed with status: 401 Unauthorized"})",
             Errc::unauthorized},
            {R"({"message":"Get https://r.io/v2/: unauthorized: incorrect username or password"})",
             Errc::unauthorized}};
        for (const auto& [body, code] : table) {
            FakeTransport engine;
            engine.reply(500, body);
            RegistryAuth auth;
            auth.password = "hunter2";
            const auto refused = run(System(engine).login(auth));
            REQUIRE(!refused.has_value());
            CHECK(refused.error().code == code);
            CHECK(refused.error().context.back() == "logging in to the engine's registry");
            CHECK(describe(refused.error()).find("hunter2") == std::string::npos);
        }
    }
}
