#include "sync/tree_state.hpp"

#include "sync/known_tree.hpp"
#include "unit/sync/trees.hpp"

#include <algorithm>
#include <random>
#include <set>

using namespace slipway;
using namespace slipway::test;
using core::ContentHash;
using sync::TreeState;

namespace {

TreeState some_state(std::mt19937& random)
{
    std::set<std::string> names;
    for (int i = 0; i < 30; ++i) {
        std::string name;
        for (auto parts = random() % 3 + 1; parts > 0; --parts) {
            name += (name.empty() ? "" : "/") + std::string(1, "ab.\x01\xff"[random() % 5]);
        }
        names.insert(name);
    }
    TreeState state;
    for (const std::string& name : names) {
        state.push_back(entry(name, agent::EntryKind::file, random() % 3 + 1));
    }
    std::sort(state.begin(), state.end(), [](const auto& a, const auto& b) {
        return sync::path_less(a.path, b.path);
    });
    return state;
}

sync::KnownTree some_known(std::mt19937& random)
{
    sync::KnownTree tree;
    tree.state = some_state(random);
    for (std::size_t i = 0; i < tree.state.size(); ++i) {
        tree.marks.push_back({random(), static_cast<std::int64_t>(random())});
    }
    return tree;
}

} // namespace

TEST_SUITE("core.sync.tree_state")
{
    TEST_CASE("the order is that of a walk: a directory, what it has, its next sibling")
    {
        const std::vector<std::string> sorted{
            "a", "a/b", "a/b/c", "a/b.c", "a.b", "a.b/c", "b", "\xc3\xa4"};
        for (std::size_t i = 0; i < sorted.size(); ++i) {
            for (std::size_t k = 0; k < sorted.size(); ++k) {
                INFO(sorted[i], " and ", sorted[k]);
                CHECK(sync::path_less(sorted[i], sorted[k]) == (i < k));
            }
        }
        CHECK(sync::path_less("", "a"));
    }

    TEST_CASE("a change leads from one state to the other, whatever both are")
    {
        std::mt19937 random(7);
        for (int i = 0; i < 500; ++i) {
            const TreeState from = some_state(random);
            const TreeState to = some_state(random);
            const sync::StateChange change = sync::change_between(from, to);
            CHECK(sync::changed_by(from, change) == to);
            CHECK(sync::change_between(to, to).empty());
            for (const std::string& gone : change.gone) {
                const auto has = [&](const TreeState& state) {
                    return std::any_of(state.begin(), state.end(), [&](const auto& other) {
                        return other.path == gone;
                    });
                };
                CHECK(has(from));
                CHECK_FALSE(has(to));
            }
        }
    }

    TEST_CASE("a digest differs when any field does")
    {
        const TreeState state{directory("a"), entry("a/b")};
        std::set<std::pair<std::uint64_t, std::uint64_t>> digests;
        const auto add = [&](const TreeState& other) {
            const ContentHash digest = sync::digest_of(other);
            CHECK(digests.emplace(digest.high, digest.low).second);
        };
        add({});
        add(state);
        std::vector<TreeState> others(8, state);
        others[0][1].path = "a/c";
        others[1][1].kind = static_cast<std::uint8_t>(agent::EntryKind::fifo);
        others[2][1].mode = 0755;
        others[3][1].size = 2;
        others[4][1].mtime_ns = 1;
        others[5][1].link_target = "x";
        others[6][1].digest.high = 1;
        others[7][1].same_as = "a";
        for (const TreeState& other : others) {
            add(other);
        }
        CHECK(sync::digest_of(state) == sync::digest_of(TreeState(state)));
    }
}

TEST_SUITE("core.sync.known_tree")
{
    TEST_CASE("what is written is read again, with its digest")
    {
        std::mt19937 random(9);
        for (int i = 0; i < 50; ++i) {
            sync::KnownTree tree = some_known(random);
            const std::string bytes = sync::encode(tree);
            const auto read = sync::decode_known_tree(bytes);
            REQUIRE(read);
            CHECK(read->state == tree.state);
            CHECK(read->marks == tree.marks);
            CHECK(read->digest == sync::digest_of(tree.state));
        }
        sync::KnownTree none;
        CHECK(sync::decode_known_tree(sync::encode(none))->state.empty());
    }

    TEST_CASE("a damaged file, a cut one and one of another version are none")
    {
        std::mt19937 random(11);
        sync::KnownTree tree = some_known(random);
        const std::string bytes = sync::encode(tree);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            std::string damaged = bytes;
            damaged[i] = static_cast<char>(damaged[i] ^ (1 << random() % 8));
            CHECK_FALSE(sync::decode_known_tree(damaged));
            CHECK_FALSE(sync::decode_known_tree(bytes.substr(0, i)));
        }
        CHECK_FALSE(sync::decode_known_tree(bytes + "x"));
        std::string newer = bytes;
        newer.replace(0, 14, "slipway tree 2");
        CHECK_FALSE(sync::decode_known_tree(newer));
    }

    TEST_CASE("a digest is known only of the same file, with the same times")
    {
        sync::KnownTree tree;
        tree.state = {entry("a", agent::EntryKind::file, 5, 10), entry("b")};
        tree.state[0].mtime_ns = 7;
        tree.marks = {{3, 4}, {}};
        const sync::Memo memo(tree);
        const ContentHash known = tree.state[0].digest;
        const sync::KnownTree::Mark mark{3, 4};
        CHECK(memo.digest("a", 10, 7, mark) == known);
        CHECK(memo.digest("c", 10, 7, mark) == ContentHash());
        CHECK(memo.digest("a", 11, 7, mark) == ContentHash());
        CHECK(memo.digest("a", 10, 8, mark) == ContentHash());
        CHECK(memo.digest("a", 10, 7, {2, 4}) == ContentHash());
        CHECK(memo.digest("a", 10, 7, {3, 5}) == ContentHash());
        CHECK(memo.digest("b", 1, 0, {}) == ContentHash()); // a mark of 0 is none
        CHECK(sync::Memo().digest("a", 10, 7, mark) == ContentHash());
    }
}
