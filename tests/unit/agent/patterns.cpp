#include "trees.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::test;

namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_of(const Outcome& manifest)
{
    REQUIRE(manifest.err == "");
    REQUIRE(manifest.exited(0));
    std::vector<std::string> out;
    for (const agent::Entry& entry : entries_of(manifest.out)) {
        out.push_back(entry.path);
    }
    return out;
}

using Names = std::vector<std::string>;

} // namespace

TEST_SUITE("agent.patterns")
{
    TEST_CASE("patterns and paths are found in one walk, each thing once and in order")
    {
        const TempDirectory top;
        fs::create_directories(top.path() / "b" / "deep" / ".hidden");
        write(top.path() / "b" / "deep" / ".hidden" / "x.o", "x");
        write(top.path() / "b" / "deep" / "y.o", "y");
        write(top.path() / "b" / "z.c", "z");
        write(top.path() / "a?[*", "odd");
        write(top.path() / ".dot", "dot");
        TreeSession session;
        CHECK(
            names_of(session.manifest(top.path(), {glob("**/*.o"), path("a?[*"), glob("b/*.c")}))
            == Names{"a?[*", "b/deep/.hidden/x.o", "b/deep/y.o", "b/z.c"}
        );
        CHECK(
            names_of(session.manifest(top.path(), {path("b"), glob("b/**"), path("b/z.c")}))
            == Names{"b", "b/deep", "b/deep/.hidden", "b/deep/.hidden/x.o", "b/deep/y.o", "b/z.c"}
        );
        CHECK(names_of(session.manifest(top.path(), {glob("?d*")})) == Names{".dot"});
        CHECK(
            names_of(session.manifest(top.path(), {path("."), maybe_glob("no/such/*")})).size() == 9
        );
        CHECK(names_of(session.manifest(top.path(), {maybe("no"), maybe_glob("*.none")})).empty());

        const Outcome packed = session.pack(top.path(), {glob("**/*.o")});
        REQUIRE(packed.exited(0));
        const TempDirectory to;
        REQUIRE(session.unpack(to.path(), packed.out).exited(0));
        CHECK(read(to.path() / "b" / "deep" / "y.o") == "y");
        CHECK(!fs::exists(to.path() / "b" / "z.c"));
    }

    TEST_CASE("a required pattern that matches nothing is an error that names it")
    {
        const TempDirectory top;
        write(top.path() / "a.c", "a");
        TreeSession session;
        for (const char* none : {"*.o", "**/b", "a.c/*", "[b-z]*"}) {
            const Outcome missing = session.pack(top.path(), {glob("*.c"), glob(none)});
            CHECK(missing.exited(2));
            CHECK(missing.err.find(none) != std::string::npos);
        }
        const Outcome bad = session.pack(top.path(), {glob("*.c"), maybe_glob("[a")});
        CHECK(bad.exited(4));
        CHECK(bad.err.find("[a") != std::string::npos);
        CHECK(bad.out.empty());
    }

    TEST_CASE("no pattern reaches through a symlink, a path does")
    {
        const TempDirectory top;
        fs::create_directory(top.path() / "real");
        write(top.path() / "real" / "f", "f");
        fs::create_directory_symlink("real", top.path() / "way");
        fs::create_directory_symlink(".", top.path() / "round");
        TreeSession session;
        CHECK(names_of(session.manifest(top.path(), {glob("**/f")})) == Names{"real/f"});
        CHECK(session.manifest(top.path(), {glob("way/*")}).exited(2));
        CHECK(names_of(session.manifest(top.path(), {path("way/f")})) == Names{"way/f"});
        CHECK(names_of(session.manifest(top.path(), {path("way")})) == Names{"way"});
        CHECK(
            names_of(session.manifest(top.path(), {glob("**")}))
            == Names{"real", "real/f", "round", "way"}
        );
    }

    TEST_CASE("names of 255 bytes, of odd bytes and of several lines")
    {
        const TempDirectory top;
        const std::string longest(255, 'n');
        const std::string odd = "a\nb\x01\xff\x1b[31m";
        write(top.path() / longest, "n");
        write(top.path() / odd, "o");
        TreeSession session;
        CHECK(
            names_of(session.manifest(top.path(), {path(longest), path(odd)}))
            == Names{odd, longest}
        );
        CHECK(names_of(session.manifest(top.path(), {glob("a\n*")})) == Names{odd});
        CHECK(session.pack(top.path(), {path(longest), path(odd)}).exited(0));
        // The system refuses it: no name that is merely missing.
        CHECK(session.pack(top.path(), {maybe(longest + "n")}).exited(1));
    }

    TEST_CASE("a directory that may only be passed is passed by a path")
    {
        if (::geteuid() == 0) {
            const TempDirectory top;
            fs::permissions(top.path(), fs::perms(0755));
            fs::create_directory(top.path() / "closed");
            write(top.path() / "closed" / "f", "f");
            fs::permissions(top.path() / "closed", fs::perms(0711));
            TreeSession session;
            agent::Run run =
                TreeSession::order(agent::What::manifest, top.path(), {path("closed/f")});
            run.has_ids = true;
            run.uid = run.gid = 12'345;
            CHECK(names_of(session.client.run(run)) == Names{"closed/f"});
            run.tree.items = {glob("closed/?")};
            const Outcome refused = session.client.run(run);
            CHECK(refused.exited(1));
            CHECK(refused.err.find("Permission denied") != std::string::npos);
        }
    }
}
