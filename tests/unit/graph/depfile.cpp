#include "graph/depfile.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace slipway;
using namespace slipway::core;

namespace {

using Texts = std::vector<std::string>;

Texts paths(std::string_view text)
{
    const auto parsed = parse_depfile(text);
    if (!parsed) return {parsed.error().message};
    return *parsed;
}

std::string mistake(std::string_view text)
{
    const auto parsed = parse_depfile(text);
    if (parsed) return "accepted";
    CHECK(parsed.error().code == Errc::invalid_argument);
    return parsed.error().message;
}

} // namespace

TEST_SUITE("core.graph.depfile")
{
    // What gcc 12 and clang 14 write with -MD and -MP of a file with a blank in its name, and
    // headers with a dollar, a number sign and a backslash.
    TEST_CASE("as gcc and clang write it")
    {
        const std::string_view gcc =
            "a\\ b.o: a\\ b.c /usr/include/stdc-predef.h d$$x.h n\\#y.h \\\n"
            " b\\s.h sub/z.h\nd$$x.h:\nn\\#y.h:\nb\\s.h:\nsub/z.h:\n";
        const Texts expected{
            "a b.c", "/usr/include/stdc-predef.h", "d$x.h", "n#y.h", "b\\s.h", "sub/z.h"};
        CHECK(paths(gcc) == expected);
        const std::string_view clang =
            "a\\ b.o: a\\ b.c \\\n  d$$x.h n\\#y.h \\\n  b\\s.h sub/z.h\n"
            "\nd$$x.h:\n\nn\\#y.h:\n\nb\\s.h:\n\nsub/z.h:\n";
        CHECK(paths(clang) == Texts{"a b.c", "d$x.h", "n#y.h", "b\\s.h", "sub/z.h"});
    }

    TEST_CASE("as rustc writes it")
    {
        const std::string_view text =
            "target/libx.rmeta: src/lib.rs src/a\\ b.rs\n\ntarget/x.d: src/lib.rs src/a\\ b.rs\n\n"
            "src/lib.rs:\nsrc/a\\ b.rs:\n\n# env-dep:CARGO_PKG_NAME=x\n# env-dep:OPT\n";
        CHECK(paths(text) == Texts{"src/lib.rs", "src/a b.rs"});
    }

    TEST_CASE("backslashes before blanks")
    {
        CHECK(paths("x: a\\ b\n") == Texts{"a b"});
        CHECK(paths("x: a\\\\\\ b\n") == Texts{"a\\ b"}); // gcc doubles those before a blank
        CHECK(paths("x: a\\\\\\\\\\ b\n") == Texts{"a\\\\ b"});
        CHECK(paths("x: a\\\\ b\n") == Texts{"a\\\\", "b"}); // at the end of a name it does not
        CHECK(paths("x: a\\\tb\n") == Texts{"a\tb"});
        CHECK(paths("x: a\\b \\\\c\n") == Texts{"a\\b", "\\\\c"});
        CHECK(paths("x: \\ \n") == Texts{" "});
    }

    TEST_CASE("other characters")
    {
        CHECK(paths("x: a$$b $$ c$d\n") == Texts{"a$b", "$", "c$d"});
        CHECK(paths("x: a\\#b \\#\n") == Texts{"a#b", "#"});
        CHECK(paths("x: a:b c\\:d\n") == Texts{"a:b", "c:d"});
        CHECK(paths("a:b: c\n") == Texts{"c"});
        CHECK(paths("x: k\xc3\xa4se \xff%[a]*\n") == Texts{"k\xc3\xa4se", "\xff%[a]*"});
        CHECK(paths("x: -I=1 ~/y\n") == Texts{"-I=1", "~/y"});
    }

    TEST_CASE("lines")
    {
        CHECK(paths("x: a \\\n b\\\n c\n") == Texts{"a", "b", "c"});
        CHECK(paths("x: a \\\r\n b\r\n\r\ny: c\r\n") == Texts{"a", "b", "c"});
        CHECK(paths("x: \\\n\n") == Texts{});
        CHECK(paths("x \\\n y: a\n") == Texts{"a"});
        CHECK(paths("x:\\\n a\n") == Texts{"a"});
        CHECK(paths("x:\n") == Texts{});
        CHECK(paths("x y: a\nz: b a\n") == Texts{"a", "b"}); // each once, in their order
        CHECK(paths("# a: b\nx: c\n") == Texts{"c"});
    }

    TEST_CASE("what was cut")
    {
        CHECK(mistake("") == "it is empty");
        CHECK(mistake("\n\n") == "it has no rule");
        CHECK(mistake("# only\n") == "it has no rule");
        CHECK(mistake("x: a") == "line 1: it ends in the middle of a line");
        CHECK(mistake("x: a \\\n b") == "line 2: it ends in the middle of a line");
        CHECK(mistake("x: a \\\n") == "line 2: it ends in the middle of a rule");
        CHECK(mistake("x: a \\") == "line 1: it ends in the middle of a line");
        CHECK(mistake("x: a\ny") == "line 2: it ends in the middle of a line");
    }

    TEST_CASE("what no compiler wrote")
    {
        CHECK(mistake("x\n") == "line 1: there is no colon behind a target");
        CHECK(mistake("x: a\n\nCC = gcc\n") == "line 3: there is no colon behind a target");
        CHECK(mistake(": a\n") == "line 1: there is no target before the colon");
        CHECK(mistake("x: a: b\n") == "line 1: there is a second colon");
        CHECK(mistake("x: a : b\n") == "line 1: there is a second colon");
        CHECK(mistake("x: a\n\tcc -c a\n") == "line 2: there is a command, as in a Makefile");
        CHECK(mistake("x: a\n\nx: \x01\n") == "line 3: there is a control character");
        CHECK(mistake(std::string("x: a\0b\n", 7)) == "line 1: there is a control character");
        CHECK(
            mistake("\x7f"
                    "ELF\x02: \n")
            == "line 1: there is a control character"
        );
        CHECK(mistake("x: a\rb\n") == "line 1: there is a control character");
    }
}
