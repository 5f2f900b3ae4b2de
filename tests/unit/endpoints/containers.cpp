#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/containers.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;
using namespace std::chrono_literals;

TEST_SUITE("engine.containers.create")
{
    TEST_CASE("a bare spec sends the image and an empty host part")
    {
        FakeTransport engine;
        engine.reply(201, docker_reply("container-create.201.json"));
        ContainerSpec spec;
        spec.image = "busybox";
        const auto made = run(Containers(engine).create(spec));
        REQUIRE(made.has_value());
        CHECK(made->id.size() == 64);
        CHECK(made->warnings.empty());
        REQUIRE(engine.calls.size() == 1);
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/containers/create");
        CHECK(engine.calls[0].headers.get("content-type") == "application/json");
        CHECK(engine.calls[0].body == R"({"Image":"busybox","HostConfig":{}})");
    }

    TEST_CASE("every member has its place")
    {
        FakeTransport engine;
        engine.reply(201, R"({"Id":"c0ffee","Warnings":["slow"]})");
        ContainerSpec spec;
        spec.image = "a/b:c";
        spec.name = "web";
        spec.platform = "linux/arm64/v8";
        spec.cmd = {"sh", "-c", "echo \"hi\""};
        spec.entrypoint = {"/init"};
        spec.env = {"A=b"};
        spec.working_dir = "/w";
        spec.user = "1000:1000";
        spec.hostname = "h";
        spec.labels = {{"k", "v"}};
        spec.tty = true;
        spec.open_stdin = true;
        spec.stdin_once = true;
        spec.attach_stdin = true;
        spec.attach_stdout = true;
        spec.attach_stderr = true;
        spec.stop_signal = "SIGINT";
        spec.stop_timeout_seconds = 3;
        spec.network_disabled = true;
        HostConfig& host = spec.host;
        host.binds = {"/a:/b:ro"};
        Mount tmpfs;
        tmpfs.type = "tmpfs";
        tmpfs.target = "/t";
        tmpfs.tmpfs.emplace();
        tmpfs.tmpfs->size_bytes = 64;
        tmpfs.tmpfs->mode = 0700;
        Mount volume;
        volume.type = "volume";
        volume.source = "cache";
        volume.target = "/c";
        volume.read_only = true;
        volume.volume.emplace();
        volume.volume->no_copy = true;
        Mount bind;
        bind.source = "/s";
        bind.target = "/s";
        bind.bind.emplace();
        bind.bind->propagation = "rslave";
        host.mounts = {tmpfs, volume, bind};
        host.network_mode = "none";
        host.auto_remove = true;
        host.init = false;
        host.memory = 1;
        host.memory_swap = -1;
        host.nano_cpus = 1'500'000'000;
        host.pids_limit = 9;
        host.cap_add = {"SYS_PTRACE"};
        host.cap_drop = {"ALL"};
        host.security_opt = {"no-new-privileges"};
        host.readonly_rootfs = true;
        host.tmpfs = {{"/run", "size=1m"}};
        host.userns_mode = "host";
        host.ulimits = {Ulimit{"nofile", 0, 20}};
        host.log_config.emplace();
        host.log_config->type = "none";
        host.privileged = true;
        host.ipc_mode = "private";
        host.shm_size = 5;
        host.devices = {DeviceMapping{"/dev/kvm", "/dev/kvm"}};
        host.extra_hosts = {"h:1.2.3.4"};
        host.port_bindings = {{"80/tcp", {{"127.0.0.1", "8080"}, {}}}, {"53/udp", {}}};
        host.restart.emplace();
        host.restart->name = "on-failure";
        host.restart->max_retries = 2;
        host.group_add = {"disk"};
        host.dns = {"9.9.9.9"};
        host.dns_search = {"example.org"};
        host.dns_options = {"rotate"};
        host.sysctls = {{"net.core.somaxconn", "9"}};
        host.pid_mode = "host";
        host.cgroup_parent = "/c";
        host.runtime = "runc";
        host.cpuset_cpus = "0-1";
        host.cpu_shares = 6;
        host.cpu_period = 7;
        host.cpu_quota = 8;
        host.memory_reservation = 10;
        host.oom_score_adj = -1;
        spec.exposed_ports = {"22/tcp"};
        spec.healthcheck.emplace();
        spec.healthcheck->test = {"CMD", "true"};
        spec.healthcheck->interval_ns = 1;
        spec.healthcheck->timeout_ns = 2;
        spec.healthcheck->start_period_ns = 3;
        spec.healthcheck->retries = 4;
        const auto made = run(Containers(engine).create(spec));
        REQUIRE(made.has_value());
        CHECK(made->warnings == std::vector<std::string>{"slow"});
        CHECK(engine.calls[0].target == "/containers/create?name=web&platform=linux/arm64/v8");
        CHECK(
            engine.calls[0].body
            == R"({"Image":"a/b:c","Cmd":["sh","-c","echo \"hi\""],"Entrypoint":["/init"],)"
               R"("Env":["A=b"],"WorkingDir":"/w","User":"1000:1000","Hostname":"h",)"
               R"("Labels":{"k":"v"},"Tty":true,"OpenStdin":true,"StdinOnce":true,)"
               R"("AttachStdin":true,"AttachStdout":true,"AttachStderr":true,)"
               R"("StopSignal":"SIGINT","StopTimeout":3,"NetworkDisabled":true,)"
               R"("Healthcheck":{"Test":["CMD","true"],"Interval":1,"Timeout":2,)"
               R"("StartPeriod":3,"Retries":4},)"
               R"("ExposedPorts":{"22/tcp":{},"53/udp":{},"80/tcp":{}},)"
               R"("HostConfig":{"Binds":["/a:/b:ro"],"Mounts":[)"
               R"({"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":64,"Mode":448}},)"
               R"({"Type":"volume","Source":"cache","Target":"/c","ReadOnly":true,)"
               R"("VolumeOptions":{"NoCopy":true}},)"
               R"({"Type":"bind","Source":"/s","Target":"/s",)"
               R"("BindOptions":{"Propagation":"rslave"}}],)"
               R"("NetworkMode":"none","AutoRemove":true,"Init":false,"Memory":1,"MemorySwap":-1,)"
               R"("NanoCpus":1500000000,"PidsLimit":9,"CapAdd":["SYS_PTRACE"],"CapDrop":["ALL"],)"
               R"("SecurityOpt":["no-new-privileges"],"ReadonlyRootfs":true,)"
               R"("Tmpfs":{"/run":"size=1m"},"UsernsMode":"host",)"
               R"("Ulimits":[{"Name":"nofile","Soft":0,"Hard":20}],"LogConfig":{"Type":"none"},)"
               R"("Privileged":true,"IpcMode":"private","ShmSize":5,)"
               R"("Devices":[{"PathOnHost":"/dev/kvm","PathInContainer":"/dev/kvm",)"
               R"("CgroupPermissions":"rwm"}],"ExtraHosts":["h:1.2.3.4"],)"
               R"("PortBindings":{"53/udp":[],"80/tcp":[)"
               R"({"HostIp":"127.0.0.1","HostPort":"8080"},{}]},)"
               R"("RestartPolicy":{"Name":"on-failure","MaximumRetryCount":2},)"
               R"("GroupAdd":["disk"],"Dns":["9.9.9.9"],"DnsSearch":["example.org"],)"
               R"("DnsOptions":["rotate"],"Sysctls":{"net.core.somaxconn":"9"},)"
               R"("PidMode":"host","CgroupParent":"/c","Runtime":"runc","CpusetCpus":"0-1",)"
               R"("CpuShares":6,"CpuPeriod":7,"CpuQuota":8,"MemoryReservation":10,)"
               R"("OomScoreAdj":-1}})"
        );
    }

    TEST_CASE("an empty entrypoint is written so that podman clears the image's too")
    {
        FakeTransport engine;
        engine.reply(201, R"({"Id":"c0ffee"})");
        ContainerSpec spec;
        spec.image = "x";
        spec.entrypoint.emplace();
        REQUIRE(run(Containers(engine).create(spec)).has_value());
        CHECK(engine.calls[0].body == R"({"Image":"x","Entrypoint":[""],"HostConfig":{}})");
        CHECK(spec.entrypoint->empty());
    }

    TEST_CASE("a spec without an image is refused here")
    {
        FakeTransport engine;
        const ContainerSpec spec;
        const auto made = run(Containers(engine).create(spec));
        REQUIRE(!made.has_value());
        CHECK(made.error().code == Errc::invalid_argument);
        CHECK(engine.calls.empty());
    }

    TEST_CASE("an environment that is no UTF-8 is refused here, and its value is not shown")
    {
        FakeTransport engine;
        ContainerSpec spec;
        spec.image = "x";
        spec.env = {"TOKEN=hunter2\xff"};
        const auto made = run(Containers(engine).create(spec));
        REQUIRE(!made.has_value());
        CHECK(describe(made.error()).find("$.Env[0]") != std::string::npos);
        CHECK(describe(made.error()).find("hunter2") == std::string::npos);
    }

    TEST_CASE("refusals of both engines have a code and say what was done")
    {
        ContainerSpec spec;
        spec.image = "nope:latest";
        FakeTransport engine;
        engine.reply(404, docker_reply("container-create.404.json"));
        const auto absent = run(Containers(engine).create(spec));
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::not_found);
        CHECK(
            describe(absent.error())
            == "creating a container from nope:latest: No such image: nope:latest"
        );
        engine.known = FakeTransport::podman();
        engine.reply(500, podman_reply("container-create.409.json"));
        const auto taken = run(Containers(engine).create(spec));
        REQUIRE(!taken.has_value());
        CHECK(taken.error().code == Errc::conflict);
    }
}

TEST_SUITE("engine.containers.inspect")
{
    TEST_CASE("recorded replies of both engines in three states")
    {
        struct Row {
            const char* file;
            const char* status;
            bool running;
            std::int64_t code;
        };
        const Row rows[] = {
            {"container-inspect.created.json", "created", false, 0},
            {"container-inspect.running.json", "running", true, 0},
            {"container-inspect.exited.json", "exited", false, 137}};
        for (const Row& row : rows) {
            for (const bool podman : {false, true}) {
                CAPTURE(std::string(row.file));
                CAPTURE(podman);
                FakeTransport engine;
                engine.reply(200, podman ? podman_reply(row.file) : docker_reply(row.file));
                const auto info = run(Containers(engine).inspect("slipway-rec-main"));
                REQUIRE(info.has_value());
                CHECK(engine.calls[0].target == "/containers/slipway-rec-main/json");
                CHECK(info->id.size() == 64);
                CHECK(info->name == "slipway-rec-main");
                CHECK(info->image_id.find("sha256:") == 0);
                CHECK(info->state.status == row.status);
                CHECK(info->state.running == row.running);
                CHECK((info->state.pid > 0) == row.running);
                CHECK(info->state.exit_code == row.code);
                CHECK(info->config.image.find("busybox") != std::string::npos);
                CHECK(info->config.cmd.size() == 3);
                CHECK(info->config.labels.at("slipway.test") == "record");
                CHECK(std::ranges::count(info->config.env, "A=b") == 1);
                CHECK(!info->config.tty);
                CHECK(!info->config.stop_signal.empty());
                CHECK(info->network_mode == "none");
                CHECK(!info->auto_remove);
                CHECK(info->created.starts_with("20"));
            }
        }
    }

    TEST_CASE("mounts, networks and states nobody knows are read")
    {
        FakeTransport engine;
        engine.reply(
            200,
            R"({"Id":"1","Name":"/n","State":{"Status":"stopping","OOMKilled":true,"Error":"e"},)"
            R"("Mounts":[{"Type":"volume","Name":"v","Source":"/s","Destination":"/d","RW":false}],)"
            R"("NetworkSettings":{"Networks":{"bridge":{"IPAddress":"10.0.0.2"},"x":null}},)"
            R"("HostConfig":{"AutoRemove":true}})"
        );
        const auto info = run(Containers(engine).inspect("n"));
        REQUIRE(info.has_value());
        CHECK(info->state.status == "stopping");
        CHECK(info->state.oom_killed);
        REQUIRE(info->mounts.size() == 1);
        CHECK(info->mounts[0].name == "v");
        CHECK(!info->mounts[0].writable);
        CHECK(info->networks.at("bridge").ip_address == "10.0.0.2");
        CHECK(info->networks.contains("x"));
        CHECK(info->auto_remove);
    }

    TEST_CASE("names are encoded, lose their slash, and cannot reach another route")
    {
        FakeTransport engine;
        engine.reply(200, R"({"Id":"1"})");
        REQUIRE(run(Containers(engine).inspect("/a b?c#d%2F")).has_value());
        CHECK(engine.calls[0].target == "/containers/a%20b%3Fc%23d%252F/json");
        for (const char* name : {"", "/", ".", "..", "a/b", "../images", "//a"}) {
            CAPTURE(std::string(name));
            const auto info = run(Containers(engine).inspect(name));
            REQUIRE(!info.has_value());
            CHECK(info.error().code == Errc::invalid_argument);
        }
        CHECK(engine.calls.size() == 1);
    }

    TEST_CASE("a redirect is not followed and is a protocol error")
    {
        FakeTransport engine;
        engine.reply(301, "<a href=\"/v1.41/containers/json\">Moved Permanently</a>");
        const auto info = run(Containers(engine).inspect("x"));
        REQUIRE(!info.has_value());
        CHECK(info.error().code == Errc::protocol);
    }

    TEST_CASE("a wrong shape names its path, and keeps the answer")
    {
        FakeTransport engine;
        engine.reply(200, R"({"Id":"1","State":{"Pid":"many"}})");
        const auto info = run(Containers(engine).inspect("x"));
        REQUIRE(!info.has_value());
        CHECK(
            describe(info.error())
            == "inspecting container x: the engine's reply: $.State.Pid is not an integer in range"
        );
        REQUIRE(info.error().answer.has_value());
        CHECK(info.error().answer->status == 200);
        CHECK(info.error().answer->route == "/v1.41/containers/x/json");
    }
}

TEST_SUITE("engine.containers.list")
{
    TEST_CASE("recorded lists of both engines")
    {
        for (const bool podman : {false, true}) {
            CAPTURE(podman);
            FakeTransport engine;
            const std::string file = "containers-list.json";
            engine.reply(200, podman ? podman_reply(file) : docker_reply(file));
            ListContainers options;
            options.all = true;
            options.filters = {
                {"label", {"slipway.test=record"}}, {"status", {"running", "exited"}}};
            const auto list = run(Containers(engine).list(options));
            REQUIRE(list.has_value());
            CHECK(engine.calls[0].method == "GET");
            CHECK(
                engine.calls[0].target
                == "/containers/json?all=1&filters=%7B%22label%22:%5B%22slipway.test%3Drecord%22%5D"
                   ",%22status%22:%5B%22running%22,%22exited%22%5D%7D"
            );
            REQUIRE(list->size() == 1);
            const ContainerSummary& one = list->front();
            CHECK(one.id.size() == 64);
            CHECK(one.names == std::vector<std::string>{"slipway-rec-main"});
            CHECK(one.state == "running");
            CHECK(one.created > 1'700'000'000);
            CHECK(one.labels.at("slipway.test") == "record");
            CHECK(one.image.find("busybox") != std::string::npos);
        }
    }

    TEST_CASE("null is an empty list, and no options send no query")
    {
        FakeTransport engine;
        engine.reply(200, "null");
        const ListContainers options;
        const auto list = run(Containers(engine).list(options));
        REQUIRE(list.has_value());
        CHECK(list->empty());
        CHECK(engine.calls[0].target == "/containers/json");
    }
}

TEST_SUITE("engine.containers.lifecycle")
{
    TEST_CASE("start and stop tell what they did from what was so already")
    {
        FakeTransport engine;
        for (const int status : {204, 304, 204, 304}) {
            engine.reply(status);
        }
        CHECK(*run(Containers(engine).start("x")) == Change::done);
        CHECK(*run(Containers(engine).start("x")) == Change::already);
        CHECK(*run(Containers(engine).stop("x", 3s)) == Change::done);
        CHECK(*run(Containers(engine).stop("x")) == Change::already);
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/containers/x/start");
        CHECK(engine.calls[0].body.empty());
        CHECK(!engine.calls[0].headers.has("content-type"));
        CHECK(engine.calls[2].target == "/containers/x/stop?t=3");
        CHECK(engine.calls[3].target == "/containers/x/stop?t=10");
    }

    TEST_CASE("the deadline of stop lies above its grace, and a negative grace is refused")
    {
        FakeTransport engine;
        engine.reply(204);
        REQUIRE(run(Containers(engine).stop("x", 1000s)).has_value());
        REQUIRE(engine.calls[0].deadline.has_value());
        CHECK(*engine.calls[0].deadline > 1000s);
        const auto negative = run(Containers(engine).stop("x", -1s));
        REQUIRE(!negative.has_value());
        CHECK(negative.error().code == Errc::invalid_argument);
    }

    TEST_CASE("a command that is not there fails at start with the same code on both engines")
    {
        FakeTransport engine;
        engine.reply(400, docker_reply("container-start.no-command.json"));
        engine.reply(500, podman_reply("container-start.no-command.json"));
        const auto docker = run(Containers(engine).start("x"));
        engine.known = FakeTransport::podman();
        const auto podman = run(Containers(engine).start("x"));
        REQUIRE(!docker.has_value());
        REQUIRE(!podman.has_value());
        CHECK(docker.error().code == Errc::invalid_argument);
        CHECK(podman.error().code == Errc::invalid_argument);
        CHECK(docker.error().message.find("/no/such") != std::string::npos);
        CHECK(podman.error().message.find("/no/such") != std::string::npos);
    }

    TEST_CASE("kill sends a signal; a stopped container is a conflict on both engines")
    {
        FakeTransport engine;
        engine.reply(204);
        engine.reply(409, docker_reply("container-kill.stopped.json"));
        engine.reply(500, podman_reply("container-kill.stopped.json"));
        engine.reply(404, podman_reply("container-kill.404.json"));
        REQUIRE(run(Containers(engine).kill("x", "SIGUSR1")).has_value());
        CHECK(engine.calls[0].target == "/containers/x/kill?signal=SIGUSR1");
        const auto docker = run(Containers(engine).kill("x"));
        CHECK(engine.calls[1].target == "/containers/x/kill?signal=SIGKILL");
        engine.known = FakeTransport::podman();
        const auto podman = run(Containers(engine).kill("x"));
        const auto absent = run(Containers(engine).kill("x"));
        REQUIRE(!docker.has_value());
        REQUIRE(!podman.has_value());
        REQUIRE(!absent.has_value());
        CHECK(docker.error().code == Errc::conflict);
        CHECK(podman.error().code == Errc::conflict);
        CHECK(absent.error().code == Errc::not_found);
    }

    TEST_CASE("remove has its flags; a running container is a conflict on both engines")
    {
        FakeTransport engine;
        engine.reply(204);
        engine.reply(409, docker_reply("container-remove.running.json"));
        engine.reply(500, podman_reply("container-remove.running.json"));
        RemoveContainer options;
        options.force = true;
        options.volumes = true;
        REQUIRE(run(Containers(engine).remove("x", options)).has_value());
        CHECK(engine.calls[0].method == "DELETE");
        CHECK(engine.calls[0].target == "/containers/x?force=1&v=1");
        const auto docker = run(Containers(engine).remove("x"));
        CHECK(engine.calls[1].target == "/containers/x");
        engine.known = FakeTransport::podman();
        const auto podman = run(Containers(engine).remove("x"));
        REQUIRE(!docker.has_value());
        REQUIRE(!podman.has_value());
        CHECK(docker.error().code == Errc::conflict);
        CHECK(podman.error().code == Errc::conflict);
    }

    TEST_CASE("discard takes gone and going for success, and nothing else")
    {
        FakeTransport engine;
        engine.reply(204);
        engine.reply(404, docker_reply("container-remove.404.json"));
        engine.reply(409, R"({"message":"removal of container x is already in progress"})");
        engine.reply(409, docker_reply("container-remove.running.json"));
        engine.reply(500, R"({"message":"driver failed"})");
        CHECK(*run(Containers(engine).discard("x")) == Change::done);
        CHECK(*run(Containers(engine).discard("x")) == Change::already);
        CHECK(*run(Containers(engine).discard("x")) == Change::already);
        CHECK(engine.calls[0].target == "/containers/x?force=1&v=1");
        const auto conflict = run(Containers(engine).discard("x"));
        REQUIRE(!conflict.has_value());
        CHECK(conflict.error().code == Errc::conflict);
        const auto failed = run(Containers(engine).discard("x"));
        REQUIRE(!failed.has_value());
        CHECK(failed.error().code == Errc::engine);
    }

    TEST_CASE("discard waits until podman has looked after what has just ended")
    {
        constexpr const char* improper = R"({"cause":"container state improper","message":
            "sending SIGKILL to container x: container state improper: stopped"})";
        FakeTransport engine;
        engine.known = FakeTransport::podman();
        engine.reply(500, improper);
        engine.reply(500, improper);
        engine.reply(204);
        CHECK(*run(Containers(engine).discard("x")) == Change::done);
        CHECK(engine.calls.size() == 3);
    }

    TEST_CASE("resize sends rows as h and columns as w")
    {
        FakeTransport engine;
        engine.reply(200);
        engine.reply(409, podman_reply("container-resize.created.json"));
        const TerminalSize size{120, 40};
        REQUIRE(run(Containers(engine).resize("x", size)).has_value());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/containers/x/resize?h=40&w=120");
        const auto early = run(Containers(engine).resize("x", size));
        REQUIRE(!early.has_value());
        CHECK(early.error().code == Errc::conflict);
    }
}
