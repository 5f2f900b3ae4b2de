#include "support/temp_directory.hpp"
#include "unit_files.hpp"

#include <slipway/core/unit_file.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;

namespace {

using Texts = std::vector<std::string>;

constexpr std::string_view whole_file = R"([build]
default = ["app", "main-object"]

[toolchain.cc]
image = "debian:bookworm-slim"
platform = "linux/amd64"

[toolchain.cross]
target = "{target}"

[unit.main-object]
toolchain = "cc"
command = ["cc", "-c", "-MD", "-MF", "build/main.d", "src/main.c", "-o", "build/main.o"]
inputs = ["src/main.c", "gen/**/*.c", "data/"]
discover = ["include/**/*.h"]
depfile = "build/main.d"
inputs_from = ["lists/files.txt"]
outputs = ["build/main.o", "maps/"]
scratch = ["build/*.tmp", "tmp/"]
env = { CFLAGS = "-O2", EMPTY = "" }
pass_env = ["CC_OPTIONS"]
network = "engine"
caches = [{ name = "ccache", path = "/ccache", locked = true }, { name = "tmp", path = "/c/tmp" }]
cpus = 1.5
memory = "512m"
deadline = "10m"

[unit.app]
toolchain = "cross"
script = '''
cc -o build/app build/main.o
strip build/app
'''
deps = ["main-object"]
outputs = ["build/app"]

[unit.a-test]
toolchain = "cc"
command = ["build/app", "--test"]
)";

} // namespace

TEST_SUITE("core.graph.unit_file")
{
    TEST_CASE("a file with every key")
    {
        const auto file = parsed(whole_file);
        REQUIRE_MESSAGE(file.has_value(), refusal(file));
        CHECK(file->path == "slipway.toml");
        CHECK(file->defaults == Texts{"app", "main-object"});

        REQUIRE(file->toolchains.size() == 2);
        CHECK(file->toolchains[0].name == "cc");
        CHECK(file->toolchains[0].image == "debian:bookworm-slim");
        CHECK(file->toolchains[0].target.empty());
        CHECK(file->toolchains[0].platform == "linux/amd64");
        CHECK(file->toolchains[0].place.line == 4);
        CHECK(file->toolchains[1].name == "cross");
        CHECK(file->toolchains[1].target == "arm64");
        CHECK(file->toolchains[1].image.empty());

        REQUIRE(file->units.size() == 3);
        const Unit& unit = file->units[0];
        CHECK(unit.name == "main-object");
        CHECK(unit.place.line == 11);
        CHECK(unit.place.column == 7);
        CHECK(unit.toolchain == "cc");
        CHECK(unit.command.size() == 8);
        CHECK(unit.command[0] == "cc");
        CHECK(placed(unit.inputs) == Texts{"src/main.c 14:11", "gen/**/*.c 14:25", "data 14:39"});
        CHECK(placed(unit.discover) == Texts{"include/**/*.h 15:13"});
        REQUIRE(unit.depfile.has_value());
        CHECK(unit.depfile->text == "build/main.d");
        CHECK(unit.depfile->place.line == 16);
        CHECK(texts(unit.inputs_from) == Texts{"lists/files.txt"});
        CHECK(texts(unit.outputs) == Texts{"build/main.o", "maps/"});
        CHECK(texts(unit.scratch) == Texts{"build/*.tmp", "tmp"});
        CHECK(unit.deps.empty());
        CHECK(unit.env == std::map<std::string, std::string>{{"CFLAGS", "-O2"}, {"EMPTY", ""}});
        CHECK(unit.pass_env == Texts{"CC_OPTIONS"});
        CHECK(unit.network == "engine");
        REQUIRE(unit.caches.size() == 2);
        CHECK(unit.caches[0].name == "ccache");
        CHECK(unit.caches[0].path == "/ccache");
        CHECK(unit.caches[0].locked);
        CHECK_FALSE(unit.caches[1].locked);
        CHECK(unit.cpus == 1.5);
        CHECK(unit.memory_bytes == std::int64_t{512} << 20U);
        CHECK(unit.deadline == std::chrono::minutes(10));

        CHECK(file->units[1].name == "app");
        CHECK(
            file->units[1].command
            == Texts{"sh", "-euc", "cc -o build/app build/main.o\nstrip build/app\n"}
        );
        CHECK(placed(file->units[1].deps) == Texts{"main-object 34:9"});
        const Unit& last = file->units[2];
        CHECK(last.name == "a-test");
        CHECK(last.outputs.empty());
        CHECK(last.network == "none");
        CHECK(last.cpus == 1);
        CHECK(last.memory_bytes == 0);
        CHECK(last.deadline == std::chrono::milliseconds(0));
        CHECK_FALSE(last.depfile.has_value());
    }

    TEST_CASE("units and toolchains stand in the order of the file")
    {
        const auto file = parsed("unit.z.command = ['z']\nunit.a.command = ['a']\n"
                                 "[unit.m]\ncommand = ['m']\n"
                                 "[toolchain.only]\nimage = 'x'\n");
        REQUIRE_MESSAGE(file.has_value(), refusal(file));
        REQUIRE(file->units.size() == 3);
        CHECK(file->units[0].name == "z");
        CHECK(file->units[1].name == "a");
        CHECK(file->units[2].name == "m");
        CHECK(file->units[2].toolchain == "only"); // the only one
    }

    TEST_CASE("{target} and {profile} stand in every text, all other braces stay")
    {
        const auto file = parsed(R"(
[build]
default = ["{profile}-unit"]
[toolchain.x-debug]
image = "registry/{target}:{profile}"
platform = "linux/{target}"
[unit.debug-unit]
toolchain = "x-{profile}"
command = ["{target}", "{{profile}}", "${target}", "{targets}", "{", "}{target", "{a,b}"]
inputs = ["src/{target}.c"]
discover = ["include/{profile}/*.h"]
depfile = "{target}.d"
inputs_from = ["{target}.list"]
outputs = ["{target}/{profile}/"]
scratch = ["{target}.tmp"]
deps = ["{target}"]
env = { "A" = "{target}" }
pass_env = ["{profile}_FLAGS"]
caches = [{ name = "c-{target}", path = "/c/{profile}" }]
[unit.arm64]
toolchain = "x-debug"
script = "echo {target} ${target} ${profile:-x} {1..3} {profile}"
)");
        REQUIRE_MESSAGE(file.has_value(), refusal(file));
        CHECK(file->defaults == Texts{"debug-unit"});
        CHECK(file->toolchains[0].image == "registry/arm64:debug");
        CHECK(file->toolchains[0].platform == "linux/arm64");
        const Unit& unit = file->units[0];
        CHECK(unit.toolchain == "x-debug");
        CHECK(
            unit.command
            == Texts{"arm64", "{debug}", "${target}", "{targets}", "{", "}{target", "{a,b}"}
        );
        CHECK(texts(unit.inputs) == Texts{"src/arm64.c"});
        CHECK(texts(unit.discover) == Texts{"include/debug/*.h"});
        CHECK(unit.depfile->text == "arm64.d");
        CHECK(texts(unit.inputs_from) == Texts{"arm64.list"});
        CHECK(texts(unit.outputs) == Texts{"arm64/debug/"});
        CHECK(texts(unit.scratch) == Texts{"arm64.tmp"});
        CHECK(texts(unit.deps) == Texts{"arm64"});
        CHECK(unit.env.at("A") == "arm64");
        CHECK(unit.pass_env == Texts{"debug_FLAGS"});
        CHECK(unit.caches[0].name == "c-arm64");
        CHECK(unit.caches[0].path == "/c/debug");
        CHECK(file->units[1].command[2] == "echo arm64 ${target} ${profile:-x} {1..3} debug");
    }

    TEST_CASE("what {target} stands for is not looked into")
    {
        const auto file = parsed(
            "toolchain.cc.image = 'x'\nunit.a.command = ['{target}']\n", {"{profile}", "{target}"}
        );
        REQUIRE(file.has_value());
        CHECK(file->units[0].command == Texts{"{profile}"});
    }

    TEST_CASE("deadlines, sizes and CPUs as people write them")
    {
        const auto one = [](const std::string& line) {
            const auto file =
                parsed("toolchain.cc.image = 'x'\n[unit.a]\ncommand = ['a']\n" + line + "\n");
            REQUIRE_MESSAGE(file.has_value(), refusal(file));
            return file->units[0];
        };
        using namespace std::chrono_literals;
        CHECK(one("deadline = '90s'").deadline == 90s);
        CHECK(one("deadline = '1h'").deadline == 1h);
        CHECK(one("memory = '1.5g'").memory_bytes == 1'610'612'736);
        CHECK(one("memory = '65536'").memory_bytes == 65'536);
        CHECK(one("cpus = 2").cpus == 2);
        CHECK(one("cpus = 0.25").cpus == 0.25);
    }

    TEST_CASE("outputs and depfiles are paths, whatever letters they have")
    {
        const auto file = parsed(R"(toolchain.cc.image = 'x'
[unit.pages]
command = ['next']
outputs = ['dist/[id].js', 'dist/a\b', 'käse/ö ä/']
depfile = 'dist/[id].d'
[unit.check]
command = ['check']
inputs = ['dist/\[id\].js']
)");
        REQUIRE_MESSAGE(file.has_value(), refusal(file));
        CHECK(texts(file->units[0].outputs) == Texts{"dist/[id].js", "dist/a\\b", "käse/ö ä/"});
        CHECK(placed(file->units[1].deps) == Texts{"pages 8:11"});
    }

    TEST_CASE("a file on disk, and those that cannot be read")
    {
        const TempDirectory directory;
        const auto path = directory.path() / "slipway.toml";
        auto file = read_unit_file(path, {});
        REQUIRE_FALSE(file.has_value());
        CHECK(file.error().code == Errc::not_found);
        CHECK(file.error().message == "opening " + path.string() + ": No such file or directory");

        std::ofstream(path) << "toolchain.cc.image = 'x'\n[unit.a]\ncommand = ['a']\n";
        file = read_unit_file(path, {});
        REQUIRE(file.has_value());
        CHECK(file->path == path);
        CHECK(file->units.size() == 1);

        std::ofstream(path) << "toolchain.cc.image = 'x'\n[unit.a]\ncomand = ['a']\n";
        file = read_unit_file(path, {});
        REQUIRE_FALSE(file.has_value());
        CHECK(file.error().message == path.string() + ":3:1: unknown key unit.a.comand");

        file = read_unit_file(directory.path(), {});
        REQUIRE_FALSE(file.has_value());
        CHECK(file.error().code == Errc::invalid_argument);
        CHECK(file.error().message == directory.path().string() + " is no regular file");

        // Nobody writes to it: opening it must not wait.
        const auto pipe = directory.path() / "pipe";
        REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
        file = read_unit_file(pipe, {});
        REQUIRE_FALSE(file.has_value());
        CHECK(file.error().message == pipe.string() + " is no regular file");

        const auto large = directory.path() / "large";
        std::ofstream(large) << "x = 1\n";
        std::filesystem::resize_file(large, (std::uintmax_t{64} << 20U) + 1);
        file = read_unit_file(large, {});
        REQUIRE_FALSE(file.has_value());
        CHECK(file.error().code == Errc::invalid_argument);
        CHECK(file.error().message == large.string() + " has more than 67108864 bytes");

        const auto loop = directory.path() / "loop";
        std::filesystem::create_symlink("loop", loop);
        file = read_unit_file(loop, {});
        REQUIRE_FALSE(file.has_value());
        CHECK(file.error().code == Errc::io);
        if (::geteuid() != 0) { // root may read everything
            std::filesystem::permissions(path, std::filesystem::perms::none);
            file = read_unit_file(path, {});
            REQUIRE_FALSE(file.has_value());
            CHECK(file.error().code == Errc::permission_denied);
        }
    }
}
