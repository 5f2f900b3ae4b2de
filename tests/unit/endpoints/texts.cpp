#include "auth_header.hpp"
#include "base64.hpp"
#include "one_line.hpp"
#include "time_text.hpp"

#include <slipway/engine/duration.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace slipway::engine;
using namespace std::chrono_literals;

TEST_SUITE("engine.base64")
{
    TEST_CASE("what is written is padded and in the alphabet of URLs")
    {
        CHECK(base64_url("") == "");
        CHECK(base64_url("f") == "Zg==");
        CHECK(base64_url("fo") == "Zm8=");
        CHECK(base64_url("foo") == "Zm9v");
        CHECK(base64_url("\xfb\xff\xfe") == "-__-");
    }

    TEST_CASE("both alphabets are read, padded or not")
    {
        for (const char* text : {"+//+", "-__-", "+__+"}) {
            CHECK(from_base64(text) == "\xfb\xff\xfe");
        }
        CHECK(from_base64("Zg==") == "f");
        CHECK(from_base64("Zg=") == "f");
        CHECK(from_base64("Zg") == "f");
        CHECK(from_base64("Zm8") == "fo");
        CHECK(from_base64("") == "");
    }

    TEST_CASE("every length and every byte survives the way there and back")
    {
        std::string bytes;
        for (int i = 0; i < 300; ++i) {
            bytes.push_back(static_cast<char>(i * 7));
            CHECK(from_base64(base64_url(bytes)) == bytes);
        }
    }

    TEST_CASE("what is no base64 is nothing")
    {
        for (const char* text :
             {"Z", "Zm9vZ", "Zg===", "Z g=", "Zm9v\n", " Zm9v", "=", "Zm=v", "{}", "Zm9v!"}) {
            CAPTURE(std::string(text));
            CHECK(!from_base64(text).has_value());
        }
    }
}

TEST_SUITE("engine.auth_header")
{
    TEST_CASE("credentials are JSON in base64, without what is empty")
    {
        const RegistryAuth auth{"me", "p\"w", "ghcr.io"};
        Request one("POST", "/x");
        REQUIRE(add_auth(one, auth).has_value());
        CHECK(
            from_base64(one.headers().get("X-Registry-Auth"))
            == R"({"username":"me","password":"p\"w","serveraddress":"ghcr.io"})"
        );
        Request nobody("POST", "/x");
        REQUIRE(add_auth(nobody, RegistryAuth{}).has_value());
        CHECK(nobody.headers().get("X-Registry-Auth") == "e30=");
        const std::map<std::string, RegistryAuth> registries{{"ghcr.io", auth}};
        Request several("POST", "/x");
        REQUIRE(add_auth(several, registries).has_value());
        CHECK(
            from_base64(several.headers().get("X-Registry-Config"))
            == R"({"ghcr.io":{"username":"me","password":"p\"w","serveraddress":"ghcr.io"}})"
        );
    }

    TEST_CASE("a password that is no UTF-8 is refused without being shown")
    {
        const RegistryAuth auth{"me", "hunter2\xff", "ghcr.io"};
        Request request("POST", "/x");
        const auto added = add_auth(request, auth);
        REQUIRE(!added.has_value());
        CHECK(added.error().code == slipway::Errc::invalid_argument);
        CHECK(describe(added.error()).find("hunter2") == std::string::npos);
    }
}

TEST_SUITE("engine.one_line")
{
    TEST_CASE("white space and control characters become single spaces")
    {
        CHECK(one_line("") == "");
        CHECK(one_line(" \r\n\t") == "");
        CHECK(one_line("\n a\r\n\tb  c \x1b[0m\x7f ") == "a b c [0m");
        CHECK(one_line(std::string_view("a\0b", 3)) == "a b");
    }

    TEST_CASE("characters are kept whole, and bytes that are none are replaced one by one")
    {
        CHECK(
            one_line("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")
            == "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"
        );
        const std::string bad = "\xEF\xBF\xBD";
        CHECK(one_line("\xC3") == bad);
        CHECK(one_line("\xC0\xAF") == bad + bad);
        CHECK(one_line("\xED\xA0\x80") == bad + bad + bad);
        CHECK(one_line("\xF4\x90\x80\x80") == bad + bad + bad + bad);
        CHECK(one_line("\xE2\x82z") == bad + bad + "z");
    }

    TEST_CASE("terminals get no command, in ASCII or beyond")
    {
        CHECK(one_line("a\x1b[2Jb\x7f") == "a [2Jb");
        CHECK(
            one_line("a\xC2\x9B"
                     "2Jb\xC2\x85")
            == "a 2Jb"
        );
        CHECK(one_line("\xC2\xA0x\xC2\xBF") == "\xC2\xA0x\xC2\xBF");
    }

    TEST_CASE("a long text is cut between characters")
    {
        CHECK(one_line("abcdef", 7) == "abcdef");
        CHECK(one_line("abcdef", 4) == "abc...");
        CHECK(one_line("ab\xE2\x82\xAC", 5) == "ab...");
    }
}

TEST_SUITE("engine.time_text")
{
    TEST_CASE("moments are read as Go writes them")
    {
        CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == Moment(0ns));
        CHECK(parse_rfc3339("2026-11-22T12:37:48.659825132Z") == Moment(1795351068659825132ns));
        CHECK(parse_rfc3339("2026-11-22T13:37:48.65+01:00") == Moment(1795351068650000000ns));
        CHECK(parse_rfc3339("1969-12-31T23:59:59.5Z") == Moment(-500000000ns));
        CHECK(parse_rfc3339("2024-02-29T00:00:00-00:30") == Moment(1709166600s));
    }

    TEST_CASE("what is malformed or out of reach is nothing")
    {
        for (const char* text :
             {"",
              "2026-11-22",
              "0001-01-01T00:00:00Z",
              "9999-01-01T00:00:00Z",
              "2026-13-01T00:00:00Z",
              "2026-02-30T00:00:00Z",
              "2026-11-22T24:00:00Z",
              "2026-11-22T12:60:00Z",
              "2026-11-22T12:00:00",
              "2026-11-22T12:00:00.Z",
              "2026-11-22T12:00:00Zx",
              "2026-11-22T12:00:00+1:00",
              "2026-11-22T12:00:00+24:00",
              "x026-11-22T12:00:00Z"}) {
            CAPTURE(std::string(text));
            CHECK(!parse_rfc3339(text).has_value());
        }
    }

    TEST_CASE("queries get seconds with nine digits behind the point")
    {
        CHECK(unix_text(Moment(0ns)) == "0.000000000");
        CHECK(unix_text(Moment(1795351068000000012ns)) == "1795351068.000000012");
        CHECK(unix_text(Moment(-1500000000ns)) == "-1.500000000");
        CHECK(unix_text(Moment(-1ns)) == "-0.000000001");
    }
}

TEST_SUITE("engine.duration")
{
    TEST_CASE("durations")
    {
        const std::vector<std::pair<std::chrono::nanoseconds, std::string>> rows{
            {-1s, "0 ms"},
            {0s, "0 ms"},
            {340us, "0.3 ms"},
            {9'960us, "9.9 ms"},
            {10'400us, "10 ms"},
            {250ms, "250 ms"},
            {999'999us, "999 ms"},
            {1s, "1 s"},
            {1'540ms, "1.5 s"},
            {10s, "10 s"},
            {59'990ms, "59.9 s"},
            {60s, "1 min"},
            {90s, "1 min 30 s"},
            {300s, "5 min"},
        };
        for (const auto& [time, text] : rows) {
            CHECK(duration_text(time) == text);
        }
    }
}
