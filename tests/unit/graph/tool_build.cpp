#include "projects.hpp"
#include "support/run.hpp"

#include <slipway/core/build_recipe.hpp>
#include <slipway/core/tool_build.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <functional>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;

namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

class Told final : public BuildWatch {
public:
    void begins(const std::string&, const std::vector<DirtyReason>& found) override
    {
        for (const DirtyReason& reason : found) {
            reasons.push_back(reason.name + (reason.subject.empty() ? "" : " " + reason.subject));
        }
    }
    void ended(const UnitEnd&) override {}
    void warning(const std::string& text) override { warnings.push_back(text); }

    Lines reasons;
    Lines warnings;
};

// A tool that writes "app" below out/, and some text.
class Tool {
public:
    Tool()
    {
        project.write("src/main.c", "1");
        project.write("Manifest");
        project.write(".git/HEAD", "ref: refs/heads/main");
        project.write(".git/refs/heads/main", "c0");
        project.write(".git/index", "i0");
    }

    ToolUnit unit(const fs::path& root) const
    {
        ToolUnit unit;
        unit.root = fs::canonical(root);
        unit.beside = beside;
        unit.identity = identity;
        unit.inputs.command = {"tool", "--in", unit.root.native() + "/out"};
        unit.inputs.env = env;
        unit.inputs.network = network;
        unit.results = unit.root / "out";
        unit.is_output = [](std::string_view path, EntryType) { return path != "scratch"; };
        unit.made_inputs = {"Manifest.lock"};
        unit.movable = movable;
        unit.never_done = "again";
        unit.depfiles = ".d";
        unit.manifest = "Manifest";
        return unit;
    }

    /// Why the tool ran; nothing: it did not.
    Lines build(bool force = false) { return build_at(project.root(), force); }
    Lines build_at(const fs::path& root, bool force = false)
    {
        told = std::make_shared<Told>();
        ran = 0;
        const RunTool run = [this, root](std::function<void(bool, std::string_view)> wrote
                            ) -> Task<std::int64_t> {
            ++ran;
            wrote(false, "out\n");
            wrote(true, "warning\n");
            fs::create_directories(root / "out/scratch/deep");
            std::ofstream(root / "out/app") << exit_code;
            std::ofstream(root / "out/scratch/deep/notes") << ran;
            if (during) during();
            co_return exit_code;
        };
        auto end = test::run(build_tool(unit(root), force, run, told));
        REQUIRE(said(end) == "none");
        last = *std::move(end);
        CHECK((last.outcome == UnitOutcome::fresh) == (ran == 0));
        CHECK(told->warnings.empty());
        return told->reasons;
    }
    Lines forecast() const
    {
        const auto found = forecast_tool(unit(project.root()));
        REQUIRE(said(found) == "none");
        Lines reasons;
        for (const DirtyReason& reason : found->reasons) {
            reasons.push_back(reason.name + (reason.subject.empty() ? "" : " " + reason.subject));
        }
        CHECK(found->fresh == reasons.empty());
        return reasons;
    }
    std::string replayed() const
    {
        std::string text;
        for_each_piece(last.log, [&](bool to_stderr, std::string_view bytes) {
            text += (to_stderr ? "2:" : "1:") + std::string(bytes);
        });
        return text;
    }

    static UnitIdentity usual()
    {
        UnitIdentity identity;
        identity.recipe = "tool";
        identity.name = "tool-build";
        identity.path = ".";
        identity.profile = "debug";
        identity.target = "t";
        identity.toolchain = sha256("image");
        return identity;
    }

    test::Project project;
    UnitIdentity identity = usual();
    std::map<std::string, std::string, std::less<>> env{{"A", "1"}};
    std::string network;
    std::vector<fs::path> beside;
    bool movable = true;
    int exit_code = 0;
    std::function<void()> during;
    std::shared_ptr<Told> told;
    UnitEnd last;
    int ran = 0;
};

} // namespace

TEST_SUITE("core.graph.tool_build")
{
    TEST_CASE("a tool runs once, and what it wrote is had again")
    {
        Tool tool;
        CHECK(tool.forecast() == Lines{"fresh-build"});
        CHECK(!fs::exists(tool.project.path(".slipway")));
        CHECK(tool.build() == Lines{"fresh-build"});
        CHECK(tool.last.log.empty()); // it has been shown
        CHECK(tool.forecast().empty());
        CHECK(tool.build().empty());
        CHECK(tool.last.outcome == UnitOutcome::fresh);
        CHECK(tool.replayed() == "1:out\n2:warning\n");
        CHECK(tool.build(true) == Lines{"forced"});
        CHECK(tool.build().empty());
    }

    TEST_CASE("what changes is the reason, and it alone")
    {
        struct Case {
            Lines reasons;
            std::function<void(Tool&)> change;
        };
        const std::vector<Case> cases{
            {{}, [](Tool&) {}},
            {{"changed-file src/main.c"}, [](Tool& t) { t.project.write("src/main.c", "2"); }},
            {{"new-file src/new.c"}, [](Tool& t) { t.project.write("src/new.c"); }},
            {{"missing-file Manifest"}, [](Tool& t) { fs::remove(t.project.path("Manifest")); }},
            {{"changed-file-type Manifest"},
             [](Tool& t) {
                 fs::remove(t.project.path("Manifest"));
                 t.project.link("Manifest", "src/main.c");
             }},
            {{"changed-file-type src/main.c"},
             [](Tool& t) { ::chmod(t.project.path("src/main.c").c_str(), 0755); }},
            {{"changed-file .git/refs/heads/main"},
             [](Tool& t) { t.project.write(".git/refs/heads/main", "c1"); }},
            {{"changed-file .git/HEAD", "missing-file .git/refs/heads/main"},
             [](Tool& t) { t.project.write(".git/HEAD", "c1"); }},
            {{}, [](Tool& t) { t.project.write(".git/refs/heads/other", "c1"); }},
            {{"new-file .git/refs/tags/v1"},
             [](Tool& t) { t.project.write(".git/refs/tags/v1", "c1"); }},
            {{}, [](Tool& t) { t.project.write("sub/.git/index", "i1"); }},
            {{"record-damaged"},
             [](Tool& t) {
                 const fs::path units = t.project.path(".slipway/units");
                 for (const auto& one : fs::directory_iterator(units)) {
                     std::ofstream(one.path() / "log", std::ios::app) << "x";
                 }
             }},
            {{}, [](Tool& t) { t.project.write(".git/index", "i1"); }},
            {{},
             [](Tool& t) {
                 t.project.write(
                     "cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"
                 );
                 t.project.write("cache/x");
             }},
            {{}, [](Tool& t) { t.project.write("out/other"); }},
            {{}, [](Tool& t) { t.project.write("out/scratch/deep/notes"); }},
            {{}, [](Tool& t) { t.project.write("src/main.c", "1"); }}, // another time
            {{"missing-output out/app"}, [](Tool& t) { fs::remove(t.project.path("out/app")); }},
            {{"changed-output out/app"}, [](Tool& t) { t.project.write("out/app", "longer"); }},
            {{"missing-output out/app"}, [](Tool& t) { fs::remove_all(t.project.path("out")); }},
            {{"env-var-changed A"}, [](Tool& t) { t.env["A"] = "2"; }},
            {{"env-vars-changed B"}, [](Tool& t) { t.env["B"] = "2"; }},
            {{"config-settings-changed"}, [](Tool& t) { t.network = "none"; }},
            {{"toolchain-changed"}, [](Tool& t) { t.identity.toolchain = sha256("other"); }},
            {{"compile-kind-changed"}, [](Tool& t) { t.identity.platform = "linux/arm64"; }},
            {{"record-damaged"},
             [](Tool& t) {
                 const fs::path units = t.project.path(".slipway/units");
                 for (const auto& one : fs::directory_iterator(units)) {
                     std::ofstream(one.path() / "record") << "x";
                 }
                 t.project.write("src/main.c", "2");
             }},
            {{"fresh-build"}, [](Tool& t) { fs::remove_all(t.project.path(".slipway")); }},
        };
        for (std::size_t i = 0; i < cases.size(); ++i) {
            CAPTURE(i);
            Tool tool;
            tool.build();
            cases[i].change(tool);
            CHECK(tool.forecast() == cases[i].reasons);
            CHECK(tool.build() == cases[i].reasons);
            CHECK(tool.build().empty());
        }
    }

    TEST_CASE("profiles do not evict one another")
    {
        Tool tool;
        tool.build();
        tool.identity.profile = "release";
        CHECK(tool.build() == Lines{"fresh-build"});
        tool.identity.profile = "debug";
        // One program of two profiles at one path: the tool is asked.
        CHECK(tool.build() == Lines{"changed-output out/app"});
    }

    TEST_CASE("a checkout that moves has nothing to do")
    {
        Tool tool;
        tool.build();
        const TempDirectory elsewhere;
        const fs::path moved = elsewhere.path() / "moved";
        fs::rename(tool.project.root(), moved);
        CHECK(tool.build_at(moved).empty());
        tool.movable = false;
        tool.build_at(moved);
        fs::rename(moved, tool.project.root());
        CHECK(tool.build() == Lines{"command-changed"});
    }

    TEST_CASE("a run that fails, or is cut, is no build")
    {
        Tool tool;
        tool.exit_code = 3;
        CHECK(tool.build() == Lines{"fresh-build"});
        CHECK(tool.last.exit_code == 3);
        CHECK(tool.last.outcome == UnitOutcome::failed);
        CHECK(tool.build() == Lines{"unfinished-run"});
        tool.exit_code = 0;
        CHECK(tool.build() == Lines{"unfinished-run"});
        CHECK(tool.build().empty());
        // One that was good before counts no more.
        tool.project.write("src/main.c", "2");
        tool.exit_code = 3;
        tool.build();
        tool.project.write("src/main.c", "1");
        tool.exit_code = 0;
        CHECK(tool.build() == Lines{"unfinished-run"});
    }

    TEST_CASE("an edit while the tool runs is built the next time")
    {
        Tool tool;
        tool.during = [&tool] { tool.project.write("src/main.c", "2"); };
        tool.build();
        tool.during = {};
        CHECK(tool.build() == Lines{"unfinished-run"});
        CHECK(tool.build().empty());
        // Also where it has been taken back: the tool may have read what it was meanwhile.
        tool.project.write("src/main.c", "3");
        tool.during = [&tool] {
            tool.project.write("src/main.c", "4");
            tool.project.write("src/main.c", "3");
        };
        CHECK(tool.build() == Lines{"changed-file src/main.c"});
        tool.during = {};
        CHECK(!tool.build().empty());
        CHECK(tool.build().empty());
    }

    TEST_CASE("what a depfile names is read, wherever it is")
    {
        Tool tool;
        tool.project.write("gen/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
        tool.project.write("gen/deep/x.c", "1");
        tool.project.write("gen/Manifest", "1");
        const std::string root = fs::canonical(tool.project.root()).native();
        tool.during = [&] {
            tool.project.write(
                "out/app.d", root + "/out/app: " + root + "/gen/deep/x.c src/main.c /usr/x.h\n"
            );
        };
        tool.build();
        CHECK(tool.build().empty());
        tool.project.write("gen/deep/x.c", "2");
        CHECK(tool.forecast() == Lines{"changed-file gen/deep/x.c"});
        CHECK(tool.build() == Lines{"changed-file gen/deep/x.c"});
        CHECK(tool.build().empty());
        tool.project.write("gen/Manifest", "2");
        CHECK(tool.build() == Lines{"changed-file gen/Manifest"});
        tool.project.write("gen/deep/Manifest", "2");
        CHECK(tool.build() == Lines{"new-file gen/deep/Manifest"});
        tool.project.write("gen/deep/y.c", "2");
        CHECK(tool.build().empty());
    }

    TEST_CASE("a tool that is never done runs each time")
    {
        Tool tool;
        tool.during = [&tool] { tool.project.write("out/again"); };
        tool.build();
        CHECK(tool.build() == Lines{"unfinished-run"});
        tool.during = [&tool] { fs::remove(tool.project.path("out/again")); };
        CHECK(tool.build() == Lines{"unfinished-run"});
        CHECK(tool.build().empty());
    }

    TEST_CASE("a lock file that the first build makes is no reason for a second one")
    {
        Tool tool;
        tool.during = [&tool] { tool.project.write("Manifest.lock", "1"); };
        tool.build();
        CHECK(tool.build().empty());
        tool.project.write("Manifest.lock", "2");
        tool.during = {};
        CHECK(tool.build() == Lines{"changed-file Manifest.lock"});
        // Made anew while it runs, it may be somebody's own.
        tool.during = [&tool] { tool.project.write("Manifest.lock", "3"); };
        tool.project.write("src/main.c", "2");
        tool.build();
        tool.during = {};
        CHECK(!tool.build().empty());
    }

    TEST_CASE("directories beside the workspace are read, too")
    {
        const test::Project other;
        other.write("lib.c", "1");
        Tool tool;
        tool.beside = {fs::canonical(other.root()), fs::canonical(tool.project.path("src"))};
        tool.build();
        CHECK(tool.build().empty());
        other.write("lib.c", "2");
        const std::string lib = fs::canonical(other.root()).native() + "/lib.c";
        CHECK(tool.build() == Lines{"changed-file " + lib});
    }

    TEST_CASE("without outputs nothing is known to be built")
    {
        Tool tool;
        tool.during = [&tool] { fs::remove_all(tool.project.path("out")); };
        tool.build();
        CHECK(tool.build() == Lines{"unfinished-run"});
    }

    TEST_CASE("where nothing can be noted the tool runs each time, and says so")
    {
        const test::Project project;
        project.write(".slipway", "no directory");
        const auto told = std::make_shared<Told>();
        ToolUnit unit;
        unit.root = project.root();
        unit.identity = Tool::usual();
        unit.results = project.path("out");
        unit.is_output = [](std::string_view, EntryType) { return true; };
        int runs = 0;
        const RunTool run =
            [&runs](std::function<void(bool, std::string_view)>) -> Task<std::int64_t> {
            ++runs;
            co_return 0;
        };
        for (int i = 0; i < 2; ++i) {
            const auto end = test::run(build_tool(unit, false, run, told));
            REQUIRE(said(end) == "none");
            CHECK(end->outcome == UnitOutcome::ran);
        }
        CHECK(runs == 2);
        CHECK(told->warnings.size() == 2);
    }

    TEST_CASE("where sources cannot be read the tool runs each time")
    {
        Tool tool;
        const auto told = std::make_shared<Told>();
        ToolUnit unit = tool.unit(tool.project.root());
        unit.beside = {"/no/such/directory"};
        int runs = 0;
        const RunTool run =
            [&runs](std::function<void(bool, std::string_view)>) -> Task<std::int64_t> {
            ++runs;
            co_return 7;
        };
        const auto end = test::run(build_tool(unit, false, run, told));
        REQUIRE(said(end) == "none");
        CHECK(end->exit_code == 7);
        CHECK(runs == 1);
        REQUIRE(told->warnings.size() == 1);
        CHECK(told->warnings.front().starts_with("this build is not noted, and is done again: "));
    }

    TEST_CASE("an error of the run is the build's, and no build is noted")
    {
        Tool tool;
        tool.build();
        tool.project.write("src/main.c", "2");
        const RunTool run = [](std::function<void(bool, std::string_view)>) -> Task<std::int64_t> {
            co_return fail(Errc::unreachable, "gone");
        };
        const auto end =
            test::run(build_tool(tool.unit(tool.project.root()), false, run, tool.told));
        CHECK(said(end) == "gone");
        CHECK(tool.build() == Lines{"changed-file src/main.c"});
    }

    TEST_CASE("secrets are shown as digests")
    {
        CHECK(shown_variable("RUSTFLAGS", "-g") == "-g");
        for (const char* const name :
             {"API_TOKEN", "my_secret", "DB_PASSWORD", "AWS_ACCESS_KEY_ID", "HTTP_AUTH"}) {
            const std::string shown = shown_variable(name, "hunter2");
            CHECK(shown.find("hunter2") == std::string::npos);
            CHECK(shown != shown_variable(name, "hunter3"));
        }
    }

    TEST_CASE("lines that only tell how far a tool is")
    {
        const auto cargo = [](std::string_view line) {
            return is_progress(ProjectKind::cargo, line);
        };
        for (const char* const line :
             {"   Compiling hello v0.1.0 (/p)",
              "    Finished `dev` profile in 0.1s",
              "    Blocking waiting for file lock on build directory",
              "  Downloaded x v1",
              "    Updating crates.io index",
              "     Locking 3 packages"}) {
            CAPTURE(line);
            CHECK(cargo(line));
        }
        for (const char* const line :
             {"warning: unused variable: `x`",
              "  --> src/main.rs:2:9",
              "2 |     let x = 1;",
              "   |         ^ help",
              "",
              "            ",
              "   = note: `#[warn(unused)]` on",
              "Compiling",
              "            deep text",
              "    compiling hello v0.1.0"}) {
            CAPTURE(line);
            CHECK(!cargo(line));
        }
        const auto cmake = [](std::string_view line) {
            return is_progress(ProjectKind::cmake, line);
        };
        for (const char* const line :
             {"[1/2] Building CXX object x.o", "-- Configuring done", "ninja: no work to do."}) {
            CAPTURE(line);
            CHECK(cmake(line));
        }
        for (const char* const line :
             {"src/a.cpp:1:2: warning: unused", "[-Wunused] of 1/2", "[a/b] x", "[1/2]", "-> x"}) {
            CAPTURE(line);
            CHECK(!cmake(line));
        }
    }

    TEST_CASE("the directory of a profile")
    {
        const std::vector<std::pair<Lines, std::string>> cases{
            {{"build"}, "debug"},
            {{"build", "--release"}, "release"},
            {{"build", "-r"}, "release"},
            {{"build", "--profile", "dev"}, "debug"},
            {{"build", "--profile=bench"}, "release"},
            {{"build", "--profile", "small"}, "small"},
            {{"build", "--profile"}, "debug"},
            {{"build", "--", "--release"}, "debug"},
        };
        for (const auto& [args, directory] : cases) {
            CHECK(cargo_profile_directory(args) == directory);
        }
    }
}
