#include "json_text.hpp"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

using namespace slipway::cli;

namespace {

/// The text as a strict reader gets it back.
std::string read_back(std::string_view value)
{
    JsonText json;
    json.begin_object().text("key", value).end_object();
    const std::string text = json.take();
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
    REQUIRE(!document.HasParseError());
    const auto& member = document["key"];
    return {member.GetString(), member.GetStringLength()};
}

const std::string replacement = "\xEF\xBF\xBD";

} // namespace

TEST_SUITE("cli.json")
{
    TEST_CASE("valid text comes back as it went")
    {
        for (const std::string& text : {
                 std::string("plain"),
                 std::string("\"quoted\" \\ / \b\f\n\r\t"),
                 std::string("\x01\x1f\x7f"),
                 std::string("nul \0 inside", 12),
                 std::string("grüße € \xF0\x9F\x9A\xA2 \xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF"),
             }) {
            CHECK(read_back(text) == text);
        }
    }

    TEST_CASE("bytes that are no UTF-8 are replaced")
    {
        CHECK(
            read_back("a\xFF"
                      "b")
            == "a" + replacement + "b"
        );
        CHECK(read_back("\xC3") == replacement);                   // cut short
        CHECK(read_back("\xE2\x82") == replacement + replacement); // cut short
        CHECK(read_back("\xC0\xAF") == replacement + replacement); // overlong
        CHECK(read_back("\xE0\x80\xAF") == replacement + replacement + replacement);
        CHECK(read_back("\xED\xA0\x80") == replacement + replacement + replacement); // surrogate
        CHECK(read_back("\xF4\x90\x80\x80").size() == 4 * replacement.size()); // past U+10FFFF
        CHECK(read_back("\x80") == replacement);
    }

    TEST_CASE("every single byte gives valid JSON")
    {
        for (int byte = 0; byte < 256; ++byte) {
            const std::string one(1, static_cast<char>(byte));
            CHECK(read_back(one) == (byte < 0x80 ? one : replacement));
        }
    }

    TEST_CASE("the shape")
    {
        JsonText json;
        json.begin_object();
        json.number("n", -9007199254740993);
        json.boolean("b", true);
        json.key("none").null();
        json.key("list").begin_array().text("x").number(2).end_array();
        json.end_object();
        CHECK(json.take() == R"({
  "n": -9007199254740993,
  "b": true,
  "none": null,
  "list": [
    "x",
    2
  ]
}
)");
    }
}
