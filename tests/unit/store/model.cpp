#include "stores.hpp"

#include <atomic>
#include <map>
#include <set>
#include <thread>

using namespace slipway;
using namespace slipway::test;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

// What a store should hold, by plain maps and hours.
struct Model {
    struct Result {
        std::set<std::string> texts;
        int used = 0;
    };
    std::map<std::uint64_t, Result> results;
    std::map<std::string, int> texts; // last use
    std::map<std::uint64_t, std::pair<std::string, int>> notes;
    std::map<std::string, std::uint64_t> pins;

    bool pinned(std::uint64_t key) const
    {
        return std::any_of(pins.begin(), pins.end(), [&](const auto& pin) {
            return pin.second == key;
        });
    }

    void collect(int now, int hours)
    {
        std::erase_if(results, [&](const auto& entry) {
            return !pinned(entry.first) && entry.second.used <= now - hours;
        });
        std::erase_if(notes, [&](const auto& entry) { return entry.second.second <= now - hours; });
        std::set<std::string> wanted;
        for (const auto& [key, result] : results) {
            wanted.insert(result.texts.begin(), result.texts.end());
        }
        std::erase_if(texts, [&](const auto& entry) {
            return !wanted.contains(entry.first) && entry.second <= now - hours;
        });
    }
};

std::string text_of(std::uint64_t number)
{
    const std::size_t size = (number * 7'919) % 9'000;
    return (number % 2 == 0 ? text_bytes(size, number) : random_bytes(size, number))
           + std::to_string(number);
}

} // namespace

TEST_SUITE("core.store.model")
{
    TEST_CASE("random operations have the outcome of a naive model")
    {
        std::uint64_t hits = 0;
        for (unsigned seed = 0; seed < 12; ++seed) {
            std::mt19937 random(seed);
            TempDirectory directory{quick_place()};
            ClockJump clock;
            Model model;
            int now = 0;
            std::optional<core::Store> store = open_store(directory.path() / "store");
            const auto use = [&](std::uint64_t key) {
                model.results[key].used = now;
                for (const std::string& text : model.results[key].texts) {
                    model.texts[text] = now;
                }
            };
            for (int step = 0; step < 150; ++step) {
                const std::uint64_t key = random() % 12;
                const std::string text = text_of(random() % 30);
                const core::Blob blob{core::sha256(text), text.size()};
                switch (random() % 11) {
                case 0:
                case 1: {
                    const std::vector<std::string> texts{text, text_of(random() % 30)};
                    put_result(*store, key, texts);
                    model.results[key].texts = {texts.begin(), texts.end()};
                    use(key);
                    break;
                }
                case 2:
                case 3: {
                    const auto found = store->find_result(key_of(key));
                    CHECK(found.has_value() == model.results.contains(key));
                    if (found) use(key);
                    if (found) ++hits;
                    break;
                }
                case 4: {
                    const auto bytes = bytes_of(*store, blob);
                    CHECK(bytes.has_value() == model.texts.contains(text));
                    if (bytes) CHECK(*bytes == text);
                    if (bytes) model.texts[text] = now;
                    break;
                }
                case 5:
                    REQUIRE(store->put(text));
                    model.texts[text] = now;
                    break;
                case 6:
                    REQUIRE(store->put_note(key_of(key), text));
                    model.notes[key] = {text, now};
                    break;
                case 7: {
                    const auto note = store->find_note(key_of(key));
                    CHECK(note.has_value() == model.notes.contains(key));
                    if (note) CHECK(*note == model.notes[key].first);
                    if (note) model.notes[key].second = now;
                    break;
                }
                case 8:
                    if (random() % 2 == 0) {
                        REQUIRE(store->pin("pin" + std::to_string(key % 3), key_of(key)));
                        model.pins["pin" + std::to_string(key % 3)] = key;
                    } else {
                        const auto gone = store->unpin("pin" + std::to_string(key % 3));
                        CHECK(*gone == (model.pins.erase("pin" + std::to_string(key % 3)) == 1));
                    }
                    break;
                case 9:
                    now += 1 + static_cast<int>(random() % 5);
                    clock.to(hours(now));
                    break;
                default: {
                    // Nothing is in use by who has just opened it.
                    store.reset();
                    store = open_store(directory.path() / "store");
                    const int age = static_cast<int>(random() % 12);
                    core::GcOptions options;
                    // Between two steps of the clock.
                    options.older_than = hours(age) - seconds(age > 0 ? 1800 : 0);
                    REQUIRE(store->collect(options));
                    model.collect(now, age);
                    break;
                }
                }
                const auto usage = store->usage();
                REQUIRE(usage);
                REQUIRE(usage->results == model.results.size());
                REQUIRE(usage->blobs == model.texts.size());
                REQUIRE(usage->notes == model.notes.size());
                REQUIRE(usage->pins == model.pins.size());
            }
            const auto report = store->verify();
            REQUIRE(report);
            CHECK(report->blobs == model.texts.size());
            CHECK(report->damaged.empty());
            CHECK(report->incomplete.empty());
            CHECK(files_in(directory.path() / "store/tmp") == 0);
        }
        CHECK(hits > 50);
    }

    TEST_CASE("verify removes what is damaged or incomplete, and nothing else")
    {
        TempDirectory directory{quick_place()};
        core::Store store = open_store(directory.path() / "store");
        for (std::uint64_t i = 0; i < 5; ++i) {
            put_result(store, i, {"own text " + std::to_string(i), "shared"});
            REQUIRE(store.put_note(key_of(i), "note"));
        }
        REQUIRE(store.pin("good", key_of(0)));
        auto report = store.verify();
        REQUIRE(report);
        CHECK(report->blobs == 6);
        CHECK(report->results == 5);
        CHECK(report->damaged.empty());
        CHECK(report->incomplete.empty());

        const auto name = [](store::Kind kind, const core::Sha256& key) {
            return store::name_of(kind, key);
        };
        const std::string blob = name(store::Kind::blob, core::sha256("own text 1"));
        const std::string size = name(store::Kind::blob, core::sha256("own text 2"));
        const std::string result = name(store::Kind::result, key_of(3));
        const std::string note = name(store::Kind::note, key_of(4));
        std::string bytes = contents_of(store.directory() / blob);
        bytes[3] ^= 1;
        write_over(store.directory() / blob, bytes);
        write_over(store.directory() / size, "");
        write_over(store.directory() / result, "");
        write_over(store.directory() / note, "");
        write_over(store.directory() / "pins/bad", "no key");
        write_over(store.directory() / "blobs/README", "text");
        fs::create_directory(store.directory() / "results/zz");
        write_over(store.directory() / "results/zz" / core::to_hex(key_of(0)), "text");
        fs::remove(store.directory() / name(store::Kind::result, key_of(4)));

        report = store.verify();
        REQUIRE(report);
        std::vector<std::string> damaged{
            blob, size, result, note, "pins/bad", "results/zz/" + core::to_hex(key_of(0))};
        std::sort(damaged.begin(), damaged.end());
        CHECK(report->damaged == damaged);
        CHECK(report->incomplete == std::vector<std::string>{"unit 1", "unit 2"});
        CHECK(store.usage()->results == 1);
        CHECK(store.usage()->notes == 4);
        CHECK(store.find_result(key_of(0)));
        CHECK(store.pins()->size() == 1);
        report = store.verify();
        CHECK(report->damaged.empty());
        CHECK(report->incomplete.empty());
    }

    TEST_CASE("several threads use one object")
    {
        TempDirectory directory{quick_place()};
        core::Store store = open_store(directory.path() / "store");
        std::atomic<int> wrong{0};
        const auto work = [&](unsigned number) {
            std::mt19937 random(number);
            for (int i = 0; i < 20; ++i) {
                const std::uint64_t seed = random() % 20;
                const std::size_t size = seed % 4 == 0 ? 4'500'000 : 20'000;
                const std::string bytes =
                    seed % 2 == 0 ? text_bytes(size, seed) : random_bytes(size, seed);
                const auto blob = store.put(bytes);
                std::string read;
                const auto done = store.read(*blob, [&](std::string_view piece) {
                    read += piece;
                    return ok();
                });
                core::StoredResult result;
                result.key = key_of(seed);
                result.log = *blob;
                if (!done || read != bytes || !store.put_result(result)
                    || !store.find_result(key_of(seed)) || (i % 10 == 0 && !store.collect({}))) {
                    ++wrong;
                }
            }
        };
        std::vector<std::thread> threads;
        for (unsigned number = 0; number < 4; ++number) {
            threads.emplace_back(work, number);
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        CHECK(wrong == 0);
        CHECK(store.verify()->damaged.empty());
    }

    TEST_CASE("many small ones")
    {
        TempDirectory directory{quick_place()};
        core::Store store = open_store(directory.path() / "store");
        constexpr std::uint64_t count = 20'000;
        core::StoredResult result;
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto blob = store.put("blob " + std::to_string(i));
            REQUIRE(blob);
            core::StoredOutput& output = result.outputs.emplace_back();
            output.path = "d" + std::to_string(i % 100) + "/f" + std::to_string(i);
            output.content = *blob;
        }
        result.key = key_of(1);
        REQUIRE(store.put_result(result));
        const auto found = store.find_result(key_of(1));
        REQUIRE(found);
        CHECK(found->outputs.size() == count);
        CHECK(store.usage()->blobs == count);
        CHECK(store.verify()->blobs == count);
        core::Store other = open_store(store.directory());
        core::GcOptions all;
        all.older_than = seconds(0);
        CHECK(other.collect(all)->blobs == 0);
        {
            const core::Store ends = std::move(store);
        }
        CHECK(other.collect(all)->blobs == count);
    }
}
