#include "stores.hpp"

#include <signal.h>
#include <sys/file.h>

#include <thread>

using namespace slipway;
using namespace slipway::test;

TEST_SUITE("core.store.open")
{
    TEST_CASE("what is no store, or another slipway's, is refused with a hint")
    {
        TempDirectory directory{quick_place()};
        const fs::path path = directory.path() / "store";
        const auto refused = [&](Errc code, const std::string& words) {
            const auto opened = core::Store::open(path);
            REQUIRE(!opened);
            CHECK(opened.error().code == code);
            CHECK_MESSAGE(
                opened.error().message.find(words) != std::string::npos, opened.error().message
            );
            CHECK(!opened.error().hint.empty());
        };
        {
            core::Store store = open_store(path);
            REQUIRE(store.put("x"));
        }
        const std::string good = contents_of(path / "format");
        write_over(path / "format", "slipway store 2\n");
        refused(Errc::unsupported, "newer");
        for (const char* text :
             {"",
              "slipway store ",
              "slipway store \n",
              "slipway store x\n",
              "slipway store 1",
              "slipway store 0\n",
              "something else\n"}) {
            write_over(path / "format", text);
            refused(Errc::invalid_argument, "format");
        }
        fs::remove(path / "format");
        refused(Errc::invalid_argument, "holds other things");
        CHECK(files_in(path / "blobs") == 1);
        write_over(path / "format", good);
        CHECK(open_store(path).has({core::sha256("x"), 1}));

        fs::remove_all(path);
        write_over(path, "a file");
        CHECK(!core::Store::open(path));
        fs::remove(path);
        fs::create_directory(path);
        write_over(path / "mine", "text");
        refused(Errc::invalid_argument, "holds other things");
        CHECK(contents_of(path / "mine") == "text");
        CHECK(files_in(path) == 1);
        // One that was killed when it had only begun.
        fs::rename(path / "mine", path / "format.1-2");
        CHECK(open_store(path).writable());
    }

    TEST_CASE("one that may not be written is read, and nothing of it is changed")
    {
        TempDirectory directory{quick_place()};
        fs::permissions(directory.path(), fs::perms(0755));
        const fs::path path = directory.path() / "store";
        core::Blob blob;
        core::Blob damaged;
        {
            core::Store store = open_store(path);
            blob = *store.put(text_bytes(100'000, 1));
            put_result(store, 1, {"a", "b"});
            REQUIRE(store.put_note(key_of(1), "note"));
            REQUIRE(store.pin("pin", key_of(1)));
            damaged = *store.put("to be damaged");
            write_over(path_of(store, store::Kind::blob, damaged.digest), "x");
        }
        age_all(path, std::chrono::hours(24 * 100));
        const auto list = [&] {
            std::string out;
            for (const auto& entry : fs::recursive_directory_iterator(path)) {
                const auto time = entry.last_write_time().time_since_epoch().count();
                out += entry.path().string() + " " + std::to_string(time) + "\n";
            }
            return out;
        };
        const std::string before = list();
        const int code = end_of(in_child([&] {
            if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return 1;
            if (::getuid() != 65534) fs::permissions(path / "uses", fs::perms(0555));
            auto store = core::Store::open(path);
            if (!store || store->writable()) return 2;
            if (!store->has(blob) || bytes_of(*store, blob) != text_bytes(100'000, 1)) return 3;
            if (!store->find_result(key_of(1)) || store->find_note(key_of(1)) != "note") return 4;
            if (store->pins()->size() != 1 || store->usage()->blobs != 4) return 5;
            if (bytes_of(*store, damaged)) return 6;
            const auto put = store->put("new");
            if (put || put.error().code != Errc::unsupported) return 7;
            if (store->blob_writer() || store->put_note(key_of(1), "x")) return 8;
            if (store->pin("x", key_of(1)) || store->unpin("pin")) return 9;
            if (store->import_form(blob, *store->export_form(blob))) return 10;
            if (store->collect({})) return 11;
            core::GcOptions dry;
            dry.dry_run = true;
            if (store->collect(dry)->blobs == 0) return 12;
            if (store->verify()->damaged.size() != 1) return 13;
            if (core::Store::open(path / "new")) return 14;
            return 0;
        }));
        CHECK(code == 0);
        CHECK(list() == before);
    }

    TEST_CASE("what a killed process leaves goes when the next one opens the store")
    {
        TempDirectory directory{quick_place()};
        const fs::path path = directory.path() / "store";
        core::Store first = open_store(path);
        auto own = first.blob_writer();
        REQUIRE((*own)->write(text_bytes(200'000, 1)));
        std::mt19937 random(7);
        for (int i = 0; i < 40; ++i) {
            int begun[2];
            REQUIRE(::pipe2(begun, O_CLOEXEC) == 0);
            const pid_t child = in_child([&] {
                auto store = core::Store::open(path);
                const auto open = store->blob_writer();
                if (!(*open)->write(text_bytes(100'000, 1))) return 2;
                if (::write(begun[1], "x", 1) != 1) return 1;
                for (std::uint64_t n = 0;; ++n) {
                    const auto seed = n + static_cast<std::uint64_t>(i) * 1'000;
                    put_result(
                        *store, seed, {text_bytes(300'000, seed), random_bytes(9'000, seed)}
                    );
                    if (n == 0 && ::write(begun[1], "x", 1) != 1) return 1;
                }
                return 0;
            });
            char byte = 0;
            CHECK(::read(begun[0], &byte, 1) == 1);
            if (i == 0) CHECK(::read(begun[0], &byte, 1) == 1); // one has a result
            ::close(begun[0]);
            ::close(begun[1]);
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 40'000));
            ::kill(child, SIGKILL);
            CHECK(end_of(child) == 128 + SIGKILL);
            core::Store next = open_store(path);
            CHECK(files_in(path / "tmp") == 1); // the first one's
            CHECK(files_in(path / "uses") == 2);
        }
        const auto report = first.verify();
        REQUIRE(report);
        CHECK(report->damaged.empty());
        CHECK(report->incomplete.empty());
        CHECK(report->results > 0);
        CHECK(report->blobs >= report->results);
        REQUIRE((*own)->finish());
    }

    TEST_CASE("several processes make the same store at once")
    {
        for (int round = 0; round < 10; ++round) {
            TempDirectory directory{quick_place()};
            std::vector<pid_t> children;
            for (int i = 0; i < 6; ++i) {
                children.push_back(in_child([&] {
                    auto store = core::Store::open(directory.path() / "store");
                    if (!store) {
                        std::fprintf(stderr, "%s\n", describe(store.error()).c_str());
                        return 1;
                    }
                    return store->put("x") ? 0 : 2;
                }));
            }
            for (const pid_t child : children) {
                CHECK(end_of(child) == 0);
            }
            core::Store store = open_store(directory.path() / "store");
            CHECK(store.has({core::sha256("x"), 1}));
            CHECK(files_in(store.directory() / "uses") == 1);
        }
    }
}
