#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/named.hpp"
#include "support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

using namespace slipway;
using namespace slipway::core;
using test::TempDirectory;
namespace fs = std::filesystem;

namespace {

fs::path base_in(const TempDirectory& directory)
{
    auto base = pool::base_directory(directory.path() / "slipway");
    REQUIRE_MESSAGE(base.has_value(), describe(base.error()));
    return *base;
}

pool::Entry made(const fs::path& base, const std::string& key, const std::string& container)
{
    auto entry = pool::Entry::make(base, key, container);
    REQUIRE_MESSAGE(entry.has_value(), describe(entry.error()));
    return *std::move(entry);
}

} // namespace

TEST_SUITE("sandbox.pool_directory")
{
    TEST_CASE("the base is the user's alone")
    {
        const TempDirectory directory;
        const fs::path base = base_in(directory);
        struct stat status {};
        REQUIRE(::stat(base.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0700);
        CHECK(pool::base_directory(base).has_value());
        REQUIRE(::chmod(base.c_str(), 0755) == 0);
        const auto open = pool::base_directory(base);
        REQUIRE(!open.has_value());
        CHECK(open.error().code == Errc::permission_denied);
        CHECK(!open.error().hint.empty());
    }

    TEST_CASE("a link in place of the base is refused")
    {
        const TempDirectory directory;
        fs::create_directory(directory.path() / "theirs");
        fs::create_symlink("theirs", directory.path() / "slipway");
        const auto base = pool::base_directory(directory.path() / "slipway");
        REQUIRE(!base.has_value());
        CHECK(base.error().code == Errc::permission_denied);
    }

    TEST_CASE("an entry is one process's, until that has ended, by kill -9 too")
    {
        const TempDirectory directory;
        const fs::path base = base_in(directory);
        fs::path path;
        {
            const auto entry = made(base, "key", "box");
            path = entry.directory();
            CHECK(entry.container() == "box");
            CHECK(!pool::Entry::take(path).has_value()
            ); // a lock is of the open file, not the process
        }
        int ready[2];
        REQUIRE(::pipe(ready) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            const auto taken = pool::Entry::take(path);
            const char answer = taken ? 'y' : 'n';
            static_cast<void>(!::write(ready[1], &answer, 1));
            for (;;) {
                ::pause();
            }
        }
        char answer = 0;
        REQUIRE(::read(ready[0], &answer, 1) == 1);
        CHECK(answer == 'y');
        CHECK(!pool::Entry::take(path).has_value());
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        CHECK(pool::Entry::take(path).has_value());
        ::close(ready[0]);
        ::close(ready[1]);
    }

    TEST_CASE("who looks whether somebody has an entry does not hold it up")
    {
        const TempDirectory directory;
        const fs::path base = base_in(directory);
        const fs::path path = made(base, "key", "box").directory();
        std::atomic<bool> over = false;
        std::vector<std::thread> looking;
        constexpr int lookers = 4;
        looking.reserve(lookers);
        for (int i = 0; i < lookers; ++i) {
            looking.emplace_back([&] {
                while (!over) {
                    static_cast<void>(pool::Entry::is_taken(path));
                }
            });
        }
        int taken = 0;
        constexpr int rounds = 2'000;
        for (int i = 0; i < rounds; ++i) {
            const auto entry = pool::Entry::take(path);
            if (!entry) break;
            ++taken;
            CHECK(pool::Entry::is_taken(path));
            CHECK(!pool::Entry::take(path).has_value());
        }
        over = true;
        for (std::thread& thread : looking) {
            thread.join();
        }
        CHECK(taken == rounds);
        CHECK(!pool::Entry::is_taken(path));
        CHECK(!pool::Entry::is_taken(base / "none"));
    }

    TEST_CASE("who has an entry of a name is known when its directory was removed")
    {
        const TempDirectory directory;
        const fs::path base = base_in(directory);
        const engine::Endpoint endpoint;
        const fs::path place = pool::place_of_named(base, endpoint, "cache");
        CHECK(!pool::is_held_elsewhere(place));
        {
            const auto held = pool::named_entry(base, endpoint, "cache");
            REQUIRE(held.has_value());
            CHECK(held->directory() == place);
            CHECK(!pool::is_held_elsewhere(place)); // it is there, and its lock with it
            fs::remove_all(base);
            CHECK(pool::is_held_elsewhere(place));
            REQUIRE(pool::base_directory(base).has_value());
            const auto again = pool::named_entry(base, endpoint, "cache");
            REQUIRE(again.has_value());
            CHECK(pool::is_held_elsewhere(place));
            CHECK(!pool::is_held_elsewhere(pool::place_of_named(base, endpoint, "other")));
        }
        CHECK(!pool::is_held_elsewhere(place));
    }

    TEST_CASE("the road is there once it was noted")
    {
        const TempDirectory directory;
        const auto entry = made(base_in(directory), "key", "box");
        CHECK(!entry.road().has_value());
        for (const Road road : {Road::socket, Road::attach, Road::bridge}) {
            CHECK(entry.set_road(road).has_value());
            CHECK(entry.road() == road);
        }
        std::ofstream(entry.directory() / "road") << "nonsense\n";
        CHECK(!entry.road().has_value());
    }

    TEST_CASE("entries of a key, the last used first, and none that was erased")
    {
        const TempDirectory directory;
        const fs::path base = base_in(directory);
        const auto first = made(base, "a-1", "one");
        const auto second = made(base, "a-2", "two");
        const auto other = made(base, "b-1", "three");
        const auto set_age = [](const pool::Entry& entry, std::int64_t seconds) {
            const timespec when{1'000'000'000 - seconds, 0};
            const timespec times[2] = {when, when};
            REQUIRE(::utimensat(AT_FDCWD, entry.directory().c_str(), times, 0) == 0);
        };
        set_age(first, 10);
        set_age(second, 20);
        set_age(other, 30);
        CHECK(pool::entries(base, "a-") == std::vector{first.directory(), second.directory()});
        CHECK(pool::entries(base, "").size() == 3);
        second.used();
        CHECK(pool::entries(base, "a-").front() == second.directory());
        second.erase();
        CHECK(pool::entries(base, "a-") == std::vector{first.directory()});
        CHECK(!fs::exists(second.directory().parent_path()));
        CHECK(!pool::Entry::take(second.directory()).has_value());
    }

    TEST_CASE("an entry that another one has taken the place of is not erased")
    {
        const TempDirectory directory;
        const fs::path base = base_in(directory);
        const auto lost = made(base, "key", "box");
        fs::remove_all(base);
        CHECK(base_in(directory) == base);
        const auto there = made(base, "key", "box");
        CHECK(there.set_road(Road::socket).has_value());
        lost.erase();
        CHECK(there.road() == Road::socket);
        CHECK(pool::Entry::is_there(base, "key", "box"));
        there.erase();
        CHECK(!fs::exists(there.directory()));
        lost.erase();
    }

    TEST_CASE("what is remembered")
    {
        const TempDirectory directory;
        const fs::path base = base_in(directory);
        CHECK(pool::recall(base, "engine").empty());
        pool::remember(base, "engine", "socket");
        CHECK(pool::recall(base, "engine") == "socket");
        pool::remember(base, "engine", "attach");
        CHECK(pool::recall(base, "engine") == "attach");
        pool::remember(base, "another", "x");
        CHECK(pool::remembered(base) == std::vector<std::string>{"another", "engine"});
        pool::forget(base, "engine");
        pool::forget(base, "none");
        CHECK(pool::recall(base, "engine").empty());
        CHECK(pool::remembered(base) == std::vector<std::string>{"another"});
    }
}
