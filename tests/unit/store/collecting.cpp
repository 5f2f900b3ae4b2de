#include "store/collect.hpp"
#include "stores.hpp"

#include <sys/mman.h>

#include <atomic>
#include <new>

using namespace slipway;
using namespace slipway::test;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

core::GcReport
collect(core::Store& store, seconds older_than, std::optional<std::uint64_t> most = {})
{
    core::GcOptions options;
    options.older_than = older_than;
    options.most_bytes = most;
    options.dry_run = true;
    const auto dry = store.collect(options);
    REQUIRE(dry);
    options.dry_run = false;
    const auto report = store.collect(options);
    REQUIRE_MESSAGE(report, (report ? std::string() : describe(report.error())));
    // A dry run tells the same.
    CHECK(dry->results == report->results);
    CHECK(dry->blobs == report->blobs);
    CHECK(dry->bytes == report->bytes);
    CHECK(dry->left_bytes == report->left_bytes);
    CHECK(dry->in_use == report->in_use);
    CHECK(report->left_bytes == store.usage()->bytes);
    return *report;
}

void age_result(const core::Store& store, std::uint64_t key, seconds by)
{
    age(path_of(store, store::Kind::result, key_of(key)), by);
}

void age_blob(const core::Store& store, const std::string& text, seconds by)
{
    age(path_of(store, store::Kind::blob, core::sha256(text)), by);
}

bool has_text(const core::Store& store, const std::string& text)
{
    return fs::exists(path_of(store, store::Kind::blob, core::sha256(text)));
}

bool has_result(const core::Store& store, std::uint64_t key)
{
    return fs::exists(path_of(store, store::Kind::result, key_of(key)));
}

constexpr seconds month = hours(24 * 30);

} // namespace

TEST_SUITE("core.store.collect")
{
    TEST_CASE("by age: results, then what nothing refers to")
    {
        TempDirectory directory{quick_place()};
        {
            core::Store store = open_store(directory.path() / "store");
            put_result(store, 1, {"old", "shared"});
            put_result(store, 2, {"young", "shared"});
            REQUIRE(store.put("lone and old"));
            REQUIRE(store.put("lone and young"));
            REQUIRE(store.put_note(key_of(1), "note"));
            REQUIRE(store.put_note(key_of(2), "note"));
        }
        core::Store store = open_store(directory.path() / "store");
        age_all(store.directory(), month + hours(1));
        age_result(store, 2, month - hours(1));
        age_blob(store, "lone and young", month - hours(1));
        age(path_of(store, store::Kind::note, key_of(2)), month - hours(1));
        const auto report = collect(store, month);
        CHECK(report.results == 1);
        CHECK(report.blobs == 2);
        CHECK(report.in_use == 0);
        CHECK(report.bytes == 4 * 4096); // with the note
        CHECK(!has_result(store, 1));
        CHECK(!has_text(store, "old"));
        CHECK(!has_text(store, "lone and old"));
        CHECK(has_text(store, "lone and young"));
        CHECK(has_text(store, "shared")); // as old, but a result that stays refers to it
        CHECK(!store.find_note(key_of(1)));
        CHECK(store.find_note(key_of(2)));
        CHECK(store.find_result(key_of(2)));
    }

    TEST_CASE("by size: the least recently used first, with its blobs")
    {
        TempDirectory directory{quick_place()};
        {
            core::Store store = open_store(directory.path() / "store");
            for (std::uint64_t i = 0; i < 10; ++i) {
                put_result(store, i, {random_bytes(100'000, i)});
            }
        }
        core::Store store = open_store(directory.path() / "store");
        for (std::uint64_t i = 0; i < 10; ++i) {
            age_result(store, i, hours(1 + (i * 7) % 10)); // 0, 3, 6, 9, 2, ... by age
            age_blob(store, random_bytes(100'000, i), hours(1 + (i * 7) % 10));
        }
        const auto all = store.usage()->bytes;
        const auto each = all / 10;
        const auto report = collect(store, month, all - 3 * each + 1);
        CHECK(report.results == 3);
        CHECK(report.blobs == 3);
        CHECK(report.left_bytes == all - 3 * each);
        for (std::uint64_t i = 0; i < 10; ++i) {
            CHECK(has_result(store, i) == ((i * 7) % 10 < 7));
            CHECK(has_text(store, random_bytes(100'000, i)) == has_result(store, i));
        }
        CHECK(collect(store, month, all).results == 0);
        CHECK(collect(store, month, 0).results == 7);
        CHECK(store.usage()->bytes == 0);
    }

    TEST_CASE("what a living process has used stays, until it ends")
    {
        TempDirectory directory{quick_place()};
        {
            core::Store store = open_store(directory.path() / "store");
            for (std::uint64_t i = 0; i < 4; ++i) {
                put_result(store, i, {"text " + std::to_string(i)});
            }
            REQUIRE(store.put("lone"));
            REQUIRE(store.put("lone and unused"));
        }
        core::Store store = open_store(directory.path() / "store");
        age_all(store.directory(), 2 * month);
        int go[2];
        int done[2];
        REQUIRE(::pipe(go) == 0);
        REQUIRE(::pipe(done) == 0);
        const pid_t child = in_child([&] {
            auto user = core::Store::open(directory.path() / "store");
            char c = 0;
            if (!user->find_result(key_of(1)) || !user->has({core::sha256("lone"), 4})) return 1;
            put_result(*user, 9, {"new"});
            if (!user->put("without a result yet")) return 2;
            if (::write(done[1], "x", 1) != 1 || ::read(go[0], &c, 1) != 1) return 3;
            // They are there still.
            const bool there = user->find_result(key_of(1)) && user->find_result(key_of(9))
                               && user->has({core::sha256("lone"), 4})
                               && bytes_of(*user, {core::sha256("without a result yet"), 20});
            return there ? 0 : 4;
        });
        char c = 0;
        REQUIRE(::read(done[0], &c, 1) == 1);
        const auto report = collect(store, seconds(0), 0);
        CHECK(report.results == 3);
        CHECK(report.blobs == 4);
        CHECK(report.in_use > 0);
        CHECK(has_result(store, 1));
        CHECK(!has_text(store, "lone and unused"));
        REQUIRE(::write(go[1], "x", 1) == 1);
        CHECK(end_of(child) == 0);
        for (const int fd : {go[0], go[1], done[0], done[1]}) {
            ::close(fd);
        }
        CHECK(collect(store, seconds(0)).in_use == 0);
        CHECK(store.usage()->bytes == 0);
    }

    TEST_CASE("a hit writes nothing when the last use was just now, and stamps when it was not")
    {
        TempDirectory directory{quick_place()};
        core::Store store = open_store(directory.path() / "store");
        put_result(store, 1, {"text"});
        const auto times = [&] {
            return std::pair(
                fs::last_write_time(path_of(store, store::Kind::result, key_of(1))),
                fs::last_write_time(path_of(store, store::Kind::blob, core::sha256("text")))
            );
        };
        age_all(store.directory(), minutes(9));
        const auto before = times();
        CHECK(store.find_result(key_of(1)));
        CHECK(times() == before);
        age_all(store.directory(), minutes(11));
        CHECK(store.find_result(key_of(1)));
        CHECK(times().first > before.first);
        CHECK(times().second > before.second);
        // What has been used without a stamp is in use as well.
        age_all(store.directory(), minutes(9));
        CHECK(store.find_result(key_of(1)));
        core::Store other = open_store(directory.path() / "store");
        CHECK(collect(other, seconds(0), 0).results == 0);
        CHECK(store.find_result(key_of(1)));
    }

    TEST_CASE("a pinned result stays with its blobs")
    {
        TempDirectory directory{quick_place()};
        {
            core::Store store = open_store(directory.path() / "store");
            put_result(store, 1, {"one", "shared"});
            put_result(store, 2, {"two", "shared"});
            REQUIRE(store.pin("keep", key_of(1)));
        }
        core::Store store = open_store(directory.path() / "store");
        age_all(store.directory(), 2 * month);
        auto report = collect(store, month, 0);
        CHECK(report.results == 1);
        CHECK(report.blobs == 1);
        CHECK(report.in_use == 1);
        CHECK(store.pins()->size() == 1);
        CHECK(has_result(store, 1));
        CHECK(has_text(store, "one"));
        CHECK(has_text(store, "shared"));
        {
            core::Store other = open_store(directory.path() / "store");
            REQUIRE(*other.unpin("keep"));
        }
        CHECK(collect(store, month).results == 1);
        CHECK(store.usage()->bytes == 0);
    }

    TEST_CASE("a damaged result goes, whatever its age, and keeps no blobs")
    {
        TempDirectory directory{quick_place()};
        {
            core::Store store = open_store(directory.path() / "store");
            put_result(store, 1, {"one"});
        }
        core::Store store = open_store(directory.path() / "store");
        write_over(path_of(store, store::Kind::result, key_of(1)), "damaged");
        age_blob(store, "one", 2 * month);
        const auto report = collect(store, month);
        CHECK(report.results == 1);
        CHECK(report.blobs == 1);
    }

    TEST_CASE("files from the future grow old from now on")
    {
        TempDirectory directory{quick_place()};
        ClockJump clock;
        {
            core::Store store = open_store(directory.path() / "store");
            clock.to(hours(24 * 365));
            put_result(store, 1, {"one"});
            clock.to(seconds(0));
        }
        core::Store store = open_store(directory.path() / "store");
        CHECK(collect(store, month).results == 0);
        clock.to(month - hours(1));
        CHECK(collect(store, month).results == 0);
        clock.to(month + hours(1));
        CHECK(collect(store, month).results == 1);
        CHECK(store.usage()->bytes == 0);
    }

    TEST_CASE("a use without a stamp after the clock has jumped back")
    {
        TempDirectory directory{quick_place()};
        ClockJump clock;
        clock.to(-hours(1));
        {
            core::Store store = open_store(directory.path() / "store");
            put_result(store, 1, {"one"});
        }
        clock.to(seconds(0));
        core::Store user = open_store(directory.path() / "store");
        clock.to(-hours(1) + minutes(5));
        CHECK(user.find_result(key_of(1)));
        clock.to(-hours(1) + minutes(20));
        core::Store other = open_store(directory.path() / "store");
        CHECK(collect(other, seconds(0), 0).results == 0);
        CHECK(user.find_result(key_of(1)));
    }

    TEST_CASE("whatever the clock does, what a living process has used stays")
    {
        std::mt19937 random(11);
        for (int round = 0; round < 30; ++round) {
            TempDirectory directory{quick_place()};
            ClockJump clock;
            const auto jump = [&] {
                const auto most = static_cast<int>(random() % 2 == 0 ? 3'000 : 100'000'000);
                clock.to(seconds(static_cast<int>(random() % 2'000'000'000) % most - most / 2));
            };
            {
                core::Store store = open_store(directory.path() / "store");
                for (std::uint64_t i = 0; i < 5; ++i) {
                    jump();
                    put_result(store, i, {"text " + std::to_string(i)});
                }
            }
            jump();
            core::Store user = open_store(directory.path() / "store");
            std::vector<std::uint64_t> used;
            for (int step = 0; step < 12; ++step) {
                if (random() % 2 == 0) jump();
                if (random() % 2 == 0) {
                    const std::uint64_t key = random() % 8;
                    if (key < 5 && user.find_result(key_of(key))) used.push_back(key);
                    if (key >= 5) {
                        put_result(user, key, {"text " + std::to_string(key)});
                        used.push_back(key);
                    }
                } else {
                    core::Store other = open_store(directory.path() / "store");
                    core::GcOptions options;
                    options.older_than = seconds(0);
                    options.most_bytes = 0;
                    REQUIRE(other.collect(options));
                }
                for (const std::uint64_t key : used) {
                    CHECK(has_result(user, key));
                    CHECK(has_text(user, "text " + std::to_string(key)));
                }
            }
        }
    }

    TEST_CASE("what others do between the plan and the removal counts")
    {
        const auto collect_meanwhile = [](const fs::path& path,
                                          const std::function<void()>& others) {
            store::Base base;
            REQUIRE(base.open(path));
            core::GcOptions options;
            options.older_than = seconds(0);
            const auto report = store::collect(base, options, others);
            REQUIRE(report);
            return *report;
        };
        for (const seconds old : {seconds(minutes(1)), seconds(hours(1))}) {
            for (const bool stays_open : {false, true}) {
                TempDirectory directory{quick_place()};
                const fs::path path = directory.path() / "store";
                {
                    core::Store store = open_store(path);
                    put_result(store, 1, {"one"});
                    put_result(store, 2, {"two"});
                    put_result(store, 3, {"three"});
                    REQUIRE(store.put("lone"));
                }
                age_all(path, old);
                std::optional<core::Store> user;
                auto report = collect_meanwhile(path, [&] {
                    user = open_store(path);
                    put_result(*user, 9, {"lone", "one"}); // both are there
                    REQUIRE(user->pin("pin", key_of(2)));
                    if (stays_open) {
                        CHECK(user->find_result(key_of(3)));
                    } else {
                        user.reset();
                    }
                });
                CHECK(report.results == (stays_open && old == minutes(1) ? 0 : stays_open ? 1 : 2));
                user.reset();
                core::Store store = open_store(path);
                CHECK(store.find_result(key_of(9)));
                CHECK(store.find_result(key_of(2)));
                CHECK(store.find_result(key_of(3)).has_value() == stays_open);
                const auto whole = store.verify();
                CHECK(whole->damaged.empty());
                CHECK(whole->incomplete.empty());
            }
        }
    }

    TEST_CASE("storing, finding and collecting at the same time")
    {
        TempDirectory directory{quick_place()};
        const fs::path path = directory.path() / "store";
        open_store(path);
        const auto begin = std::chrono::steady_clock::now();
        struct Shared {
            std::atomic<bool> stop{false};
            std::atomic<std::uint64_t> found{0};
        };
        void* const page = ::mmap(
            nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0
        );
        REQUIRE(page != MAP_FAILED);
        auto* const shared = new (page) Shared;
        // A fast clock, so that what was just used grows old: ten minutes are 0.1 s. The processes'
        // clocks differ, as each has its own steps.
        ClockJump clock;
        const auto tick = [&] {
            store::clock_shift_ns = (std::chrono::steady_clock::now() - begin).count() * 6'000;
        };
        std::vector<pid_t> children;
        for (unsigned number = 0; number < 3; ++number) {
            children.push_back(in_child([&] {
                std::mt19937 random(number);
                while (!shared->stop) {
                    tick();
                    auto store = core::Store::open(path);
                    if (!store) return 1;
                    std::vector<std::uint64_t> mine;
                    for (int i = 0; i < 30; ++i) {
                        if (random() % 4 == 0) tick();
                        const std::uint64_t key = random() % 2'000;
                        const std::vector<std::string> texts{
                            text_bytes(5'000 + key, key), "shared " + std::to_string(key % 7)};
                        if (store->find_result(key_of(key))) {
                            ++shared->found;
                        } else {
                            // As a build does, which may take a while.
                            const auto result = result_of(*store, key, texts);
                            if (random() % 4 == 0) ::usleep(1'000);
                            if (!store->put_result(result)) return 2;
                        }
                        mine.push_back(key);
                        for (const std::uint64_t known : mine) {
                            const auto result = store->find_result(key_of(known));
                            if (!result) return 3; // it was in use
                            if (random() % 16 == 0
                                && bytes_of(*store, result->outputs[0].content)
                                       != text_bytes(5'000 + known, known)) {
                                return 4;
                            }
                        }
                    }
                }
                return 0;
            }));
        }
        core::Store store = open_store(path);
        std::uint64_t removed = 0;
        for (;;) {
            const auto elapsed = std::chrono::steady_clock::now() - begin;
            const bool enough = removed > 100 && shared->found > 100 && elapsed > seconds(3);
            if (enough || elapsed > seconds(60)) break;
            tick();
            core::GcOptions options;
            options.older_than = seconds(0);
            const auto report = store.collect(options);
            REQUIRE(report);
            removed += report->results;
        }
        CHECK(removed > 100);
        CHECK(shared->found > 100);
        shared->stop = true;
        for (const pid_t child : children) {
            CHECK(end_of(child) == 0);
        }
        ::munmap(page, sizeof(Shared));
        const auto report = store.verify();
        REQUIRE(report);
        CHECK(report->damaged.empty());
        CHECK(report->incomplete.empty());
        CHECK(collect(store, seconds(0)).in_use == 0);
        CHECK(store.usage()->bytes == 0);
        CHECK(files_in(path / "tmp") == 0);
    }
}
