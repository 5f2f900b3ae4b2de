#include "recipe/build_std.hpp"

#include "cross_project.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::core;
using slipway::test::CrossProject;

namespace {

using Words = std::vector<std::string>;

Words with(Words args, const Words& crates = {})
{
    add_build_std(args, crates);
    return args;
}

} // namespace

TEST_SUITE("core.recipe.build_std")
{
    TEST_CASE("what the files say")
    {
        const CrossProject project;
        const auto of = [&](std::string_view text) { return project.read(text)->build_std; };
        CHECK(of("[build]\nbuild-std = true\n") == Words{});
        CHECK(of("[build]\nbuild-std = ['core', 'alloc']\n") == Words{"core", "alloc"});
        CHECK(
            of("[target.a-b-c]\nbuild-std = ['core']\n[build]\nbuild-std = false") == Words{"core"}
        );
        for (const std::string_view text :
             {"",
              "[build]\nbuild-std = false\n",
              "[build]\nbuild-std = []\n",
              "[build]\nbuild-std = true\n[target.a-b-c]\nbuild-std = false\n",
              "[target.d-e-f]\nbuild-std = true\n"}) {
            CAPTURE(text);
            CHECK_FALSE(of(text).has_value());
        }
        for (const std::string_view bad : {"''", "'a b'", "'core,alloc'", "'--x=y'"}) {
            const auto read =
                project.read("[build]\nbuild-std = ['core', " + std::string(bad) + "]\n");
            REQUIRE_FALSE(read.has_value());
            CHECK(read.error().code == Errc::invalid_argument);
            CHECK(read.error().message.starts_with(project.at("Cross.toml:2:22: build-std: ")));
        }
    }

    TEST_CASE("what variables say")
    {
        CrossProject project;
        for (const std::string name :
             {"CROSS_BUILD_STD", "CROSS_BUILD_BUILD_STD", "CROSS_TARGET_A_B_C_BUILD_STD"}) {
            CAPTURE(name);
            const auto of = [&](const char* value) {
                project.question.environment = {{name, value}};
                const auto read = project.read("");
                CHECK(read->warnings.empty());
                return read->build_std;
            };
            CHECK(of("1") == Words{});
            CHECK(of("true") == Words{});
            CHECK(of("core,alloc") == Words{"core", "alloc"});
            CHECK_FALSE(of("0").has_value());
            CHECK_FALSE(of("false").has_value());
            CHECK_FALSE(of("").has_value());
        }
        project.question.environment = {{"CROSS_BUILD_STD", "core,"}};
        CHECK_FALSE(project.read("").has_value());
        project.question.environment = {{"CROSS_BUILD_STD", "1"}};
        CHECK_FALSE(project.read("[target.a-b-c]\nbuild-std = false\n")->build_std.has_value());
        project.question.environment = {{"CROSS_BUILD_STD", "0"}};
        CHECK_FALSE(project.read("[build]\nbuild-std = true\n")->build_std.has_value());
    }

    TEST_CASE("commands that compile get it, and nothing else changes")
    {
        CHECK(with({"build", "--release"}) == Words{"build", "-Zbuild-std", "--release"});
        CHECK(
            with({"t", "--", "build"}, {"core", "alloc"})
            == Words{"t", "-Zbuild-std=core,alloc", "--", "build"}
        );
        CHECK(with({"run", "argument"}) == Words{"run", "-Zbuild-std", "argument"});
        CHECK(
            with({"--color", "build", "-v", "check"})
            == Words{"--color", "build", "-v", "check", "-Zbuild-std"}
        );
        for (const Words& args :
             {Words{"fetch"},
              Words{"metadata"},
              Words{"nextest", "run"},
              Words{"--version"},
              Words{"--", "build"},
              Words{"--config"},
              Words{},
              Words{"build", "-Zbuild-std=std"},
              Words{"-Z", "build-std", "build"}}) {
            CHECK(with(args) == args);
        }
    }
}
