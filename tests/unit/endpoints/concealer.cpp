#include "secrets.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::engine;

namespace {

// What is shown of a text that comes in three pieces.
std::string shown_in_three(
    const std::string& said,
    std::size_t one,
    std::size_t two,
    const std::vector<std::string>& secrets
)
{
    Concealer text;
    std::string shown = text.add(said.substr(0, one), secrets);
    shown += text.add(said.substr(one, two - one), secrets);
    shown += text.add(said.substr(two), secrets);
    return shown + text.finish();
}

} // namespace

// Texts that come in pieces; unit/endpoints/secrets.cpp has the rest.
TEST_SUITE("engine.secrets")
{
    TEST_CASE("a text in pieces shows no secret, and keeps back no more than may be one")
    {
        Concealer text;
        CHECK(text.add("one line\n", {"password"}) == "one line\n");
        CHECK(text.add("no: p", {"password"}) == "no: ");
        CHECK(text.add("ast\n", {"password"}) == "past\n");
        CHECK(text.add("is passw", {"password"}) == "is ");
        CHECK(text.add("", {"password"}).empty());
        CHECK(text.add("ord, pass", {"password"}) == "***, ");
        CHECK(text.finish() == "***");
        CHECK(text.finish().empty());
        CHECK(text.add("pas", {"password"}).empty());
        CHECK(text.finish() == "pas");
        // Its begin is the whole of another one.
        CHECK(text.add("a pass", {"pass", "password"}) == "a ");
        CHECK(text.add("word b", {"pass", "password"}) == "*** b");
        // Its end could begin it again, and is shown with nothing of it.
        CHECK(text.add("abcab", {"abcab"}) == "***");
        CHECK(text.add("cab", {"abcab"}) == "c");
        CHECK(text.finish() == "ab");
    }

    TEST_CASE("wherever a text is cut, it is shown as it would be in one piece")
    {
        const std::vector<std::string> secrets{"pass\tword", "hunter2!", "back\\slash", "<tag>x"};
        const std::string said =
            "a pass\tword, \"pass\\tword\", pass word\nhunter2!hunter2! hunter \\\\ "
            "back\\\\slash \\u003ctag\\u003ex passhunter2!";
        std::string expected = said;
        hide(expected, secrets);
        REQUIRE(expected.find("hunter2") == std::string::npos);
        for (std::size_t one = 0; one <= said.size(); ++one) {
            for (std::size_t two = one; two <= said.size(); ++two) {
                CAPTURE(one);
                CAPTURE(two);
                REQUIRE(shown_in_three(said, one, two, secrets) == expected);
            }
        }
    }

    TEST_CASE("backslashes that come without end are looked at once, and do not pile up")
    {
        const std::vector<std::string> secrets{"password", "\\password", "<tag>x"};
        constexpr std::size_t most_kept = 1000;
        for (const std::size_t piece : {std::size_t{1}, std::size_t{4096}, std::size_t{1} << 20U}) {
            CAPTURE(piece);
            const std::size_t all = piece == 1 ? std::size_t{16} << 10U : std::size_t{1} << 20U;
            const std::string part(piece, '\\');
            Concealer text;
            std::size_t shown = 0;
            for (std::size_t said = piece; said <= all; said += piece) {
                const std::string now = text.add(part, secrets);
                REQUIRE(now.find_first_not_of('\\') == std::string::npos);
                shown += now.size();
                REQUIRE(shown + most_kept > said);
            }
            // The end of the run may still begin a secret.
            CHECK(text.add("passw", secrets).find('p') == std::string::npos);
            CHECK(text.add("ord, past\n", secrets) == "***, past\n");
            CHECK(text.add(part, secrets).find_first_not_of('\\') == std::string::npos);
            CHECK(text.add("u003ctag>", secrets).find('u') == std::string::npos);
            CHECK(text.add("x!", secrets) == "***!");
            CHECK(text.empty());
        }
    }

    TEST_CASE("secrets with backslashes at an end are known wherever the text is cut")
    {
        const std::vector<std::string> secrets{R"(\\head)", R"(tail\)", "<tag>x", R"(abc\)"};
        const std::string said =
            R"(\\\\head and \\head, tail\\, tail\\\\ \\u003ctag\\u003ex abc\\\\\u003ctag>x)";
        for (std::size_t one = 0; one <= said.size(); ++one) {
            for (std::size_t two = one; two <= said.size(); ++two) {
                CAPTURE(one);
                CAPTURE(two);
                std::string shown = shown_in_three(said, one, two, secrets);
                std::erase(shown, '\\');
                REQUIRE(shown.starts_with("*** and ***, ***, *** *** "));
                REQUIRE(shown.ends_with("***"));
                REQUIRE(shown.find("tag") == std::string::npos);
            }
        }
    }
}
