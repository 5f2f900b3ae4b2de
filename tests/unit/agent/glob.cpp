#include "agent/glob.hpp"

#include "agent/selection.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace slipway::agent;

namespace {

TreeItem pattern(std::string text)
{
    TreeItem item;
    item.kind = static_cast<std::uint8_t>(ItemKind::pattern);
    item.text = std::move(text);
    return item;
}

std::string problem_of(const TreeItem& item)
{
    std::vector<ItemPart> parts;
    return std::string(parse_item(item, parts));
}

/// Whether a walk that comes to the path takes it for what the item means.
bool selects(const TreeItem& item, std::string_view path)
{
    Selection selection;
    REQUIRE(selection.add(item).empty());
    bool selected = false;
    Selection::States states = selection.begin(selected);
    for (std::string_view rest = path; !rest.empty();) {
        const std::size_t slash = rest.find('/');
        selected = false;
        states = selection.step(states, rest.substr(0, slash), selected);
        rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    }
    CHECK((selection.missing() == nullptr) >= selected);
    return selected;
}

} // namespace

TEST_SUITE("agent.glob")
{
    TEST_CASE("a part matches the whole of a name")
    {
        struct Row {
            const char* glob;
            const char* name;
            bool matches;
        };
        for (const Row& row : {
                 Row{"*", "", true},
                 {"*", "a", true},
                 {"*", ".hidden", true},
                 {"?", "a", true},
                 {"?", "", false},
                 {"?", "ab", false},
                 {"?", "\xc3\xa4", true}, // one character of two bytes
                 {"??", "\xc3\xa4", false},
                 {"?", "\xff", true}, // a byte that is no character
                 {"?", "\xc3", true},
                 {"??", "\xc3\xc3", true},
                 {"a*b", "ab", true},
                 {"a*b", "axxb", true},
                 {"a*b", "axxbc", false},
                 {"*.o", "a.o", true},
                 {"*.o", ".o", true},
                 {"*.o", "a.o.d", false},
                 {"*a*b*c*", "xaybzc", true},
                 {"*a*b*c*", "xaybz", false},
                 {"[abc]", "b", true},
                 {"[abc]", "d", false},
                 {"[a-c]x", "bx", true},
                 {"[!a-c]", "d", true},
                 {"[^a-c]", "b", false},
                 {"[]]", "]", true},
                 {"[!]]", "]", false},
                 {"[a-]", "-", true},
                 {"[-a]", "-", true},
                 {"[\\]a]", "]", true},
                 {"[*]", "*", true},
                 {"[*]", "x", false},
                 {"[\xc3\xa4\xc3\xb6]", "\xc3\xb6", true},
                 {"[\xc3\xa0-\xc3\xa5]", "\xc3\xa4", true},
                 {"\\*", "*", true},
                 {"\\*", "x", false},
                 {"\\*?", "*x", true},
                 {"*\n*", "a\nb", true},
             }) {
            CAPTURE(row.glob);
            CAPTURE(row.name);
            CHECK(glob_matches(row.glob, row.name) == row.matches);
        }
    }

    TEST_CASE("many stars take no more than length by length")
    {
        const std::string name(255, 'a');
        std::string stars;
        for (int i = 0; i < 100; ++i) {
            stars += "*a";
        }
        CHECK(glob_matches(stars, name));
        CHECK(!glob_matches(stars + "b", name));
    }

    TEST_CASE("a pattern is held against whole paths")
    {
        struct Row {
            const char* pattern;
            const char* path;
            bool selected;
        };
        for (const Row& row : {
                 Row{"a/*.o", "a/x.o", true},
                 {"a/*.o", "a/b/x.o", false},
                 {"*.o", "a/x.o", false},
                 {"**/*.o", "x.o", true},
                 {"**/*.o", "a/b/c/x.o", true},
                 {"a/**/b", "a/b", true},
                 {"a/**/b", "a/x/y/b", true},
                 {"a/**/b", "a/x/y/c", false},
                 {"a/**/b/**/c", "a/b/c", true},
                 {"a/**/b/**/c", "a/1/b/2/3/c", true},
                 {"a/**/b/**/c", "a/1/c/2/3/b", false},
                 {"**", "a", true},
                 {"**", "a/b", true},
                 {"a/**", "a", false},
                 {"a/**", "a/b/c", true},
                 {"**/**/a", "a", true},
                 {"**/a/*", "a/a/x", true},
                 {"lib\\[1\\]/?", "lib[1]/x", true},
             }) {
            CAPTURE(row.pattern);
            CAPTURE(row.path);
            CHECK(selects(pattern(row.pattern), row.path) == row.selected);
        }
    }

    TEST_CASE("a path is a name as it is")
    {
        TreeItem item;
        item.text = "./a//?[x]*/**/";
        CHECK(selects(item, "a/?[x]*/**"));
        CHECK(!selects(item, "a/zx_/b"));
        item.text = ".";
        Selection selection;
        REQUIRE(selection.add(item).empty());
        bool selected = false;
        CHECK(selection.begin(selected).empty());
        CHECK(selected);
    }

    TEST_CASE("what is no item is refused with the reason")
    {
        for (const char* bad :
             {"",    "/a",      "a/../b", "..",  ".",    "./a",   "a//b",        "a/",
              "[a",  "a/[b/c]", "[",      "[]",  "[!]",  "[z-a]", "[[:alpha:]]", "a**",
              "**b", "a/b**/c", "***",    "a\\", "a\\/b"}) {
            CAPTURE(bad);
            CHECK(!problem_of(pattern(bad)).empty());
        }
        for (const char* bad : {"", "/a", "a/../b", ".."}) {
            TreeItem item;
            item.text = bad;
            CHECK(!problem_of(item).empty());
        }
        TreeItem nul;
        nul.text = std::string("a\0b", 3);
        CHECK(!problem_of(nul).empty());
        nul.text = "a";
        nul.kind = 2;
        CHECK(!problem_of(nul).empty());
    }
}
