#include "graph/fresh_note.hpp"

#include "graph/output_files.hpp"
#include "projects.hpp"

#include <chrono>
#include <functional>
#include <thread>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;
using graph::BuildState;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view units = R"([toolchain.cc]
image = "debian"
[unit.gen]
toolchain = "cc"
command = ["gen"]
inputs = ["gen.in"]
outputs = ["out/list"]
[unit.u]
toolchain = "cc"
command = ["cc"]
inputs = ["src/*.c", "data"]
inputs_from = ["out/list"]
discover = ["include/*.h"]
depfile = "a.d"
pass_env = ["MODE"]
outputs = ["out/a.o"]
)";

// Longer than a mark is young.
void settle()
{
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
}

// A project whose units are built, but were not run.
class Built : public Project {
public:
    Built()
    {
        for (const char* const file :
             {"gen.in", "src/a.c", "src/b.c", "data/deep/x", "listed", "include/a.h", "other/y"}) {
            write(file, file);
        }
        write("src/CACHEDIR.TAG", "none yet, of as many bytes as a signature has");
        settle();
        order = Project::order(units);
        auto state = open();
        for (std::size_t place = 0; place < 2; ++place) {
            build(*state, place);
        }
        settle();
    }

    std::unique_ptr<BuildState> open() const
    {
        auto state = BuildState::open(order, false);
        REQUIRE(said(state) == "none");
        return *std::move(state);
    }
    void build(BuildState& state, std::size_t place) const
    {
        const graph::PlannedUnit& planned = state.plan().units[place];
        const auto key = state.key(place);
        REQUIRE(said(key) == "none");
        graph::BuiltUnit unit;
        if (planned.unit->depfile) unit.discovered = {"include/a.h"};
        const auto table = state.discovered(place, unit.discovered);
        REQUIRE(said(table) == "none");
        unit.directory = planned.directory;
        unit.label = planned.label;
        unit.key = result_record(key->inputs, *table).digest();
        unit.log = Blob{sha256("log"), place};
        StoredOutput output;
        output.path = planned.unit->outputs.front().text;
        const std::string bytes = place == 0 ? "listed\n" : "object";
        output.content = Blob{sha256(bytes), bytes.size()};
        write(output.path, bytes);
        const fs::path kept = state.layout().outputs(unit.directory) / output.path;
        write(kept.lexically_relative(root()).native(), bytes);
        unit.outputs.push_back({output, {}, {}});
        state.mark(unit);
        unit.good = true;
        REQUIRE(said(state.log().add(unit)) == "none");
    }
    // As the end of a build that found all fresh.
    void note() const
    {
        const auto state = open();
        for (std::size_t place = 0; place < 2; ++place) {
            const auto key = state->key(place);
            REQUIRE(said(key) == "none");
            const auto found = state->freshness(place, *key);
            REQUIRE(said(found) == "none");
            REQUIRE(found->fresh);
            REQUIRE(found->placed);
        }
        REQUIRE(said(graph::note_fresh(*state, {0, 1})) == "none");
    }
    bool is_fresh() const { return graph::still_fresh(order, graph::Layout(root())).has_value(); }
    fs::path kept_list() const
    {
        const auto state = open();
        return state->layout().outputs(state->plan().units[0].directory) / "out/list";
    }
    fs::path note_file() const { return path(".slipway/fresh"); }

    BuildOrder order;
};

} // namespace

TEST_SUITE("notes of builds that had nothing to do")
{
    TEST_CASE("the units come in the order in which they ended, with what they had written")
    {
        const Built project;
        CHECK_FALSE(project.is_fresh());
        project.note();
        const auto found = graph::still_fresh(project.order, graph::Layout(project.root()));
        REQUIRE(found);
        REQUIRE(found->size() == 2);
        CHECK(project.order.file.units[found->at(0).place].name == "gen");
        CHECK(project.order.file.units[found->at(1).place].name == "u");
        CHECK(found->at(1).directory.starts_with("u-"));
        CHECK(found->at(1).log == Blob{sha256("log"), 1});
    }

    TEST_CASE("whatever a unit hangs on makes the note void")
    {
        struct Change {
            const char* what;
            std::function<void(Built&)> make;
        };
        const auto change = [](const char* file) {
            return [file](Built& project) { project.write(file, "other"); };
        };
        const auto remove = [](const char* file) {
            return [file](Built& project) { fs::remove_all(project.path(file)); };
        };
        const std::vector<Change> all{
            {"an input", change("src/a.c")},
            {"an input goes", remove("src/a.c")},
            {"an input of as many bytes", [](Built& p) { p.write("gen.in", "gen.on"); }},
            {"a mode", [](Built& p) { fs::permissions(p.path("src/a.c"), fs::perms(0755)); }},
            {"a discovered file", change("include/a.h")},
            {"a name that could be discovered", change("include/new.h")},
            {"a name that a pattern means", change("src/c.c")},
            {"a name below a directory", change("data/deep/new")},
            {"a new directory there", change("data/new/in")},
            {"a file that becomes the tag of a cache",
             [](Built& p) {
                 p.write("src/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55 now");
             }},
            {"an input that another unit's output names", change("listed")},
            {"a list that was made",
             [list = fs::path()](Built& p) mutable {
                 list = p.kept_list();
                 std::ofstream(list) << "gen.in\n";
             }},
            {"an output", change("out/a.o")},
            {"an output goes", remove("out/a.o")},
            {"what is known of units",
             [](Built& p) {
                 const auto state = p.open();
                 graph::BuiltUnit begun = *state->built(1);
                 begun.good = false;
                 CHECK(said(state->log().add(begun)) == "none");
             }},
            {"a command", [](Built& p) { p.order.file.units[1].command.push_back("-O2"); }},
            {"a variable that is passed", [](Built& p) { p.order.environment["MODE"] = "2"; }},
            {"the toolchain's image",
             [](Built& p) { p.order.toolchains["cc"].digest = sha256("other"); }},
            {"its platform", [](Built& p) { p.order.toolchains["cc"].platform = "linux/arm64"; }},
            {"the profile", [](Built& p) { p.order.variables.profile = "release"; }},
            {"what is asked for", [](Built& p) { p.order.units = {"gen"}; }},
            {"the note is cut",
             [](Built& p) { fs::resize_file(p.note_file(), fs::file_size(p.note_file()) - 1); }},
            {"the note is damaged",
             [](Built& p) {
                 std::string bytes = *p.read(".slipway/fresh");
                 bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
                 p.write(".slipway/fresh", bytes);
             }},
            {"the note is empty", [](Built& p) { p.write(".slipway/fresh", ""); }},
        };
        for (const Change& one : all) {
            CAPTURE(one.what);
            Built project;
            project.note();
            REQUIRE(project.is_fresh());
            one.make(project);
            CHECK_FALSE(project.is_fresh());
        }
    }

    TEST_CASE("what no unit hangs on does not")
    {
        Built project;
        project.note();
        project.write("other/y", "changed");
        project.write("README", "new");
        project.order.environment["HOME"] = "/elsewhere";
        project.order.jobs = 7;
        CHECK(project.is_fresh());
    }

    TEST_CASE("a mark that is too young is not noted")
    {
        for (const char* const young : {"src/a.c", "src", "include", "src/CACHEDIR.TAG"}) {
            CAPTURE(young);
            const Built project;
            // Its bytes are the same: all is fresh.
            fs::last_write_time(project.path(young), fs::file_time_type::clock::now());
            project.note();
            settle();
            CHECK_FALSE(project.is_fresh());
            project.note();
            CHECK(project.is_fresh());
        }
    }

    TEST_CASE("a mark of a time that is still to come is not taken")
    {
        const Built project;
        fs::last_write_time(
            project.path("src/a.c"), fs::file_time_type::clock::now() + std::chrono::hours(1)
        );
        settle();
        project.note();
        CHECK_FALSE(project.is_fresh());
    }
}
