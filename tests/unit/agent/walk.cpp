#include "walk.hpp"

#include "file_reader.hpp"
#include "trees.hpp"

#include <atomic>
#include <set>
#include <string>
#include <thread>

// Trees to which jobs still write.

using namespace slipway;
using namespace slipway::test;
using agent::Found;
using agent::TreeEnd;

namespace fs = std::filesystem;

namespace {

/// The files that can be opened, when one of them is removed after the look at it.
struct Visited {
    TreeEnd end;
    std::set<std::string> opened;
};

Visited visit(const std::vector<agent::TreeItem>& items, const std::string& vanishing)
{
    const TempDirectory top;
    fs::create_directory(top.path() / "d");
    for (const char* const name : {"a", "b", "d/b", "d/c"}) {
        write(top.path() / name, "x");
    }
    Visited out{};
    out.end = agent::walk(top.path(), items, [&](const Found& found) {
        if (S_ISDIR(found.status.st_mode)) return TreeEnd::done;
        if (found.path == vanishing) fs::remove(top.path() / vanishing);
        const agent::FileReader file(found);
        if (!file.is_open()) return file.end();
        out.opened.insert(found.path);
        return TreeEnd::done;
    });
    return out;
}

} // namespace

TEST_SUITE("agent.walk")
{
    TEST_CASE("what goes away between the look at it and its opening is left out")
    {
        using Names = std::set<std::string>;
        const Visited all = visit({path(".")}, "b");
        CHECK(all.end == TreeEnd::done);
        CHECK(all.opened == Names{"a", "d/b", "d/c"});
        const Visited below = visit({path("d"), glob("?")}, "d/b");
        CHECK(below.end == TreeEnd::done);
        CHECK(below.opened == Names{"a", "b", "d/c"});
        const Visited matched = visit({glob("**/b")}, "d/b");
        CHECK(matched.end == TreeEnd::done);
        CHECK(matched.opened == Names{"b"});
    }

    TEST_CASE("what was required and has gone away was not there")
    {
        CHECK(visit({path("b")}, "b").end == TreeEnd::missing);
        CHECK(visit({path("d/b"), path(".")}, "d/b").end == TreeEnd::missing);
        CHECK(visit({glob("[b-c]")}, "b").end == TreeEnd::missing);
        CHECK(visit({maybe("b"), maybe_glob("b*"), path("a")}, "b").end == TreeEnd::done);
    }

    TEST_CASE("names that come and go while a tree is packed or listed are no error")
    {
        const TempDirectory top;
        const TempDirectory aside;
        fs::create_directory(top.path() / "d");
        std::vector<std::string> names;
        for (const char* const kind : {"file", "same", "link"}) {
            for (const char* const number : {"0", "1", "2", "3"}) {
                names.push_back(std::string(kind) + number);
                const fs::path place = aside.path() / names.back();
                if (names.back().starts_with("file")) write(place, "content");
                if (names.back().starts_with("same")) {
                    fs::create_hard_link(aside.path() / ("file" + std::string(number)), place);
                }
                if (names.back().starts_with("link")) fs::create_symlink("nowhere", place);
            }
        }
        std::atomic<bool> done = false;
        std::thread mover([&] {
            while (!done) {
                for (const std::string& name : names) {
                    fs::rename(aside.path() / name, top.path() / "d" / name);
                }
                for (const std::string& name : names) {
                    fs::rename(top.path() / "d" / name, aside.path() / name);
                }
            }
        });
        TreeSession session;
        for (int turn = 0; turn < 100; ++turn) {
            const Outcome listed =
                session.manifest(top.path(), {path("d")}, agent::DigestKind::xxh3);
            CHECK(listed.err == "");
            CHECK(listed.exited(0));
            const Outcome packed = session.pack(top.path(), {path("d")});
            CHECK(packed.err == "");
            CHECK(packed.exited(0));
            const TempDirectory to;
            const Outcome unpacked = session.unpack(to.path(), packed.out);
            CHECK(unpacked.err == "");
        }
        done = true;
        mover.join();
    }
}
