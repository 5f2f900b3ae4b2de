#include "cross_project.hpp"

#include <slipway/core/cargo_recipe.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::core;
namespace fs = std::filesystem;
using slipway::test::CrossProject;

namespace {

using Variables = std::map<std::string, std::string>;
using Lines = std::vector<std::string>;

std::vector<fs::path> paths_of(const std::vector<BesideWorkspace>& directories)
{
    std::vector<fs::path> paths;
    for (const BesideWorkspace& directory : directories) {
        paths.push_back(directory.path);
    }
    return paths;
}

} // namespace

TEST_SUITE("core.recipe.cross_config")
{
    TEST_CASE("a project without configuration")
    {
        CrossProject project;
        auto config = project.read();
        REQUIRE(config.has_value());
        CHECK(config->target == "a-b-c");
        CHECK_FALSE(config->chose_target);
        CHECK(config->image.empty());
        CHECK(config->env.empty());
        CHECK(config->warnings.empty());
        project.question.target.clear();
        CHECK(project.read()->target == "h-o-st");
        CHECK_FALSE(project.read()->chose_target);
    }

    TEST_CASE("the default target is for when nobody names one")
    {
        CrossProject project;
        CHECK(project.read("[build]\ndefault-target = 'd-e-f'\n")->target == "a-b-c");
        project.question.target.clear();
        CHECK(project.read()->target == "d-e-f");
        CHECK(project.read()->chose_target);
    }

    TEST_CASE("the image: a string or a table with a name, or the variable")
    {
        CrossProject project;
        CHECK(project.read("[target.a-b-c]\nimage = 'me/one:1'\n")->image == "me/one:1");
        CHECK(project.read("[target.a-b-c.image]\nname = 'me/two'\n")->image == "me/two");
        CHECK(project.read("[target.d-e-f]\nimage = 'me/other'\n")->image.empty());
        project.question.environment["CROSS_TARGET_A_B_C_IMAGE"] = "me/three";
        CHECK(project.read("[target.a-b-c]\nimage = 'me/one:1'\n")->image == "me/three");
        project.question.environment["CROSS_TARGET_A_B_C_IMAGE"] = "";
        CHECK(project.read()->image == "me/one:1");
    }

    TEST_CASE(
        "files: CROSS_CONFIG or Cross.toml, then the workspace's, then a package's, key by key"
    )
    {
        CrossProject project;
        project.write(
            "Cargo.toml",
            "[workspace]\nmembers = ['crates/*', 'alone']\nexclude = ['crates/out']\n"
            "[workspace.metadata.cross.target.a-b-c]\nimage = 'of/workspace'\nrunner = 'native'\n"
            "[workspace.metadata.cross.build.env]\npassthrough = ['W=1']\n"
        );
        project.write("crates/out/Cargo.toml", "[package.metadata.cross]\nbuild = 1\n");
        project.write(
            "crates/one/Cargo.toml",
            "[package.metadata.cross.target.a-b-c]\nimage = 'of/package'\n"
            "env.passthrough = ['P=1']\n"
        );
        project.write(
            "alone/Cargo.toml", "[package.metadata.cross.target.a-b-c]\npre-build = ['x']\n"
        );
        auto config = project.read();
        REQUIRE(config.has_value());
        CHECK(config->image == "of/workspace");
        CHECK(config->env == Variables{{"W", "1"}, {"P", "1"}, {"CROSS_RUNNER", "native"}});
        CHECK(config->pre_build.empty());
        CHECK(
            config->warnings
            == Lines{project.at("alone/Cargo.toml:1:1") + ": package.metadata.cross is not read: that of another package comes before it"}
        );

        project.write("Cross.toml", "[target.a-b-c.image]\nname = 'of/file'\n");
        config = project.read();
        CHECK(config->image == "of/file");
        CHECK(config->env.size() == 3); // what the file leaves open

        project.write("other/x.toml", "[target.a-b-c]\nimage = 'of/choice'\n");
        project.question.environment["CROSS_CONFIG"] = "x.toml";
        project.question.directory = project.root() / "other";
        CHECK(project.read()->image == "of/choice");
        project.question.environment["CROSS_CONFIG"] = project.at("other/x.toml");
        CHECK(project.read()->image == "of/choice");
    }

    TEST_CASE("a package that is the root")
    {
        CrossProject project;
        project.write(
            "Cargo.toml",
            "[package]\nname = 'x'\n[package.metadata.cross.target.a-b-c]\nimage = 'of/package'\n"
        );
        CHECK(project.read()->image == "of/package");
    }

    TEST_CASE("precedence: the target's variable, its key, the variable of build, the key of build")
    {
        CrossProject project;
        auto& environment = project.question.environment;
        project.write("Cross.toml", "[build]\npre-build = ['build key']\n");
        CHECK(project.read()->pre_build == Lines{"build key"});
        environment["CROSS_BUILD_PRE_BUILD"] = "build variable";
        CHECK(project.read()->pre_build == Lines{"build variable"});
        project.write(
            "Cross.toml",
            "[build]\npre-build = ['build key']\n[target.a-b-c]\npre-build = ['target key']\n"
        );
        CHECK(project.read()->pre_build == Lines{"target key"});
        environment["CROSS_TARGET_A_B_C_PRE_BUILD"] = "target variable\nits second line";
        CHECK(project.read()->pre_build == Lines{"target variable\nits second line"});
        CHECK(project.read()->pre_build_place == "the variable CROSS_TARGET_A_B_C_PRE_BUILD");
    }

    TEST_CASE("variables to pass on: lists of files add up, those of variables replace them")
    {
        CrossProject project;
        auto& environment = project.question.environment;
        environment["HERE"] = "here's value";
        environment["EMPTY"] = "";
        environment["CARGO_TARGET_DIR"] = "out";
        project.write(
            "Cross.toml",
            "[build.env]\npassthrough = ['HERE', 'EMPTY', 'NOT_HERE', 'A=build', "
            "'CARGO_TARGET_DIR']\n"
            "[target.a-b-c.env]\npassthrough = ['A=target', 'B=x=y ', 'C=']\n"
        );
        CHECK(
            project.read()->env
            == Variables{{"HERE", "here's value"}, {"EMPTY", ""}, {"A", "target"}, {"B", "x=y "}, {"C", ""}, {"CARGO_TARGET_DIR", "out"}}
        );
        environment["CROSS_BUILD_ENV_PASSTHROUGH"] = " HERE\t D=1 \n";
        CHECK(project.read()->env == Variables{{"HERE", "here's value"}, {"D", "1"}});
        environment["CROSS_TARGET_A_B_C_ENV_PASSTHROUGH"] = "D=2";
        CHECK(project.read()->env == Variables{{"HERE", "here's value"}, {"D", "2"}});
        environment.erase("CROSS_BUILD_ENV_PASSTHROUGH");
        CHECK(project.read()->env == Variables{{"D", "2"}});
    }

    TEST_CASE("volumes: directories at their own paths, with their variables")
    {
        CrossProject project;
        fs::create_directories(project.root() / "data");
        fs::create_directories(project.root().parent_path() / "other");
        const std::string other = project.root().parent_path() / "other";
        project.question.environment["OTHER"] = other;
        auto config = project.read("[build.env]\nvolumes = ['OTHER', 'DATA=data', 'UNSET']\n"
                                   "[target.x-y-z.env]\nvolumes = ['NO=/nowhere']\n");
        REQUIRE_MESSAGE(config.has_value(), describe(config.error()));
        CHECK(paths_of(config->volumes) == std::vector<fs::path>{other, project.root() / "data"});
        CHECK(config->env.at("OTHER") == other);
        CHECK(config->env.at("DATA") == project.root() / "data");
        CHECK_FALSE(config->env.contains("UNSET"));

        config = project.read(
            "[build.env]\nvolumes = ['OTHER']\n[target.a-b-c.env]\nvolumes = ['D=data']\n"
        ); // no sum
        REQUIRE(config.has_value());
        CHECK(paths_of(config->volumes) == std::vector<fs::path>{project.root() / "data"});
        project.question.environment["CROSS_TARGET_A_B_C_ENV_VOLUMES"] = "OTHER  D=" + other;
        config = project.read();
        REQUIRE(config.has_value());
        CHECK(paths_of(config->volumes) == std::vector<fs::path>{other, other});
    }

    TEST_CASE("volumes of CROSS_CONTAINER_OPTS come after those of the files")
    {
        CrossProject project;
        fs::create_directories(project.root() / "data");
        const std::string other = project.root().parent_path();
        project.question.environment["CROSS_CONTAINER_OPTS"] = "-v " + other + ":" + other + ":ro";
        const auto config = project.read("[build.env]\nvolumes = ['DATA=data']\n");
        REQUIRE_MESSAGE(config.has_value(), describe(config.error()));
        CHECK(paths_of(config->volumes) == std::vector<fs::path>{project.root() / "data", other});
        CHECK_FALSE(config->volumes.front().read_only);
        CHECK(config->volumes.back().read_only);
    }

    TEST_CASE("CROSS_REMOTE asks for a copy")
    {
        CrossProject project;
        CHECK_FALSE(project.read()->remote);
        for (const char* const value : {"1", "true", "yes"}) {
            project.question.environment["CROSS_REMOTE"] = value;
            CHECK(project.read()->remote);
        }
        for (const char* const value : {"0", "false", ""}) {
            project.question.environment["CROSS_REMOTE"] = value;
            CHECK_FALSE(project.read()->remote);
        }
    }

    TEST_CASE("a script of pre-build is read from the workspace")
    {
        CrossProject project;
        project.write("ci/prepare", "#!/bin/sh\necho \"$1\"\n");
        const auto config = project.read("[build]\npre-build = './ci/prepare'\n");
        REQUIRE(config.has_value());
        CHECK(config->pre_build_script == "#!/bin/sh\necho \"$1\"\n");
        CHECK(config->pre_build.empty());
        CHECK(config->pre_build_place == project.at("Cross.toml:2:13"));
        const auto none = project.read("[build]\npre-build = ['./ci/prepare']\n"
                                       "[target.a-b-c]\npre-build = []\n");
        CHECK(none->pre_build.empty());
        CHECK(none->pre_build_script.empty());
    }

    TEST_CASE("runners: those of our images are what they are, other images get CROSS_RUNNER")
    {
        CrossProject project;
        const std::string arm = "aarch64-unknown-linux-gnu";
        project.question.target = arm;
        const auto read = [&](const std::string& lines) {
            return project.read("[target." + project.question.target + "]\n" + lines);
        };
        CHECK(read("runner = 'qemu-user'\n")->env.empty());
        CHECK(read("runner = ''\n")->env.empty());
        const auto refused = read("runner = 'qemu-system'\n");
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == Errc::unsupported);
        CHECK(
            refused.error().message
            == project.at("Cross.toml:2:10") + ": Slipway cannot do target." + arm
                   + ".runner yet: the runner qemu-system"
        );
        CHECK_FALSE(read("runner = 'native'\n").has_value());
        CHECK(
            read("image = 'me/x'\nrunner = 'qemu-system'\n")->env
            == Variables{{"CROSS_RUNNER", "qemu-system"}}
        );
        const auto unknown = read("runner = 'qemu-usr'\n");
        REQUIRE_FALSE(unknown.has_value());
        CHECK(unknown.error().code == Errc::invalid_argument);
        CHECK(unknown.error().hint == "did you mean qemu-user?");
        project.question.target = "x86_64-unknown-linux-gnu";
        CHECK(read("runner = 'native'\n").has_value());
        CHECK_FALSE(read("runner = 'qemu-user'\n").has_value());
        project.question.target = "i686-pc-windows-gnu";
        const auto wine = read("runner = 'native'\n");
        REQUIRE_FALSE(wine.has_value());
        CHECK(
            wine.error().hint == "remove it: tests for i686-pc-windows-gnu run with the runner wine"
        );
    }
}

TEST_SUITE("core.recipe.cargo with cross's configuration")
{
    TEST_CASE("order of the target, and its variable")
    {
        CrossProject project;
        project.write("Cargo.toml", "[package]\nname = 'x'\n");
        project.write("Cross.toml", "[build]\ndefault-target = 'of-cross-toml'\n");
        CargoCall call;
        call.args = {"build"};
        call.directory = project.root();
        call.host_target = "h-o-st";
        const auto has = [&](const std::string& text) {
            const auto plan = plan_cargo(call);
            return plan && std::ranges::find(plan->env, text) != plan->env.end();
        };
        CHECK(plan_cargo(call)->target == "of-cross-toml");
        CHECK(has("CARGO_BUILD_TARGET=of-cross-toml"));
        project.write(".cargo/config.toml", "[build]\ntarget = 'of-cargo-config'\n");
        CHECK(plan_cargo(call)->target == "of-cargo-config");
        CHECK_FALSE(has("CARGO_BUILD_TARGET=of-cargo-config")); // the image's own
        call.environment["CARGO_BUILD_TARGET"] = "of-cargo-variable";
        CHECK(plan_cargo(call)->target == "of-cargo-variable");
        call.environment["CROSS_BUILD_TARGET"] = "of-cross-variable";
        CHECK(plan_cargo(call)->target == "of-cross-variable");
        CHECK(has("CARGO_BUILD_TARGET=of-cross-variable"));
        call.args = {"build", "--target", "of-option-x"};
        CHECK(plan_cargo(call)->target == "of-option-x");
        project.write("Cross.toml", "[target.of-option-x]\nimage = 'me/x'\n");
        CHECK(plan_cargo(call)->cross.image == "me/x");
        CHECK(has("CARGO_BUILD_TARGET=of-option-x"));
    }

    TEST_CASE("what is passed through wins over what travels anyway")
    {
        CrossProject project;
        project.write("Cross.toml", "[build.env]\npassthrough = ['RUSTFLAGS=-g', 'MY_TOKEN']\n");
        CargoCall call;
        call.args = {"build", "--target", "a-b-c"};
        project.write("Cargo.toml", "[package]\nname = 'x'\n");
        call.directory = project.root();
        call.environment = {{"RUSTFLAGS", "-O"}, {"MY_TOKEN", "t"}};
        const auto plan = plan_cargo(call);
        REQUIRE(plan.has_value());
        CHECK(
            plan->env
            == Lines{"CARGO_HOME=/opt/slipway/cargo", "CARGO_TARGET_DIR=" + project.at("target"), "MY_TOKEN=t", "RUSTFLAGS=-g"}
        );
    }

    TEST_CASE("image.toolchain: platforms, and what runs on them")
    {
        CrossProject project;
        const auto config = project.read(
            "[target.a-b-c.image]\nname = 'x'\ntoolchain = ['x86_64-unknown-linux-musl', "
            "'linux/arm64', 'linux/arm/v7=armv7-unknown-linux-gnueabihf']\n"
        );
        REQUIRE(config.has_value());
        const auto& all = config->image_toolchains;
        REQUIRE(all.size() == 3);
        CHECK(all[0].platform == "linux/amd64");
        CHECK(all[0].host == "x86_64-unknown-linux-musl");
        CHECK(all[0].place == project.at("Cross.toml:3:14"));
        CHECK(all[1].platform == "linux/arm64");
        CHECK(all[1].host == "aarch64-unknown-linux-gnu");
        CHECK(all[2].platform == "linux/arm/v7");
        CHECK(all[2].host == "armv7-unknown-linux-gnueabihf");
        project.question.environment["CROSS_TARGET_A_B_C_IMAGE_TOOLCHAIN"] =
            "linux/amd64 a-b-linux-c";
        const auto by_variable = project.read();
        REQUIRE(by_variable.has_value());
        REQUIRE(by_variable->image_toolchains.size() == 2);
        CHECK(by_variable->image_toolchains[0].host == "x86_64-unknown-linux-gnu");
        CHECK(by_variable->image_toolchains[1].platform == "linux/a");
        for (const char* const wrong :
             {"1",
              "x86_64-pc-windows-gnu",
              "linux/s390x",
              "linux/=a-b-c",
              "/amd64",
              "a/b/c/d=a-b-c",
              "linux/amd64=x86",
              "linux/amd64="}) {
            CAPTURE(wrong);
            project.question.environment["CROSS_TARGET_A_B_C_IMAGE_TOOLCHAIN"] = wrong;
            const auto refused = project.read();
            REQUIRE_FALSE(refused.has_value());
            CHECK(refused.error().code == Errc::invalid_argument);
            CHECK(refused.error().message.find(wrong) != std::string::npos);
        }
    }
}
