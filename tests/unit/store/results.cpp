#include "stores.hpp"

using namespace slipway;
using namespace slipway::test;
using core::StoredOutput;
using core::StoredResult;

namespace {

StoredResult sample()
{
    StoredResult result;
    result.key = key_of(1);
    result.unit = "lib";
    result.outputs.resize(3);
    result.outputs[0].path = "out";
    result.outputs[0].kind = StoredOutput::Kind::directory;
    result.outputs[1].path = "out/program";
    result.outputs[1].executable = true;
    result.outputs[1].content = {core::sha256("program"), 7};
    result.outputs[2].path = "out/link";
    result.outputs[2].kind = StoredOutput::Kind::symlink;
    result.outputs[2].link_target = "../elsewhere";
    result.log = {core::sha256("log"), 3};
    result.began_ms = 1'700'000'000'000;
    result.duration_ms = -1;
    result.reason = "forced";
    return result;
}

bool is_same(const StoredResult& a, const StoredResult& b)
{
    return a.key == b.key && a.unit == b.unit && a.outputs == b.outputs && a.log == b.log
           && a.began_ms == b.began_ms && a.duration_ms == b.duration_ms && a.reason == b.reason;
}

} // namespace

TEST_SUITE("core.store.results")
{
    TEST_CASE("encode and decode; each flipped bit and each cut is nothing")
    {
        const std::string bytes = sample().encode();
        const auto decoded = StoredResult::decode(bytes);
        REQUIRE(decoded);
        CHECK(is_same(*decoded, sample()));
        CHECK(StoredResult::decode(StoredResult().encode()));
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            std::string damaged = bytes;
            damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
            CHECK(!StoredResult::decode(damaged));
        }
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CHECK(!StoredResult::decode(std::string_view(bytes).substr(0, size)));
        }
        CHECK(!StoredResult::decode(bytes + "x"));
    }

    TEST_CASE("paths that lead elsewhere are refused, whole as the bytes are")
    {
        TempDirectory directory{quick_place()};
        core::Store store = open_store(directory.path() / "store");
        REQUIRE(store.put("program"));
        REQUIRE(store.put("log"));
        REQUIRE(store.put_result(sample()));
        const auto refused = [&](const std::function<void(StoredResult&)>& change) {
            StoredResult result = sample();
            change(result);
            CHECK(!StoredResult::decode(result.encode()));
            const auto put = store.put_result(result);
            REQUIRE(!put);
            CHECK(put.error().code == Errc::invalid_argument);
        };
        for (const char* path :
             {"", "/etc/passwd", "..", "../x", "a/../x", "a//b", "./a", "a/", "."}) {
            refused([&](StoredResult& result) { result.outputs[1].path = path; });
        }
        refused([](StoredResult& result) { result.outputs[1].path = std::string("a\0b", 3); });
        refused([](StoredResult& result) { result.outputs[1].path = "out"; });
        refused([](StoredResult& result) {
            std::swap(result.outputs[1], result.outputs[2]);
            result.outputs[2].path = "out/link/inside";
        });
        refused([](StoredResult& result) { std::swap(result.outputs[0], result.outputs[1]); });
        refused([](StoredResult& result) { result.outputs[2].link_target.clear(); });
        refused([](StoredResult& result) { result.outputs[1].link_target = "x"; });
        refused([](StoredResult& result) { result.outputs[0].executable = true; });
        refused([](StoredResult& result) {
            result.outputs[1].kind = static_cast<StoredOutput::Kind>(3);
        });
    }

    TEST_CASE("a result is found whole or not at all")
    {
        TempDirectory directory{quick_place()};
        core::Store store = open_store(directory.path() / "store");
        CHECK(!store.find_result(key_of(1)));
        StoredResult result = sample();
        const auto without = store.put_result(result);
        REQUIRE(!without);
        CHECK(without.error().code == Errc::not_found);
        REQUIRE(store.put("program"));
        REQUIRE(store.put("log"));
        REQUIRE(store.put_result(result));
        const auto found = store.find_result(result.key);
        REQUIRE(found);
        CHECK(is_same(*found, result));
        CHECK(!store.find_result(key_of(2)));

        result.log = {};
        result.reason = "another";
        REQUIRE(store.put_result(result));
        CHECK(store.find_result(result.key)->reason == "another");

        fs::remove(path_of(store, store::Kind::blob, core::sha256("program")));
        CHECK(!store.find_result(result.key));
        REQUIRE(store.put("program"));
        CHECK(store.find_result(result.key));

        // Under another's name it is damaged.
        const fs::path own = path_of(store, store::Kind::result, result.key);
        const fs::path other = path_of(store, store::Kind::result, key_of(2));
        fs::create_directories(other.parent_path());
        fs::rename(own, other);
        CHECK(!store.find_result(key_of(2)));
        CHECK(!fs::exists(other));
    }

    TEST_CASE("each flipped bit of a stored result is found, and it is removed")
    {
        TempDirectory directory{quick_place()};
        core::Store store = open_store(directory.path() / "store");
        REQUIRE(store.put("program"));
        REQUIRE(store.put("log"));
        REQUIRE(store.put_result(sample()));
        const fs::path path = path_of(store, store::Kind::result, sample().key);
        const std::string bytes = contents_of(path);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            std::string damaged = bytes;
            damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
            write_over(path, damaged);
            CHECK(!store.find_result(sample().key));
            CHECK(!fs::exists(path));
        }
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            write_over(path, bytes.substr(0, size));
            CHECK(!store.find_result(sample().key));
            CHECK(!fs::exists(path));
        }
    }

    TEST_CASE("notes")
    {
        TempDirectory directory{quick_place()};
        core::Store store = open_store(directory.path() / "store");
        CHECK(!store.find_note(key_of(1)));
        REQUIRE(store.put_note(key_of(1), "one"));
        REQUIRE(store.put_note(key_of(1), "two"));
        REQUIRE(store.put_note(key_of(2), ""));
        CHECK(store.find_note(key_of(1)) == "two");
        CHECK(store.find_note(key_of(2)) == "");
        const fs::path path = path_of(store, store::Kind::note, key_of(1));
        const std::string bytes = contents_of(path);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            std::string damaged = bytes;
            damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
            write_over(path, damaged);
            CHECK(!store.find_note(key_of(1)));
            CHECK(!fs::exists(path));
        }
    }

    TEST_CASE("pins")
    {
        TempDirectory directory{quick_place()};
        core::Store store = open_store(directory.path() / "store");
        const std::vector<std::string> names{
            ".",
            "..",
            "...",
            "a",
            "a/b",
            "../../x",
            ".hidden",
            "//",
            std::string(128, 'x'),
        };
        for (const std::string& name : names) {
            REQUIRE(store.pin(name, key_of(name.size())));
        }
        REQUIRE(store.pin("a", key_of(77)));
        auto pins = store.pins();
        REQUIRE(pins);
        REQUIRE(pins->size() == names.size());
        for (const auto& pin : *pins) {
            CHECK(std::count(names.begin(), names.end(), pin.name) == 1);
            CHECK(pin.key == key_of(pin.name == "a" ? 77 : pin.name.size()));
        }
        CHECK(files_in(directory.path()) == names.size() + 4); // format, tag, lock, lease
        for (const std::string& name :
             {std::string(),
              std::string(129, 'x'),
              std::string("a b"),
              std::string("a\n"),
              std::string("%"),
              std::string("a=")}) {
            const auto pinned = store.pin(name, key_of(1));
            REQUIRE(!pinned);
            CHECK(pinned.error().code == Errc::invalid_argument);
            CHECK(!store.unpin(name));
        }
        CHECK(*store.unpin("..") == true);
        CHECK(*store.unpin("..") == false);
        CHECK(store.pins()->size() == names.size() - 1);
    }
}
