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
        differs(is_rootless(info), "maps root to the engine's user");
        CHECK(owner_through_bind(lab, "") == owner_of_engine());
    }

    TEST_CASE("keep-id: the user keeps the number it has outside")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        if (differs(!is_rootless(info), "runs as root, who has no number to keep")) return;
        CHECK(owner_through_bind(lab, "keep-id") == owner_of_engine());
    }

    TEST_CASE("a limit on memory: kept, or refused, or a warning")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        auto spec = lab.spec({"sleep", "600"});
        spec.host.memory = 64 << 20;
        const auto made = run(lab.io, lab.containers.create(spec));
        const bool cannot = is_rootless(info) && info.cgroup_version == "1";
        if (differs(cannot, "cannot limit without root and with cgroup v1")) {
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
