#include "cross_project.hpp"

#include <slipway/core/workspace.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::core;
using slipway::test::CrossProject;

namespace {

using Lines = std::vector<std::string>;

std::string repeated(std::string_view text, std::size_t times)
{
    std::string out;
    for (std::size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

/// What Cross.toml is refused with, without the path of the project.
std::string message_of(const CrossProject& project, const Result<CrossConfig>& config)
{
    if (config) return "accepted";
    CHECK_FALSE(config.error().hint.empty());
    std::string text = config.error().message;
    const std::string prefix = project.root().string() + "/";
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
    return text;
}

} // namespace

TEST_SUITE("core.recipe.cross_config mistakes")
{
    TEST_CASE("a value of the wrong type is named with file, line and column")
    {
        const CrossProject project;
        const std::pair<std::string_view, std::string_view> rows[]{
            {"build = 3\n", "Cross.toml:1:9: build is an integer"},
            {"target = []\n", "Cross.toml:1:10: target is an array"},
            {"[target]\na-b-c = 'x'\n", "Cross.toml:2:9: target.a-b-c is a string"},
            {"[build]\ndefault-target = 1.5\n",
             "Cross.toml:2:18: build.default-target is a floating-point number"},
            {"[build]\n\n  default-target = ['x']\n",
             "Cross.toml:3:20: build.default-target is an array"},
            {"[target.x]\nimage = true\n", "Cross.toml:2:9: target.x.image is a boolean"},
            {"[target.x.image]\nname = 1979-05-27\n",
             "Cross.toml:2:8: target.x.image.name is a date or a time"},
            {"[build.env]\npassthrough = 'A'\n",
             "Cross.toml:2:15: build.env.passthrough is a string"},
            {"[build.env]\npassthrough = ['A',\n  7]\n",
             "Cross.toml:3:3: build.env.passthrough has an integer in it"},
            {"[build]\nenv = ['A']\n", "Cross.toml:2:7: build.env is an array"},
            {"[build]\npre-build = {}\n", "Cross.toml:2:13: build.pre-build is a table"},
            {"[build.dockerfile]\nbuild-args = {a = 1}\n",
             "Cross.toml:2:19: build.dockerfile.build-args.a is an integer"},
            {"[target.x.zig]\nenable = 'yes'\n",
             "Cross.toml:2:10: target.x.zig.enable is a string"},
            {"[target.x]\nrunner = ['native']\n", "Cross.toml:2:10: target.x.runner is an array"},
            {"[build]\nxargo = 'x'\n", "Cross.toml:2:9: build.xargo is a string"},
            {"[build]\nbuild-std = 'x'\n", "Cross.toml:2:13: build.build-std is a string"},
            {"[target.x]\nimage = \"a\\u0000b\"\n",
             "Cross.toml:2:9: target.x.image has a NUL character in it"},
        };
        for (const auto& row : rows) {
            const std::string_view text = row.first;
            const std::string_view message = row.second;
            CAPTURE(text);
            const auto config = project.read(text);
            CHECK(message_of(project, config) == message);
            if (!config) CHECK(config.error().code == Errc::invalid_argument);
        }
    }

    TEST_CASE("the same in Cargo.toml")
    {
        const CrossProject project;
        project.write("Cargo.toml", "[workspace.metadata]\ncross = 'x'\n");
        CHECK(
            message_of(project, project.read())
            == "Cargo.toml:2:9: the configuration of cross is a string"
        );
        project.write("Cargo.toml", "[workspace]\nmembers = ['m']\n");
        project.write("m/Cargo.toml", "[package.metadata.cross.build]\nzig = []\n");
        CHECK(message_of(project, project.read()) == "m/Cargo.toml:2:7: build.zig is an array");
    }

    TEST_CASE("what is no TOML is named with its place")
    {
        const CrossProject project;
        const std::pair<std::string, std::string_view> rows[]{
            {"[build\n", "Cross.toml:1:"},
            {"[build]\ndefault-target = x y\n", "Cross.toml:2:18: "},
            {"a = 1\na = 2\n", "Cross.toml:2:"},
            {"[build]\n# \xc3\xa4\xff\n", "Cross.toml:2:4: this is not UTF-8"},
            {std::string("\xff\xfe[\0b\0", 6), "Cross.toml:1:1: "},
            {std::string("a = '\0'", 7), "Cross.toml:1:"},
            {"a = " + repeated("[", 1U << 20U), "Cross.toml:1:"},
            {"a = " + repeated("{a=", 1U << 20U), "Cross.toml:1:"},
            {repeated("a.", 1U << 19U) + "a = 1\n", "Cross.toml:1:"},
            {"[" + repeated("a.", 1U << 19U) + "a]\n", "Cross.toml:1:"},
            {repeated("['a'", 1) + repeated(" . \"a.b\"", 1U << 17U) + "]\n", "Cross.toml:1:"},
            {"[x]\n\xc3\xa4 = 1\n", "Cross.toml:2:1: "},
        };
        for (const auto& [text, place] : rows) {
            const std::string start = text.substr(0, 20);
            CAPTURE(start);
            const auto config = project.read(text);
            const std::string message = message_of(project, config);
            CHECK(message.substr(0, place.size()) == place);
            if (!config) CHECK(config.error().code == Errc::invalid_argument);
        }
        // In strings and comments any letter may stand, and a mark before all.
        const auto letters = project.read("\xef\xbb\xbf# \xc3\xa4\n[build.env]\npassthrough = "
                                          "[\"A=\xc3\xa4\", 'B=\xe2\x82\xac'] # \xc3\xa4\n");
        REQUIRE(letters);
        CHECK(letters->env.at("A") == "\xc3\xa4");
        CHECK(letters->env.at("B") == "\xe2\x82\xac");
        const auto deep = project.read("#.\n[" + repeated("a.", 600) + "a]\n");
        CHECK(message_of(project, deep) == "Cross.toml:2:1003: tables are nested too deep");
        project.write("Cargo.toml", "[package]\nname = \n");
        const auto manifest = project.read();
        CHECK(message_of(project, manifest).starts_with("Cargo.toml:2:"));
        REQUIRE_FALSE(manifest.has_value());
        CHECK(manifest.error().context.empty()); // it is no matter of cross's
        CHECK(manifest.error().hint.find("cargo would refuse") != std::string::npos);
    }

    TEST_CASE("a manifest that is nested too deep is still that of a package")
    {
        const CrossProject project;
        project.write("Cargo.toml", repeated("a.", 1U << 19U) + "a = 1\n");
        CHECK(*find_workspace(project.root(), {}) == project.root());
        CHECK(
            message_of(project, project.read()) == "Cargo.toml:1:1002: tables are nested too deep"
        );
    }

    TEST_CASE("dots that nest nothing")
    {
        const CrossProject project;
        const std::string dots = repeated(".", 2000);
        const std::string many = repeated("[target.a.env]\n", 0) + "[target.a-b-c]\n";
        for (const std::string& text :
             {many + "# " + dots + "\nimage = 'x'\n",
              many + "pre-build = ['" + dots + "', \"" + dots + "\\\"" + dots
                  + "\"]\nimage = 'x'\n",
              many + "pre-build = ['''\n" + dots + "'\n''', \"\"\"" + dots
                  + "\\\"\"\"\"]\nimage = 'x'\n",
              many + repeated("image.name = 'x'\n[target.b]\n", 1)
                  + repeated("env.passthrough = [\n'A' , 'B' ]\n", 1)}) {
            CAPTURE(text);
            const auto config = project.read(text);
            REQUIRE(config.has_value());
            CHECK(config->image == "x");
        }
        std::string tables;
        for (int i = 0; i < 1000; ++i) {
            tables += "[target.t" + std::to_string(i) + "]\nenv.passthrough = ['A']\n";
        }
        CHECK(project.read(tables).has_value());
    }

    TEST_CASE("files that cannot be read")
    {
        CrossProject project;
        auto& chosen = project.question.environment["CROSS_CONFIG"];
        chosen = "none.toml";
        const auto none = project.read();
        CHECK(message_of(project, none) == "none.toml: No such file or directory");
        REQUIRE_FALSE(none.has_value());
        CHECK(none.error().code == Errc::invalid_argument);
        CHECK(describe(none.error()).find("the variable CROSS_CONFIG") != std::string::npos);
        chosen = ".";
        CHECK(project.read().error().message.ends_with(" is a directory"));
        chosen = "/dev/null";
        CHECK(project.read().error().message == "/dev/null is no regular file");
        chosen = "";
        CHECK(project.read().has_value());
        std::filesystem::create_directory(project.root() / "Cross.toml");
        CHECK(message_of(project, project.read()) == "Cross.toml is a directory");
        std::filesystem::remove(project.root() / "Cross.toml");
        std::filesystem::create_symlink("nowhere", project.root() / "Cross.toml");
        CHECK(message_of(project, project.read()) == "Cross.toml: No such file or directory");
        std::filesystem::remove(project.root() / "Cross.toml");
        project.write("Cross.toml", repeated("#\n", 1U << 23U));
        CHECK(message_of(project, project.read()) == "Cross.toml has more than 8388608 bytes");
    }

    TEST_CASE("a key that nobody knows is a warning with the nearest one")
    {
        CrossProject project;
        const auto config = project.read("[build]\ndefualt-target = 'x'\n"
                                         "[target.a-b-c]\nimgae = 'x'\nenv.passtrough = []\n"
                                         "  [zzz]\n");
        REQUIRE(config.has_value());
        CHECK(
            config->warnings
            == Lines{
                project.at("Cross.toml:2:1")
                    + ": unknown key build.defualt-target is not read: did you mean default-target?",
                project.at("Cross.toml:5:5")
                    + ": unknown key target.a-b-c.env.passtrough is not read: did you mean "
                      "passthrough?",
                project.at("Cross.toml:4:1")
                    + ": unknown key target.a-b-c.imgae is not read: did you mean image?",
                project.at("Cross.toml:6:4")
                    + ": unknown key zzz is not read: the keys here are build, target"}
        );
    }

    TEST_CASE("names that look as if they were meant")
    {
        CrossProject project;
        project.write("cross.toml", "");
        auto& environment = project.question.environment;
        environment["CROSS_BUILD_PREBUILD"] = "x";
        environment["CROSS_TARGET_A_B_C_IMGE"] = "x";
        environment["CROSS_TARGET_D_E_F_IMGE"] = "x";
        environment["CROSS_COMPILE"] = "arm-linux-";
        environment["CROSS_CONTAINER_ENGINE"] = "podman";
        environment["CROSS_COMPATIBILITY_VERSION"] = "0.2.1";
        const std::string the = "the variable ";
        const std::string no = " is not read: ";
        CHECK(
            project.read()->warnings
            == Lines{project.at("cross.toml") + no + "the name is Cross.toml, with a capital C", the + "CROSS_BUILD_PREBUILD" + no + "did you mean CROSS_BUILD_PRE_BUILD?", the + "CROSS_TARGET_A_B_C_IMGE" + no + "did you mean CROSS_TARGET_A_B_C_IMAGE?", the + "CROSS_CONTAINER_ENGINE" + no + "`slipway doctor` tells which engine is used, and why", the + "CROSS_COMPATIBILITY_VERSION" + no + "every target has a container"}
        );
        environment.clear();
        CHECK(
            project.read("[target.A_b-c]\nimage = 'x'\n")->warnings
            == Lines{project.at("Cross.toml:1:9") + ": target.A_b-c is not for a-b-c, which is built: did you mean target.a-b-c?"}
        );
    }

    TEST_CASE("values without a meaning")
    {
        CrossProject project;
        project.question.target.clear();
        CHECK(
            message_of(project, project.read("[build]\ndefault-target = ''\n"))
            == "Cross.toml:2:18: build.default-target is empty"
        );
        project.question.target = "a-b-c";
        const std::pair<std::string_view, std::string_view> rows[]{
            {"[build.env]\npassthrough = ['A', '1B']\n",
             "Cross.toml:2:21: '1B' is no name of a variable"},
            {"[build.env]\npassthrough = ['=x']\n", "Cross.toml:2:16: '' is no name of a variable"},
            {"[build.env]\npassthrough = ['A B=x']\n",
             "Cross.toml:2:16: 'A B' is no name of a variable"},
            {"[build.env]\npassthrough = ['CROSS_RUNNER']\n",
             "Cross.toml:2:16: CROSS_RUNNER cannot be passed through"},
            {"[build.env]\npassthrough = ['CARGO_TARGET_DIR=x']\n",
             "Cross.toml:2:16: CARGO_TARGET_DIR cannot be given another value in the container"},
            {"[build.env]\npassthrough = ['CARGO_BUILD_TARGET=x']\n",
             "Cross.toml:2:16: CARGO_BUILD_TARGET cannot be given another value in the container"},
            {"[build]\npre-build = 'apt-get update'\n",
             "Cross.toml:2:13: the script of pre-build: "},
            {"[build]\npre-build = '.'\n", "Cross.toml:2:13: the script of pre-build: "},
            {"[build]\npre-build = 'empty'\n",
             "Cross.toml:2:13: the script of pre-build: empty is empty"},
            {"[build]\npre-build = 'binary'\n",
             "Cross.toml:2:13: the script of pre-build: binary is no text"},
            {"[target.a-b-c]\nimage = 'Bad Image'\n", "Cross.toml:2:9: "},
            {"[target.a-b-c]\nimage = ''\n", "Cross.toml:2:9: "},
        };
        project.write("empty", "");
        project.write("binary", std::string_view("a\0b", 3));
        for (const auto& row : rows) {
            const std::string_view text = row.first;
            const std::string_view message = row.second;
            CAPTURE(text);
            const auto config = project.read(text);
            CHECK(message_of(project, config).substr(0, message.size()) == message);
            if (!config) CHECK(config.error().code == Errc::invalid_argument);
        }
        project.question.environment["CROSS_BUILD_ENV_PASSTHROUGH"] = "A 2";
        CHECK(
            message_of(project, project.read(""))
            == "the variable CROSS_BUILD_ENV_PASSTHROUGH: '2' is no name of a variable"
        );
    }
}

TEST_SUITE("core.recipe.cross_config refusals")
{
    TEST_CASE("what cross can do and we cannot is refused by name, when it is asked for")
    {
        const CrossProject project;
        const std::pair<std::string_view, std::string_view> rows[]{
            {"[build]\nxargo = true\n", "2:9: Slipway cannot do build.xargo yet"},
            {"[build]\nzig = true\n", "2:7: Slipway cannot do build.zig yet"},
            {"[build]\nzig = '2.17'\n", "2:7: Slipway cannot do build.zig yet"},
            {"[target.a-b-c.zig]\nversion = '2.17'\n",
             "1:1: Slipway cannot do target.a-b-c.zig yet"},
            {"[target.a-b-c]\nimage = ':main'\n",
             "2:9: Slipway cannot do target.a-b-c.image yet: ':main' is one of cross's own images"},
            {"[target.a-b-c]\nimage = '-centos'\n",
             "2:9: Slipway cannot do target.a-b-c.image yet: '-centos' is one of cross's own "
             "images"},
        };
        for (const auto& row : rows) {
            const std::string_view text = row.first;
            const std::string_view message = row.second;
            CAPTURE(text);
            const auto config = project.read(text);
            CHECK(message_of(project, config) == "Cross.toml:" + std::string(message));
            if (!config) CHECK(config.error().code == Errc::unsupported);
            if (!config && text.find("image = ") == std::string_view::npos)
                CHECK(config.error().hint.starts_with("remove it: "));
        }
    }

    TEST_CASE("what asks for nothing, or is for another target, is not")
    {
        const CrossProject project;
        for (const std::string_view text :
             {"[build]\nbuild-std = false\nxargo = false\nzig = false\n",
              "[build]\nbuild-std = []\nenv.volumes = []\nzig = {}\n",
              "[build.zig]\nenable = false\nversion = '2.17'\n",
              "[build]\nzig = true\n[target.a-b-c]\nzig = false\n",
              "[target.d-e-f]\nzig = true\nbuild-std = true\nimage.toolchain = ['linux/arm64']\n",
              "[target.a-b-c.image]\nname = 'x'\ntoolchain = []\n"}) {
            CAPTURE(text);
            CHECK(project.read(text).has_value());
        }
    }

    TEST_CASE("variables")
    {
        CrossProject project;
        for (const std::string name :
             {"CROSS_BUILD_XARGO",
              "CROSS_BUILD_ZIG",
              "CROSS_TARGET_A_B_C_ZIG",
              "CROSS_BUILD_ZIG_VERSION",
              "CROSS_TARGET_A_B_C_ZIG_IMAGE",
              "CROSS_BUILD_ZIG_IMAGE_TOOLCHAIN",
              "CROSS_BUILD_OPTS",
              "CROSS_CONTAINER_UID",
              "CROSS_CONTAINER_GID",
              "CROSS_CUSTOM_TOOLCHAIN",
              "CROSS_UNSTABLE_ENABLE_DOCTESTS"}) {
            CAPTURE(name);
            project.question.environment = {{name, "1"}};
            const auto config = project.read();
            CHECK(
                message_of(project, config)
                == "the variable " + name + ": Slipway cannot do this yet"
            );
            CHECK(config.error().hint.starts_with("unset it: "));
            project.question.environment = {{name, ""}};
            CHECK(project.read().has_value());
        }
        for (const std::string name :
             {"CROSS_BUILD_XARGO",
              "CROSS_TARGET_A_B_C_ZIG",
              "CROSS_CUSTOM_TOOLCHAIN",
              "CROSS_UNSTABLE_ENABLE_DOCTESTS"}) {
            CAPTURE(name);
            for (const std::string off : {"false", "0"}) {
                project.question.environment = {{name, off}};
                CHECK(project.read().has_value());
            }
        }
        project.question.environment = {{"CROSS_BUILD_ZIG", "true"}};
        CHECK(project.read("[target.a-b-c]\nzig = false\n").has_value());
        project.question.environment = {{"CROSS_TARGET_D_E_F_ZIG", "true"}};
        CHECK(project.read("").has_value());
        project.question.environment = {{"CROSS_TARGET_A_B_C_RUNNER", "none"}};
        CHECK(
            message_of(project, project.read(""))
            == "the variable CROSS_TARGET_A_B_C_RUNNER: 'none' is no runner"
        );
    }
}
