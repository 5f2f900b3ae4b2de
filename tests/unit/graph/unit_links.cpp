#include "unit_files.hpp"

#include <random>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;

namespace {

using Texts = std::vector<std::string>;

/// The deps of the last unit of a file.
Texts deps_of_last(std::string_view text)
{
    const auto file = parsed("toolchain.cc.image = 'debian'\n" + std::string(text));
    if (!file) return {refusal(file)};
    return placed(file->units.back().deps);
}

constexpr std::string_view generators = "[unit.one]\ncommand = ['1']\noutputs = ['gen/one.c']\n"
                                        "[unit.all]\ncommand = ['a']\noutputs = ['out/all/']\n"
                                        "[unit.last]\ncommand = ['l']\n";

} // namespace

TEST_SUITE("core.graph.unit_file links")
{
    TEST_CASE("no two units make the same path, or one below the other's")
    {
        const std::string alone = "each path has one unit that makes it";
        const auto two = [](std::string_view first, std::string_view second) {
            return refusal(parsed(
                "toolchain.cc.image = 'debian'\n[unit.a]\ncommand = ['a']\noutputs = ['x', '"
                + std::string(first) + "']\n[unit.b]\ncommand = ['b']\noutputs = ['"
                + std::string(second) + "']\n"
            ));
        };
        CHECK(
            two("build/main.o", "build/main.o")
            == "slipway.toml:7:12: output 'build/main.o' of unit b is one of unit a as well "
               "(slipway.toml:4) | "
                   + alone
        );
        CHECK(
            two("gen/", "gen/a.c")
            == "slipway.toml:7:12: output 'gen/a.c' of unit b is below 'gen/' of unit a "
               "(slipway.toml:4) | "
                   + alone
        );
        CHECK(
            two("gen/sub/a.c", "gen/")
            == "slipway.toml:7:12: output 'gen/' of unit b has 'gen/sub/a.c' of unit a below it "
               "(slipway.toml:4) | "
                   + alone
        );
        CHECK(
            two("gen", "gen/")
            == "slipway.toml:7:12: output 'gen/' of unit b is one of unit a as well "
               "(slipway.toml:4) | "
                   + alone
        );
        CHECK(
            two("gen", "gen/x/y")
            == "slipway.toml:7:12: output 'gen/x/y' of unit b is below 'gen' of unit a "
               "(slipway.toml:4) | "
                   + alone
        );
        CHECK(two("gen/", "gen2/a.c") == "accepted");
        CHECK(two("gen/a", "gen/a.c") == "accepted");
        check_mistakes({
            {"[unit.a]\ncommand = ['a']\noutputs = ['x',\n'x']\n",
             "slipway.toml:5:1: output 'x' of unit a stands twice (slipway.toml:4) | "
             "leave one of them out"},
            {"[unit.a]\ncommand = ['a']\noutputs = ['x/y', 'x/']\n",
             "slipway.toml:4:19: output 'x/' of unit a has its own 'x/y' below it "
             "(slipway.toml:4) | leave one of them out"},
            {"[unit.a]\ncommand = ['a']\noutputs = ['x/', 'x/y']\n",
             "slipway.toml:4:18: output 'x/y' of unit a is below its own 'x/' (slipway.toml:4) | "
             "leave one of them out"},
        });
    }

    TEST_CASE("what is made by another unit makes that a dependency")
    {
        const std::string above(generators);
        // One line was added in front; generators has eight.
        CHECK(deps_of_last(above + "inputs = ['gen/one.c']\n") == Texts{"one 10:11"});
        CHECK(deps_of_last(above + "inputs = ['out/all/x/y.c']\n") == Texts{"all 10:11"});
        CHECK(deps_of_last(above + "inputs = ['out/all']\n") == Texts{"all 10:11"});
        CHECK(deps_of_last(above + "inputs = ['out/all/']\n") == Texts{"all 10:11"});
        CHECK(deps_of_last(above + "discover = ['gen/one.c']\n") == Texts{"one 10:13"});
        CHECK(deps_of_last(above + "inputs_from = ['gen/one.c']\n") == Texts{"one 10:16"});
        CHECK(deps_of_last(above + "depfile = 'out/all/x.d'\n") == Texts{"all 10:11"});
        // All below a directory is meant.
        CHECK(deps_of_last(above + "inputs = ['gen']\n") == Texts{"one 10:11"});
        CHECK(deps_of_last(above + "inputs = ['out']\n") == Texts{"all 10:11"});
        CHECK(deps_of_last(above + "inputs_from = ['gen']\n").empty());

        CHECK(
            deps_of_last(above + "inputs = ['gen/one.cc', 'gen/on', 'out/alle', 'src/x']\n").empty()
        );
        CHECK(deps_of_last(above + "scratch = ['gen/one.c']\n").empty());
    }

    TEST_CASE("no dependency stands twice, and the place is the first one's")
    {
        const std::string above(generators);
        CHECK(
            deps_of_last(
                above + "deps = ['all']\ninputs = ['gen/one.c', 'gen/*.c', 'out/all/x', 'gen']\n"
            )
            == Texts{"all 10:9", "one 11:11"}
        );
        CHECK(deps_of_last(above + "deps = ['all', 'all']\n") == Texts{"all 10:9"});
    }

    TEST_CASE("patterns that could match what another unit makes")
    {
        const auto deps = [](const std::string& pattern) {
            return deps_of_last(std::string(generators) + "inputs = ['" + pattern + "']\n");
        };
        const Texts one{"one 10:11"};
        const Texts all{"all 10:11"};
        const Texts both{"one 10:11", "all 10:11"};
        CHECK(deps("gen/*.c") == one);
        CHECK(deps("gen/one.?") == one);
        CHECK(deps("gen/[m-z]ne.c") == one);
        CHECK(deps("*/one.c") == one);
        CHECK(deps("g*") == one); // a directory with all in it
        CHECK(deps("gen/**") == one);
        CHECK(deps("**/*.c") == both); // out/all/x.c
        CHECK(deps("**/one.c") == both);
        CHECK(deps("out/**/*.h") == all);
        CHECK(deps("out/*/x.c") == all);
        CHECK(deps("out/all/deep/er/*.c") == all);
        CHECK(deps("out/all/*") == all);
        CHECK(deps("o?t/all/x[0-9]") == all);
        CHECK(deps("gen/\\one.c") == one);
        CHECK(deps("gen/**/one.c") == one);
        CHECK(deps("gen/one.c/*").empty()); // a file has nothing below it
        CHECK(deps("gen/*.h").empty());
        CHECK(deps("gen/[!o]ne.c").empty());
        CHECK(deps("ge/*.c").empty());
        CHECK(deps("gen/o*/x").empty());
        CHECK(deps("out/alle*").empty());
        CHECK(deps("out/al?x/*").empty());
        CHECK(deps("src/**/*.c").empty());
    }

    TEST_CASE("an own output is no input")
    {
        check_mistakes({
            {"[unit.a]\ncommand = ['a']\ninputs = ['x', 'gen/y']\noutputs = ['gen/']\n",
             "slipway.toml:4:16: input 'gen/y' of unit a is below its own output 'gen/' "
             "(slipway.toml:5) | a unit cannot need what it makes"},
            {"[unit.a]\ncommand = ['a']\ninputs = ['x']\noutputs = ['x']\n",
             "slipway.toml:4:11: input 'x' of unit a is its own output (slipway.toml:5) | "
             "a unit cannot need what it makes"},
            {"[unit.a]\ncommand = ['a']\ndiscover = ['x/y']\noutputs = ['x/']\n",
             "slipway.toml:4:13: input 'x/y' of unit a is below its own output 'x/' "
             "(slipway.toml:5) | a unit cannot need what it makes"},
            {"[unit.a]\ncommand = ['a']\ninputs_from = ['x']\noutputs = ['x']\n",
             "slipway.toml:4:16: input 'x' of unit a is its own output (slipway.toml:5) | "
             "a unit cannot need what it makes"},
            {"[unit.a]\ncommand = ['a']\ninputs = ['gen/*.c']\noutputs = ['gen/']\n",
             "slipway.toml:4:11: input 'gen/*.c' of unit a is below its own output 'gen/' "
             "(slipway.toml:5) | a unit cannot need what it makes"},
        });
        // A depfile is made, not needed; patterns and directories mean what others make.
        const auto file = parsed("toolchain.cc.image = 'x'\n[unit.a]\ncommand = ['a']\n"
                                 "depfile = 'b/x.d'\noutputs = ['b/', 'src/gen.c']\n"
                                 "inputs = ['**/*.c', 'src']\ndiscover = ['src/*']\n");
        REQUIRE_MESSAGE(file.has_value(), refusal(file));
        CHECK(file->units[0].deps.empty());
    }

    TEST_CASE("units that are not there")
    {
        check_mistakes({
            {"[unit.app]\ncommand = ['a']\ndeps = ['genrate']\n[unit.generate]\ncommand = ['g']\n",
             "slipway.toml:4:9: unit.app.deps: there is no unit 'genrate' | did you mean "
             "generate?"},
            {"[unit.app]\ncommand = ['a']\ndeps = ['zzz']\n[unit.b]\ncommand = ['b']\n",
             "slipway.toml:4:9: unit.app.deps: there is no unit 'zzz' | the units are app, b"},
            {"build.default = ['ap']\n[unit.app]\ncommand = ['a']\n",
             "slipway.toml:2:18: build.default: there is no unit 'ap' | did you mean app?"},
            {"build.default = []\n[unit.app]\ncommand = ['a']\n",
             "slipway.toml:2:17: build.default is empty | leave it out to build all units"},
        });
        std::string many = "[unit.app]\ncommand = ['a']\ndeps = ['zzz']\n";
        for (int i = 0; i < 20; ++i) {
            many += "[unit.u" + std::to_string(i) + "]\ncommand = ['a']\n";
        }
        check_mistakes({
            {many,
             "slipway.toml:4:9: unit.app.deps: there is no unit 'zzz' | the units are app, u0, u1, "
             "u2, u3, u4, u5, u6 and 13 more"},
        });
    }

    TEST_CASE("circles name each unit with its line")
    {
        check_mistakes({
            {"[unit.a]\ncommand = ['a']\ndeps = ['b']\n\n[unit.b]\ncommand = ['b']\ndeps = ['a']\n",
             "slipway.toml:2:7: units wait for each other: a (slipway.toml:2) -> b "
             "(slipway.toml:6) -> a | the dependencies are from lines 4 and 8: remove one of them"},
            {"[unit.a]\ncommand = ['a']\ndeps = ['a']\n",
             "slipway.toml:2:7: a unit waits for itself: a (slipway.toml:2) -> a | "
             "the dependency is from line 4: remove it"},
            // One that the inputs make; and the circle is told from its first unit on.
            {"[unit.start]\ncommand = ['a']\ndeps = ['c']\n"
             "[unit.a]\ncommand = ['a']\ninputs = ['gen/*.h']\noutputs = ['x']\n"
             "[unit.b]\ncommand = ['b']\ninputs = ['x']\noutputs = ['y']\n"
             "[unit.c]\ncommand = ['c']\ndeps = ['b']\noutputs = ['gen/']\n",
             "slipway.toml:5:7: units wait for each other: a (slipway.toml:5) -> c "
             "(slipway.toml:13) -> b (slipway.toml:9) -> a | the dependencies are from lines 7, 15 "
             "and 11: remove one of them"},
        });
    }

    TEST_CASE("a long circle is not told in full, and none is too deep")
    {
        std::string text = "toolchain.cc.image = 'x'\n";
        constexpr int count = 20'000;
        for (int i = 0; i < count; ++i) {
            text += "[unit.u" + std::to_string(i) + "]\ncommand = ['a']\ndeps = ['u"
                    + std::to_string((i + 1) % count) + "']\n";
        }
        const std::string told = refusal(parsed(text));
        CHECK(
            told
            == "slipway.toml:2:7: units wait for each other: u0 (slipway.toml:2) -> u1 "
               "(slipway.toml:5) -> u2 (slipway.toml:8) -> u3 (slipway.toml:11) -> u4 "
               "(slipway.toml:14) -> u5 (slipway.toml:17) -> u6 (slipway.toml:20) -> u7 "
               "(slipway.toml:23) -> 19992 more -> u0 | remove one of the dependencies"
        );
        // The same without the last step.
        text += "[unit.u20000]\ncommand = ['a']\n";
        text.replace(text.rfind("deps = ['u0']"), 13, "deps = ['u20000']");
        CHECK(refusal(parsed(text)) == "accepted");
    }

    TEST_CASE("a diamond is no circle")
    {
        CHECK(
            deps_of_last("[unit.a]\ncommand = ['a']\n[unit.b]\ncommand = ['b']\ndeps = ['a']\n"
                         "[unit.c]\ncommand = ['c']\ndeps = ['a']\n"
                         "[unit.d]\ncommand = ['d']\ndeps = ['b', 'c', 'a']\n")
            == Texts{"b 12:9", "c 12:14", "a 12:19"}
        );
    }

    // Quadratic checks would take minutes, which is more than a test may.
    TEST_CASE("many units with patterns, and the same pattern in each")
    {
        std::string text = "toolchain.cc.image = 'x'\n";
        constexpr int count = 20'000;
        text.reserve(count * 200);
        for (int i = 0; i < count; ++i) {
            const std::string number = std::to_string(i);
            text += "[unit.u" + number
                    + "]\ncommand = ['a']\ninputs = ['src/**/*.h', '**/*.hpp', "
                      "'**/*_"
                    + number + ".c', 'b/" + std::to_string(i - 1) + "/*.o']\noutputs = ['b/"
                    + number + "/x.o']\n";
        }
        const auto file = parsed(text);
        REQUIRE_MESSAGE(file.has_value(), refusal(file));
        CHECK(texts(file->units[count - 1].deps) == Texts{"u" + std::to_string(count - 2)});
    }
}
