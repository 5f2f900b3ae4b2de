#include "conformance/lab.hpp"

#include <algorithm>

using namespace slipway;
using namespace slipway::test;

namespace {

/// The name of a new network with these addresses.
std::string made_network(Lab& lab, const std::string& what, const std::string& subnet)
{
    engine::NetworkSpec spec;
    spec.name = unique_name(what);
    spec.labels = lab.labels();
    engine::AddressPool pool;
    pool.subnet = subnet;
    spec.pools = {pool};
    lab.must(lab.networks.create(spec));
    return spec.name;
}

} // namespace

TEST_SUITE("Volumes, networks")
{
    TEST_CASE("a network from its creation to its removal")
    {
        Lab lab;
        engine::NetworkSpec spec;
        spec.name = unique_name("network");
        spec.labels = lab.labels();
        spec.internal = true;
        engine::AddressPool pool;
        pool.subnet = "10.199.7.0/24";
        pool.gateway = "10.199.7.1";
        spec.pools = {pool};
        const auto made = lab.must(lab.networks.create(spec));
        CHECK(lab.refused(lab.networks.create(spec)).code == Errc::conflict);

        const auto info = lab.must(lab.networks.inspect(spec.name));
        CHECK(info.id == made.id);
        CHECK(info.driver == "bridge");
        CHECK(info.internal);
        CHECK(info.labels == lab.labels());
        REQUIRE(info.pools.size() == 1);
        CHECK(info.pools[0].subnet == pool.subnet);
        const auto list = lab.must(lab.networks.list(lab.only_ours()));
        REQUIRE(list.size() == 1);
        CHECK(list[0].id == made.id);
        CHECK(lab.must(lab.networks.list()).size() > 1);

        lab.must(lab.networks.remove(made.id));
        CHECK(lab.refused(lab.networks.inspect(spec.name)).code == Errc::not_found);
        CHECK(lab.refused(lab.networks.remove(spec.name)).code == Errc::not_found);
    }

    TEST_CASE("containers join and leave")
    {
        Lab lab;
        engine::NetworkSpec spec;
        spec.labels = lab.labels();
        spec.name = unique_name("one");
        lab.must(lab.networks.create(spec));
        const auto first = spec.name;
        spec.name = unique_name("two");
        lab.must(lab.networks.create(spec));
        auto user = lab.spec({"sleep", "600"});
        user.host.network_mode = first;
        const auto id = lab.create(user);

        engine::ConnectNetwork how;
        how.container = id;
        how.aliases = {"other-name"};
        lab.must(lab.networks.connect(spec.name, how));
        const auto networks = lab.must(lab.containers.inspect(id)).networks;
        CHECK(networks.contains(first));
        CHECK(networks.contains(spec.name));
        lab.must(lab.networks.disconnect(spec.name, id));
        CHECK(!lab.must(lab.containers.inspect(id)).networks.contains(spec.name));
        CHECK(lab.refused(lab.networks.disconnect(spec.name, id)).code == Errc::conflict);

        how.container = "slipway-no-such-container";
        CHECK(lab.refused(lab.networks.connect(spec.name, how)).code == Errc::not_found);
        CHECK(lab.refused(lab.networks.connect("slipway-none", how)).code == Errc::not_found);

        lab.must(lab.networks.remove(spec.name));
        lab.remove(id);
        const auto pruned = lab.must(lab.networks.prune(lab.only_ours()));
        CHECK(pruned.removed == std::vector<std::string>{first});
        CHECK(lab.must(lab.networks.prune(lab.only_ours())).removed.empty());
        CHECK(lab.ours().empty());
    }

    TEST_CASE("what is in use, or the engine's own, stays")
    {
        Lab lab;
        engine::NetworkSpec spec;
        spec.labels = lab.labels();
        spec.name = unique_name("used");
        const auto made = lab.must(lab.networks.create(spec));
        auto user = lab.spec({"sleep", "600"});
        user.host.network_mode = spec.name;
        const auto id = lab.create(user);
        const auto started = run(lab.io, lab.containers.start(id));
        // Rootless podman may have no way to make the network when it is needed.
        const auto info = lab.must(lab.system.info());
        if (!started) {
            REQUIRE(differs(is_rootless(info), "rootless", "makes no network"));
        } else {
            const auto used = lab.must(lab.networks.inspect(made.id));
            REQUIRE(used.containers.contains(id));
            CHECK(!used.containers.at(id).ipv4_address.empty());
            CHECK(lab.refused(lab.networks.remove(made.id)).code == Errc::conflict);
            CHECK(lab.refused(lab.networks.remove(spec.name)).code == Errc::conflict);
            CHECK(lab.must(lab.networks.prune(lab.only_ours())).removed.empty());
        }
        lab.remove(id);
        lab.must(lab.networks.remove(made.id));
        CHECK(lab.refused(lab.networks.remove("bridge")).code == Errc::conflict);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a container made in a network with names, an address and a MAC of its own")
    {
        Lab lab;
        const auto network = made_network(lab, "made", "10.199.9.0/24");
        auto server = lab.spec({"sleep", "600"});
        server.host.network_mode = network;
        engine::EndpointSettings& there = server.networks[network];
        there.aliases = {"other-name"};
        there.ipv4_address = "10.199.9.77";
        there.mac_address = "02:42:0a:c7:09:4d";
        const auto id = lab.create(server);
        if (run(lab.io, lab.containers.start(id))) {
            const auto joined = lab.must(lab.containers.inspect(id)).networks.at(network);
            CHECK(joined.ip_address == there.ipv4_address);
            CHECK(joined.mac_address == there.mac_address);
            CHECK(std::ranges::count(joined.aliases, "other-name") == 1);
            CHECK(contains(lab.in(id, "ip addr"), "10.199.9.77/24"));
            CHECK(contains(lab.in(id, "ip addr"), there.mac_address));

            auto client = lab.spec({"sleep", "600"});
            client.host.network_mode = network;
            client.networks[network];
            const auto asker = lab.create(client);
            CHECK(lab.must(lab.containers.start(asker)) == engine::Change::done);
            const auto servers = lab.in(asker, "cat /etc/resolv.conf");
            const bool names = contains(servers, "127.0.0.11") || contains(servers, "10.199.9.1");
            if (!differs(!names, "name server", "has no name server of its own in networks")) {
                CHECK(contains(lab.in(asker, "nslookup other-name"), "10.199.9.77"));
            }
            lab.remove(asker);
        } else {
            const auto info = lab.must(lab.system.info());
            REQUIRE(differs(is_rootless(info), "rootless", "makes no network without root"));
        }
        lab.remove(id);
        lab.must(lab.networks.remove(network));
    }

    TEST_CASE("a container made in several networks")
    {
        Lab lab;
        const auto one = made_network(lab, "one", "10.199.10.0/24");
        const auto two = made_network(lab, "two", "10.199.11.0/24");
        auto spec = lab.spec({"sleep", "600"});
        spec.host.network_mode = one;
        spec.networks[one].ipv4_address = "10.199.10.7";
        spec.networks[two].ipv4_address = "10.199.11.7";
        if (lacks(lab, &engine::Traits::can_create_in_networks, "makes it in one at most")) {
            CHECK(lab.refused(lab.containers.create(spec)).code == Errc::unsupported);
        } else {
            const auto id = lab.create(spec);
            const auto networks = lab.must(lab.containers.inspect(id)).networks;
            CHECK(networks.size() == 2);
            CHECK(networks.contains(one));
            CHECK(networks.contains(two));
            if (run(lab.io, lab.containers.start(id))) {
                const auto addresses = lab.in(id, "ip addr");
                CHECK(contains(addresses, "10.199.10.7/24"));
                CHECK(contains(addresses, "10.199.11.7/24"));
            } else {
                const auto info = lab.must(lab.system.info());
                REQUIRE(differs(is_rootless(info), "rootless", "makes no network without root"));
            }
            lab.remove(id);
        }
        CHECK(lab.must(lab.networks.prune(lab.only_ours())).removed.size() == 2);
    }

    TEST_CASE("networks by name, by driver, and by what fits none")
    {
        Lab lab;
        engine::NetworkSpec spec;
        spec.name = unique_name("filtered");
        spec.labels = lab.labels();
        lab.must(lab.networks.create(spec));
        auto filters = lab.only_ours();
        filters["driver"] = {"bridge"};
        CHECK(lab.must(lab.networks.list(filters)).size() == 1);
        filters["driver"] = {"slipway-none"};
        CHECK(lab.must(lab.networks.list(filters)).empty());
        filters.erase("driver");
        filters["name"] = {spec.name};
        CHECK(lab.must(lab.networks.list(filters)).size() == 1);
        spec.name = "";
        CHECK(lab.refused(lab.networks.create(spec)).code == Errc::invalid_argument);
        CHECK(lab.must(lab.networks.prune(lab.only_ours())).removed.size() == 1);
    }

    TEST_CASE("a fixed address, and one that does not fit")
    {
        Lab lab;
        engine::NetworkSpec spec;
        spec.name = unique_name("fixed");
        spec.labels = lab.labels();
        engine::AddressPool pool;
        pool.subnet = "10.199.8.0/24";
        spec.pools = {pool};
        const auto made = lab.must(lab.networks.create(spec));
        auto user = lab.spec({"sh", "-c", "ip -4 addr; sleep 600"});
        user.host.network_mode = "bridge";
        const auto id = lab.create(user);
        engine::ConnectNetwork how;
        how.container = id;
        how.ipv4_address = "10.199.8.77";
        const auto joined = run(lab.io, lab.networks.connect(made.id, how));
        const auto info = lab.must(lab.system.info());
        if (joined && run(lab.io, lab.containers.start(id))) {
            CHECK(contains(lab.in(id, "ip -4 addr"), "10.199.8.77/24"));
        } else {
            REQUIRE(differs(is_rootless(info), "rootless", "joins no second network"));
        }
        lab.remove(id);
        spec.name = unique_name("overlap");
        const auto overlap = lab.refused(lab.networks.create(spec));
        CHECK_MESSAGE(
            (overlap.code == Errc::invalid_argument || overlap.code == Errc::engine
             || overlap.code == Errc::unauthorized), // dockerd 20.10 says 403
            describe(overlap)
        );
        lab.must(lab.networks.remove(made.id));
    }
}
