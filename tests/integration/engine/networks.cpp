#include "integration/engine/lab.hpp"

#include <slipway/engine/networks.hpp>

#include <unistd.h>

#include <algorithm>

using namespace slipway;
using namespace slipway::test;

TEST_SUITE("engine.networks")
{
    TEST_CASE("a network from its creation to its removal")
    {
        Lab lab;
        engine::NetworkSpec spec;
        spec.name = "slipway-test-" + std::to_string(::getpid());
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
        spec.name = "slipway-test-one-" + std::to_string(::getpid());
        lab.must(lab.networks.create(spec));
        const auto first = spec.name;
        spec.name = "slipway-test-two-" + std::to_string(::getpid());
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
        spec.name = "slipway-test-used-" + std::to_string(::getpid());
        const auto made = lab.must(lab.networks.create(spec));
        auto user = lab.spec({"sleep", "600"});
        user.host.network_mode = spec.name;
        const auto id = lab.create(user);
        const auto started = run(lab.io, lab.containers.start(id));
        // Rootless podman may have no way to make the network when it is needed.
        const auto info = lab.must(lab.system.info());
        REQUIRE((started.has_value() || is_rootless(info)));
        if (started) {
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
}

TEST_SUITE("engine.volumes.prune")
{
    TEST_CASE("prune takes what has the label and is not used, with a name or without")
    {
        Lab lab;
        engine::VolumeSpec spec;
        spec.labels = lab.labels();
        spec.name = "slipway-test-free-" + std::to_string(::getpid());
        lab.must(lab.volumes.create(spec));
        const auto free = spec.name;
        spec.name = "slipway-test-used-" + std::to_string(::getpid());
        lab.must(lab.volumes.create(spec));
        auto user = lab.spec({"true"});
        engine::Mount mount;
        mount.type = "volume";
        mount.source = spec.name;
        mount.target = "/data";
        user.host.mounts.push_back(mount);
        const auto id = lab.create(user);
        const auto pruned = lab.must(lab.volumes.prune(lab.only_ours()));
        CHECK(pruned.removed == std::vector<std::string>{free});
        lab.remove(id);
        CHECK(lab.must(lab.volumes.prune(lab.only_ours())).removed.size() == 1);
        CHECK(lab.must(lab.volumes.list(lab.only_ours())).empty());
        CHECK(lab.ours().empty());
    }
}
