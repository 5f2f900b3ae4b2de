#include "scratch.hpp"

#include "client.hpp"
#include "mounts.hpp"
#include "support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>
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

// Directories one in the other; every thousandth has something beside the next one.
void make_deep(const fs::path& top, int levels, const std::string& name)
{
    Fd at(::open(top.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (int level = 0; level < levels; ++level) {
        REQUIRE(::mkdirat(at.get(), name.c_str(), level % 7 == 0 ? 0300 : 0700) == 0);
        if (level % 1000 == 0) {
            for (const char first : {'a', 'z'}) {
                const std::string beside = first + name.substr(0, 1);
                REQUIRE(::mkdirat(at.get(), beside.c_str(), 0700) == 0);
                const std::string file = beside + "/file";
                REQUIRE(Fd(::openat(at.get(), file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0)));
            }
        }
        at = Fd(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        REQUIRE(at);
    }
}

void limit(int resource, rlim_t most)
{
    const rlimit both{most, most};
    ::setrlimit(static_cast<__rlimit_resource>(resource), &both);
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

    TEST_CASE("however deep it is, with few descriptors, a small stack and no memory for the names")
    {
        const TempDirectory place("/dev/shm"); // a disk takes its time
        make_deep(place.path(), 40'000, std::string(255, 'n'));
        make_deep(place.path(), 3'000, "m");
        const pid_t child = ::fork();
        if (child == 0) {
            limit(RLIMIT_NOFILE, 64);
            limit(RLIMIT_STACK, 256 << 10);
            const long before = test::peak_kib(::getpid());
            std::string error;
            const Scratch scratch(place.path(), error);
            if (!error.empty() || !scratch.clear().empty()) ::_exit(1);
                // A sanitizer keeps what was freed.
#ifndef __SANITIZE_ADDRESS__
            if (test::peak_kib(::getpid()) - before > 6 << 10) ::_exit(2);
#endif
            ::_exit(before > 0 ? 0 : 3);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK(status == 0);
        CHECK(fs::is_empty(place.path()));
    }

    TEST_CASE("the agent lives through a deep tree, and its next session has none of it")
    {
        const TempDirectory place("/dev/shm"); // a disk takes its time
        const fs::path scratch = place.path() / "scratch";
        const std::string socket = place.path() / "s";
        fs::create_directory(scratch);
        test::AgentProcess process(
            {{"--socket", socket, "--idle-ms", "60000", "--scratch", scratch}, false, false}
        );
        test::AgentClient client(socket);
        REQUIRE(client.begin().type == Type::welcome);
        make_deep(scratch, 30'000, std::string(200, 'n'));
        const ResetDone reset = client.reset();
        CHECK(reset.clean);
        CHECK(reset.reason == "");
        CHECK(fs::is_empty(scratch));
        CHECK(client.run(test::program({"true"})).exited(0));
    }

    TEST_CASE("what is mounted deep below is left alone, and only the way to it stays")
    {
        const TempDirectory place;
        const fs::path kept = place.path() / "kept";
        const fs::path scratch = place.path() / "scratch";
        fs::create_directory(kept);
        fs::create_directory(scratch);
        std::ofstream(kept / "file") << "x";
        fs::path way = scratch;
        std::vector<fs::path> beside;
        for (int level = 0; level < 200; ++level) {
            for (const char* const name : {"a", "z"}) {
                beside.push_back(way / name);
                fs::create_directories(beside.back() / "more");
            }
            way /= "m";
            fs::create_directory(way);
        }
        make_deep(way.parent_path(), 300, "deep");
        const bool has_attributes =
            ::setxattr(way.parent_path().c_str(), "user.left", "x", 1, 0) == 0;
        beside.push_back(way.parent_path() / "deep");
        const int code = in_own_mounts([&] {
            if (::mount(kept.c_str(), way.c_str(), nullptr, MS_BIND, nullptr) != 0) return 101;
            std::string error;
            const Scratch cleared(scratch, error);
            return error.empty() && cleared.clear().empty() ? 0 : 102;
        });
        if (::geteuid() != 0 && code == 100) return;
        CHECK(code == 0);
        CHECK(fs::exists(kept / "file"));
        CHECK(fs::exists(way));
        CHECK(
            (fs::status(way.parent_path()).permissions() & fs::perms::others_exec) != fs::perms{}
        );
        char left = 0;
        const bool stays = ::getxattr(way.parent_path().c_str(), "user.left", &left, 1) == 1;
        CHECK(has_attributes);
        CHECK(!stays);
        for (const fs::path& gone : beside) {
            CHECK(!fs::exists(gone));
        }
    }
}
