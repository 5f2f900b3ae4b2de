#include "json_stream.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::engine;

namespace {

using Objects = std::vector<std::string>;

Result<Objects> split(const std::vector<std::string_view>& parts, std::size_t max_bytes = 1000)
{
    JsonSplitter splitter(max_bytes);
    Objects objects;
    for (std::string_view part : parts) {
        for (;;) {
            TRY(const auto object, splitter.next(part));
            if (!object) break;
            objects.emplace_back(*object);
        }
        CHECK(part.empty());
    }
    CHECK_OK(splitter.finish());
    return objects;
}

const Objects sample{
    R"({"a":"}{\"\\"})",
    R"({})",
    R"({"b":[{},[1,2,{"c":"\ud83d\ude00 \\\" }"}]]})",
    R"({"n":1.5e3})"};

std::string joined(std::string_view separator)
{
    std::string text;
    for (const std::string& object : sample) {
        text.append(object).append(separator);
    }
    return text;
}

} // namespace

TEST_SUITE("engine.json_stream")
{
    TEST_CASE("objects come out whole, however they are separated and split [fault 34] [fault 41]")
    {
        for (const std::string_view separator : {"", "\n", "\r\n", " \t ", "\n\x1e", "\n\n\r\n"}) {
            CAPTURE(std::string(separator));
            const std::string text = joined(separator);
            const std::string_view all = text;
            for (std::size_t cut = 0; cut <= all.size(); ++cut) {
                CAPTURE(cut);
                const auto got = split({all.substr(0, cut), all.substr(cut)});
                REQUIRE(got.has_value());
                CHECK(*got == sample);
            }
            std::vector<std::string_view> bytes;
            for (std::size_t i = 0; i < all.size(); ++i) {
                bytes.push_back(all.substr(i, 1));
            }
            const auto got = split(bytes);
            REQUIRE(got.has_value());
            CHECK(*got == sample);
        }
    }

    TEST_CASE("record separators may come first, as in JSON text sequences [fault 41]")
    {
        const auto got = split({"\x1e{\"a\":1}\n\x1e{\"b\":2}\n"});
        REQUIRE(got.has_value());
        CHECK(*got == Objects{"{\"a\":1}", "{\"b\":2}"});
    }

    TEST_CASE("an end inside an object is truncated, at every byte")
    {
        const std::string& object = sample[2];
        for (std::size_t cut = 1; cut < object.size(); ++cut) {
            CAPTURE(cut);
            const auto got = split({std::string_view(object).substr(0, cut)});
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::truncated);
        }
    }

    TEST_CASE("what is no object is a protocol error that shows it")
    {
        for (const std::string_view text :
             {"<html>502</html>", "[1]", "\"text\"", "12", "null", "}"}) {
            CAPTURE(std::string(text));
            const auto got = split({text});
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::protocol);
            CHECK(got.error().message.find(text) != std::string::npos);
        }
        const auto later = split({"{} oops"});
        REQUIRE(!later.has_value());
        CHECK(later.error().code == Errc::protocol);
    }

    TEST_CASE("an object may have the size of the cap and not one byte more")
    {
        const std::string text = "{\"a\":\"" + std::string(92, 'x') + "\"}";
        REQUIRE(text.size() == 100);
        CHECK(split({text}, 100).has_value());
        const std::string_view all = text;
        for (std::size_t cut = 0; cut <= all.size(); ++cut) {
            const auto got = split({all.substr(0, cut), all.substr(cut)}, 99);
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::protocol);
        }
    }

    TEST_CASE("an object of 200 MB is refused at the cap, long before its end [fault 32]")
    {
        JsonSplitter splitter;
        std::string_view start = "{\"stream\":\"";
        REQUIRE(splitter.next(start).has_value());
        const std::string block(std::size_t{64} << 10U, 'x');
        std::size_t fed = 0;
        for (; fed < 200'000'000; fed += block.size()) {
            std::string_view part = block;
            const auto got = splitter.next(part);
            if (!got) {
                CHECK(got.error().code == Errc::protocol);
                break;
            }
        }
        CHECK(fed <= JsonSplitter::default_max_bytes);
    }
}
