#include "support/temp_directory.hpp"

#include <slipway/core/build_recipe.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

using namespace slipway;
using namespace slipway::core;

namespace fs = std::filesystem;

namespace {

struct Tree {
    fs::path root() const { return fs::canonical(directory.path()); }
    void file(const fs::path& path, std::string_view text = "") const
    {
        fs::create_directories((root() / path).parent_path());
        std::ofstream(root() / path) << text;
    }
    std::string text(const fs::path& path) const
    {
        std::ifstream in(root() / path);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// A program that notes its words, one line a call.
    void program(const std::string& name, std::string_view more = "") const
    {
        const fs::path path = root() / "bin" / name;
        file(
            "bin/" + name,
            "#!/bin/sh\n{ printf '%s' " + name
                + "; for w; do printf ' <%s>' \"$w\"; done; echo; } >> "
                + (root() / "calls").string() + "\n" + std::string(more) + "\n"
        );
        fs::permissions(path, fs::perms::owner_all);
    }
    /// Runs a plan's script with those programs; what they were called with.
    std::string calls(const BuildPlan& plan, const std::string& variables = "") const
    {
        fs::remove(root() / "calls");
        file("script", plan.argv.at(2));
        const std::string line = "cd '" + plan.directory.string() + "' && " + variables + " PATH='"
                                 + (root() / "bin").string() + ":/usr/bin:/bin' sh '"
                                 + (root() / "script").string() + "'";
        const int status = std::system(line.c_str());
        CHECK(WIFEXITED(status));
        return text("calls");
    }
    Project project(ProjectKind kind) const { return {kind, root(), root()}; }
    BuildCall call() const
    {
        BuildCall call;
        call.directory = root();
        call.target = "a-b-c";
        return call;
    }

    test::TempDirectory directory;
};

bool says(const Error& error, std::string_view part)
{
    return error.message.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("core.recipe.build")
{
    TEST_CASE("the root of the workspace is looked at first, and Cargo.toml before the others")
    {
        const Tree tree;
        tree.file("w/.git/HEAD");
        fs::create_directories(tree.root() / "w/a/b");
        const auto found = [&](const fs::path& from) {
            return find_project(tree.root() / from, "");
        };
        const auto none = found("w/a/b");
        REQUIRE(!none.has_value());
        CHECK(none.error().code == Errc::not_found);
        CHECK(says(none.error(), "Cargo.toml, CMakeLists.txt, GNUmakefile, makefile or Makefile"));
        CHECK(says(none.error(), (tree.root() / "w").string() + " nor on the way to "));
        CHECK(says(found("w").error(), (tree.root() / "w").string() + ": there is no"));

        fs::create_directories(tree.root() / "w/a/b/Makefile"); // a directory is none
        CHECK(!found("w/a/b").has_value());
        for (const auto& [file, kind, directory] :
             {std::tuple("w/a/b/GNUmakefile", ProjectKind::make, "w/a/b"),
              std::tuple("w/a/makefile", ProjectKind::make, "w/a"),
              std::tuple("w/a/CMakeLists.txt", ProjectKind::cmake, "w/a"),
              std::tuple("w/Makefile", ProjectKind::make, "w"),
              std::tuple("w/CMakeLists.txt", ProjectKind::cmake, "w"),
              std::tuple("w/Cargo.toml", ProjectKind::cargo, "w")}) {
            tree.file(file);
            const auto project = found("w/a/b");
            REQUIRE(project.has_value());
            CHECK(project->kind == kind);
            CHECK(project->directory == tree.root() / directory);
            CHECK(project->workspace == tree.root() / "w");
        }
    }

    TEST_CASE("cargo's words")
    {
        BuildCall call;
        CHECK(cargo_arguments(call) == std::vector<std::string>{"build"});
        call.profile = BuildProfile::debug;
        CHECK(cargo_arguments(call) == std::vector<std::string>{"build"});
        call.profile = BuildProfile::release;
        call.target = "a-b-c";
        call.build_dir = "../out";
        call.jobs = 3;
        call.test = true;
        call.args = {"--", "--nocapture"};
        const std::vector<std::string> words{
            "test",
            "--release",
            "--target",
            "a-b-c",
            "--target-dir",
            "../out",
            "--jobs",
            "3",
            "--",
            "--nocapture"};
        CHECK(cargo_arguments(call) == words);
    }
}

TEST_SUITE("core.recipe.cmake")
{
    TEST_CASE("it is configured once, and again for another profile and for variables")
    {
        const Tree tree;
        tree.program(
            "cmake",
            R"(case $1 in -S) mkdir -p "$4/CMakeFiles"; echo >> "$4/build.ninja"; echo >> "$4/CMakeFiles/rules.ninja"; for w; do case $w in -DCMAKE_BUILD_TYPE=*)
echo "CMAKE_BUILD_TYPE:STRING=${w#*=}" > "$4/CMakeCache.txt";; esac; done;; esac)"
        );
        const std::string root = tree.root().string();
        const std::string out = root + "/build/a-b-c";
        const auto calls = [&](BuildCall call) {
            const auto plan = plan_cmake(call, tree.project(ProjectKind::cmake));
            REQUIRE(plan.has_value());
            CHECK(plan->directory == tree.root());
            CHECK(plan->workspace.root == tree.root());
            CHECK(plan->workspace.wait);
            return tree.calls(*plan);
        };
        const auto configured = [&](const std::string& type, const std::string& more = "") {
            return "cmake <-S> <" + root + "> <-B> <" + out
                   + "> <-G> <Ninja> <-DCMAKE_BUILD_TYPE=" + type + ">" + more + "\n";
        };
        const std::string built =
            "cmake <--build> <" + out + ">\ncmake <--build> <" + out + "> <--> <-n>\n";
        BuildCall call = tree.call();
        CHECK(calls(call) == configured("Debug") + built);
        CHECK(fs::exists(out + "/.slipway-again"));
        CHECK(
            tree.text("build/a-b-c/CACHEDIR.TAG") == "Signature: 8a477f597d28d172789f06886806bc55\n"
        );
        CHECK(calls(call) == built);
        call.profile = BuildProfile::release;
        CHECK(calls(call) == configured("Release") + built);
        CHECK(calls(call) == built);
        fs::remove(out + "/build.ninja"); // the configuration had failed
        CHECK(calls(call) == configured("Release") + built);
        call.args = {"-DA=it's $b", "-D", "C=d", "--verbose", "--target", "x y"};
        CHECK(
            calls(call)
            == configured("Release", " <-DA=it's $b> <-D> <C=d>") + "cmake <--build> <" + out
                   + "> <--verbose> <--target> <x y>\n"
        );
    }

    TEST_CASE("jobs and tests")
    {
        const Tree tree;
        tree.program(
            "cmake",
            "[ \"$1\" = --build ] || { mkdir -p \"$4/CMakeFiles\"; echo >> \"$4/build.ninja\"; "
            "echo >> \"$4/CMakeFiles/rules.ninja\"; }"
        );
        tree.program("ctest", "pwd >> " + (tree.root() / "calls").string());
        BuildCall call = tree.call();
        call.build_dir = "it's";
        call.jobs = 4;
        call.test = true;
        call.args = {"-R", "x"};
        const auto plan = plan_cmake(call, tree.project(ProjectKind::cmake));
        REQUIRE(plan.has_value());
        const std::string out = (tree.root() / "it's").string();
        const std::string said = tree.calls(*plan);
        CHECK(
            said.substr(said.find('\n') + 1)
            == "cmake <--build> <" + out + "> <--parallel> <4>\n"
                   + "ctest <--output-on-failure> <--no-tests=error> <--parallel> <4> <-R> <x>\n"
                   + out + "\n"
        );
    }

    TEST_CASE("a build that fails runs no tests")
    {
        const Tree tree;
        tree.program("cmake", "[ \"$1\" != --build ]");
        tree.program("ctest");
        BuildCall call = tree.call();
        call.test = true;
        const auto plan = plan_cmake(call, tree.project(ProjectKind::cmake));
        REQUIRE(plan.has_value());
        CHECK(tree.calls(*plan).find("ctest") == std::string::npos);
    }

    TEST_CASE("what comes back")
    {
        const Tree tree;
        const auto plan = plan_cmake(tree.call(), tree.project(ProjectKind::cmake));
        REQUIRE(plan.has_value());
        const auto back = [&](const std::string& path) {
            return plan->workspace.bring_back(path, EntryType::file);
        };
        for (const char* const path :
             {"build/a-b-c/CACHEDIR.TAG",
              "build/a-b-c/program",
              "build/a-b-c/lib/libx.a",
              "build/a-b-c/CMakeFiles",
              "build/a-b-c/CMakeFiles/CMakeOutput.log",
              "build/a-b-c/CMakeFiles/CMakeConfigureLog.yaml",
              "build/a-b-c/CMakeFilesOfMine/x.o",
              "build/a-b-c",
              "build/a-b-cd/.ninja_log",
              "CMakeFiles/x.o",
              "src/.ninja_log"}) {
            CHECK_MESSAGE(back(path), path);
        }
        for (const char* const path :
             {"build/a-b-c/CMakeFiles/x.dir",
              "build/a-b-c/CMakeFiles/x.dir/x.o",
              "build/a-b-c/CMakeFiles/x.dir/x.log",
              "build/a-b-c/lib/CMakeFiles",
              "build/a-b-c/lib/CMakeFiles/y.o",
              "build/a-b-c/.ninja_deps",
              "build/a-b-c/.ninja_log",
              "build/a-b-c/.cmake/api/v1"}) {
            CHECK_MESSAGE(!back(path), path);
        }
    }

    TEST_CASE("the directory of an image has its name, as far as a directory can")
    {
        const Tree tree;
        BuildCall call = tree.call();
        call.target.clear();
        call.image = "registry.example:5000/me/Image@sha256:00";
        const auto plan = plan_cmake(call, tree.project(ProjectKind::cmake));
        REQUIRE(plan.has_value());
        CHECK(
            plan->argv.at(2).find("/build/registry.example-5000-me-Image-sha256-00'")
            != std::string::npos
        );
    }

    TEST_CASE("directories that are no place for a build are refused")
    {
        const Tree tree;
        tree.file("w/src/main.c");
        tree.file("w/file");
        fs::create_directories(tree.root() / "w/empty");
        tree.file("w/tagged/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
        tree.file("w/tagged/x");
        tree.file("w/almost/CACHEDIR.TAG", "Signature: none");
        fs::create_directory_symlink("/tmp", tree.root() / "w/link");
        const Project project{ProjectKind::cmake, tree.root() / "w", tree.root() / "w"};
        const auto refusal = [&](const std::string& place) {
            BuildCall call = tree.call();
            call.directory = tree.root() / "w/src";
            call.build_dir = place;
            const auto plan = plan_cmake(call, project);
            if (plan) return std::string();
            CHECK(plan.error().code == Errc::invalid_argument);
            CHECK(plan.error().hint.find("--build-dir") != std::string::npos);
            return plan.error().message;
        };
        CHECK(refusal("../new/one").empty());
        CHECK(refusal("../new/").empty());
        CHECK(refusal("../empty/").empty());
        CHECK(refusal("../tagged").empty());
        const auto has = [](const std::string& text, std::string_view part) {
            return text.find(part) != std::string::npos;
        };
        CHECK(has(refusal("."), "no CACHEDIR.TAG says"));
        CHECK(has(refusal("../almost"), "no CACHEDIR.TAG says"));
        CHECK(has(refusal("../file"), "it is no directory"));
        CHECK(has(refusal(".."), "it is the workspace itself"));
        CHECK(has(refusal("../"), "it is the workspace itself"));
        for (const char* const outside : {"../..", "/tmp", "../../wx", "../link", "../link/x"}) {
            CHECK_MESSAGE(has(refusal(outside), "it is not inside the workspace"), outside);
        }
    }

    TEST_CASE("-D without a name is refused")
    {
        const Tree tree;
        BuildCall call = tree.call();
        call.args = {"-D"};
        const auto plan = plan_cmake(call, tree.project(ProjectKind::cmake));
        REQUIRE(!plan.has_value());
        CHECK(plan.error().code == Errc::invalid_argument);
        CHECK(plan.error().hint == "write -DNAME=VALUE");
    }
}

TEST_SUITE("core.recipe.make")
{
    TEST_CASE("the image's variables of the target, as far as it has them")
    {
        const Tree tree;
        tree.program("make");
        BuildCall call = tree.call();
        call.target = "a-1.b-c";
        call.jobs = 2;
        call.args = {"CC=it's mine", "all"};
        const auto plan = plan_make(call, tree.project(ProjectKind::make));
        REQUIRE(plan.has_value());
        CHECK(plan->argv.at(0) == "sh");
        CHECK(!plan->workspace.bring_back);
        CHECK(plan->workspace.wait);
        CHECK(
            tree.calls(
                *plan, "CC_a_1_b_c='cc -x' AR_a_1_b_c=ar CARGO_TARGET_A_1_B_C_RUNNER='q -L /'"
            )
            == "make <-j2> <CC=cc -x> <AR=ar> <EMULATOR=q -L /> <CC=it's mine> <all>\n"
        );
    }

    TEST_CASE("an image of one's own has its own compiler")
    {
        const Tree tree;
        tree.program("make");
        BuildCall call = tree.call();
        call.target.clear();
        call.image = "image";
        const auto plan = plan_make(call, tree.project(ProjectKind::make));
        REQUIRE(plan.has_value());
        CHECK(tree.calls(*plan, "CC_=x") == "make\n");
    }

    TEST_CASE("tests are the target `check`, else `test`")
    {
        const Tree tree;
        BuildCall call = tree.call();
        call.test = true;
        call.args = {"a b"};
        const auto plan = plan_make(call, tree.project(ProjectKind::make));
        REQUIRE(plan.has_value());
        tree.program("make");
        CHECK(tree.calls(*plan) == "make <a b> <-n> <check>\nmake <a b> <check>\n");
        tree.program("make", "[ \"$2\" != -n ]");
        CHECK(tree.calls(*plan) == "make <a b> <-n> <check>\nmake <a b> <test>\n");
    }

    TEST_CASE("profiles and build directories are the Makefile's own affair")
    {
        const Tree tree;
        BuildCall call = tree.call();
        call.profile = BuildProfile::debug;
        const auto profile = plan_make(call, tree.project(ProjectKind::make));
        REQUIRE(!profile.has_value());
        CHECK(profile.error().code == Errc::unsupported);
        call.profile.reset();
        call.build_dir = "out";
        const auto directory = plan_make(call, tree.project(ProjectKind::make));
        REQUIRE(!directory.has_value());
        CHECK(directory.error().code == Errc::unsupported);
    }
}
