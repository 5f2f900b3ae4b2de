#include "graph/symlinks.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace slipway::core;

namespace {

using Links = std::vector<std::pair<std::string, std::string>>;

// The path of the one that leads out.
std::string out_of(const Links& links)
{
    std::vector<StoredOutput> outputs;
    StoredOutput file;
    file.path = "out/file";
    outputs.push_back(file);
    for (const auto& [path, target] : links) {
        StoredOutput link;
        link.kind = StoredOutput::Kind::symlink;
        link.path = path;
        link.link_target = target;
        outputs.push_back(link);
    }
    const StoredOutput* const out = graph::leading_out(outputs);
    return out == nullptr ? "" : out->path;
}

} // namespace

TEST_SUITE("core.graph.symlinks")
{
    TEST_CASE("one that leads out of the project by itself")
    {
        struct Row {
            const char *path, *target;
            bool out;
        };
        for (const Row& row : {
                 Row{"a", "b", false},
                 Row{"a", ".", false},
                 Row{"a", "..", true},
                 Row{"a", "../b", true},
                 Row{"a", "/b", true},
                 Row{"a", "/", true},
                 Row{"a", "", false},
                 Row{"out/a", "..", false},
                 Row{"out/a", "../b", false},
                 Row{"out/a", "../..", true},
                 Row{"out/a", "../../work/b", true},
                 Row{"out/a", "x/../../..", true},
                 Row{"out/a", "x/../../b", false},
                 Row{"out/a", "../out/../..", true},
                 Row{"out/a", "..b", false},
                 Row{"out/a", "...", false},
                 Row{"a/b/c", ".././..//d", false},
                 Row{"a/b/c", ".././..//..", true},
             }) {
            CAPTURE(row.path);
            CAPTURE(row.target);
            CHECK(out_of({{row.path, row.target}}) == (row.out ? row.path : ""));
        }
    }

    TEST_CASE("several that lead out together")
    {
        CHECK(out_of({{"a/b/up", "../.."}, {"a/b/l", "up/../x"}}) == "a/b/l");
        CHECK(out_of({{"a/b/l", "up/../x"}, {"a/b/up", "../.."}}) == "a/b/l");
        CHECK(out_of({{"a/b/up", "../.."}, {"a/b/l", "up/x"}}).empty());
        CHECK(out_of({{"a/one", "two"}, {"a/two", "three/.."}, {"a/three", ".."}}) == "a/one");
        CHECK(out_of({{"a/deep", "b/c"}, {"a/l", "deep/../../../x"}}).empty());
        CHECK(out_of({{"a/deep", "b/c"}, {"a/l", "deep/../../../../x"}}) == "a/l");
        // What goes round leads nowhere.
        CHECK(out_of({{"a", "b"}, {"b", "a"}, {"c", "c/../.."}}).empty());
        CHECK(out_of({{"a", "a/../.."}}).empty());
        CHECK(out_of({{"a/l", "root/x"}, {"a/root", "/"}}) == "a/l");
    }
}
