#include "graph/found_result.hpp"

#include "projects.hpp"
#include "support/run.hpp"

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;
using graph::Build;
using graph::FoundResult;

namespace {

constexpr std::string_view file = R"([toolchain.cc]
image = "debian"
[unit.u]
toolchain = "cc"
command = ["cc"]
inputs = ["src/a.c"]
discover = ["include/*.h"]
depfile = "a.d"
outputs = ["out/a.o"]
[unit.plain]
toolchain = "cc"
command = ["cc"]
inputs = ["src/a.c"]
outputs = ["out/plain"]
)";

using Paths = std::vector<std::string>;

// Builds that share a store, and whose runs are played. The units stand in the file's order.
class Sharing : public Project {
public:
    static constexpr std::size_t u = 0;
    static constexpr std::size_t plain = 1;

    Sharing()
    {
        write("src/a.c");
        for (const char* const name : {"a", "b", "c"}) {
            header(name, "1");
        }
        auto opened = Store::open(path(".store"));
        REQUIRE(said(opened) == "none");
        store = std::make_shared<Store>(*std::move(opened));
    }

    void header(const std::string& name, std::string_view bytes) const
    {
        write("include/" + name + ".h", bytes);
    }
    std::shared_ptr<Build> build() const
    {
        auto out = std::make_shared<Build>();
        out->order = order(file);
        out->order.store = store;
        auto state = graph::BuildState::open(out->order, false);
        REQUIRE(said(state) == "none");
        out->state = *std::move(state);
        return out;
    }
    static UnitInputs inputs(Build& build, std::size_t place)
    {
        auto key = build.state->key(place);
        REQUIRE(said(key) == "none");
        return key->inputs;
    }
    // Somebody has built it, and its compiler read these headers.
    Sha256 ran(const Paths& discovered, const std::string& made, std::size_t place = u) const
    {
        const auto now = build();
        const UnitInputs of = inputs(*now, place);
        const auto table = now->state->discovered(place, discovered);
        REQUIRE(said(table) == "none");
        StoredResult result;
        result.key = result_record(of, *table).digest();
        result.unit = now->state->plan().units[place].unit->name;
        StoredOutput output;
        output.path = "out";
        const auto blob = store->put(made);
        REQUIRE(said(blob) == "none");
        output.content = *blob;
        result.outputs = {output};
        const auto kept = graph::keep_result(*store, result, "log of " + made, of, discovered);
        REQUIRE(said(kept) == "none");
        CHECK(kept->log == Blob{sha256("log of " + made), made.size() + 7});
        return result.key;
    }
    std::optional<FoundResult> find(std::size_t place = u) const
    {
        const auto now = build();
        auto result = run(graph::find_result(*now, place, inputs(*now, place)));
        REQUIRE(said(result) == "none");
        return *std::move(result);
    }
    // What was made by the run that is found; "nothing".
    std::string found(std::size_t place = u) const
    {
        const auto result = find(place);
        if (!result) return "nothing";
        CHECK(result->record.digest() == result->result.key);
        CHECK_FALSE(result->shared);
        std::string bytes;
        const auto read =
            store->read(result->result.outputs.front().content, [&](std::string_view piece) {
                bytes += piece;
                return ok();
            });
        REQUIRE(said(read) == "none");
        return bytes;
    }

    std::shared_ptr<Store> store;
};

Paths headers(const std::optional<FoundResult>& result)
{
    REQUIRE(result);
    Paths out;
    for (const auto& [path, text] : result->discovered) {
        out.push_back(path);
    }
    return out;
}

// A shared cache with one result, which is served under every key.
class OneResult final : public SharedCache {
public:
    explicit OneResult(StoredResult result) : result_(std::move(result)) {}

    Task<std::optional<std::string>> get(Kind kind, Sha256 name, std::uint64_t) override
    {
        std::optional<std::string> bytes;
        if (kind == Kind::result) {
            result_.key = name;
            bytes = result_.encode();
        }
        co_return bytes;
    }
    Task<> put(Kind, Sha256, std::string) override { co_return ok(); }
    SharedCacheReport report() const override { return {}; }

private:
    StoredResult result_;
};

const Paths a{"include/a.h"};
const Paths b{"include/b.h"};
const Paths both{"include/a.h", "include/b.h"};

} // namespace

TEST_SUITE("core.graph.found_result")
{
    TEST_CASE("nothing is known at first")
    {
        const Sharing sharing;
        CHECK(sharing.found() == "nothing");
        CHECK(sharing.found(Sharing::plain) == "nothing");
    }

    TEST_CASE("a result of a shared cache has nothing but declared outputs")
    {
        const Sharing sharing;
        const auto blob = sharing.store->put("made");
        REQUIRE(said(blob) == "none");
        const auto found = [&](std::vector<StoredOutput> outputs) {
            StoredResult result;
            result.unit = "plain";
            result.outputs = std::move(outputs);
            const auto now = sharing.build();
            now->order.shared = std::make_shared<OneResult>(std::move(result));
            const auto inputs = Sharing::inputs(*now, Sharing::plain);
            const auto taken = run(graph::find_result(*now, Sharing::plain, inputs));
            REQUIRE(said(taken) == "none");
            return taken->has_value();
        };
        const auto output = [&](std::string path, StoredOutput::Kind kind) {
            StoredOutput one;
            one.path = std::move(path);
            one.kind = kind;
            if (kind == StoredOutput::Kind::file) one.content = *blob;
            return one;
        };
        const StoredOutput above = output("out", StoredOutput::Kind::directory);
        const StoredOutput own = output("out/plain", StoredOutput::Kind::file);
        CHECK_FALSE(found({above, own, output(".git/hooks/x", StoredOutput::Kind::file)}));
        CHECK_FALSE(found({above, own, output("out/plain2", StoredOutput::Kind::file)}));
        CHECK_FALSE(found({output("out", StoredOutput::Kind::symlink), own}));
        CHECK_FALSE(found({above, own, output("src", StoredOutput::Kind::directory)}));
        CHECK(found({above, own}));
    }

    TEST_CASE("a unit that discovers nothing is found by what it declares")
    {
        const Sharing sharing;
        const Sha256 key = sharing.ran({}, "made", Sharing::plain);
        CHECK(sharing.found(Sharing::plain) == "made");
        const auto result = sharing.find(Sharing::plain);
        REQUIRE(result);
        CHECK(result->result.key == key);
        CHECK(sharing.found() == "nothing");
        sharing.header("a", "2"); // it is none of its inputs
        CHECK(sharing.found(Sharing::plain) == "made");
        sharing.write("src/a.c", "other");
        CHECK(sharing.found(Sharing::plain) == "nothing");
    }

    TEST_CASE("what was discovered has to be as it was, what was not may be anything")
    {
        const Sharing sharing;
        sharing.ran(a, "with a1");
        CHECK(sharing.found() == "with a1");
        CHECK(headers(sharing.find()) == a);
        sharing.header("b", "2");
        CHECK(sharing.found() == "with a1");
        sharing.header("a", "2");
        CHECK(sharing.found() == "nothing");
        sharing.header("a", "1");
        CHECK(sharing.found() == "with a1");
        // A header that comes or goes could be found before others.
        sharing.header("new", "1");
        CHECK(sharing.found() == "nothing");
        std::filesystem::remove(sharing.path("include/new.h"));
        CHECK(sharing.found() == "with a1");
        std::filesystem::remove(sharing.path("include/a.h"));
        CHECK(sharing.found() == "nothing");
    }

    TEST_CASE("each of several sets leads to its result")
    {
        const Sharing sharing;
        sharing.header("a", "plain");
        sharing.ran(a, "a, which includes nothing");
        sharing.header("a", "includes b");
        sharing.ran(both, "a and b1");
        sharing.header("b", "2");
        sharing.ran(both, "a and b2");
        CHECK(sharing.found() == "a and b2");
        CHECK(headers(sharing.find()) == both);
        sharing.header("b", "1");
        CHECK(sharing.found() == "a and b1");
        sharing.header("a", "plain");
        CHECK(sharing.found() == "a, which includes nothing");
        CHECK(headers(sharing.find()) == a);
        sharing.header("b", "3");
        CHECK(sharing.found() == "a, which includes nothing");
        sharing.header("a", "includes b");
        CHECK(sharing.found() == "nothing");
    }

    TEST_CASE("the set that was discovered last is tried first")
    {
        const Sharing sharing;
        sharing.ran(a, "first");
        sharing.ran(b, "second");
        CHECK(sharing.found() == "second");
        sharing.ran(a, "third");
        CHECK(sharing.found() == "third");
        sharing.ran({}, "fourth");
        CHECK(sharing.found() == "fourth");
    }

    TEST_CASE("a set whose result has gone is passed over")
    {
        const Sharing sharing;
        sharing.ran(a, "first");
        sharing.ran(b, "second");
        // As a cleaner, or a broken disk, may leave it.
        const Blob blob{sha256("second"), 6};
        bool removed = false;
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator(sharing.path(".store"))) {
            const std::string name = entry.path().filename();
            if (to_hex(blob.digest).ends_with(name) && name.size() > 40) {
                removed = std::filesystem::remove(entry.path());
            }
        }
        REQUIRE(removed);
        CHECK(sharing.found() == "first");
    }

    TEST_CASE("sets are kept apart by what is declared")
    {
        const Sharing sharing;
        sharing.ran(a, "of the old source");
        sharing.write("src/a.c", "new");
        CHECK(sharing.found() == "nothing");
        sharing.ran(b, "of the new source");
        CHECK(sharing.found() == "of the new source");
        sharing.write("src/a.c");
        CHECK(sharing.found() == "of the old source");
    }

    TEST_CASE("only so many sets are kept, the oldest go")
    {
        const Sharing sharing;
        for (int i = 0; i < 20; ++i) {
            sharing.header("x" + std::to_string(i), "1");
        }
        sharing.ran({"include/x0.h"}, "old");
        for (int i = 1; i < 16; ++i) {
            sharing.ran({"include/x" + std::to_string(i) + ".h"}, std::to_string(i));
        }
        for (int i = 1; i < 16; ++i) {
            sharing.header("x" + std::to_string(i), "changed");
        }
        CHECK(sharing.found() == "old");
        sharing.ran({"include/x17.h"}, "one more");
        sharing.header("x17", "changed");
        CHECK(sharing.found() == "nothing");
        CHECK_FALSE(sharing.find());
    }

    TEST_CASE("a note that is damaged, or names what is not there, finds nothing")
    {
        const Sharing sharing;
        sharing.ran(a, "made");
        const auto build = sharing.build();
        const Sha256 declared = declared_record(Sharing::inputs(*build, Sharing::u)).digest();
        const std::string good = *sharing.store->find_note(declared);
        for (std::size_t size = 0; size < good.size(); ++size) {
            CAPTURE(size);
            REQUIRE(sharing.store->put_note(declared, good.substr(0, size)));
            CHECK(sharing.found() == "nothing");
        }
        for (const char* const path : {"../../etc/passwd", "/etc/passwd", "", ".", "include"}) {
            CAPTURE(path);
            std::string note = std::string("\1\0\0\0\1\0\0\0", 8);
            note += static_cast<char>(std::string_view(path).size());
            note += std::string(3, '\0') + path;
            REQUIRE(sharing.store->put_note(declared, note));
            CHECK(sharing.found() == "nothing");
        }
        sharing.ran(a, "made again");
        CHECK(sharing.found() == "made again");
    }
}
