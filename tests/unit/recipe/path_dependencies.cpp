#include "recipe/path_dependencies.hpp"

#include "support/temp_directory.hpp"

#include <slipway/core/cargo_recipe.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::core;
namespace fs = std::filesystem;

namespace {

/// Packages beside a workspace `ws`.
class Packages {
public:
    void write(const std::string& package, const std::string& manifest) const
    {
        fs::create_directories(top / package);
        std::ofstream(top / package / "Cargo.toml") << manifest;
    }
    /// Below the top.
    std::vector<std::string> outside(const std::string& root = "ws") const
    {
        std::vector<std::string> out;
        for (const fs::path& path : path_dependencies_outside(top / root, top / "home")) {
            out.push_back(path.lexically_relative(top).string());
        }
        return out;
    }

    test::TempDirectory temporary;
    fs::path top = fs::canonical(temporary.path());
};

using Paths = std::vector<std::string>;
constexpr const char* plain = "[package]\nname = 'p'\n";

} // namespace

TEST_SUITE("core.recipe.path_dependencies")
{
    TEST_CASE("of every kind, of the workspace, of its members and of each other")
    {
        const Packages packages;
        packages.write(
            "ws",
            "[workspace]\nmembers = ['m*']\n[workspace.dependencies]\ninherited = { path = "
            "'../inherited' }\n"
            "[dependencies]\na = { path = '../a' }\nplain = '1'\n"
            "[target.'cfg(unix)'.dependencies]\nt = { path = '../t' }\n"
            "[patch.crates-io]\npatched = { path = '../patched' }\n"
        );
        packages.write(
            "ws/member",
            "[dev-dependencies]\nd = { path = '../../d' }\n[build-dependencies.b]\npath = "
            "'../../b'\n"
            "[dependencies]\nother = { path = '../other' }\n"
        );
        packages.write("ws/other", plain); // in the workspace
        packages.write("a", "[dependencies]\nof-a = { path = '../of-a' }\n");
        for (const char* const name : {"inherited", "t", "patched", "d", "b"}) {
            packages.write(name, plain);
        }
        packages.write("of-a", "[dependencies]\na = { path = '../a' }\n"); // a circle ends
        packages.write("unasked", plain);
        CHECK(packages.outside() == Paths{"a", "b", "d", "inherited", "of-a", "patched", "t"});
    }

    TEST_CASE("the workspace around one comes with it, once, with what it names itself")
    {
        const Packages packages;
        packages.write(
            "ws", "[dependencies]\na = { path = '../lib/a' }\nb = { path = '../lib/b' }\n"
        );
        packages.write(
            "lib",
            "[workspace]\nmembers = ['a', 'b', 'c']\n[workspace.dependencies]\nx = { path = '../x' "
            "}\n"
        );
        packages.write("lib/a", plain);
        packages.write("lib/b", plain);
        packages.write("lib/c", "[dependencies]\ny = { path = '../../y' }\n"); // nobody builds it
        packages.write("x", plain);
        packages.write("y", plain);
        CHECK(packages.outside() == Paths{"lib", "x"});
    }

    TEST_CASE("no home directory, no directory that has the workspace in it")
    {
        const Packages packages;
        packages.write("home", "[workspace]\n");
        packages.write("home/dep", plain);
        packages.write("up", "[workspace]\n");
        packages.write("up/lib", plain);
        packages.write(
            "up/ws",
            "[workspace]\n[dependencies]\nd = { path = '../../home/dep' }\nl = { path = '../lib' "
            "}\n"
        );
        CHECK(packages.outside("up/ws") == Paths{"home/dep", "up/lib"});
        packages.write("up/ws", "[workspace]\n[dependencies]\nu = { path = '..' }\n");
        CHECK(packages.outside("up/ws") == Paths{"up"});
    }

    TEST_CASE("what is missing or makes no sense is left to cargo")
    {
        const Packages packages;
        packages.write(
            "ws",
            "dependencies.a = { path = 7 }\ndependencies.b = { path = '../none' }\n"
            "dependencies.c = { path = '../broken' }\ndev-dependencies = 'no table'\ntarget = 1\n"
            "patch = []\nworkspace.dependencies = 3\n"
        );
        packages.write("broken", "[[[");
        CHECK(packages.outside() == Paths{"broken"});
        packages.write("ws", "]");
        CHECK(packages.outside().empty());
        CHECK(packages.outside("nowhere").empty());
    }

    TEST_CASE("a plan has them beside the workspace, or takes the one around it")
    {
        const Packages packages;
        packages.write("ws", "[workspace]\n[dependencies]\na = { path = '../a' }\n");
        packages.write("a", plain);
        CargoCall call;
        call.args = {"build"};
        call.directory = packages.top / "ws";
        call.home = packages.top / "home";
        call.host_target = "h-o-st";
        auto plan = plan_cargo(call);
        REQUIRE_MESSAGE(plan.has_value(), describe(plan.error()));
        CHECK(plan->workspace.root == packages.top / "ws");
        REQUIRE(plan->workspace.also.size() == 1);
        CHECK(plan->workspace.also[0].path == packages.top / "a");
        CHECK(plan->workspace.also[0].read_only);

        packages.write("a/in", "[workspace]\n[dependencies]\na = { path = '..' }\n");
        call.directory = packages.top / "a/in";
        plan = plan_cargo(call);
        REQUIRE_MESSAGE(plan.has_value(), describe(plan.error()));
        CHECK(plan->workspace.root == packages.top / "a");
        CHECK(plan->workspace.also.empty());
        REQUIRE(plan->workspace.build.has_value());
        CHECK(plan->workspace.build->path == packages.top / "a/in/target");
        CHECK(plan->workspace.bring_back("in/target/h-o-st/debug/p", EntryType::file));
        CHECK_FALSE(plan->workspace.bring_back("in/target/h-o-st/debug/deps", EntryType::directory)
        );
    }

    TEST_CASE("only a clean of everything cleans what other images have built")
    {
        const Packages packages;
        packages.write("ws", "[workspace]\n");
        CargoCall call;
        call.directory = packages.top / "ws";
        call.home = packages.top / "home";
        call.host_target = "h-o-st";
        const auto cleans = [&](std::vector<std::string> args) {
            call.args = std::move(args);
            const auto plan = plan_cargo(call);
            REQUIRE_MESSAGE(plan.has_value(), describe(plan.error()));
            return plan->workspace.build->cleans;
        };
        CHECK(cleans({"clean"}));
        CHECK(cleans({"-v", "clean", "--color", "always", "-q"}));
        CHECK_FALSE(cleans({"build"}));
        CHECK_FALSE(cleans({"build", "clean"}));
        CHECK_FALSE(cleans({"clean", "--help"}));
        for (const std::string part :
             {"-p",
              "-pa",
              "-qn",
              "-vr",
              "-qp",
              "--workspace",
              "--package=a",
              "--release",
              "-r",
              "--profile=x",
              "--doc",
              "-n",
              "--dry-run"}) {
            CHECK_FALSE(cleans({"clean", part}));
        }
        CHECK_FALSE(cleans({"clean", "--target", "a-b-c"}));
    }
}
