#include "json.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace slipway;

namespace {

struct Inner {
    std::string name;
    std::int64_t count = 0;
};
struct Outer {
    std::string id;
    std::string text;
    bool flag = false;
    std::int64_t whole = -1;
    std::uint64_t natural = 1;
    std::uint16_t small = 2;
    double real = 0.5;
    std::optional<std::int64_t> maybe;
    std::vector<std::string> texts;
    std::optional<std::vector<std::string>> optional_texts;
    std::vector<std::vector<std::string>> rows;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::optional<std::string>> values;
    std::vector<Inner> inners;
    Inner inner;
    json::IfObject<Inner> loose;
};

} // namespace

template <>
struct json::Fields<Inner> {
    static constexpr auto list =
        std::tuple{json::optional("Name", &Inner::name), json::optional("Count", &Inner::count)};
};
template <>
struct json::Fields<Outer> {
    static constexpr auto list = std::tuple{
        json::required("Id", &Outer::id),
        json::optional("Text", &Outer::text),
        json::optional("Flag", &Outer::flag),
        json::optional("Whole", &Outer::whole),
        json::optional("Natural", &Outer::natural),
        json::optional("Small", &Outer::small),
        json::optional("Real", &Outer::real),
        json::optional("Maybe", &Outer::maybe),
        json::optional("Texts", &Outer::texts),
        json::optional("OptionalTexts", &Outer::optional_texts),
        json::optional("Rows", &Outer::rows),
        json::optional("Labels", &Outer::labels),
        json::optional("Values", &Outer::values),
        json::optional("Inners", &Outer::inners),
        json::optional("Inner", &Outer::inner),
        json::optional("Loose", &Outer::loose)};
};

namespace {

std::string why_not(std::string_view text)
{
    const auto got = json::decode<Outer>(std::string(text));
    REQUIRE(!got.has_value());
    CHECK(got.error().code == Errc::protocol);
    return got.error().message;
}

/// Without `loose`, which is only read.
struct Written {
    std::string id;
    bool flag = false;
    std::int64_t whole = 0;
    std::optional<std::int64_t> maybe;
    std::optional<std::vector<std::string>> texts;
    std::map<std::string, std::optional<std::string>> values;
    double real = 0;
    std::vector<std::uint16_t> sizes;
    Inner inner;
};

} // namespace

template <>
struct json::Fields<Written> {
    static constexpr auto list = std::tuple{
        json::required("Id", &Written::id),
        json::optional("Flag", &Written::flag),
        json::optional("Whole", &Written::whole),
        json::optional("Maybe", &Written::maybe),
        json::optional("Texts", &Written::texts),
        json::optional("Values", &Written::values),
        json::optional("Real", &Written::real),
        json::optional("Sizes", &Written::sizes),
        json::optional("Inner", &Written::inner)};
};

TEST_SUITE("engine.json.decode")
{
    TEST_CASE("all shapes are read")
    {
        const auto got = json::decode<Outer>(R"({"Id":"x","Text":"a\u0000b\ud83d\ude00","Flag":true,
            "Whole":-9223372036854775808,"Natural":18446744073709551615,"Small":65535,"Real":2,
            "Maybe":0,"Texts":["p","q"],"OptionalTexts":[],"Rows":[["k","v"],[]],
            "Labels":{"a":"b","":"c"},"Values":{"n":null,"t":"u"},"Inners":[{"Name":"i"},{}],
            "Inner":{"Count":7},"Loose":{"Name":"l"},"Unknown":[{"deep":[]}]})");
        REQUIRE(got.has_value());
        CHECK(got->text == std::string("a\0b\xF0\x9F\x98\x80", 7));
        CHECK(got->flag);
        CHECK(got->whole == std::numeric_limits<std::int64_t>::min());
        CHECK(got->natural == std::numeric_limits<std::uint64_t>::max());
        CHECK(got->small == 65535);
        CHECK(got->real == 2.0);
        CHECK(got->maybe == 0);
        CHECK(got->texts == std::vector<std::string>{"p", "q"});
        REQUIRE(got->optional_texts.has_value());
        CHECK(got->optional_texts->empty());
        CHECK(got->rows.size() == 2);
        CHECK(got->labels.at("") == "c");
        CHECK(!got->values.at("n").has_value());
        CHECK(got->values.at("t") == "u");
        CHECK(got->inners.size() == 2);
        CHECK(got->inner.count == 7);
        CHECK(got->loose.value.name == "l");
    }

    TEST_CASE("absent and null leave the defaults, in every field")
    {
        const auto got = json::decode<Outer>(R"({"Id":"x","Text":null,"Flag":null,"Whole":null,
            "Natural":null,"Small":null,"Real":null,"Maybe":null,"Texts":null,"OptionalTexts":null,
            "Rows":null,"Labels":null,"Values":null,"Inners":null,"Inner":null,"Loose":null})");
        REQUIRE(got.has_value());
        CHECK(got->whole == -1);
        CHECK(got->real == 0.5);
        CHECK(!got->optional_texts.has_value());
        CHECK(json::decode<Outer>(R"({"Id":"x"})").has_value());
    }

    TEST_CASE("null inside arrays and maps stands for empty")
    {
        const auto got =
            json::decode<Outer>(R"({"Id":"x","Texts":[null],"Labels":{"a":null},"Inners":[null]})");
        REQUIRE(got.has_value());
        CHECK(got->texts == std::vector<std::string>{""});
        CHECK(got->labels.at("a").empty());
        CHECK(got->inners.size() == 1);
    }

    TEST_CASE("what is required must be there and have something in it")
    {
        CHECK(why_not("{}") == "the engine's reply: $.Id is missing");
        CHECK(why_not("null") == "the engine's reply: $.Id is missing");
        CHECK(why_not("[]") == "the engine's reply: $ is not an object");
        CHECK(why_not(R"({"Id":null})") == "the engine's reply: $.Id is missing");
        CHECK(why_not(R"({"Id":""})") == "the engine's reply: $.Id is empty");
    }

    TEST_CASE("a wrong type names its path")
    {
        const auto why = [](std::string field) { return why_not("{\"Id\":\"x\"," + field + "}"); };
        CHECK(why(R"("Text":1)") == "the engine's reply: $.Text is not a string");
        CHECK(why(R"("Flag":"true")") == "the engine's reply: $.Flag is not a boolean");
        CHECK(why(R"("Whole":"1")") == "the engine's reply: $.Whole is not an integer in range");
        CHECK(why(R"("Real":"1")") == "the engine's reply: $.Real is not a number");
        CHECK(why(R"("Maybe":[])") == "the engine's reply: $.Maybe is not an integer in range");
        CHECK(why(R"("Texts":{})") == "the engine's reply: $.Texts is not an array");
        CHECK(why(R"("Texts":["a",7])") == "the engine's reply: $.Texts[1] is not a string");
        CHECK(
            why(R"("OptionalTexts":[[]])")
            == "the engine's reply: $.OptionalTexts[0] is not a string"
        );
        CHECK(
            why(R"("Rows":[["a"],["b",{}]])") == "the engine's reply: $.Rows[1][1] is not a string"
        );
        CHECK(why(R"("Labels":[])") == "the engine's reply: $.Labels is not an object");
        CHECK(why(R"("Labels":{"k\n":false})") == "the engine's reply: $.Labels.k is not a string");
        CHECK(
            why(R"("Inners":[{},{"Count":"x"}])")
            == "the engine's reply: $.Inners[1].Count is not an integer in range"
        );
        CHECK(why(R"("Inner":"x")") == "the engine's reply: $.Inner is not an object");
        CHECK(why(R"("Loose":{"Name":[]})") == "the engine's reply: $.Loose.Name is not a string");
        CHECK(json::decode<Outer>(R"({"Id":"x","Loose":"trace"})").has_value());
    }

    TEST_CASE("numbers out of range and fractions are no integers [fault 37]")
    {
        const auto why = [](std::string field) { return why_not("{\"Id\":\"x\"," + field + "}"); };
        CHECK(why(R"("Whole":9223372036854775808)").find("$.Whole") != std::string::npos);
        CHECK(why(R"("Whole":18446744073709551616)").find("$.Whole") != std::string::npos);
        CHECK(why(R"("Whole":1.5)").find("$.Whole") != std::string::npos);
        CHECK(why(R"("Whole":1e3)").find("$.Whole") != std::string::npos);
        CHECK(why(R"("Natural":-1)").find("$.Natural") != std::string::npos);
        CHECK(why(R"("Small":65536)").find("$.Small") != std::string::npos);
        CHECK(why(R"("Real":1.79769331348623157e308)").find("$.Real") != std::string::npos);
        const auto large = json::decode<Outer>(R"({"Id":"x","Whole":9007199254740993})");
        REQUIRE(large.has_value());
        CHECK(large->whole == 9007199254740993); // 2^53 + 1, which a double cannot hold
    }

    TEST_CASE("the last of duplicate members counts, as for Go [fault 36]")
    {
        const auto got = json::decode<Outer>(
            R"({"Id":"a","Id":"b","Labels":{"k":"1","k":null},"Texts":["x"],"Texts":[]})"
        );
        REQUIRE(got.has_value());
        CHECK(got->id == "b");
        CHECK(got->labels.at("k").empty());
        CHECK(got->texts.empty());
    }

    TEST_CASE("what is no JSON or no UTF-8 is a protocol error [fault 35]")
    {
        const std::string_view bad[] = {
            "",
            " ",
            "{",
            "{\"Id\":\"x\"} {}",
            "{\"Id\":\"x\",}",
            "{'Id':'x'}",
            "not json",
            "{\"Id\":\"\xff\"}",
            "{\"Id\":\"\xc0\xaf\"}",
            "{\"Id\":\"\xed\xa0\x80\"}",
            "{\"Id\":\"\\ud800\"}",
            "{\"Id\":\"\\udc00\"}",
            "{\"Id\":\"\\ud800\\u0041\"}",
            "{\"Id\":\"\\x41\"}",
            "{\"Id\":\"a\nb\"}",
            "{\"Id\":1e999}",
            "{\"Id\":01}",
            "{\"Id\":\"x\"",
            "NaN"};
        for (const std::string_view text : bad) {
            CAPTURE(std::string(text));
            why_not(text);
        }
        why_not(std::string_view("{\"Id\":\"x\"}\0", 11));
        why_not(R"({"Id":"x","Labels":{"\udc00":"a"}})");
    }

    TEST_CASE("100 000 levels of nesting cost no stack [fault 33]")
    {
        const std::size_t depth = 100'000;
        const std::string arrays = std::string(depth, '[') + std::string(depth, ']');
        CHECK(json::decode<Outer>("{\"Id\":\"x\",\"Unknown\":" + arrays + "}").has_value());
        why_not(arrays);
        why_not(std::string(depth, '['));
        std::string objects;
        for (std::size_t i = 0; i < depth; ++i) {
            objects += "{\"Inner\":";
        }
        why_not(objects);
        objects += "1" + std::string(depth, '}');
        CHECK(why_not(objects) == "the engine's reply: $.Id is missing");
    }
}

TEST_SUITE("engine.json.encode")
{
    TEST_CASE("only what has something in it is written, and what is required")
    {
        Written value;
        CHECK(*json::encode(value) == R"({"Id":"","Whole":0,"Real":0.0,"Inner":{"Count":0}})");
        value.flag = true;
        value.maybe = -3;
        value.texts.emplace();
        value.values = {{"a", "b"}, {"n", std::nullopt}};
        value.real = 1.5;
        value.sizes = {24, 80};
        value.inner.name = "q\"\\\n\x01";
        CHECK(
            *json::encode(value)
            == R"({"Id":"","Flag":true,"Whole":0,"Maybe":-3,"Texts":[],)"
               R"("Values":{"a":"b","n":null},"Real":1.5,"Sizes":[24,80],)"
               R"("Inner":{"Name":"q\"\\\n\u0001","Count":0}})"
        );
    }

    TEST_CASE("bytes that are no UTF-8 are refused with their path and without their value")
    {
        const auto why = [](const Written& value) {
            const auto text = json::encode(value);
            REQUIRE(!text.has_value());
            CHECK(text.error().code == Errc::invalid_argument);
            CHECK(text.error().message.find("secret") == std::string::npos);
            return text.error().message;
        };
        Written value;
        value.texts = {"fine", "secret\xff"};
        CHECK(why(value) == "the request's $.Texts[1] is not UTF-8");
        Written mapped;
        mapped.values = {{"KEY", "secret\xc3"}};
        CHECK(why(mapped) == "the request's $.Values.KEY is not UTF-8");
        Written keyed;
        keyed.values = {{"\xff", "secret"}};
        CHECK(why(keyed) == "the request's $.Values has a name that is not UTF-8");
    }
}
