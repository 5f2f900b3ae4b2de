#include "sync/plan.hpp"

#include "unit/sync/trees.hpp"

using namespace slipway;
using namespace slipway::test;
using sync::Plan;
using sync::TreeState;
using Paths = std::vector<std::string>;
using Set = std::set<std::string, std::less<>>;

TEST_SUITE("core.sync.plan")
{
    TEST_CASE("equal trees need nothing")
    {
        const TreeState tree{directory("a"), entry("a/b"), entry("c")};
        CHECK(sync::plan(tree, tree).empty());
        CHECK(sync::plan({}, {}).empty());
    }

    TEST_CASE("what is only there is removed, by the topmost directory alone")
    {
        const TreeState there{
            directory("a"),
            entry("a/b"),
            directory("a/c"),
            entry("a/c/d"),
            entry("a.b"),
            entry("e")};
        const Plan plan = sync::plan({}, there);
        CHECK(plan.remove == Paths{"a", "a.b", "e"});
        CHECK(plan.send.empty());
    }

    TEST_CASE("what differs in anything is sent, without what is above it")
    {
        TreeState here{directory("a"), entry("a/b"), directory("n"), entry("n/x")};
        TreeState there{directory("a"), entry("a/b")};
        CHECK(sync::plan(here, there).send == Set{"n", "n/x"});
        here[1].mode = 0755;
        CHECK(sync::plan(here, there).send == Set{"a/b", "n", "n/x"});
        here[0].mode = 0700;
        CHECK(sync::plan(here, there).send == Set{"a", "a/b", "n", "n/x"});
        CHECK(sync::plan(here, there).remove.empty());
    }

    TEST_CASE("a file in the place of a directory, and the other way round")
    {
        const TreeState file{entry("a"), entry("b")};
        const TreeState tree{directory("a"), entry("a/x"), entry("b")};
        CHECK(sync::plan(file, tree).remove == Paths{"a"});
        CHECK(sync::plan(file, tree).send == Set{"a"});
        CHECK(sync::plan(tree, file).remove == Paths{"a"});
        CHECK(sync::plan(tree, file).send == Set{"a", "a/x"});
    }

    TEST_CASE("all names of a file go together when one of them goes")
    {
        TreeState here{entry("a"), entry("b"), entry("c"), entry("d")};
        here[1].same_as = here[3].same_as = "a";
        TreeState there = here;
        CHECK(sync::plan(here, there).empty());
        there[3].digest.low = 9;
        CHECK(sync::plan(here, there).send == Set{"a", "b", "d"});
        there = here;
        there[1].same_as.clear(); // two files there
        CHECK(sync::plan(here, there).send == Set{"a", "b", "d"});
    }

    TEST_CASE("only a file that could be the same is read")
    {
        TreeState here{
            directory("a"),
            entry("a/new", agent::EntryKind::file, 0),
            entry("known"),
            entry("longer", agent::EntryKind::file, 0, 2),
            entry("same", agent::EntryKind::file, 0)};
        const TreeState there{directory("a"), entry("known"), entry("longer"), entry("same")};
        CHECK(sync::to_be_read(here, there) == std::vector<std::size_t>{4});
        CHECK(sync::plan(here, there).send.contains("same")); // unread it is as no other
    }

    TEST_CASE("the way to what is sent")
    {
        const Set send{"a.b", "a/b/c", "x"};
        for (const char* path : {"a", "a/b", "a/b/c", "a.b", "x"}) {
            CHECK(sync::leads_to(send, path));
        }
        for (const char* path : {"", "a/b/c/d", "a/c", "b", "a.", "y"}) {
            CHECK_FALSE(sync::leads_to(send, path));
        }
    }
}
