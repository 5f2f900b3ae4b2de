#include "unit_files.hpp"

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;

TEST_SUITE("core.graph.unit_file mistakes")
{
    TEST_CASE("no TOML")
    {
        CHECK(
            refusal(parsed("[unit.a]\ncommand = [\n"))
            == "slipway.toml:2:13: Error while parsing array: encountered end-of-file"
               " | correct this file"
        );
        CHECK(
            refusal(parsed("x = '\xff'"))
            == "slipway.toml:1:6: this is not UTF-8 | correct this file"
        );
        // Its words have the bytes as they are.
        CHECK(
            refusal(parsed("x = na\x15"))
            == "slipway.toml:1:7: Error while parsing floating-point: expected 'nan', saw 'na\\x15'"
               " | correct this file"
        );
        CHECK(
            refusal(parsed("x = 0'\xef\xbb\xb7'"))
            == "slipway.toml:1:6: a quote stands in the middle of a value | correct this file"
        );
        const auto long_name =
            parsed("[a." + std::string(5'000, 'x') + "]\n[a." + std::string(5'000, 'x') + "]\n");
        REQUIRE_FALSE(long_name.has_value());
        CHECK(long_name.error().message.size() < 500);
        // toml++ names the first one's place, too.
        const std::string twice =
            refusal(parsed("[unit.a]\ncommand = ['a']\n[unit.b]\n[unit.a]\n"));
        CHECK(twice.starts_with("slipway.toml:4:"));
        CHECK(twice.find("cannot redefine existing table 'unit.a'") != std::string::npos);
    }

    TEST_CASE("nothing to build")
    {
        const std::string hint = "a unit is a table: [unit.NAME] with command and outputs";
        CHECK(refusal(parsed("")) == "slipway.toml:1:1: there is no unit | " + hint);
        CHECK(
            refusal(parsed("[toolchain.cc]\nimage = 'x'\n[unit]\n"))
            == "slipway.toml:3:2: there is no unit | " + hint
        );
    }

    TEST_CASE("keys that nobody reads")
    {
        check_mistakes({
            {"[unit.a]\ncommand = ['a']\ninput = ['x']\n",
             "slipway.toml:4:1: unknown key unit.a.input | did you mean inputs?"},
            {"[units.a]\ncommand = ['a']\n",
             "slipway.toml:2:2: unknown key units | did you mean unit?"},
            {"[unit.a]\nfrobnicate = 1\n",
             "slipway.toml:3:1: unknown key unit.a.frobnicate | the keys here are caches, command, "
             "cpus, deadline, depfile, deps, discover, env, inputs, inputs_from, memory, network, "
             "outputs, pass_env, scratch, script, toolchain"},
            {"[unit.a]\npass-env = ['A']\n",
             "slipway.toml:3:1: unknown key unit.a.pass-env | did you mean pass_env?"},
            {"[toolchain.x]\nimages = 'y'\n",
             "slipway.toml:3:1: unknown key toolchain.x.images | did you mean image?"},
            {"[build]\ndefaults = ['y']\n[unit.a]\ncommand = ['a']\n",
             "slipway.toml:3:1: unknown key build.defaults | did you mean default?"},
            {"[unit.a]\ncaches = [{ nmae = 'x', path = '/x' }]\n",
             "slipway.toml:3:13: unknown key unit.a.caches.nmae | did you mean name?"},
            {"[unit.a]\n\"x\\u001b[31m\" = 1\n",
             "slipway.toml:3:1: unknown key unit.a.x\\x1b[31m | the keys here are caches, command, "
             "cpus, deadline, depfile, deps, discover, env, inputs, inputs_from, memory, network, "
             "outputs, pass_env, scratch, script, toolchain"},
        });
    }

    TEST_CASE("values of another type")
    {
        check_mistakes({
            {"build = 3\n", "slipway.toml:2:9: build is an integer | write a table"},
            {"unit = []\n", "slipway.toml:2:8: unit is an array | write a table"},
            {"unit.a = 'x'\n", "slipway.toml:2:10: unit.a is a string | write a table"},
            {"[[unit]]\ncommand = ['a']\n", "slipway.toml:2:1: unit is an array | write a table"},
            {"[unit.a]\ncommand = 'make all'\n",
             "slipway.toml:3:11: unit.a.command is a string | write an array of strings"},
            {"[unit.a]\ninputs = ['a',\n  7]\n",
             "slipway.toml:4:3: unit.a.inputs has an integer in it | write an array of strings"},
            {"[unit.a]\nscript = ['a']\n",
             "slipway.toml:3:10: unit.a.script is an array | write a string"},
            {"[unit.a]\ndepfile = ['a']\n",
             "slipway.toml:3:11: unit.a.depfile is an array | write a string"},
            {"[unit.a]\nenv = ['A=b']\n",
             "slipway.toml:3:7: unit.a.env is an array | write a table of strings"},
            {"[unit.a]\nenv = { A = 1 }\n",
             "slipway.toml:3:13: unit.a.env.A is an integer | write a string"},
            {"[unit.a]\ncaches = { name = 'a', path = '/a' }\n",
             "slipway.toml:3:10: unit.a.caches is a table | write an array of tables: "
             "[{ name = \"ccache\", path = \"/ccache\" }]"},
            {"[unit.a]\ncaches = ['/a']\n",
             "slipway.toml:3:11: unit.a.caches has a string in it | write an array of tables: "
             "[{ name = \"ccache\", path = \"/ccache\" }]"},
            {"[unit.a]\ncaches = [{ name = 'a', path = '/a', locked = 'yes' }]\n",
             "slipway.toml:3:47: unit.a.caches.locked is a string | write true or false"},
            {"[unit.a]\ncpus = '2'\n",
             "slipway.toml:3:8: unit.a.cpus is a string | write a number, as in 2 or 0.5"},
            {"[unit.a]\nmemory = 512\n",
             "slipway.toml:3:10: unit.a.memory is an integer | write a string"},
            {"[unit.a]\ndeadline = 07:32:00\n",
             "slipway.toml:3:12: unit.a.deadline is a date or a time | write a string"},
            {"[unit.a]\ncommand = [\"a\\u0000\"]\n",
             "slipway.toml:3:12: unit.a.command has a NUL character in it | "
             "no text of a program can have one"},
        });
    }

    TEST_CASE("commands")
    {
        check_mistakes({
            {"\n[unit.a]\noutputs = ['a']\n",
             "slipway.toml:3:7: unit.a has no command | "
             "write command = [\"PROGRAM\", ...], or script = \"...\" for sh"},
            {"[unit.a]\ncommand = ['a']\nscript = 'a'\n",
             "slipway.toml:4:10: unit.a has both command and script | leave one of them out"},
            {"[unit.a]\ncommand = []\n",
             "slipway.toml:3:11: unit.a.command is empty | "
             "write command = [\"PROGRAM\", ...], or script = \"...\" for sh"},
            {"[unit.a]\ncommand = ['', 'a']\n",
             "slipway.toml:3:12: unit.a.command has no program: its first string is empty | "
             "write command = [\"PROGRAM\", ...], or script = \"...\" for sh"},
            {"[unit.a]\nscript = \" \\n\\t\"\n",
             "slipway.toml:3:10: unit.a.script is empty | "
             "write command = [\"PROGRAM\", ...], or script = \"...\" for sh"},
        });
    }

    TEST_CASE("names")
    {
        const std::string rule = "a name has 1 to 64 letters, digits and - _ . with no . or - in "
                                 "front";
        const std::string long_name(65, 'x');
        check_mistakes({
            {"[unit.'a b']\ncommand = ['a']\n",
             "slipway.toml:2:7: unit 'a b' has no valid name | " + rule},
            {"[unit.'']\ncommand = ['a']\n",
             "slipway.toml:2:7: unit '' has no valid name | " + rule},
            {"[unit.'.a']\ncommand = ['a']\n",
             "slipway.toml:2:7: unit '.a' has no valid name | " + rule},
            {"[unit.-a]\ncommand = ['a']\n",
             "slipway.toml:2:7: unit '-a' has no valid name | " + rule},
            {"[unit.'ä']\ncommand = ['a']\n",
             "slipway.toml:2:7: unit 'ä' has no valid name | " + rule},
            {"[unit.'a/b']\ncommand = ['a']\n",
             "slipway.toml:2:7: unit 'a/b' has no valid name | " + rule},
            {"[unit." + long_name + "]\ncommand = ['a']\n",
             "slipway.toml:2:7: unit '" + long_name + "' has no valid name | " + rule},
            {"[toolchain.'a b']\nimage = 'a'\n",
             "slipway.toml:2:12: toolchain 'a b' has no valid name | " + rule},
            {"[unit.a]\ncaches = [{ name = 'a/b', path = '/a' }]\n",
             "slipway.toml:3:20: cache 'a/b' has no valid name | " + rule},
        });
        const std::string fits(64, 'x');
        CHECK(parsed(
                  "toolchain._.image = 'x'\n[unit.'a_B-1.2']\ncommand = ['a']\n"
                  "[unit."
                  + fits + "]\ncommand = ['a']\n"
        )
                  .has_value());
    }

    TEST_CASE("toolchains")
    {
        check_mistakes({
            {"[toolchain.x]\nplatform = 'linux/amd64'\n",
             "slipway.toml:2:12: toolchain.x has no image | "
             "write image = \"debian:bookworm-slim\", or target = \"{target}\" for one of "
             "slipway's own"},
            {"[toolchain.x]\nimage = 'a'\ntarget = 'b'\n",
             "slipway.toml:4:10: toolchain.x has both image and target | leave one of them out"},
            {"[toolchain.x]\nimage = 'Debian:X'\n",
             "slipway.toml:3:9: toolchain.x.image: 'Debian:X' is no image reference | "
             "write one as in debian:bookworm-slim"},
            {"[toolchain.x]\ntarget = ''\n",
             "slipway.toml:3:10: toolchain.x.target is empty | "
             "write image = \"debian:bookworm-slim\", or target = \"{target}\" for one of "
             "slipway's own"},
            {"[toolchain.x]\nimage = 'a'\nplatform = 'amd64'\n",
             "slipway.toml:4:12: toolchain.x.platform: 'amd64' is no platform | "
             "write one as in linux/amd64 or linux/arm/v7"},
            {"[unit.a]\ncommand = ['a']\ntoolchain = 'c'\n",
             "slipway.toml:4:13: unit.a.toolchain: there is no toolchain 'c' | did you mean cc?"},
            {"[unit.a]\ncommand = ['a']\ntoolchain = 'python'\n",
             "slipway.toml:4:13: unit.a.toolchain: there is no toolchain 'python' | "
             "the toolchains are cc"},
            {"[toolchain.rust]\nimage = 'rust'\n[unit.a]\ncommand = ['a']\n",
             "slipway.toml:4:7: unit.a has no toolchain, and the file has more than one | "
             "write toolchain = \"cc\", or another of cc, rust"},
        });
        CHECK(
            refusal(parsed("[unit.a]\ncommand = ['a']\n"))
            == "slipway.toml:1:7: unit.a has no toolchain, and the file has none | "
               "write a table [toolchain.NAME] with image = \"debian:bookworm-slim\""
        );
    }

    TEST_CASE("paths")
    {
        const std::string inside = "paths are relative to the file's directory and stay in it";
        check_mistakes({
            {"[unit.a]\noutputs = ['']\n",
             "slipway.toml:3:12: unit.a.outputs: a path is empty | " + inside},
            {"[unit.a]\noutputs = ['/x']\n",
             "slipway.toml:3:12: unit.a.outputs: '/x' is absolute | " + inside},
            {"[unit.a]\ninputs = ['x', 'y/../../x']\n",
             "slipway.toml:3:16: unit.a.inputs: 'y/../../x' has a part '..' | " + inside},
            {"[unit.a]\ninputs = ['../*.c']\n",
             "slipway.toml:3:11: unit.a.inputs: '../*.c' has a part '..' | " + inside},
            {"[unit.a]\ninputs = ['./x']\n",
             "slipway.toml:3:11: unit.a.inputs: './x' is not the shortest form | write 'x'"},
            {"[unit.a]\noutputs = ['x//y/./']\n",
             "slipway.toml:3:12: unit.a.outputs: 'x//y/./' is not the shortest form | write "
             "'x/y/'"},
            {"[unit.a]\noutputs = ['./']\n",
             "slipway.toml:3:12: unit.a.outputs: './' is the file's directory itself | "
             "name what is in it: a file, a directory, or ** for all"},
            {"[unit.a]\ninputs = ['.']\n",
             "slipway.toml:3:11: unit.a.inputs: '.' is the file's directory itself | "
             "name what is in it: a file, a directory, or ** for all"},
            {"[unit.a]\ninputs = [\"a\\nb\"]\n",
             "slipway.toml:3:11: unit.a.inputs: 'a\\x0ab' has a control character | "
             "paths are text of one line"},
            {"[unit.a]\ninputs = [\"a\\u0085b\"]\n",
             "slipway.toml:3:11: unit.a.inputs: 'a\xc2\\x85"
             "b' has a control character | "
             "paths are text of one line"},
            {"[unit.a]\ndiscover = ['.slipway']\n",
             "slipway.toml:3:13: unit.a.discover: '.slipway' is slipway's own directory | "
             "choose another path"},
            {"[unit.a]\nscratch = ['.slipway/*']\n",
             "slipway.toml:3:12: unit.a.scratch: '.slipway/*' is in slipway's own directory | "
             "choose another path"},
            {"[unit.a]\noutputs = ['slipway.toml']\n",
             "slipway.toml:3:12: unit.a.outputs: 'slipway.toml' is this file | choose another "
             "path"},
            {"[unit.a]\ndepfile = '/tmp/x.d'\n",
             "slipway.toml:3:11: unit.a.depfile: '/tmp/x.d' is absolute | " + inside},
            {"[unit.a]\ndepfile = 'x/'\n",
             "slipway.toml:3:11: unit.a.depfile: 'x/' is a directory | name a file"},
            {"[unit.a]\ninputs_from = ['x/']\n",
             "slipway.toml:3:16: unit.a.inputs_from: 'x/' is a directory | name a file"},
        });
        CHECK(parsed("toolchain.cc.image = 'x'\n[unit.a]\ncommand = ['a']\n"
                     "inputs = ['.slipway2', 'a/.slipway', '...', '.hidden', 'slipway.toml']\n")
                  .has_value());
    }

    TEST_CASE("patterns")
    {
        const std::string how =
            "a pattern has *, ?, [a-z] and ** between slashes; \\ before them means themselves";
        check_mistakes({
            {"[unit.a]\ninputs = ['src/[a.c']\n",
             "slipway.toml:3:11: unit.a.inputs: 'src/[a.c' is no pattern: "
             "a '[' without its ']' in the same part | "
                 + how},
            {"[unit.a]\ninputs = ['src/**.c']\n",
             "slipway.toml:3:11: unit.a.inputs: 'src/**.c' is no pattern: "
             "'**' that is not alone between slashes | "
                 + how},
            {"[unit.a]\ndiscover = ['src/\\']\n",
             "slipway.toml:3:13: unit.a.discover: 'src/\\' is no pattern: "
             "a '\\' at the end of a part | "
                 + how},
            {"[unit.a]\ninputs = ['src//*.c']\n",
             "slipway.toml:3:11: unit.a.inputs: 'src//*.c' is not the shortest form | "
             "write 'src/*.c'"},
            {"[unit.a]\ninputs = ['src/*.{c,h}']\n",
             "slipway.toml:3:11: unit.a.inputs: 'src/*.{c,h}' has braces, which are no part of "
             "patterns | write one pattern for each; [{] means the brace itself"},
            {"[unit.a]\noutputs = ['build/*.o']\n",
             "slipway.toml:3:12: unit.a.outputs: 'build/*.o' is a pattern | "
             "name files, or a directory with a slash at the end for all in it"},
            {"[unit.a]\ndepfile = 'build/?.d'\n",
             "slipway.toml:3:11: unit.a.depfile: 'build/?.d' is a pattern | name a file"},
            {"[unit.a]\ninputs_from = ['lists/*']\n",
             "slipway.toml:3:16: unit.a.inputs_from: 'lists/*' is a pattern | name a file"},
        });
    }

    TEST_CASE("variables of the environment")
    {
        const std::string rule = "a name is not empty and has no =";
        check_mistakes({
            {"[unit.a]\nenv = { 'A=B' = 'x' }\n",
             "slipway.toml:3:9: unit.a.env: 'A=B' is no name of a variable | " + rule},
            {"[unit.a]\nenv = { '' = 'x' }\n",
             "slipway.toml:3:9: unit.a.env: '' is no name of a variable | " + rule},
            {"[unit.a]\npass_env = ['A=1']\n",
             "slipway.toml:3:13: unit.a.pass_env: 'A=1' is no name of a variable | " + rule},
            {"[unit.a]\npass_env = ['B', 'A']\nenv = { A = '1' }\nscript = 'x'\n",
             "slipway.toml:3:18: unit.a has A both in env and in pass_env | "
             "leave one of them out"},
            {"[unit.a]\nenv = { \"A\\u0000\" = 'x' }\n",
             "slipway.toml:3:9: unit.a.env: 'A\\x00' is no name of a variable | " + rule},
        });
    }

    TEST_CASE("limits, network and caches")
    {
        const std::string size =
            "a size is a number of bytes, or one with a unit: 65536b, 512k, 512m, 1.5g";
        const std::string time = "write a whole number with s, m or h: 90s, 10m, 1h";
        check_mistakes({
            {"[unit.a]\nmemory = '512x'\n",
             "slipway.toml:3:10: unit.a.memory: '512x' is no size | " + size},
            {"[unit.a]\nmemory = ''\n",
             "slipway.toml:3:10: unit.a.memory: '' is no size | " + size},
            {"[unit.a]\ncpus = 0\n",
             "slipway.toml:3:8: unit.a.cpus is no number of CPUs | write a number, as in 2 or 0.5"},
            {"[unit.a]\ncpus = -1.5\n",
             "slipway.toml:3:8: unit.a.cpus is no number of CPUs | write a number, as in 2 or 0.5"},
            {"[unit.a]\ncpus = nan\n",
             "slipway.toml:3:8: unit.a.cpus is no number of CPUs | write a number, as in 2 or 0.5"},
            {"[unit.a]\ncpus = 1e300\n",
             "slipway.toml:3:8: unit.a.cpus is no number of CPUs | write a number, as in 2 or 0.5"},
            {"[unit.a]\ndeadline = '10'\n",
             "slipway.toml:3:12: unit.a.deadline: '10' is no time | " + time},
            {"[unit.a]\ndeadline = '0s'\n",
             "slipway.toml:3:12: unit.a.deadline: '0s' is no time | " + time},
            {"[unit.a]\ndeadline = '-1m'\n",
             "slipway.toml:3:12: unit.a.deadline: '-1m' is no time | " + time},
            {"[unit.a]\ndeadline = '99999999999h'\n",
             "slipway.toml:3:12: unit.a.deadline: '99999999999h' is no time | " + time},
            {"[unit.a]\nnetwork = 'engin'\n",
             "slipway.toml:3:11: unit.a.network: 'engin' is not known | write \"none\" or "
             "\"engine\""},
            {"[unit.a]\ncaches = [{ name = 'a' }]\n",
             "slipway.toml:3:11: unit.a.caches has a cache without path | write an array of "
             "tables: [{ name = \"ccache\", path = \"/ccache\" }]"},
            {"[unit.a]\ncaches = [{ path = '/a' }]\n",
             "slipway.toml:3:11: unit.a.caches has a cache without name | write an array of "
             "tables: [{ name = \"ccache\", path = \"/ccache\" }]"},
            {"[unit.a]\ncaches = [{ name = 'a', path = 'a' }]\n",
             "slipway.toml:3:32: unit.a.caches: 'a' is not absolute | "
             "a cache has a place in the sandbox, as in /ccache"},
            {"[unit.a]\ncaches = [{ name = 'a', path = '/' }]\n",
             "slipway.toml:3:32: unit.a.caches: '/' is the whole sandbox | "
             "a cache has a place in the sandbox, as in /ccache"},
            {"[unit.a]\ncaches = [{ name = 'a', path = '/a/../b' }]\n",
             "slipway.toml:3:32: unit.a.caches: '/a/../b' has a part '..' | "
             "a cache has a place in the sandbox, as in /ccache"},
            {"[unit.a]\ncaches = [{ name = 'a', path = '/a/' }]\n",
             "slipway.toml:3:32: unit.a.caches: '/a/' is not the shortest form | write '/a'"},
            {"[unit.a]\ncaches = [{ name = 'a', path = '/x' }, { name = 'b', path = '/x/y' }]\n",
             "slipway.toml:3:40: unit.a.caches: '/x/y' is below '/x' | "
             "give each cache a place of its own"},
            {"[unit.a]\ncaches = [{ name = 'a', path = '/x' }, { name = 'a', path = '/y' }]\n",
             "slipway.toml:3:40: unit.a.caches has 'a' twice | give each cache a place of its own"},
        });
    }

    TEST_CASE("a variable that has no value")
    {
        CHECK(
            refusal(parsed(
                "toolchain.cc.image = 'x'\n[unit.a]\ncommand = ['a', '{target}']\n", {"", "debug"}
            ))
            == "slipway.toml:3:17: unit.a.command has {target}, but no target is chosen | "
               "choose one, as with --target; ${target} is the shell's own"
        );
        CHECK(
            refusal(parsed("toolchain.cc.image = '{profile}'\n", {"x", ""}))
            == "slipway.toml:1:22: toolchain.cc.image has {profile}, but no profile is chosen | "
               "choose one, as with --profile; ${profile} is the shell's own"
        );
    }

    TEST_CASE("what is long stays readable")
    {
        const std::string text(100'000, 'x');
        const auto file = parsed(
            "toolchain.cc.image = 'x'\n[unit.a]\ncommand = ['a']\ndeps = ['" + text + "']\n"
        );
        REQUIRE_FALSE(file.has_value());
        CHECK(file.error().message.size() < 400);
        CHECK(file.error().message.find("xxx...'") != std::string::npos);
    }
}
