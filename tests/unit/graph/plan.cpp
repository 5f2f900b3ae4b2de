#include "graph/plan.hpp"

#include "projects.hpp"

#include <algorithm>
#include <random>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;
using graph::BuildPlan;
using graph::PlannedUnit;

namespace {

using Names = std::vector<std::string>;

constexpr std::string_view compiler = "[toolchain.cc]\nimage = \"debian\"\n";

// All units of the plan borrow from the order.
BuildPlan planned(const BuildOrder& order)
{
    auto made = plan_of(order);
    REQUIRE(said(made) == "none");
    return *std::move(made);
}

std::string unit(std::string_view name, std::string_view rest)
{
    const std::string own(name);
    return "[unit." + own + "]\ntoolchain = \"cc\"\ncommand = [\"x\"]\n" + std::string(rest) + "\n";
}

Names names(const BuildPlan& plan)
{
    Names out;
    for (const PlannedUnit& one : plan.units) {
        out.push_back(one.unit->name);
    }
    return out;
}

// One unit `u` whose keys are `rest`; with another one that makes out/gen.c and all of out/dir/.
PlannedUnit only(const Project& project, const std::string& rest)
{
    static BuildOrder order; // the plan borrows it
    order = project.order(
        std::string(compiler) + unit("g", R"(outputs = ["out/gen.c", "out/dir/"])")
        + unit("u", rest)
    );
    const BuildPlan made = planned(order);
    for (const PlannedUnit& one : made.units) {
        if (one.unit->name == "u") return one;
    }
    FAIL("no unit u");
    return {};
}

std::string refused(const Project& project, const std::string& rest)
{
    const BuildOrder order = project.order(
        std::string(compiler) + unit("g", R"(outputs = ["out/gen.c", "out/dir/"])")
        + unit("u", rest)
    );
    const auto made = plan_of(order);
    CHECK(code_of(made) == Errc::not_found);
    return said(made);
}

// By hand: a file of so many units would be long to read.
BuildOrder order_of(const Project& project, std::vector<Unit> units)
{
    BuildOrder order;
    order.file.path = project.path("slipway.toml");
    order.file.units = std::move(units);
    order.toolchains["cc"] = {"debian", "linux/amd64", sha256("x")};
    return order;
}

Unit bare_unit(std::size_t number)
{
    Unit out;
    out.name = "u" + std::to_string(number);
    out.toolchain = "cc";
    out.command = {"x"};
    return out;
}

void depend(Unit& unit, std::size_t on)
{
    UnitPath dependency;
    dependency.text = "u" + std::to_string(on);
    unit.deps.push_back(dependency);
}

void check_sound(const BuildPlan& plan)
{
    for (std::size_t i = 0; i < plan.units.size(); ++i) {
        const PlannedUnit& one = plan.units[i];
        REQUIRE(one.dependencies.size() == one.unit->deps.size());
        for (std::size_t k = 0; k < one.dependencies.size(); ++k) {
            const std::size_t dependency = one.dependencies[k];
            REQUIRE(dependency < i);
            CHECK(plan.units[dependency].unit->name == one.unit->deps[k].text);
            CHECK(std::ranges::count(plan.units[dependency].dependents, i) == 1);
        }
        for (const std::size_t dependent : one.dependents) {
            CHECK(std::ranges::count(plan.units[dependent].dependencies, i) == 1);
        }
    }
}

} // namespace

TEST_SUITE("core.graph.plan")
{
    TEST_CASE("units stand behind what they need, and know both sides")
    {
        const Project project;
        const BuildOrder order = project.order(
            std::string(compiler) + unit("app", R"(deps = ["lib", "gen"])")
            + unit("lib", R"(deps = ["gen"])") + unit("other", "") + unit("gen", "")
        );
        const BuildPlan made = planned(order);
        CHECK(names(made) == Names{"gen", "lib", "app", "other"});
        check_sound(made);
        CHECK(made.units[0].dependents == std::vector<std::size_t>{1, 2});
        for (const PlannedUnit& one : made.units) {
            CHECK(one.asked);
            CHECK(one.toolchain == &order.toolchains.at("cc"));
            CHECK(one.label == one.unit->name + " arm64 debug");
        }
    }

    TEST_CASE("only what is asked for and what that needs is planned")
    {
        const Project project;
        BuildOrder order = project.order(
            "build.default = [\"lib\"]\n" + std::string(compiler) + unit("app", R"(deps = ["lib"])")
            + unit("lib", R"(deps = ["gen"])") + unit("other", "inputs = [\"not there\"]")
            + unit("gen", "")
        );
        CHECK(units_to_build(order.file, {}) == Names{"lib", "gen"});
        CHECK(units_to_build(order.file, {"app"}) == Names{"app", "lib", "gen"});
        CHECK(units_to_build(order.file, {"gen", "gen"}) == Names{"gen"});
        BuildPlan made = planned(order);
        CHECK(names(made) == Names{"gen", "lib"});
        CHECK_FALSE(made.units[0].asked);
        CHECK(made.units[1].asked);
        order.units = {"gen", "app"};
        made = planned(order);
        CHECK(names(made) == Names{"gen", "lib", "app"});
        CHECK(made.units[0].asked);
        CHECK_FALSE(made.units[1].asked);
        CHECK(made.units[2].asked);
    }

    TEST_CASE("a unit that is not there")
    {
        const Project project;
        BuildOrder order =
            project.order(std::string(compiler) + unit("library", "") + unit("app", ""));
        const std::string file = project.path("slipway.toml");
        CHECK(
            said(units_to_build(order.file, {"app", "libary"}))
            == file + " has no unit libary | did you mean library?"
        );
        CHECK(
            said(units_to_build(order.file, {"frobnicate\n"}))
            == file + " has no unit frobnicate\\x0a | its units: library, app"
        );
        order.units = {"ap"};
        CHECK(code_of(plan_of(order)) == Errc::invalid_argument);
        CHECK(said(plan_of(order)) == file + " has no unit ap | did you mean app?");
    }

    TEST_CASE("inputs are files, all in a directory, and what patterns find; each once")
    {
        const Project project;
        for (const char* const name :
             {"src/a.c", "src/b.c", "src/sub/c.c", "README", "table", "x*y"}) {
            project.write(name);
        }
        project.link("link", "nowhere");
        const PlannedUnit one = only(
            project,
            R"(inputs = ["README", "src/**/*.c", "src", "link", "x\\*y"]
discover = ["src/*.c", "table"])"
        );
        CHECK(one.files == Names{"README", "link", "src/a.c", "src/b.c", "src/sub/c.c", "x*y"});
        // Declared or not, as all units with the same patterns have it in common.
        CHECK(one.discoverable->paths == Names{"src/a.c", "src/b.c", "table"});
        CHECK(one.discoverable->digest == names_digest({"src/a.c", "src/b.c", "table"}));
    }

    TEST_CASE("what units make is no source, also of units that are not built")
    {
        const Project project;
        for (const char* const name : {"out/gen.c", "out/own.c", "out/dir/x.c", "out/dir2/x.c"}) {
            project.write(name);
        }
        const PlannedUnit one = only(project, R"(inputs = ["out/**/*.c"]
discover = ["out/*"]
outputs = ["out/u.c"])");
        CHECK(one.files == Names{"out/dir2/x.c", "out/own.c"});
        CHECK(one.discoverable->paths == Names{"out/dir2/x.c", "out/own.c"});
        CHECK(one.discoverable->digest == names_digest({"out/dir2/x.c", "out/own.c"}));
        // Named, they come with the unit that makes them, and need not be there.
        const Project empty;
        CHECK(only(empty, R"(inputs = ["out/gen.c", "out/dir/deep/x"])").files.empty());
        CHECK(only(empty, R"(inputs_from = ["out/gen.c"])").files.empty());
        CHECK(only(empty, R"(inputs = ["out/*.c"])").files.empty());
        CHECK(only(empty, R"(inputs = ["**/*.c"])").files.empty());
    }

    TEST_CASE("a list of inputs is an input")
    {
        const Project project;
        project.write("list");
        CHECK(only(project, R"(inputs_from = ["list"])").files == Names{"list"});
    }

    TEST_CASE("an input that is not there is told with its place")
    {
        const Project project;
        project.make("empty/sub");
        project.write("a.c");
        CHECK(
            refused(project, "inputs = [\"a.c\", \"b.c\"]")
            == "slipway.toml:10:18: unit u has the input b.c, which is not there, and no unit "
               "makes "
               "it"
        );
        CHECK(
            refused(project, "inputs = [\"*.h\"]")
            == "slipway.toml:10:11: unit u has the input *.h, which no file matches"
        );
        CHECK(
            refused(project, "inputs = [\"empty\"]")
            == "slipway.toml:10:11: unit u has the input empty, a directory without any file"
        );
        CHECK(
            refused(project, "inputs = [\"a.c/x\"]")
            == "slipway.toml:10:11: unit u has the input a.c/x, which is not there, and no unit "
               "makes it"
        );
    }

    TEST_CASE("what a change of its dependency's id does to a unit")
    {
        const Project project;
        std::vector<Unit> units{bare_unit(0), bare_unit(1)};
        depend(units[1], 0);
        BuildOrder order = order_of(project, units);
        const Sha256 before = planned(order).units[1].action_id;
        order.file.units[0].name = "u2";
        order.file.units[1].deps[0].text = "u2";
        CHECK(planned(order).units[1].action_id != before);
    }

    TEST_CASE("random graphs")
    {
        const Project project;
        std::mt19937 random(7); // NOLINT(cert-msc51-cpp)
        for (int round = 0; round < 100; ++round) {
            CAPTURE(round);
            const std::size_t count = 1 + random() % 30;
            // Those with a greater weight need those with less; the file has them in any order.
            std::vector<std::size_t> weight(count);
            for (std::size_t i = 0; i < count; ++i) {
                weight[i] = i;
            }
            std::shuffle(weight.begin(), weight.end(), random);
            std::vector<Unit> units;
            for (std::size_t i = 0; i < count; ++i) {
                Unit one = bare_unit(i);
                for (std::size_t k = 0; k < count; ++k) {
                    if (weight[k] < weight[i] && random() % 4 == 0) depend(one, k);
                }
                std::shuffle(one.deps.begin(), one.deps.end(), random);
                units.push_back(one);
            }
            BuildOrder order = order_of(project, units);
            const BuildPlan whole = planned(order);
            CHECK(whole.units.size() == count);
            check_sound(whole);
            order.units = {"u" + std::to_string(random() % count)};
            const BuildPlan part = planned(order);
            check_sound(part);
            const auto needed = units_to_build(order.file, order.units);
            REQUIRE(needed);
            Names sorted = names(part);
            std::ranges::sort(sorted);
            Names expected = *needed;
            std::ranges::sort(expected);
            CHECK(sorted == expected);
            CHECK(sorted.size() == part.units.size());
            // Everything but the one that was asked for is needed by something.
            for (const PlannedUnit& one : part.units) {
                CHECK(one.dependents.empty() == one.asked);
            }
            // What else is built makes no unit another one.
            for (const PlannedUnit& one : part.units) {
                const auto same = std::ranges::find(whole.units, one.unit, &PlannedUnit::unit);
                REQUIRE(same != whole.units.end());
                CHECK(same->action_id == one.action_id);
            }
        }
    }

    TEST_CASE("a chain of a hundred thousand units")
    {
        constexpr std::size_t count = 100'000;
        const Project project;
        std::vector<Unit> units;
        for (std::size_t i = 0; i < count; ++i) {
            units.push_back(bare_unit(i));
            if (i + 1 < count) depend(units.back(), i + 1);
        }
        const BuildOrder order = order_of(project, std::move(units));
        const BuildPlan made = planned(order);
        REQUIRE(made.units.size() == count);
        CHECK(made.units.front().unit->name == "u" + std::to_string(count - 1));
        CHECK(made.units.back().unit->name == "u0");
        CHECK(made.units.back().dependencies == std::vector<std::size_t>{count - 2});
    }
}

TEST_SUITE("core.graph.output_paths")
{
    TEST_CASE("a path is an output, or in one that is a directory")
    {
        graph::OutputPaths outputs;
        CHECK_FALSE(outputs.has("a"));
        outputs.add("out/file");
        outputs.add("dir/");
        outputs.add("deep/dir/");
        for (const char* const path :
             {"out/file", "dir", "dir/a", "dir/a/b", "deep/dir", "deep/dir/a"}) {
            CAPTURE(path);
            CHECK(outputs.has(path));
        }
        for (const char* const path :
             {"out", "out/file/below", "out/file2", "dirs", "deep", "di"}) {
            CAPTURE(path);
            CHECK_FALSE(outputs.has(path));
        }
    }
}
