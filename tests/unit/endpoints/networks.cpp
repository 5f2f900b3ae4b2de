#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/networks.hpp>
#include <slipway/engine/volumes.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

TEST_SUITE("engine.networks")
{
    TEST_CASE("create sends what is set, and always asks for a name of its own")
    {
        FakeTransport engine;
        engine.reply(201, docker_reply("network-create.201.json"));
        engine.reply(201, R"({"Id":"ab","Warning":"x is not a recognized option"})");
        NetworkSpec spec;
        spec.name = "net";
        const auto bare = run(Networks(engine).create(spec));
        REQUIRE(bare.has_value());
        CHECK(bare->id.size() == 64);
        CHECK(bare->warning.empty());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/networks/create");
        CHECK(engine.calls[0].body == R"({"Name":"net","CheckDuplicate":true})");
        spec.driver = "bridge";
        spec.internal = true;
        spec.attachable = true;
        spec.ipv6 = true;
        spec.ipam_driver = "default";
        AddressPool pool;
        pool.subnet = "10.99.0.0/24";
        pool.ip_range = "10.99.0.128/25";
        pool.gateway = "10.99.0.1";
        pool.reserved = {{"router", "10.99.0.2"}};
        spec.pools = {pool};
        spec.options = {{"mtu", "1400"}};
        spec.labels = {{"a", "b"}};
        const auto full = run(Networks(engine).create(spec));
        REQUIRE(full.has_value());
        CHECK(full->warning == "x is not a recognized option");
        CHECK(
            engine.calls[1].body
            == R"({"Name":"net","CheckDuplicate":true,"Driver":"bridge","Internal":true,)"
               R"("Attachable":true,"EnableIPv6":true,"IPAM":{"Driver":"default","Config":[{)"
               R"("Subnet":"10.99.0.0/24","IPRange":"10.99.0.128/25","Gateway":"10.99.0.1",)"
               R"("AuxiliaryAddresses":{"router":"10.99.0.2"}}]},"Options":{"mtu":"1400"},)"
               R"("Labels":{"a":"b"}})"
        );
        spec.name.clear();
        CHECK(run(Networks(engine).create(spec)).error().code == Errc::invalid_argument);
        spec.name = "\xff";
        CHECK(run(Networks(engine).create(spec)).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 2);
    }

    TEST_CASE("a name in use is a conflict on both engines")
    {
        FakeTransport engine;
        engine.reply(409, docker_reply("network-create.again.json"));
        engine.reply(500, podman_reply("network-create.again.json"));
        NetworkSpec spec;
        spec.name = "slipway-rec-net";
        for (int i = 0; i < 2; ++i) {
            const auto again = run(Networks(engine).create(spec));
            REQUIRE(!again.has_value());
            CHECK(again.error().code == Errc::conflict);
            CHECK(again.error().context.back() == "creating network slipway-rec-net");
        }
    }

    TEST_CASE("recorded networks of both engines")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("network-inspect.json"));
        engine.reply(200, podman_reply("network-inspect.json"));
        for (int i = 0; i < 2; ++i) {
            const auto network = run(Networks(engine).inspect("slipway-rec-net"));
            REQUIRE(network.has_value());
            CHECK(network->id.size() == 64);
            CHECK(network->name == "slipway-rec-net");
            CHECK(network->driver == "bridge");
            CHECK(network->scope == "local");
            CHECK(!network->created_at.empty());
            CHECK(!network->internal);
            CHECK(network->ipam_driver == "default");
            REQUIRE(network->pools.size() == 1);
            CHECK(network->pools[0].subnet == "10.99.0.0/24");
            CHECK(network->pools[0].gateway == "10.99.0.1");
            CHECK(network->labels.at("slipway.test") == "record");
            REQUIRE(network->containers.size() == 1);
            CHECK(network->containers.begin()->first.size() == 64);
            CHECK(network->containers.begin()->second.name == "slipway-rec");
            CHECK(network->containers.begin()->second.ipv4_address == "10.99.0.2/24");
        }
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/networks/slipway-rec-net");
        engine.reply(404, docker_reply("network-inspect.404.json"));
        engine.reply(404, podman_reply("network-inspect.404.json"));
        for (int i = 0; i < 2; ++i) {
            CHECK(run(Networks(engine).inspect("nope")).error().code == Errc::not_found);
        }
        CHECK(run(Networks(engine).inspect("a/b")).error().code == Errc::invalid_argument);
    }

    TEST_CASE("lists, with and without filters")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("networks-list.json"));
        engine.reply(200, podman_reply("networks-list.json"));
        engine.reply(200, "null");
        for (int i = 0; i < 2; ++i) {
            const auto list = run(Networks(engine).list());
            REQUIRE(list.has_value());
            CHECK(list->size() > 1);
            CHECK(std::ranges::find(*list, "bridge", &NetworkInfo::name) != list->end());
        }
        CHECK(engine.calls[0].target == "/networks");
        const Filters filters{{"name", {"x"}}};
        CHECK(run(Networks(engine).list(filters))->empty());
        CHECK(engine.calls[2].target == "/networks?filters=%7B%22name%22:%5B%22x%22%5D%7D");
        const Filters bad{{"name", {"\xff"}}};
        CHECK(run(Networks(engine).list(bad)).error().code == Errc::invalid_argument);
    }

    TEST_CASE("connect and disconnect send the container, and take either engine's answer")
    {
        FakeTransport engine;
        engine.reply(200);
        engine.reply(200, "OK");
        engine.reply(200);
        ConnectNetwork how;
        how.container = "box";
        CHECK(run(Networks(engine).connect("net", how)).has_value());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/networks/net/connect");
        CHECK(engine.calls[0].body == R"({"Container":"box","EndpointConfig":{}})");
        how.aliases = {"db"};
        how.ipv4_address = "10.99.0.9";
        how.mac_address = "02:42:0a:63:00:09";
        CHECK(run(Networks(engine).connect("net", how)).has_value());
        CHECK(
            engine.calls[1].body
            == R"({"Container":"box","EndpointConfig":{"Aliases":["db"],"IPAMConfig":{)"
               R"("IPv4Address":"10.99.0.9"},"MacAddress":"02:42:0a:63:00:09"}})"
        );
        CHECK(run(Networks(engine).disconnect("net", "box", true)).has_value());
        CHECK(engine.calls[2].target == "/networks/net/disconnect");
        CHECK(engine.calls[2].body == R"({"Container":"box","Force":true})");
        how.container.clear();
        CHECK(run(Networks(engine).connect("net", how)).error().code == Errc::invalid_argument);
        CHECK(
            run(Networks(engine).disconnect("net", "a/b")).error().code == Errc::invalid_argument
        );
        CHECK(engine.calls.size() == 3);
    }

    TEST_CASE("the wrong state for a request is a conflict on both engines")
    {
        ConnectNetwork how;
        how.container = "slipway-rec";
        FakeTransport engine;
        engine.reply(403, docker_reply("network-connect.again.json"));
        engine.reply(500, podman_reply("network-connect.again.json"));
        engine.reply(500, docker_reply("network-disconnect.absent.json"));
        engine.reply(500, podman_reply("network-disconnect.absent.json"));
        engine.reply(403, docker_reply("network-remove.in-use.json"));
        engine.reply(500, podman_reply("network-remove.in-use.json"));
        engine.reply(403, R"({"message":"bridge is a pre-defined network and cannot be removed"})");
        engine.reply(403, R"({"message":"authorization denied by plugin"})");
        for (int i = 0; i < 2; ++i) {
            CHECK(run(Networks(engine).connect("n", how)).error().code == Errc::conflict);
        }
        for (int i = 0; i < 2; ++i) {
            const auto absent = run(Networks(engine).disconnect("n", "slipway-rec"));
            CHECK(absent.error().code == Errc::conflict);
            CHECK(
                absent.error().context.back()
                == "disconnecting container slipway-rec from network n"
            );
        }
        for (int i = 0; i < 3; ++i) {
            CHECK(run(Networks(engine).remove("n")).error().code == Errc::conflict);
        }
        CHECK(engine.calls.back().method == "DELETE");
        CHECK(engine.calls.back().target == "/networks/n");
        CHECK(run(Networks(engine).remove("n")).error().code == Errc::unauthorized);
    }

    TEST_CASE("podman is told the name, since by id it removes what is in use")
    {
        FakeTransport engine;
        engine.known = FakeTransport::podman();
        engine.reply(200, podman_reply("network-inspect.json"));
        engine.reply(500, podman_reply("network-remove.in-use.json"));
        const auto used = run(Networks(engine).remove("43cfec8a1ecf"));
        REQUIRE(!used.has_value());
        CHECK(used.error().code == Errc::conflict);
        CHECK(used.error().context == std::vector<std::string>{"removing network 43cfec8a1ecf"});
        CHECK(engine.calls[0].target == "/networks/43cfec8a1ecf");
        CHECK(engine.calls[1].method == "DELETE");
        CHECK(engine.calls[1].target == "/networks/slipway-rec-net");
        engine.reply(404, podman_reply("network-inspect.404.json"));
        CHECK(run(Networks(engine).remove("nope")).error().code == Errc::not_found);
        CHECK(run(Networks(engine).remove("")).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 3);
    }

    TEST_CASE("prune names what it removed")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("networks-prune.json"));
        engine.reply(200, podman_reply("networks-prune.json"));
        engine.reply(200, R"({"NetworksDeleted":null})");
        const Filters filters{{"label", {"a=b"}}};
        for (int i = 0; i < 2; ++i) {
            const auto pruned = run(Networks(engine).prune(filters));
            REQUIRE(pruned.has_value());
            CHECK(pruned->removed == std::vector<std::string>{"slipway-rec-net"});
        }
        CHECK(engine.calls[0].method == "POST");
        CHECK(
            engine.calls[0].target == "/networks/prune?filters=%7B%22label%22:%5B%22a%3Db%22%5D%7D"
        );
        CHECK(run(Networks(engine).prune(filters))->removed.empty());
    }
}

TEST_SUITE("engine.volumes.prune")
{
    TEST_CASE("where filters are alternatives, those for which all hold are removed one by one")
    {
        FakeTransport engine;
        engine.known.volume_filters_are_alternatives = true;
        engine.reply(200, R"({"Volumes":[{"Name":"a"},{"Name":"b"},{"Name":"c"},{"Name":"d"}]})");
        engine.reply(200, R"({"Volumes":[{"Name":"a"},{"Name":"b"},{"Name":"c"},{"Name":"x"}]})");
        engine.reply(200, R"({"Volumes":[{"Name":"a"},{"Name":"b"},{"Name":"c"},{"Name":"y"}]})");
        engine.reply(409, R"({"message":"volume is in use"})");
        engine.reply(404, R"({"message":"no such volume"})");
        engine.reply(204);
        const Filters filters{{"label", {"a=b", "c"}}};
        const auto pruned = run(Volumes(engine).prune(filters));
        REQUIRE(pruned.has_value());
        CHECK(pruned->removed == std::vector<std::string>{"c"});
        REQUIRE(engine.calls.size() == 6);
        CHECK(engine.calls[0].target == "/volumes?filters=%7B%22dangling%22:%5B%22true%22%5D%7D");
        for (const std::size_t i : {3U, 4U, 5U}) {
            CHECK(engine.calls[i].method == "DELETE");
        }
        CHECK(engine.calls[5].target == "/volumes/c");

        engine.reply(200, R"({"Volumes":[{"Name":"a"}]})");
        engine.reply(200, R"({"Volumes":[{"Name":"a"}]})");
        engine.reply(200, R"({"Volumes":[{"Name":"a"}]})");
        engine.reply(500, R"({"message":"the disk is gone"})");
        const auto failed = run(Volumes(engine).prune(filters));
        REQUIRE(!failed.has_value());
        CHECK(failed.error().message == "the disk is gone");
        CHECK(describe(failed.error()).find("removing unused volumes") != std::string::npos);
    }

    TEST_CASE("named volumes go on every version of the API")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("volumes-prune.json"));
        engine.reply(200, podman_reply("volumes-prune.json"));
        const Filters filters{{"label", {"a=b"}}};
        for (int i = 0; i < 2; ++i) {
            const auto pruned = run(Volumes(engine).prune(filters));
            REQUIRE(pruned.has_value());
            CHECK(pruned->removed == std::vector<std::string>{"slipway-rec-vol"});
        }
        CHECK(engine.calls[0].method == "POST");
        CHECK(
            engine.calls[0].target == "/volumes/prune?filters=%7B%22label%22:%5B%22a%3Db%22%5D%7D"
        );
        engine.known.volume_prune_spares_named = true; // dockerd from API 1.42 on
        engine.reply(200, R"({"VolumesDeleted":["a"],"SpaceReclaimed":12345678901})");
        CHECK(run(Volumes(engine).prune(filters))->reclaimed_bytes == 12'345'678'901U);
        CHECK(
            engine.calls[2].target
            == "/volumes/"
               "prune?filters=%7B%22all%22:%5B%22true%22%5D,%22label%22:%5B%22a%3Db%22%5D%7D"
        );
    }
}
