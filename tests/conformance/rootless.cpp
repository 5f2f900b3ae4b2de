#include "conformance/lab.hpp"
#include "support/temp_directory.hpp"

#include <sys/stat.h>

#include <fstream>

using namespace slipway;
using namespace slipway::test;

// What an engine without root cannot do or does otherwise. On the others these rows say what holds
// with root.

namespace {

/// Who a file made by root in a container belongs to here, through a bind mount.
std::optional<uid_t> owner_through_bind(Lab& lab, const std::string& userns_mode)
{
    const TempDirectory directory;
    std::filesystem::permissions(directory.path(), std::filesystem::perms::all);
    auto spec = lab.spec({"touch", "/bound/made"});
    spec.host.userns_mode = userns_mode;
    engine::Mount mount;
    mount.source = directory.path().string();
    mount.target = "/bound";
    spec.host.mounts = {mount};
    const auto made = run(lab.io, lab.containers.create(spec));
    if (!made) return std::nullopt;
    CHECK(lab.must(lab.containers.start(made->id)) == engine::Change::done);
    CHECK(lab.exit_code(made->id) == 0);
    lab.remove(made->id);
    struct stat info = {};
    REQUIRE(::stat((directory.path() / "made").c_str(), &info) == 0);
    return info.st_uid;
}

/// Who the engine runs as: the owner of its socket, or root behind TCP.
uid_t owner_of_engine()
{
    const auto& endpoint = engine_under_test();
    struct stat info = {};
    if (endpoint.socket_path.empty() || ::stat(endpoint.socket_path.c_str(), &info) != 0) return 0;
    return info.st_uid;
}

} // namespace

TEST_SUITE("Rootless")
{
    TEST_CASE("root in a container is the engine's user here")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        CHECK(is_rootless(info) == (owner_of_engine() != 0));
        differs(is_rootless(info), "rootless", "maps root to the engine's user");
        CHECK(owner_through_bind(lab, "") == owner_of_engine());
    }

    TEST_CASE("keep-id: the user keeps the number it has outside")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        const auto owner = owner_through_bind(lab, "keep-id");
        if (differs(
                !is_rootless(info), "rootful", "has no number to keep: refuses, or stays root"
            )) {
            CHECK((!owner || *owner == 0));
        } else {
            CHECK(owner == owner_of_engine());
        }
    }

    TEST_CASE("a limit on memory: kept, or refused, or a warning")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        auto spec = lab.spec({"sleep", "600"});
        spec.host.memory = 64 << 20;
        const auto made = run(lab.io, lab.containers.create(spec));
        const bool cannot = is_rootless(info) && info.cgroup_version == "1";
        if (differs(cannot, "rootless", "cannot limit with cgroup v1")) {
            // Refused at creation or start, or dropped: by podman 4.3 without a word.
            if (made) {
                const auto started = run(lab.io, lab.containers.start(made->id));
                if (started) {
                    const auto stats = run(lab.io, lab.containers.stats(made->id));
                    CHECK((!stats || stats->memory.limit != 64 << 20));
                }
                lab.remove(made->id);
            }
        } else {
            REQUIRE_MESSAGE(made.has_value(), describe(made.error()));
            CHECK(lab.must(lab.containers.start(made->id)) == engine::Change::done);
            const auto stats = lab.must(lab.containers.stats(made->id));
            CHECK(stats.memory.limit == 64 << 20);
            lab.remove(made->id);
        }
    }

    TEST_CASE("a low port of the engine's machine")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        auto spec = lab.spec({"sleep", "600"});
        spec.host.network_mode = "bridge";
        engine::PortBinding low;
        low.host_port = "81";
        spec.host.port_bindings["80/tcp"].push_back(low);
        const auto id = lab.create(spec);
        auto started = run(lab.io, lab.containers.start(id));
        if (differs(is_rootless(info), "rootless", "may not publish a port below 1024")) {
            REQUIRE(!started);
            CHECK(started.error().code == Errc::engine); // podman says so with status 500
            CHECK_MESSAGE(contains(started.error().message, "port 81"), describe(started.error()));
            CHECK(!lab.must(lab.containers.inspect(id)).state.running);
        } else {
            REQUIRE_MESSAGE(started.has_value(), describe(started.error()));
            const auto ports = lab.must(lab.containers.inspect(id)).ports;
            REQUIRE(ports.contains("80/tcp"));
            REQUIRE(!ports.at("80/tcp").empty());
            CHECK(ports.at("80/tcp").front().host_port == "81");
        }
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a low port inside the container")
    {
        Lab lab;
        auto spec =
            lab.spec({"sh", "-c", "timeout 1 nc -l -p 80; [ $? -eq 143 ] && echo listened"});
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.start(id)) == engine::Change::done);
        lab.exit_code(id);
        CHECK(lab.logs(id).out == "listened\n");
        lab.remove(id);
    }
}
