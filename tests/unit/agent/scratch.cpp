#include "scratch.hpp"

#include "mounts.hpp"
#include "support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

using namespace slipway;
using namespace slipway::agent;
using slipway::test::TempDirectory;

namespace fs = std::filesystem;

namespace {

// Runs in a process with a mount namespace of its own; what it returned.
int in_own_mounts(const std::function<int()>& action)
{
    const pid_t child = ::fork();
    if (child == 0) {
        const int flags = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
        const bool own = ::unshare(flags) == 0
                         && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
        ::_exit(own ? action() : 100);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_SUITE("agent.scratch")
{
    TEST_CASE("both ways to ask for a mount give the same number, and two mounts have two")
    {
        const Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
        const auto by_proc = mount_of(root.get(), MountQuery::proc);
        REQUIRE(by_proc.has_value());
        CHECK(mount_of(root.get()) == by_proc);
        CHECK(mount_of(proc.get(), MountQuery::proc) != by_proc);
        const auto by_statx = mount_of(root.get(), MountQuery::statx);
        if (by_statx) CHECK(by_statx == by_proc);
        CHECK(!mount_of(-1).has_value());
    }

    TEST_CASE("what is mounted below is left alone, of the same file system too, however one asks")
    {
        for (const MountQuery query : {MountQuery::statx, MountQuery::proc, MountQuery::any}) {
            CAPTURE(static_cast<int>(query));
            const TempDirectory place;
            const fs::path kept = place.path() / "kept";
            const fs::path scratch = place.path() / "scratch";
            fs::create_directories(kept / "sub");
            std::ofstream(kept / "sub" / "file") << "x";
            fs::permissions(kept, fs::perms(0751));
            fs::create_directories(scratch / "a" / "mounted");
            fs::create_directories(scratch / "b" / "c");
            std::ofstream(scratch / "a" / "file") << "x";
            std::ofstream(scratch / "a" / "over") << "x";
            fs::permissions(scratch / "b", fs::perms::none);
            const int code = in_own_mounts([&] {
                const auto bind = [](const fs::path& from, const fs::path& to) {
                    return ::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) == 0;
                };
                if (!bind(kept, scratch / "a" / "mounted")
                    || !bind(kept / "sub" / "file", scratch / "a" / "over")) {
                    return 101;
                }
                std::string error;
                const Scratch cleared(scratch, error, query);
                return error.empty() && cleared.clear().empty() ? 0 : 102;
            });
            if (::geteuid() != 0 && code == 100) return; // no user namespaces here
            CHECK(code == 0);
            CHECK(fs::exists(kept / "sub" / "file"));
            CHECK(fs::status(kept).permissions() == fs::perms(0751));
            CHECK(fs::exists(scratch / "a" / "mounted"));
            CHECK(fs::exists(scratch / "a" / "over"));
            CHECK(!fs::exists(scratch / "a" / "file"));
            CHECK(!fs::exists(scratch / "b"));
        }
    }
}
