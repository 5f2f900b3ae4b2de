#include "graph/plan.hpp"
#include "projects.hpp"

#include <slipway/core/dirty_reason.hpp>
#include <slipway/core/unit_identity.hpp>

#include <algorithm>
#include <functional>
#include <regex>
#include <set>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;

namespace {

UnitIdentity identity()
{
    UnitIdentity out;
    out.recipe = "command";
    out.recipe_version = 3;
    out.package = "demo";
    out.package_version = "1.2.0";
    out.path = "crates/demo";
    out.name = "app";
    out.features = {"a", "b"};
    out.profile = "release";
    out.target = "aarch64-unknown-linux-gnu";
    out.platform = "linux/amd64";
    out.toolchain = sha256("toolchain");
    out.dependencies = {sha256("one"), sha256("two")};
    return out;
}

UnitInputs inputs()
{
    UnitInputs out;
    out.action = action_record(identity()).digest();
    out.command = {"cc", "-c", "src/a.c"};
    out.env = {{"CFLAGS", "-O2"}};
    out.variables = {{"CI", "unset"}, {"LANG", "=C"}};
    out.network = "none";
    out.outputs = {"out/a.o"};
    out.depfile = "a.d";
    out.files = {
        {"src/a.c", "file " + to_hex(sha256("a"))}, {"run", "executable " + to_hex(sha256("run"))}};
    out.discoverable = names_digest({"include/b.h", "include/a.h"});
    out.dependencies = {{"gen", to_hex(sha256("gen"))}};
    return out;
}

Record::Table discovered()
{
    return {{"include/a.h", "file " + to_hex(sha256("h"))}};
}

struct Ingredient {
    std::string_view field; // of the record
    std::function<void(UnitIdentity&)> change;
    std::vector<DirtyReason> reasons;
};

std::vector<Ingredient> ingredients()
{
    const std::string old_toolchain = to_hex(sha256("toolchain"));
    const std::string new_toolchain = to_hex(sha256("other"));
    return {
        {"recipe",
         [](UnitIdentity& of) { of.recipe = "cargo"; },
         {{"recipe-changed", "", "command", "cargo"}}},
        {"recipe_version",
         [](UnitIdentity& of) { of.recipe_version = 4; },
         {{"recipe-changed", "", "3", "4"}}},
        {"package",
         [](UnitIdentity& of) { of.package = "other"; },
         {{"package-changed", "", "demo", "other"}}},
        {"package_version",
         [](UnitIdentity& of) { of.package_version = "1.2.1"; },
         {{"package-changed", "", "1.2.0", "1.2.1"}}},
        {"path",
         [](UnitIdentity& of) { of.path = "crates/moved"; },
         {{"path-to-source-changed", "", "crates/demo", "crates/moved"}}},
        {"name",
         [](UnitIdentity& of) { of.name = "tool"; },
         {{"package-changed", "", "app", "tool"}}},
        {"features",
         [](UnitIdentity& of) { of.features.emplace_back("c"); },
         {{"features-changed", "", "a b", "a b c"}}},
        {"profile",
         [](UnitIdentity& of) { of.profile = "debug"; },
         {{"profile-configuration-changed", "", "release", "debug"}}},
        {"mode",
         [](UnitIdentity& of) { of.mode = UnitMode::test; },
         {{"mode-changed", "", "build", "test"}}},
        {"target",
         [](UnitIdentity& of) { of.target.clear(); },
         {{"target-configuration-changed", "", "aarch64-unknown-linux-gnu", ""}}},
        {"platform",
         [](UnitIdentity& of) { of.platform = "linux/arm64"; },
         {{"compile-kind-changed", "", "linux/amd64", "linux/arm64"}}},
        {"toolchain",
         [](UnitIdentity& of) { of.toolchain = sha256("other"); },
         {{"toolchain-changed", "", old_toolchain, new_toolchain}}},
        // What a dependency is, it tells itself.
        {"dependencies", [](UnitIdentity& of) { of.dependencies.pop_back(); }, {}},
    };
}

// A digest as a person sees it: so many digits as tell two of them apart.
std::vector<std::string> shortened(std::vector<std::string> texts)
{
    static const std::regex digest("([0-9a-f]{12})[0-9a-f]{52}");
    for (std::string& text : texts) {
        text = std::regex_replace(text, digest, "$1");
    }
    return texts;
}

std::vector<std::string> described(const std::vector<DirtyReason>& reasons)
{
    std::vector<std::string> out;
    for (const DirtyReason& reason : reasons) {
        out.push_back(describe(reason));
    }
    return out;
}

struct KeyChange {
    std::string_view field; // of the record
    std::function<void(UnitInputs&, Record::Table& discovered)> change;
    std::vector<std::string> reasons; // described
};

std::string file_of(std::string_view bytes)
{
    return "file " + to_hex(sha256(bytes));
}

std::vector<KeyChange> key_changes()
{
    const std::string gen = to_hex(sha256("gen"));
    return {
        // The identity tells that itself.
        {"action", [](auto& of, auto&) { of.action = sha256("other"); }, {}},
        {"command",
         [](auto& of, auto&) { of.command[1] = "-S"; },
         {"command-changed: cc -c src/a.c -> cc -S src/a.c"}},
        {"command",
         [](auto& of, auto&) { std::swap(of.command[1], of.command[2]); },
         {"command-changed: cc -c src/a.c -> cc src/a.c -c"}},
        {"env",
         [](auto& of, auto&) { of.env["CFLAGS"] = "-O3"; },
         {"env-var-changed CFLAGS: -O2 -> -O3"}},
        {"env",
         [](auto& of, auto&) { of.env["CXXFLAGS"] = "-g"; },
         {"env-vars-changed CXXFLAGS: now -g"}},
        {"env", [](auto& of, auto&) { of.env.clear(); }, {"env-vars-changed CFLAGS: was -O2"}},
        {"variables",
         [](auto& of, auto&) { of.variables["LANG"] = "=de_DE"; },
         {"env-var-changed LANG: C -> de_DE"}},
        {"variables",
         [](auto& of, auto&) { of.variables["LANG"] = "="; },
         {"env-var-changed LANG: C -> \"\""}},
        {"variables",
         [](auto& of, auto&) { of.variables["CI"] = "=1"; },
         {"env-var-changed CI: unset -> 1"}},
        {"variables",
         [](auto& of, auto&) { of.variables["TERM"] = "=xterm"; },
         {"env-vars-changed TERM: now xterm"}},
        {"variables",
         [](auto& of, auto&) { of.variables.erase("LANG"); },
         {"env-vars-changed LANG: was C"}},
        {"network",
         [](auto& of, auto&) { of.network = "engine"; },
         {"config-settings-changed: none -> engine"}},
        {"outputs",
         [](auto& of, auto&) { of.outputs.emplace_back("out/b"); },
         {"declared-outputs-changed: out/a.o -> out/a.o out/b"}},
        {"depfile",
         [](auto& of, auto&) { of.depfile = "b.d"; },
         {"dep-info-output-changed: a.d -> b.d"}},
        {"files",
         [](auto& of, auto&) { of.files["src/a.c"] = file_of("b"); },
         {"changed-file src/a.c: " + file_of("a") + " -> " + file_of("b")}},
        {"files",
         [](auto& of, auto&) { of.files["src/a.c"] = "executable " + to_hex(sha256("a")); },
         {"changed-file-type src/a.c: " + file_of("a") + " -> executable " + to_hex(sha256("a"))}},
        {"files",
         [](auto& of, auto&) { of.files["src/a.c"] = "symlink " + to_hex(sha256("a")); },
         {"changed-file-type src/a.c: " + file_of("a") + " -> symlink " + to_hex(sha256("a"))}},
        {"files",
         [](auto& of, auto&) { of.files["src/a.c"] = "missing"; },
         {"missing-file src/a.c: " + file_of("a") + " -> missing"}},
        {"files",
         [](auto& of, auto&) { of.files.erase("src/a.c"); },
         {"missing-file src/a.c: was " + file_of("a")}},
        {"files",
         [](auto& of, auto&) { of.files["src/b.c"] = file_of("b"); },
         {"new-file src/b.c: now " + file_of("b")}},
        {"discoverable",
         [](auto& of, auto&) { of.discoverable = names_digest({"include/a.h"}); },
         {"discoverable-files-changed"}},
        {"dependencies",
         [](auto& of, auto&) { of.dependencies["gen"] = "77"; },
         {"unit-dependency-info-changed gen: " + gen + " -> 77"}},
        {"dependencies",
         [](auto& of, auto&) { of.dependencies["lib"] = "77"; },
         {"number-of-dependencies-changed lib: now 77"}},
        {"dependencies",
         [](auto& of, auto&) { of.dependencies.clear(); },
         {"number-of-dependencies-changed gen: was " + gen}},
        {"dependencies",
         [gen](auto& of, auto&) {
             of.dependencies = Record::Table{{"make", gen}};
         },
         {"unit-dependency-name-changed gen: was " + gen,
          "unit-dependency-name-changed make: now " + gen}},
        {"discovered",
         [](auto&, auto& found) { found["include/a.h"] = file_of("new"); },
         {"changed-file include/a.h: " + file_of("h") + " -> " + file_of("new")}},
        {"discovered",
         [](auto&, auto& found) { found["include/a.h"] = "missing"; },
         {"missing-file include/a.h: " + file_of("h") + " -> missing"}},
        {"discovered",
         [](auto&, auto& found) { found["include/b.h"] = file_of("b"); },
         {"new-file include/b.h: now " + file_of("b")}},
    };
}

// That all fields of a record but these are in a table.
void check_all_fields(
    const Record& record, const std::set<std::string_view>& tried, std::string_view but
)
{
    for (const Record::Field& field : record.fields()) {
        CAPTURE(field.name);
        CHECK((tried.contains(field.name) || field.name == but));
    }
}

std::string_view two_units = R"([toolchain.cc]
image = "debian"
[unit.gen]
toolchain = "cc"
command = ["gen"]
inputs = ["table"]
outputs = ["out/gen.c"]
[unit.cc]
toolchain = "cc"
command = ["cc"]
inputs = ["src/*.c"]
outputs = ["out/cc.o"]
[unit.app]
toolchain = "cc"
command = ["ld"]
inputs = ["src/main.c"]
deps = ["gen", "cc"]
outputs = ["out/app"]
)";

struct PlannedIds {
    std::string gen, cc, app;

    friend bool operator==(const PlannedIds&, const PlannedIds&) = default;
};

PlannedIds planned_ids(const BuildOrder& order)
{
    const auto plan = plan_of(order);
    REQUIRE(said(plan) == "none");
    PlannedIds out;
    for (const graph::PlannedUnit& unit : plan->units) {
        std::string& id = unit.unit->name == "gen"  ? out.gen
                          : unit.unit->name == "cc" ? out.cc
                                                    : out.app;
        id = to_hex(unit.action_id);
        CHECK(unit.directory == unit.unit->name + "-" + id.substr(0, 16));
    }
    return out;
}

void fill(const Project& project)
{
    project.write("table");
    project.write("src/a.c");
    project.write("src/main.c");
}

std::string replaced(std::string_view text, std::string_view what, std::string_view by)
{
    std::string out(text);
    const std::size_t at = out.find(what);
    REQUIRE(at != std::string::npos);
    return out.replace(at, what.size(), by);
}

} // namespace

TEST_SUITE("core.graph.unit_identity")
{
    // Made by another program. They change only with a schema's version: results that are stored
    // are not found any more then.
    TEST_CASE("ids and keys are these")
    {
        CHECK(
            to_hex(action_record(identity()).digest())
            == "8bb6229ee994caadfef5f447db63b3df2508e32feac478cdb80207a7b3ef7d83"
        );
        CHECK(
            to_hex(declared_record(inputs()).digest())
            == "caad96ea1b577749fa40ad7fbb1d29e72ab21250614be446c7a98f5795cf7177"
        );
        CHECK(
            to_hex(result_record(inputs(), discovered()).digest())
            == "673610841c8183e8f81ff4cf964b20d850db9b82367796d83e7881ae05e05f1a"
        );
    }

    TEST_CASE("each ingredient makes another unit, and is told as the reason")
    {
        const Record before = action_record(identity());
        std::set<std::string_view> tried;
        std::set<std::string> ids{to_hex(before.digest())};
        for (const Ingredient& row : ingredients()) {
            CAPTURE(row.field);
            tried.insert(row.field);
            UnitIdentity changed = identity();
            row.change(changed);
            const Record after = action_record(changed);
            CHECK(ids.insert(to_hex(after.digest())).second);
            const auto told = differences(before, after);
            REQUIRE(told.size() == 1);
            CHECK(told.front().field == row.field);
            CHECK(described(identity_reasons(before, after)) == described(row.reasons));
            CHECK(identity_reasons(before, after) == row.reasons);
        }
        // There is one kind of source.
        check_all_fields(before, tried, "source");
        CHECK(identity_reasons(before, before).empty());
    }

    TEST_CASE("texts do not run into each other")
    {
        UnitIdentity one = identity();
        one.package = "a";
        one.package_version = "bc";
        UnitIdentity two = identity();
        two.package = "ab";
        two.package_version = "c";
        CHECK(action_record(one).digest() != action_record(two).digest());
        one = two = identity();
        one.features = {"ab"};
        two.features = {"a", "b"};
        CHECK(action_record(one).digest() != action_record(two).digest());
    }

    TEST_CASE("the order of features and dependencies has no part in it")
    {
        UnitIdentity other = identity();
        std::ranges::reverse(other.features);
        std::ranges::reverse(other.dependencies);
        CHECK(action_record(other) == action_record(identity()));
    }

    TEST_CASE("every field of the key changes it, for exactly its own reason")
    {
        const Record before = result_record(inputs(), discovered());
        std::set<std::string_view> tried;
        std::set<std::string> keys{to_hex(before.digest())};
        std::set<std::string> declared{to_hex(declared_record(inputs()).digest())};
        for (const KeyChange& row : key_changes()) {
            CAPTURE(row.field);
            CAPTURE(row.reasons);
            tried.insert(row.field);
            UnitInputs changed = inputs();
            Record::Table found = discovered();
            row.change(changed, found);
            const Record after = result_record(changed, found);
            CHECK(keys.insert(to_hex(after.digest())).second);
            // What is discovered is looked for under what is declared.
            const bool is_new = declared.insert(to_hex(declared_record(changed).digest())).second;
            CHECK(is_new == (row.field != "discovered"));
            CHECK(described(freshness_reasons(before, after)) == shortened(row.reasons));
        }
        check_all_fields(before, tried, "");
        CHECK(freshness_reasons(before, before).empty());
    }

    TEST_CASE("a file that comes back is a new one")
    {
        UnitInputs gone = inputs();
        gone.files["src/a.c"] = "missing";
        const auto reasons = freshness_reasons(
            result_record(gone, discovered()), result_record(inputs(), discovered())
        );
        REQUIRE(reasons.size() == 1);
        CHECK(reasons.front().name == "new-file");
    }

    TEST_CASE("several changes are all told")
    {
        UnitInputs changed = inputs();
        changed.command = {"clang"};
        changed.env["CFLAGS"] = "-g";
        changed.files["src/b.c"] = file_of("b");
        changed.dependencies["lib"] = "1";
        changed.dependencies["gen"] = "2";
        const auto reasons = freshness_reasons(
            result_record(inputs(), discovered()), result_record(changed, discovered())
        );
        std::vector<std::string> names;
        for (const DirtyReason& reason : reasons) {
            names.push_back(reason.name);
        }
        CHECK(
            names
            == std::vector<
                std::
                    string>{"command-changed", "env-var-changed", "new-file", "number-of-dependencies-changed", "unit-dependency-info-changed"}
        );
    }

    TEST_CASE("a declared key is never a result's")
    {
        CHECK(declared_record(inputs()).digest() != result_record(inputs(), {}).digest());
    }

    TEST_CASE("a variable that is not set is told from each value")
    {
        const std::string unset = "unset";
        CHECK(variable_text(nullptr) == "unset");
        CHECK(variable_text(&unset) == "=unset");
        const std::string empty;
        CHECK(variable_text(&empty) == "=");
    }

    TEST_CASE("names have no order, and do not run into each other")
    {
        CHECK(names_digest({"b", "a"}) == names_digest({"a", "b"}));
        CHECK(names_digest({"a", "b"}) != names_digest({"ab"}));
        CHECK(names_digest({"a"}) != names_digest({"a", "b"}));
        CHECK(names_digest({}) != names_digest({""}));
    }

    TEST_CASE("contents, places, times, commands and environments make no other unit")
    {
        const Project here;
        fill(here);
        const PlannedIds ids = planned_ids(here.order(two_units));
        CHECK(ids.gen != ids.cc);
        CHECK(planned_ids(here.order(two_units)) == ids);

        const Project elsewhere; // another checkout
        fill(elsewhere);
        CHECK(planned_ids(elsewhere.order(two_units)) == ids);

        here.write("src/a.c", "other bytes");
        here.write("src/new.c");
        std::filesystem::last_write_time(
            here.path("table"), std::filesystem::file_time_type::clock::now()
        );
        std::filesystem::permissions(here.path("table"), std::filesystem::perms(0755));
        CHECK(planned_ids(here.order(two_units)) == ids);

        BuildOrder order = here.order(two_units);
        order.environment = {{"CFLAGS", "-O2"}};
        order.force = order.keep_going = true;
        order.jobs = 7;
        order.out_dir = "/somewhere";
        CHECK(planned_ids(order) == ids);
        const std::vector<std::pair<std::string_view, std::string_view>> edits{
            {"command = [\"gen\"]", "command = [\"gen\", \"-v\"]\nenv = { A = \"1\" }"},
            {"command = [\"gen\"]", "command = [\"gen\"]\npass_env = [\"HOME\"]"},
            {"command = [\"gen\"]", "command = [\"gen\"]\nnetwork = \"engine\""},
            {"command = [\"gen\"]", "command = [\"gen\"]\ncpus = 2\nmemory = \"1g\""},
            {"inputs = [\"table\"]", "inputs = [\"table\", \"src/a.c\"]"},
            {"outputs = [\"out/gen.c\"]", "outputs = [\"out/gen.c\", \"out/gen.h\"]"},
            {"deps = [\"gen\", \"cc\"]", "deps = [\"cc\", \"gen\"]"},
        };
        for (const auto& edit : edits) {
            CAPTURE(edit.second);
            const std::string edited = replaced(two_units, edit.first, edit.second);
            CHECK(planned_ids(here.order(edited)) == ids);
        }
    }

    TEST_CASE("a unit is another one with its toolchain, target, profile or dependencies")
    {
        const Project project;
        fill(project);
        const PlannedIds ids = planned_ids(project.order(two_units));
        const auto all_others = [&](const BuildOrder& order) {
            const PlannedIds now = planned_ids(order);
            CHECK(now.gen != ids.gen);
            CHECK(now.cc != ids.cc);
            CHECK(now.app != ids.app);
        };
        all_others(project.order(two_units, {"amd64", "debug"}));
        all_others(project.order(two_units, {"arm64", "release"}));
        all_others(project.order(replaced(two_units, "debian", "debian:12")));
        BuildOrder order = project.order(two_units);
        order.toolchains.at("cc").platform = "linux/arm64";
        all_others(order);
        // Where the image stands on the engine is nothing of the unit's.
        order = project.order(two_units);
        order.toolchains.at("cc").image = "sha256:1234";
        CHECK(planned_ids(order) == ids);

        PlannedIds now =
            planned_ids(project.order(replaced(two_units, "deps = [\"gen\", \"cc\"]", "deps = []"))
            );
        CHECK(now.gen == ids.gen);
        CHECK(now.cc == ids.cc);
        CHECK(now.app != ids.app);
        // What a dependency is, its dependents are made with.
        now = planned_ids(project.order(
            replaced(
                two_units,
                "toolchain = \"cc\"\ncommand = [\"gen\"]",
                "toolchain = \"gen\"\ncommand = [\"gen\"]"
            )
            + "[toolchain.gen]\nimage = \"busybox\"\n"
        ));
        CHECK(now.gen != ids.gen);
        CHECK(now.cc == ids.cc);
        CHECK(now.app != ids.app);
    }

    TEST_CASE("of an image, what it has is the toolchain, not how it was made")
    {
        engine::ImageInfo image;
        image.os = "linux";
        image.architecture = "amd64";
        image.variant = "v2";
        image.layers = {"sha256:1", "sha256:2"};
        image.config.env = {"PATH=/bin", "A=1"};
        image.config.entrypoint = {"/init"};
        image.config.user = "root";
        const Sha256 digest = toolchain_digest(image);
        engine::ImageInfo same = image;
        std::ranges::reverse(same.config.env);
        same.id = "sha256:77";
        same.repo_tags = {"debian:latest"};
        CHECK(toolchain_digest(same) == digest);
        const std::vector<std::function<void(engine::ImageInfo&)>> changes{
            [](auto& of) { of.os = "windows"; },
            [](auto& of) { of.architecture = "arm64"; },
            [](auto& of) { of.variant = "v3"; },
            [](auto& of) { of.layers.pop_back(); },
            [](auto& of) { std::ranges::reverse(of.layers); },
            [](auto& of) { of.config.env.pop_back(); },
            [](auto& of) { of.config.entrypoint.clear(); },
            [](auto& of) { of.config.user = "1000"; },
        };
        for (std::size_t i = 0; i < changes.size(); ++i) {
            CAPTURE(i);
            engine::ImageInfo other = image;
            changes[i](other);
            CHECK(toolchain_digest(other) != digest);
        }
    }
}
