#include "conformance/lab.hpp"

#include <algorithm>

using namespace slipway;
using namespace slipway::test;
using engine::Change;

TEST_SUITE("Lifecycle")
{
    TEST_CASE("restart")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto before = lab.must(lab.containers.inspect(id)).state;
        lab.must(lab.containers.restart(id, std::chrono::seconds(0)));
        const auto after = lab.must(lab.containers.inspect(id)).state;
        CHECK(after.running);
        CHECK(after.started_at != before.started_at);
        CHECK(
            lab.refused(lab.containers.restart("slipway-no-such-container")).code == Errc::not_found
        );
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("stop and restart by a signal of the caller's")
    {
        Lab lab;
        using namespace std::chrono_literals;
        const auto id = lab.create(lab.spec(
            {"sh",
             "-c",
             "trap 'echo USR1; exit 7' USR1; trap 'echo TERM; exit 8' TERM; echo ready; "
             "while :; do sleep 0.1; done"}
        ));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        wait_until([&] { return lab.logs(id).out == "ready\n"; });
        if (lacks(lab, &engine::Traits::can_stop_with_signal, "stops with its own signal alone")) {
            const auto stop = lab.refused(lab.containers.stop(id, 30s, "SIGUSR1"));
            CHECK(stop.code == Errc::unsupported);
            const auto restart = lab.refused(lab.containers.restart(id, 30s, "SIGUSR1"));
            CHECK(restart.code == Errc::unsupported);
        } else {
            lab.must(lab.containers.restart(id, 30s, "SIGUSR1"));
            wait_until([&] { return lab.logs(id).out == "ready\nUSR1\nready\n"; });
            const auto wrong = lab.refused(lab.containers.stop(id, 30s, "SIGNONE"));
            // dockerd 26 answers 500, others 400.
            const bool refused = wrong.code == Errc::invalid_argument || wrong.code == Errc::engine;
            CHECK_MESSAGE(refused, describe(wrong));
            CHECK(contains(wrong.message, "SIGNONE"));
            CHECK(lab.must(lab.containers.stop(id, 30s, "SIGUSR1")) == Change::done);
            CHECK(lab.exit_code(id) == 7);
            CHECK(lab.must(lab.containers.stop(id, 30s, "SIGUSR1")) == Change::already);
        }
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a device of the host's by another name")
    {
        Lab lab;
        auto spec =
            lab.spec({"sh", "-c", "test -c /dev/slipway-zero && head -c 3 /dev/slipway-zero"});
        engine::DeviceMapping device;
        device.host_path = "/dev/zero";
        device.container_path = "/dev/slipway-zero";
        spec.host.devices = {device};
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        CHECK(lab.exit_code(id) == 0);
        CHECK(lab.logs(id).out == std::string(3, '\0'));
        lab.remove(id);
        spec.host.devices[0].host_path = "/dev/slipway-none";
        const auto made = run(lab.io, lab.containers.create(spec));
        const auto started =
            made ? run(lab.io, lab.containers.start(made->id)) : Result<Change>(fail(made.error()));
        REQUIRE(!started.has_value());
        CHECK_MESSAGE(
            contains(started.error().message, "/dev/slipway-none"), describe(started.error())
        );
        if (made) lab.remove(made->id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("devices of a driver that the engine has not")
    {
        Lab lab;
        auto spec = lab.spec({"true"});
        engine::DeviceRequest request;
        request.count = -1;
        request.capabilities = {{"slipway-none"}};
        spec.host.device_requests = {request};
        if (differs(
                lab.traits().device_drivers != engine::DeviceDrivers::any,
                "device_drivers",
                "hears of CDI at most"
            )) {
            CHECK(lab.refused(lab.containers.create(spec)).code == Errc::unsupported);
        } else {
            const auto id = lab.create(spec);
            const auto started = lab.refused(lab.containers.start(id));
            CHECK_MESSAGE(started.code == Errc::engine, describe(started));
            CHECK(contains(started.message, "slipway-none"));
            lab.remove(id);
        }
        CHECK(lab.ours().empty());
    }

    TEST_CASE("pause and unpause")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        const auto id = lab.idle();
        CHECK(lab.refused(lab.containers.unpause(id)).code == Errc::conflict);
        const bool cannot = is_rootless(info) && info.cgroup_version == "1";
        if (differs(cannot, "rootless", "cannot pause with cgroup v1")) {
            CHECK(lab.refused(lab.containers.pause(id)).code == Errc::unsupported);
        } else {
            lab.must(lab.containers.pause(id));
            CHECK(lab.must(lab.containers.inspect(id)).state.paused);
            CHECK(lab.refused(lab.containers.pause(id)).code == Errc::conflict);
            lab.must(lab.containers.unpause(id));
            CHECK(!lab.must(lab.containers.inspect(id)).state.paused);
        }
        lab.must(lab.containers.kill(id));
        CHECK(lab.exit_code(id) == 137);
        CHECK(lab.refused(lab.containers.pause(id)).code == Errc::conflict);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a restart policy, a health check, groups and name servers")
    {
        Lab lab;
        const std::string script =
            "grep -q 9.9.9.9 /etc/resolv.conf && grep -q example.org /etc/resolv.conf && "
            "id -G | grep -qw 4321 && exit 3; exit 4";
        auto spec = lab.spec({"sh", "-c", script});
        spec.host.network_mode = "bridge"; // without a network podman writes no resolv.conf
        spec.host.restart.emplace();
        spec.host.restart->name = "on-failure";
        spec.host.restart->max_retries = 1;
        spec.host.dns = {"9.9.9.9"};
        spec.host.dns_search = {"example.org"};
        spec.host.group_add = {"4321"};
        spec.healthcheck.emplace();
        spec.healthcheck->test = {"CMD", "true"};
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        lab.await_event(id, "die", 2);
        CHECK(lab.exit_code(id) == 3);
        const auto info = lab.must(lab.containers.inspect(id));
        CHECK(info.restart_count == 1);
        CHECK(!info.state.running);
        CHECK(info.state.exit_code == 3);
        CHECK(!info.state.health.empty());
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a published port leads into the container")
    {
        Lab lab;
        auto spec = lab.spec({"nc", "-l", "-p", "7777", "-e", "echo", "hello"});
        spec.host.network_mode = "bridge";
        spec.host.port_bindings["7777/tcp"].push_back({});
        spec.exposed_ports = {"7778/tcp"};
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        const auto ports = lab.must(lab.containers.inspect(id)).ports;
        REQUIRE(ports.contains("7777/tcp"));
        REQUIRE(!ports.at("7777/tcp").empty());
        const int port = std::stoi(ports.at("7777/tcp").front().host_port);
        CHECK(port > 0);
        if (ports.contains("7778/tcp")) CHECK(ports.at("7778/tcp").empty());
        lab.must(lab.containers.kill(id));
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("rename")
    {
        Lab lab;
        const auto id = lab.create(lab.spec({"true"}));
        const auto name = unique_name("renamed");
        lab.must(lab.containers.rename(id, name));
        CHECK(lab.must(lab.containers.inspect(name)).id == id);
        CHECK(lab.must(lab.containers.inspect(id)).name == name);
        CHECK(lab.refused(lab.containers.rename(id, "BAD name")).code == Errc::invalid_argument);
        const auto other = lab.create(lab.spec({"true"}));
        CHECK(lab.refused(lab.containers.rename(other, name)).code == Errc::conflict);
        lab.remove(other);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("update")
    {
        Lab lab;
        const auto id = lab.idle();
        engine::ContainerUpdate update;
        update.cpu_shares = 512;
        update.pids_limit = 100;
        if (!lacks(lab, &engine::Traits::can_update_containers, "cannot update")) {
            lab.must(lab.containers.update(id, update));
            update.memory = 1;
            const auto error = lab.refused(lab.containers.update(id, update));
            CHECK(error.code == lab.wrong_input());
        } else {
            CHECK(lab.refused(lab.containers.update(id, update)).code == Errc::unsupported);
        }
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("processes")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto table = lab.must(lab.containers.top(id));
        CHECK(table.titles.size() > 2);
        REQUIRE(table.rows.size() == 1);
        CHECK(table.rows[0].size() == table.titles.size());
        CHECK(table.rows[0].back() == "sleep 600");
        const auto columns = lab.must(lab.containers.top(id, "-o pid,args"));
        CHECK(columns.titles.size() == 2);
        CHECK(columns.titles.front() == "PID");
        lab.must(lab.containers.kill(id));
        CHECK(lab.exit_code(id) == 137);
        const auto stopped = lab.refused(lab.containers.top(id));
        CHECK_MESSAGE(stopped.code == Errc::conflict, describe(stopped));
        CHECK(lab.refused(lab.containers.top("slipway-no-such-container")).code == Errc::not_found);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("prune takes what has the label and does not run, and nothing else")
    {
        Lab lab;
        Lab stranger;
        const auto kept = stranger.create(stranger.spec({"true"}));
        const auto running = lab.idle();
        const auto idle = lab.create(lab.spec({"true"}));
        const auto pruned = lab.must(lab.containers.prune(lab.only_ours()));
        CHECK(pruned.removed == std::vector<std::string>{idle});
        CHECK(lab.must(lab.containers.prune(lab.only_ours())).removed.empty());
        CHECK(lab.ours().size() == 1);
        CHECK(stranger.ours().size() == 1);
        const engine::Filters nonsense{{"slipway-nonsense", {"x"}}};
        const auto error = lab.refused(lab.containers.prune(nonsense));
        CHECK(error.code == lab.wrong_input());
        stranger.remove(kept);
        lab.remove(running);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a list that counts bytes and stops early")
    {
        Lab lab;
        const auto older = lab.create(lab.spec({"true"}));
        const auto newer = lab.create(lab.spec({"true"}));
        engine::ListContainers options;
        options.filters = lab.only_ours();
        options.limit = 1;
        options.sizes = true;
        const auto list = lab.must(lab.containers.list(options));
        REQUIRE(list.size() == 1);
        CHECK(list[0].id == newer);
        CHECK(list[0].size_root_fs.value_or(0) > 1'000'000);
        lab.remove(older);
        lab.remove(newer);
        CHECK(lab.ours().empty());
    }
}
