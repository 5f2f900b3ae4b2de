#include "support/temp_directory.hpp"
#include "unit/toolchain/made_rustup.hpp"

#include <slipway/core/cargo_recipe.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

using namespace slipway;
using namespace slipway::core;

namespace fs = std::filesystem;

namespace {

struct Project {
    Project()
    {
        fs::create_directories(root() / "member/src");
        std::ofstream(root() / "Cargo.toml") << "[workspace]\nmembers = ['member']\n";
        std::ofstream(root() / "member/Cargo.toml") << "[package]\nname = 'member'\n";
    }
    fs::path root() const { return fs::canonical(directory.path()) / "project"; }

    void configure(const fs::path& where, std::string_view text) const
    {
        fs::create_directories(root() / where / ".cargo");
        std::ofstream(root() / where / ".cargo/config.toml") << text;
    }

    Result<CargoPlan> plan(std::vector<std::string> args) const
    {
        CargoCall call = base;
        call.args = std::move(args);
        if (call.directory.empty()) call.directory = root();
        return plan_cargo(call);
    }

    test::TempDirectory directory;
    CargoCall base{
        .args = {}, .directory = {}, .home = {}, .environment = {}, .host_target = "h-o-st"};
};

bool has(const std::vector<std::string>& texts, const std::string& text)
{
    return std::ranges::find(texts, text) != texts.end();
}

} // namespace

TEST_SUITE("core.recipe.cargo")
{
    TEST_CASE("arguments go to cargo as they are")
    {
        const Project project;
        const auto plan = project.plan({"run", "--target", "a-b-c", "--", "--target", "x"});
        REQUIRE(plan.has_value());
        const std::vector<std::string> argv{
            "cargo", "run", "--target", "a-b-c", "--", "--target", "x"};
        CHECK(plan->argv == argv);
        CHECK(plan->target == "a-b-c");
    }

    TEST_CASE("the target: the option, then the variable, then the host's")
    {
        Project project;
        CHECK(project.plan({"build"})->target == "h-o-st");
        project.base.environment["CARGO_BUILD_TARGET"] = "from-the-env";
        CHECK(project.plan({"build"})->target == "from-the-env");
        CHECK(project.plan({"build", "--target=a-b-c"})->target == "a-b-c");
    }

    TEST_CASE("cargo's own configuration names the target and its directory, the nearest first")
    {
        Project project;
        project.configure("", "[build]\ntarget = 'of-the-root'\ntarget-dir = 'out'\n");
        CHECK(project.plan({"build"})->target == "of-the-root");
        CHECK(has(
            project.plan({"build"})->env, "CARGO_TARGET_DIR=" + (project.root() / "out").string()
        ));
        project.configure("member", "[build]\ntarget = ['of-the-member']\n");
        CHECK(project.plan({"build"})->target == "of-the-root");
        project.base.directory = project.root() / "member/src";
        CHECK(project.plan({"build"})->target == "of-the-member");
        CHECK(has(
            project.plan({"build"})->env, "CARGO_TARGET_DIR=" + (project.root() / "out").string()
        ));
        project.base.environment["CARGO_BUILD_TARGET"] = "from-the-env";
        project.base.environment["CARGO_TARGET_DIR"] = "../outputs";
        CHECK(project.plan({"build"})->target == "from-the-env");
        CHECK(
            has(project.plan({"build"})->env,
                "CARGO_TARGET_DIR=" + (project.root() / "member/outputs").string())
        );
    }

    TEST_CASE("a volume that cannot be read-only is refused")
    {
        Project project;
        const std::string root = project.root();
        const std::string beside = project.root().parent_path() / "data";
        fs::create_directories(fs::path(beside) / "golden");
        const auto plan = [&](const std::string& first, const std::string& second) {
            project.base.environment["CROSS_CONTAINER_OPTS"] = "-v " + first + " -v " + second;
            return project.plan({"build"});
        };
        const auto twice = [](const std::string& path) { return path + ":" + path; };
        const std::string golden = beside + "/golden";
        const std::pair<std::string, std::string> rows[]{
            {twice(beside) + ":ro", twice(golden)},
            {twice(golden), twice(beside) + ":ro"},
            {twice(beside), twice(golden) + ":ro"},
            {twice(golden) + ":ro", twice(beside)},
            {twice(beside), twice(beside) + ":ro"},
            {twice(beside), twice(root + "/member") + ":ro"}};
        for (const auto& [first, second] : rows) {
            CAPTURE(first);
            CAPTURE(second);
            const auto refused = plan(first, second);
            REQUIRE_FALSE(refused.has_value());
            CHECK(refused.error().code == Errc::unsupported);
            CHECK_FALSE(refused.error().hint.empty());
        }
        const auto both = plan(twice(golden) + ":ro", twice(beside) + ":ro");
        REQUIRE(both.has_value());
        REQUIRE(both->workspace.also.size() == 1);
        CHECK(both->workspace.also.front().path == beside);
        CHECK(both->workspace.also.front().read_only);
    }

    TEST_CASE("a target directory that ends with a slash is the same one")
    {
        Project project;
        for (const char* const name : {"out", "out/", "./out//"}) {
            CAPTURE(name);
            const auto plan = project.plan({"build", "--target-dir", name});
            REQUIRE(plan.has_value());
            CHECK(plan->workspace.build->path == project.root() / "out");
            const auto& bring_back = plan->workspace.bring_back;
            CHECK(bring_back("out/h-o-st/debug/app", EntryType::file));
            CHECK_FALSE(bring_back("out/h-o-st/debug/deps/app-1", EntryType::file));
            CHECK(bring_back("outer/deps", EntryType::file));
        }
    }

    TEST_CASE("configuration that is not ours to read")
    {
        Project project;
        std::ofstream(project.root() / "Cargo.toml") << "[workspace]\n";
        project.configure("..", "[build]\ntarget = 'outside'\n");
        CHECK(project.plan({"build"})->target == "h-o-st");
        project.configure("", "build = 'not a table'\n");
        CHECK(project.plan({"build"})->target == "h-o-st");
        project.configure("", "[build]\ntarget = ['a-b-c', 'd-e-f']\n");
        const auto several = project.plan({"build"});
        REQUIRE_FALSE(several.has_value());
        CHECK(several.error().message.find("several") != std::string::npos);
        CHECK(project.plan({"build", "--target", "a-b-c"}).has_value());
    }

    TEST_CASE("configuration that does not parse is named with its line")
    {
        const Project project;
        project.configure("", "[build]\n\ntarget = not toml\n");
        const auto plan = project.plan({"build"});
        REQUIRE_FALSE(plan.has_value());
        CHECK(plan.error().code == Errc::invalid_argument);
        const std::string place = (project.root() / ".cargo/config.toml").string() + ":3:";
        CHECK_MESSAGE(
            plan.error().message.find(place) != std::string::npos, describe(plan.error())
        );
        CHECK(!plan.error().hint.empty());
    }

    TEST_CASE("a command that needs a package is refused where none is, in cargo's words")
    {
        Project project;
        project.base.directory = project.root() / "bare";
        fs::create_directory(project.base.directory);
        fs::remove(project.root() / "Cargo.toml");
        const std::vector<std::vector<std::string>> refused{
            {"build"},
            {"b", "--release"},
            {"--color", "new", "test", "--", "--help"},
            {"-v", "run", "--", "-h"},
            {"--config=a.b=1", "check"}};
        for (const auto& args : refused) {
            const auto plan = project.plan(args);
            REQUIRE_FALSE(plan.has_value());
            CHECK(plan.error().code == Errc::not_found);
            CHECK(
                plan.error().message
                == "could not find `Cargo.toml` in `" + project.base.directory.string()
                       + "` or any parent directory"
            );
            CHECK(plan.error().hint.find("--manifest-path") != std::string::npos);
        }
        const std::vector<std::vector<std::string>> allowed{
            {"new", "x"},
            {"init"},
            {"--version"},
            {"build", "--help"},
            {"help", "build"},
            {"install", "x"},
            {"my-alias"},
            {"--color", "build", "--list"},
            {"-C", "elsewhere", "build"},
            {"build", "--manifest-path", "../member/Cargo.toml"}};
        for (const auto& args : allowed) {
            const auto plan = project.plan(args);
            CHECK_MESSAGE(plan.has_value(), args.front());
        }
    }

    TEST_CASE("a package above the workspace does not travel")
    {
        Project project;
        project.base.home = project.root();
        project.base.directory = project.root() / "bare/inner";
        fs::create_directories(project.base.directory);
        fs::create_directory(project.root() / "bare/.git");
        const auto plan = project.plan({"build"});
        REQUIRE_FALSE(plan.has_value());
        const std::string top = "up to `" + (project.root() / "bare").string() + "`";
        CHECK(plan.error().message.find(top) != std::string::npos);
    }

    TEST_CASE("a manifest that is named must be there")
    {
        const Project project;
        const auto plan = project.plan({"build", "--manifest-path", "none/Cargo.toml"});
        REQUIRE_FALSE(plan.has_value());
        CHECK(plan.error().message == "manifest path `none/Cargo.toml` does not exist");
    }

    TEST_CASE("a target directory outside the workspace is refused by the name of its source")
    {
        Project project;
        project.base.environment["CARGO_TARGET_DIR"] = "/elsewhere";
        const auto plan = project.plan({"build"});
        REQUIRE_FALSE(plan.has_value());
        CHECK(plan.error().message.find("/elsewhere") != std::string::npos);
        CHECK(plan.error().hint.find("CARGO_TARGET_DIR") != std::string::npos);
    }

    TEST_CASE("the workspace is found from a member and from a manifest's path")
    {
        Project project;
        project.base.directory = project.root() / "member/src";
        CHECK(project.plan({"build"})->workspace.root == project.root());
        project.base.directory = project.root().parent_path();
        const auto plan = project.plan({"build", "--manifest-path", "project/member/Cargo.toml"});
        REQUIRE(plan.has_value());
        CHECK(plan->workspace.root == project.root());
        CHECK(has(plan->env, "CARGO_TARGET_DIR=" + (project.root() / "target").string()));
    }

    TEST_CASE("results come back, intermediate files do not")
    {
        const Project project;
        const auto plan = project.plan({"build", "--target", "a-b-c"});
        REQUIRE(plan.has_value());
        const EntryFilter& keep = plan->workspace.bring_back;
        for (const char* path :
             {"src/main.rs",
              "Cargo.lock",
              "target",
              "target/CACHEDIR.TAG",
              "target/a-b-c",
              "target/a-b-c/debug",
              "target/a-b-c/debug/app",
              "target/a-b-c/debug/app.d",
              "target/a-b-c/release/examples/e",
              "target/a-b-c/doc/index.html",
              "target/package/x",
              "target-other/deps/file"}) {
            CAPTURE(path);
            CHECK(keep(path, EntryType::file));
        }
        for (const char* path :
             {"target/debug",
              "target/debug/build/x",
              "target/a-b-c/debug/deps",
              "target/a-b-c/debug/deps/app-0",
              "target/a-b-c/debug/build/x/out",
              "target/a-b-c/debug/incremental/x",
              "target/a-b-c/debug/.fingerprint/x",
              "target/a-b-c/debug/.cargo-lock",
              "target/.rustc_info.json",
              "target/x-y-z/debug/app"}) {
            CAPTURE(path);
            CHECK_FALSE(keep(path, EntryType::file));
        }
    }

    TEST_CASE("variables of the build travel, credentials and paths of the host do not")
    {
        Project project;
        project.base.environment = {
            {"RUSTFLAGS", "-C opt-level=1"},
            {"CARGO_PROFILE_RELEASE_LTO", "true"},
            {"CARGO_REGISTRY_TOKEN", "secret"},
            {"CARGO_REGISTRIES_X_TOKEN", "secret"},
            {"CARGO_HOME", "/home/me/.cargo"},
            {"PATH", "/bin"}};
        const auto plan = project.plan({"build"});
        REQUIRE(plan.has_value());
        CHECK(has(plan->env, "RUSTFLAGS=-C opt-level=1"));
        CHECK(has(plan->env, "CARGO_PROFILE_RELEASE_LTO=true"));
        CHECK(plan->env.size() == 4); // and CARGO_TARGET_DIR, ours
        REQUIRE(plan->kept.size() == 1);
        CHECK(has(plan->env, "CARGO_HOME=" + plan->kept.front().path));
        CHECK(plan->workspace.wait);
    }

    TEST_CASE("a toolchain of this machine: the option, +NAME, the variable")
    {
        const test::MadeRustup rustup;
        const std::string triple = test::MadeRustup::host;
        rustup.add("one-" + triple, {triple, "a-b-c"});
        rustup.add("two-" + triple, {triple, "a-b-c"});
        rustup.settings("default_toolchain = 'one'\n");
        Project project;
        project.base.host_target = triple;
        project.base.environment["RUSTUP_HOME"] = rustup.home().string();
        const auto name_of = [&](std::vector<std::string> args) {
            const auto plan = project.plan(std::move(args));
            REQUIRE(plan.has_value());
            return plan->toolchain ? plan->toolchain->name.substr(0, 3) : "";
        };
        CHECK(name_of({"build"}).empty());
        auto plan = project.plan({"+two", "build", "--target", "a-b-c"});
        REQUIRE(plan.has_value());
        CHECK(plan->toolchain->name == "two-" + triple);
        CHECK(plan->toolchain->target == "a-b-c");
        const std::string cargo = plan->toolchain->sysroot / "bin/cargo"; // never the image's
        CHECK(plan->argv == std::vector<std::string>{cargo, "build", "--target", "a-b-c"});
        CHECK(has(plan->env, "CARGO_BUILD_TARGET=a-b-c"));
        project.base.environment["SLIPWAY_TOOLCHAIN"] = "host";
        CHECK(name_of({"build"}) == "one");
        CHECK(name_of({"+two", "build"}) == "two");
        project.base.toolchain = "two";
        CHECK(name_of({"build"}) == "two");
        CHECK(project.plan({"+one", "build"}).error().code == Errc::invalid_argument);
        CHECK(project.plan({"build", "-Zbuild-std"}).error().code == Errc::not_found);
        project.base.toolchain = "image";
        CHECK(name_of({"build"}).empty());
        plan = project.plan({"+one", "build"});
        REQUIRE(plan.has_value());
        CHECK_FALSE(plan->toolchain.has_value());
        CHECK(plan->argv == std::vector<std::string>{"cargo", "+one", "build"});
        CHECK(project.plan({"+one"}).error().code == Errc::invalid_argument);
    }

    TEST_CASE("what cannot work is refused, with a way out")
    {
        const Project project;
        const std::vector<std::pair<std::vector<std::string>, Errc>> rows{
            {{}, Errc::invalid_argument},
            {{"+no/name", "build"}, Errc::invalid_argument},
            {{"+"}, Errc::invalid_argument},
            {{"build", "--target"}, Errc::invalid_argument},
            {{"build", "--target="}, Errc::invalid_argument},
            {{"build", "--target", "a-b-c", "--target", "d-e-f"}, Errc::invalid_argument},
            {{"build", "--target-dir", "/elsewhere"}, Errc::invalid_argument},
            {{"build", "--target-dir", "."}, Errc::invalid_argument}};
        for (const auto& [args, code] : rows) {
            const std::size_t count = args.size();
            CAPTURE(count);
            const auto plan = project.plan(args);
            REQUIRE_FALSE(plan.has_value());
            CHECK(plan.error().code == code);
            CHECK_FALSE(plan.error().hint.empty());
        }
    }
}
