#include "images/build_context.hpp"

#include "support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace slipway;
using namespace slipway::core;

namespace {

using Paths = std::vector<std::string>;

bool ignored(std::string_view rules, std::string_view path)
{
    return IgnoreRules::parse(rules, "x")->ignores(path);
}

} // namespace

TEST_SUITE("core.images.build_context")
{
    TEST_CASE("what a Dockerfile takes")
    {
        const std::pair<std::string_view, Paths> rows[]{
            {"FROM a\nRUN x\n", {}},
            {"FROM a\nCOPY ci/x ci/./y /z\n", {"ci/x", "ci/y"}},
            {"FROM a\nCOPY --chown=1:1 /a b/ /z/\n", {"a", "b"}},
            {"FROM a\nCOPY --from=a /x /y\nADD https://x.invalid/y /z\n", {}},
            {"FROM a\nCOPY conf/*.d/x /z\n", {"conf"}},
            {"FROM a\nCOPY <<E /z\nCOPY b c\nE\n", {}},
            {"FROM a\nRUN --mount=type=cache,target=/x --mount=from=b,target=/y z\n", {}}};
        for (const auto& [row, paths] : rows) {
            const auto& text = row;
            CAPTURE(text);
            const ContextNeeds needs = context_needs(text);
            CHECK_FALSE(needs.all);
            CHECK(needs.paths == paths);
        }
        for (const std::string_view all :
             {"COPY . /x",
              "COPY *.sh /x",
              "COPY $A /x",
              "COPY [\"a\", \"/x\"]",
              "ADD ./ /x",
              "COPY ../a /x",
              "COPY a\\ b /x",
              "RUN --mount=target=/x y",
              "RUN --mount=type=bind,source=a,target=/x y"}) {
            CAPTURE(all);
            CHECK(context_needs("FROM a\n" + std::string(all) + "\n").all);
        }
        for (const std::string_view odd : {"COPY", "COPY a", "COPY --from=x", "ADD --", ""}) {
            context_needs("FROM a\n" + std::string(odd) + "\n");
        }
    }

    TEST_CASE("a symlink on the way")
    {
        const test::TempDirectory directory;
        std::filesystem::create_directory(directory.path() / "real");
        std::filesystem::create_directory_symlink("real", directory.path() / "link");
        CHECK(context_needs("FROM a\nCOPY link/x /y\n", directory.path()).all);
        CHECK_FALSE(context_needs("FROM a\nCOPY real/x /y\n", directory.path()).all);
    }

    TEST_CASE("what an ignore file keeps out")
    {
        CHECK(ignored("target\n", "target"));
        CHECK(ignored("/target/\n", "target/debug/x"));
        CHECK_FALSE(ignored("target\n", "a/target"));
        CHECK(ignored("**/target\n", "a/b/target/x"));
        CHECK(ignored("**/target\n", "target"));
        CHECK(ignored("a/**\n", "a/b"));
        CHECK_FALSE(ignored("a/**\n", "a"));
        CHECK(ignored("a/**/z\n", "a/z"));
        CHECK(ignored("a/**/**/z\n", "a/b/c/z"));
        CHECK(ignored("*.o\n", "x.o"));
        CHECK_FALSE(ignored("*.o\n", "d/x.o"));
        CHECK(ignored("./a/../b\r\n", "b"));
        CHECK_FALSE(ignored("# a\n\n  \n", "# a"));
        CHECK(ignored(
            "\xef\xbb\xbf"
            "a",
            "a"
        ));
        CHECK(ignored("*\n!ci\n", "src/x"));
        CHECK_FALSE(ignored("*\n!ci\n", "ci/x"));
        CHECK(ignored("*\n!ci\nci/secret\n", "ci/secret"));
        CHECK_FALSE(ignored("", "a"));
        CHECK_FALSE(ignored(".\n/\n", "a"));
        const auto bad = IgnoreRules::parse("a\n ! \n", "x");
        REQUIRE_FALSE(bad.has_value());
        CHECK(bad.error().message == "x:2: a '!' without a pattern");
        std::string many;
        for (int i = 0; i < 200; ++i)
            many += "**/*a*/";
        CHECK_FALSE(ignored(many + "z\n", std::string(50, 'a') + "/" + std::string(50, 'a')));
    }

    TEST_CASE("what goes to the engine")
    {
        const auto rules = *IgnoreRules::parse("*\n!ci\n!a/b/c\n", "x");
        const auto all = context_filter({true, {}}, rules, "ci/Dockerfile");
        CHECK(all("ci", EntryType::directory));
        CHECK(all("ci/x", EntryType::file));
        CHECK(all("a", EntryType::directory));
        CHECK(all("a/b", EntryType::directory));
        CHECK(all("a/b/c", EntryType::file));
        CHECK_FALSE(all("a/x", EntryType::file));
        CHECK_FALSE(all("src", EntryType::directory));
        CHECK_FALSE(all("ci/Dockerfile", EntryType::file));
        CHECK_FALSE(all(".dockerignore", EntryType::file));
        const auto some = context_filter({false, {"a/b"}}, {}, "Dockerfile");
        CHECK(some("a", EntryType::directory));
        CHECK(some("a/b", EntryType::directory));
        CHECK(some("a/b/c", EntryType::file));
        CHECK_FALSE(some("a/bc", EntryType::file));
        CHECK_FALSE(some("a/c", EntryType::directory));
        CHECK_FALSE(some("a", EntryType::file));
    }

    TEST_CASE("which ignore file")
    {
        const test::TempDirectory directory;
        const auto& here = directory.path();
        const auto ignores = [&](const char* path) {
            return read_ignore_rules(here / "d/Dockerfile", here)->ignores(path);
        };
        CHECK_FALSE(ignores("a"));
        std::ofstream(here / ".dockerignore") << "a\n";
        CHECK(ignores("a"));
        std::filesystem::create_directory(here / "d");
        std::ofstream(here / "d/Dockerfile.dockerignore") << "b\n";
        CHECK(ignores("b"));
        CHECK_FALSE(ignores("a"));
        std::filesystem::remove(here / "d/Dockerfile.dockerignore");
        std::filesystem::create_directory(here / "d/Dockerfile.dockerignore");
        CHECK_FALSE(read_ignore_rules(here / "d/Dockerfile", here).has_value());
    }
}
