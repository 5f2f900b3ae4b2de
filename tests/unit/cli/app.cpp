#include "app.hpp"

#include "exit_code.hpp"
#include "text.hpp"

#include <doctest/doctest.h>

using namespace slipway::cli;

namespace {

using Words = std::vector<std::string>;

/// A command line as it is read, and what was said of it.
struct Line {
    explicit Line(const Words& words)
    {
        std::vector<const char*> argv{"slipway"};
        for (const std::string& word : words) {
            argv.push_back(word.c_str());
        }
        context.printer = &printer;
        code = parse(static_cast<int>(argv.size()), argv.data(), context);
    }

    MemoryOutput out;
    MemoryOutput err;
    Printer printer{out, err, Printer::Settings()};
    Context context;
    std::optional<int> code;
};

bool says(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("cli.app")
{
    TEST_CASE("where the command of `run` begins")
    {
        struct Row {
            Words words;
            Words command;
        };
        const std::vector<Row> rows{
            {{"run", "--", "echo", "x"}, {"echo", "x"}},
            {{"run", "echo", "lost", "--", "echo", "kept"}, {"echo", "lost", "--", "echo", "kept"}},
            {{"run", "--image", "busybox", "git", "checkout", "--", "f"},
             {"git", "checkout", "--", "f"}},
            {{"run", "--image=busybox", "ls", "-l", "--color=never"},
             {"ls", "-l", "--color=never"}},
            {{"run", "--no-workspace", "--", "--", "x"}, {"--", "x"}},
            {{"run", "--env", "run", "--network", "none", "-q", "run"}, {"run"}},
            {{"--host", "run", "-v", "run", "--image", "cargo", "true"}, {"true"}},
            {{"--color", "never", "run", "-vq", "make", "--help"}, {"make", "--help"}},
            {{"run", "echo", ""}, {"echo", ""}},
            {{"run", "--", "echo", "", "--image="}, {"echo", "", "--image="}},
            {{"run", "-"}, {"-"}},
        };
        for (const Row& row : rows) {
            const Line line(row.words);
            CHECK_MESSAGE(!line.code, line.err.text);
            CHECK(line.context.rest == row.command);
        }
        CHECK(Line({"--host", "run", "-v", "run", "x"}).context.globals.host == "run");
        for (const Row& row : std::vector<Row>{
                 {{"build"}, {}},
                 {{"build", "--release", "-j", "3", "--", "-DX=", "", "--", "y"},
                  {"-DX=", "", "--", "y"}},
                 {{"-v", "build", "--", "--help"}, {"--help"}},
                 {{"build", "--"}, {}},
                 {{"build", "unit", "-k", "another", "--", "x"}, {"x"}},
             }) {
            const Line line(row.words);
            CHECK_MESSAGE(!line.code, line.err.text);
            CHECK(line.context.rest == row.command);
        }
    }

    TEST_CASE("colours")
    {
        CHECK(Line({"version"}).context.globals.color == ColorChoice::automatic);
        CHECK(Line({"--color", "auto", "version"}).context.globals.color == ColorChoice::automatic);
        CHECK(Line({"--color", "never", "version"}).context.globals.color == ColorChoice::never);
        CHECK(Line({"version", "--color=always"}).context.globals.color == ColorChoice::always);
        const Line wrong({"--color", "blue", "version"});
        CHECK(wrong.code == exit_code::usage);
        CHECK(says(wrong.err.text, "--color: blue not in {auto,always,never}"));
    }

    TEST_CASE("all that follows `cargo` is cargo's")
    {
        for (const Words& rest :
             {Words{"build", "--help"},
              Words{"test", "--", "--host", "x"},
              Words{"-v", "--version"},
              Words{"--", ""},
              Words{}}) {
            Words words{"-q", "cargo"};
            words.insert(words.end(), rest.begin(), rest.end());
            const Line line(words);
            CHECK_MESSAGE(!line.code, line.err.text);
            CHECK(line.context.rest == rest);
            CHECK(line.context.globals.quiet);
            CHECK(!line.context.globals.verbose);
        }
        const Line help({"cargo", "--help"});
        CHECK(help.code == exit_code::success);
        CHECK(says(help.out.text, "cargo [--toolchain WHICH] [+TOOLCHAIN] ARGUMENT..."));
    }

    TEST_CASE("--toolchain right behind `cargo` is no argument of cargo's")
    {
        for (const Words& option : {Words{"--toolchain", "host"}, Words{"--toolchain=host"}}) {
            Words words{"cargo"};
            words.insert(words.end(), option.begin(), option.end());
            const Words rest{"build", "--toolchain", "x", "--help"};
            words.insert(words.end(), rest.begin(), rest.end());
            const Line line(words);
            CHECK_MESSAGE(!line.code, line.err.text);
            CHECK(line.context.rest == rest);
        }
        const Words plus{"+stable", "build"};
        CHECK(Line({"cargo", "+stable", "build"}).context.rest == plus);
        for (const Words& words :
             {Words{"cargo", "--toolchain"},
              Words{"cargo", "--toolchain="},
              Words{"cargo", "--toolchain", "", "build"},
              Words{"run", "--toolchain", "host", "x"}}) {
            CHECK(Line(words).code == exit_code::usage);
        }
    }

    TEST_CASE("mistakes are named, and the hint leads to the right help")
    {
        struct Row {
            Words words;
            std::string error;
            std::string hint;
        };
        const std::vector<Row> rows{
            {{"run", "--image", "a", "--image", "b", "x"},
             "--image is given more than once",
             "leave one"},
            {{"--host", "a", "doctor", "--host", "b"},
             "--host is given more than once",
             "leave one"},
            {{"run", "--image"}, "--image needs a value", "`slipway run --help`"},
            {{"run", "--image", "--", "x"}, "--image needs a value", "`slipway run --help`"},
            {{"run", "--image", "", "x"}, "--image: the value is empty", "leave --image out"},
            {{"doctor", ""}, "an argument is empty", "leave it out"},
            {{"images", "build", "a", ""}, "an argument is empty", "leave it out"},
            {{"", "doctor"}, "an argument is empty", "leave it out"},
            {{"run", "--imagge", "b", "x"}, "unknown option '--imagge'", "`--image`"},
            {{"help", "nosuch"}, "unknown command 'nosuch'", "`slipway --help`"},
            {{"help", "images", "nosuch"}, "unknown command 'nosuch'", "`slipway images --help`"},
            {{"help", "dcotor"}, "unknown command 'dcotor'", "`doctor`"},
            {{"nosuch", "--help"}, "unknown command 'nosuch'", "`slipway --help`"},
            {{"images", "import", "a", "b", "c"},
             "unexpected argument 'c'",
             "`slipway images import --help`"},
        };
        for (const Row& row : rows) {
            const Line line(row.words);
            CHECK(line.code == exit_code::usage);
            CHECK(line.out.text.empty());
            CHECK_MESSAGE(says(line.err.text, "error: " + row.error + "\n"), line.err.text);
            CHECK_MESSAGE(says(line.err.text, row.hint), line.err.text);
        }
    }

    TEST_CASE("no command, or one without a name")
    {
        for (const Words& words : {Words{"run"}, Words{"run", "--"}, Words{"run", "", "x"}}) {
            Line line(words);
            REQUIRE(!line.code);
            CHECK(line.context.command(line.context) == exit_code::usage);
            CHECK(says(line.err.text, words.size() < 3 ? "no command" : "name is empty"));
        }
    }

    TEST_CASE("a command's help names the options of all commands, and no excluded ones")
    {
        for (const Words& command :
             {Words{"run"},
              Words{"cargo"},
              Words{"images"},
              Words{"images", "build"},
              Words{"images", "list"},
              Words{"images", "import"},
              Words{"doctor"},
              Words{"version"}}) {
            Words words{"help"};
            words.insert(words.end(), command.begin(), command.end());
            const Line line(words);
            CHECK(line.code == exit_code::success);
            CHECK_MESSAGE(says(line.out.text, "--host URL"), line.out.text);
            CHECK_MESSAGE(says(line.out.text, "-v and -q"), line.out.text);
            CHECK(!says(line.out.text, "Excludes"));
            CHECK(!says(line.out.text, "`slipway COMMAND --help`")); // there are none below it
            for (const std::string_view row : lines_of(line.out.text)) {
                CHECK_MESSAGE(row.size() <= 80, std::string(row));
            }
        }
        const Line top({"--help"});
        CHECK(says(top.out.text, "ssh://"));
        CHECK(says(top.out.text, "slipway doctor"));
        CHECK(says(top.out.text, "`slipway COMMAND --help`"));
        CHECK(says(Line({"images", "import", "-h"}).out.text, "import [options] FILE NAME[:TAG]\n")
        );
        const Line build({"images", "build", "--help"});
        CHECK(says(build.out.text, "build [options] TARGET...\n"));
        CHECK(says(build.out.text, "aarch64-unknown-linux-gnu"));
        CHECK(says(build.out.text, "x86_64-unknown-linux-gnu"));
    }
}
