#include "text.hpp"

#include <doctest/doctest.h>

using namespace slipway::cli;

TEST_SUITE("cli.text")
{
    TEST_CASE("one_line cuts between code points, whatever the width")
    {
        const std::string text = "grüße aus köln, später mehr";
        for (std::size_t columns = 0; columns < 40; ++columns) {
            const std::string line = one_line(text, columns);
            CHECK(width_of(line) == std::min(columns, width_of(text)));
            CHECK((line.empty() || (static_cast<unsigned char>(line.front()) & 0xC0) != 0x80));
        }
        CHECK(one_line(text, 12) == "grüße ...ehr");
    }

    TEST_CASE("one_line makes one line")
    {
        CHECK(one_line("a\nb\tc\n\n", 80) == "a b c");
        CHECK(one_line("", 80).empty());
    }

    TEST_CASE("plain takes escape sequences out")
    {
        CHECK(plain("\x1b[1;31mred\x1b[0m") == "red");
        CHECK(plain("\x1b]8;;http://x\x1b\\link") == "link");
        CHECK(plain("a\x1b") == "a");
        CHECK(plain("a\x1b[") == "a");
        CHECK(plain("a\x1b[31") == "a");
        CHECK(plain("a\x1b]0;t") == "a");
        CHECK(plain("tab\tand\nline") == "tab\tand\nline");
        CHECK(plain("a\xC2\x9Bxy\xC2\x80\xC2") == "axy\xC2");
        CHECK(plain("\xC2\n\xC2\xA0\xC3\x9B") == "\xC2\n\xC2\xA0\xC3\x9B");
    }

    TEST_CASE("plain shows what a carriage return left")
    {
        CHECK(plain("10%\r50%\r100%\n") == "100%\n");
        CHECK(plain("line\r\nnext\r\n") == "line\nnext\n");
        CHECK(plain("first\nabc\rd") == "first\nd");
        CHECK(plain("kept\r") == "kept");
    }

    TEST_CASE("lines_of")
    {
        CHECK(lines_of("").empty());
        CHECK(lines_of("a\n") == std::vector<std::string_view>{"a"});
        CHECK(lines_of("\na\n\nb") == std::vector<std::string_view>{"", "a", "", "b"});
    }

    TEST_CASE("size_text has three digits at most")
    {
        CHECK(size_text(0) == "0 B");
        CHECK(size_text(999) == "999 B");
        CHECK(size_text(1000) == "1.0 kB");
        CHECK(size_text(9'949) == "9.9 kB");
        CHECK(size_text(9'951) == "10 kB");
        CHECK(size_text(999'499) == "999 kB");
        CHECK(size_text(999'500) == "1.0 MB");
        CHECK(size_text(1'324'477'118) == "1.3 GB");
        CHECK(size_text(UINT64_MAX) == "18 EB");
    }
}
