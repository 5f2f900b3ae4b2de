#include "graph/source_names.hpp"

#include "projects.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <regex>
#include <set>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;
using graph::PathPattern;
using graph::SourceNames;

namespace {

namespace fs = std::filesystem;

using Paths = std::vector<std::string>;

constexpr std::string_view tag = "Signature: 8a477f597d28d172789f06886806bc55\n";

bool matches(std::string_view pattern, std::string_view path)
{
    const auto parsed = PathPattern::parse(pattern);
    REQUIRE(said(parsed) == "none");
    return parsed->matches(path);
}

Paths found(SourceNames& names, std::string_view pattern)
{
    const auto paths = names.matching(pattern);
    REQUIRE(said(paths) == "none");
    return **paths;
}

Paths found(const Project& project, std::string_view pattern)
{
    SourceNames names(project.root());
    return found(names, pattern);
}

// The simplest that can do it: of plain patterns with *, ?, [ab] and **.
std::string regex_of(std::string_view pattern)
{
    std::string out;
    while (!pattern.empty()) {
        const std::size_t slash = pattern.find('/');
        const std::string_view part = pattern.substr(0, slash);
        pattern = slash == std::string_view::npos ? std::string_view() : pattern.substr(slash + 1);
        const bool last = pattern.empty();
        if (part == "**") {
            out += last ? ".+" : "([^/]+/)*";
            continue;
        }
        for (std::size_t i = 0; i < part.size(); ++i) {
            switch (part[i]) {
            case '*':
                out += "[^/]*";
                break;
            case '?':
                out += "[^/]";
                break;
            case '.':
                out += "\\.";
                break;
            case '!':
                out += '^';
                break;
            default:
                out += part[i];
            }
        }
        if (!last) out += '/';
    }
    return out + "(/.*)?";
}

void list(const fs::path& directory, const std::string& path, Paths& out)
{
    for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        if (path.empty() && (name == ".git" || name == ".slipway")) continue;
        const std::string below = path + name;
        if (!fs::is_directory(entry.symlink_status())) {
            out.push_back(below);
        } else if (!fs::exists(entry.path() / "CACHEDIR.TAG")) {
            list(entry.path(), below + "/", out);
        }
    }
}

class RandomTree : public Project {
public:
    explicit RandomTree(unsigned seed) : random_(seed)
    {
        fill("", 0);
        list(root(), "", all);
        std::ranges::sort(all);
    }

    std::string pattern()
    {
        static constexpr std::array<std::string_view, 18> parts{
            "a",
            "b",
            "ab",
            ".h",
            "a.c",
            ".git",
            "*",
            "**",
            "**",
            "?",
            "*.c",
            "[ab]",
            "[!a]*",
            "a*",
            ".*",
            "link",
            "cache",
            "*b"};
        std::string out;
        for (unsigned i = 0, count = 1 + below(4); i < count; ++i) {
            if (i > 0) out += '/';
            out += parts[below(parts.size())];
        }
        return out;
    }

    Paths all;

private:
    unsigned below(std::size_t most) { return static_cast<unsigned>(random_() % most); }

    void fill(const std::string& path, int depth)
    {
        static constexpr std::array<std::string_view, 9> names{
            "a", "b", "ab", ".h", "a.c", "b.c", ".git", "link", "cache"};
        for (const std::string_view name : names) {
            const std::string own = path + std::string(name);
            const unsigned kind = below(5);
            if (name == "link") {
                // Also one that leads up to where all is.
                if (kind < 3) link(own, kind == 0 ? ".." : kind == 1 ? "a" : "nowhere");
            } else if (kind < 2) {
                write(own);
            } else if (kind < 4 && depth < 3) {
                make(own);
                if (name == "cache" && kind == 2) write(own + "/CACHEDIR.TAG", tag);
                fill(own + "/", depth + 1);
            }
        }
    }

    std::mt19937 random_;
};

} // namespace

TEST_SUITE("core.graph.source_names")
{
    TEST_CASE("what a pattern means")
    {
        struct Row {
            std::string_view pattern;
            Paths yes, no;
        };
        const std::vector<Row> rows{
            {"src", {"src", "src/a", "src/a/b"}, {"srcs", "a/src", "sr"}},
            {"src/", {"src", "src/a"}, {"srcs"}},
            {"*.c", {"a.c", ".c", "a.b.c", "dir.c/file"}, {"a/b.c", "a.cc", "c"}},
            {"*", {"a", ".hidden", "a/b"}, {}},
            {"**", {"a", "a/b"}, {}},
            {"**/*.c", {"a.c", "a/b.c", "a/b/c.c", ".x/.c"}, {"a/b.h"}},
            {"src/**", {"src/a", "src/a/b"}, {"src", "srcs/a"}},
            {"src/**/x", {"src/x", "src/a/x", "src/a/b/x", "src/x/y"}, {"x", "src/xx", "srcx"}},
            {"**/a/**/b", {"a/b", "x/a/y/z/b", "a/a/b"}, {"b/a", "a", "ab"}},
            {"a/*/c", {"a/b/c", "a/./c"}, {"a/c", "a/b/b/c"}},
            {"?.c", {"a.c", "\xc3\xa4.c", "\xff.c"}, {"ab.c", ".c"}},
            {"[a-c_]x", {"ax", "bx", "_x"}, {"dx", "x", "Ax"}},
            {"[!a-c]x", {"dx"}, {"ax", "x"}},
            {"[^a]x", {"bx"}, {"ax"}},
            {"[]]", {"]"}, {"["}},
            {"\\*.c", {"*.c"}, {"a.c"}},
            {"a\\[b", {"a[b"}, {"ab"}},
            {"{a,b}", {"{a,b}"}, {"a"}},
        };
        for (const Row& row : rows) {
            CAPTURE(row.pattern);
            for (const std::string& path : row.yes) {
                CAPTURE(path);
                CHECK(matches(row.pattern, path));
            }
            for (const std::string& path : row.no) {
                CAPTURE(path);
                CHECK_FALSE(matches(row.pattern, path));
            }
        }
    }

    TEST_CASE("what is no pattern")
    {
        for (const std::string_view text : {"/a", "../a", "a/../b", "a//b", "./a", "[a", "a\\"}) {
            CAPTURE(text);
            CHECK(code_of(PathPattern::parse(text)) == Errc::invalid_argument);
            SourceNames names("/");
            CHECK(code_of(names.matching(text)) == Errc::invalid_argument);
        }
    }

    TEST_CASE("which directory a pattern begins with")
    {
        struct Row {
            std::string_view pattern, prefix;
            bool literal;
        };
        for (const Row& row : {
                 Row{"src/lib/*.c", "src/lib", false},
                 Row{"*.c", "", false},
                 Row{"**/x", "", false},
                 Row{"a/**/x", "a", false},
                 Row{"a/b", "a/b", true},
                 Row{"a/\\*", "a/*", true},
             }) {
            CAPTURE(row.pattern);
            const auto pattern = PathPattern::parse(row.pattern);
            REQUIRE(said(pattern) == "none");
            CHECK(pattern->literal_prefix() == row.prefix);
            CHECK(pattern->is_literal() == row.literal);
        }
    }

    // Each ** would have to be tried with each of the others.
    TEST_CASE("many ** cost no more than few")
    {
        std::string pattern;
        std::string path;
        for (int i = 0; i < 30; ++i) {
            pattern += "**/a/*/";
        }
        for (int i = 0; i < 200; ++i) {
            path += "a/";
        }
        const auto began = std::chrono::steady_clock::now();
        CHECK_FALSE(matches(pattern + "b", path + "a"));
        CHECK(matches(pattern + "b", path + "b"));
        CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
    }

    TEST_CASE("names come sorted by their bytes, with links and without directories")
    {
        const Project project;
        for (const char* const name : {"src/b.c", "src/a.c", "src/sub/c.c", "src-x", "z\xff"}) {
            project.write(name);
        }
        project.make("empty/below");
        project.link("src/link", "sub");
        project.link("broken", "nowhere");
        CHECK(
            found(project, "**")
            == Paths{"broken", "src-x", "src/a.c", "src/b.c", "src/link", "src/sub/c.c", "z\xff"}
        );
        CHECK(found(project, "src") == Paths{"src/a.c", "src/b.c", "src/link", "src/sub/c.c"});
        CHECK(found(project, "empty").empty());
        CHECK(found(project, "none/**").empty());
        CHECK(found(project, std::string(300, 'x') + "/*").empty());
        // Nothing is behind a link.
        CHECK(found(project, "src/link/*").empty());
        CHECK(found(project, "src/link/c.c").empty());
        CHECK(found(project, "src/*/c.c") == Paths{"src/sub/c.c"});
    }

    TEST_CASE("the path of a file is found, whatever was listed before")
    {
        const Project project;
        project.write("src/a.c");
        project.write("src/a.c-x");
        project.write("src/b*");
        project.link("src/link", "a.c");
        CHECK(found(project, "src/a.c") == Paths{"src/a.c"});
        CHECK(found(project, "src/link") == Paths{"src/link"});
        CHECK(found(project, "src/b\\*") == Paths{"src/b*"});
        CHECK(found(project, "src/a.c/b").empty());
        CHECK(found(project, "src/a").empty());
        SourceNames names(project.root());
        CHECK(found(names, "**").size() == 4);
        CHECK(found(names, "src/a.c") == Paths{"src/a.c"});
    }

    TEST_CASE("what is slipway's, git's or a cache's is no source")
    {
        const Project project;
        project.write("a");
        project.write(".slipway/units/x");
        project.write(".git/config");
        project.write("sub/.git/config"); // only at the top
        project.write("target/CACHEDIR.TAG", tag);
        project.write("target/debug/x");
        project.write("other/CACHEDIR.TAG", "no signature");
        const Paths all{"a", "other/CACHEDIR.TAG", "sub/.git/config"};
        CHECK(found(project, "**") == all);
        CHECK(found(project, "*") == all);
        // Also for a pattern that begins there.
        for (const char* const pattern :
             {".git/*",
              ".git",
              ".git/config",
              ".slipway/**",
              "target/*",
              "target/debug/*",
              "target/debug/x"}) {
            CAPTURE(pattern);
            CHECK(found(project, pattern).empty());
        }
        CHECK(found(project, "sub/.git/*") == Paths{"sub/.git/config"});
    }

    TEST_CASE("a cache's tag at the top itself says nothing")
    {
        const Project project;
        project.write("CACHEDIR.TAG", tag);
        project.write("src/a");
        CHECK(found(project, "**") == Paths{"CACHEDIR.TAG", "src/a"});
        CHECK(found(project, "src/*") == Paths{"src/a"});
    }

    TEST_CASE("the same pattern gives the same object")
    {
        const Project project;
        project.write("src/a");
        SourceNames names(project.root());
        const auto first = names.matching("src/*");
        const auto second = names.matching("src/*");
        REQUIRE((first && second));
        CHECK(first->get() == second->get());
    }

    TEST_CASE("a root that is not there")
    {
        SourceNames names("/nowhere/at/all");
        CHECK(code_of(names.matching("*")) == Errc::not_found);
    }

    TEST_CASE("random patterns over random trees")
    {
        std::size_t hits = 0;
        for (unsigned seed = 0; seed < 25; ++seed) {
            CAPTURE(seed);
            RandomTree tree(seed);
            SourceNames listed(tree.root());
            CHECK(found(listed, "**") == tree.all);
            SourceNames growing(tree.root()); // listed as patterns ask for it
            for (int i = 0; i < 60; ++i) {
                const std::string pattern = tree.pattern();
                CAPTURE(pattern);
                const std::regex naive(regex_of(pattern), std::regex::extended);
                Paths expected;
                std::ranges::copy_if(tree.all, std::back_inserter(expected), [&](const auto& path) {
                    return std::regex_match(path, naive);
                });
                hits += expected.size();
                CHECK(found(tree, pattern) == expected);
                CHECK(found(listed, pattern) == expected);
                CHECK(found(growing, pattern) == expected);
            }
        }
        CHECK(hits > 1'000);
    }
}
