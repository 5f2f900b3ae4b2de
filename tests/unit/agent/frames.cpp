#include "agent/codec.hpp"
#include "agent/messages.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace slipway::agent;

namespace {

constexpr std::uint32_t tag = 0x0a0b0c0d;

std::string frame(Type type, std::uint32_t channel, std::string_view payload, std::uint32_t t = tag)
{
    std::string out;
    append_message(out, type, channel, payload, t);
    return out;
}

std::string hello_frame(std::uint32_t t = tag)
{
    Hello hello;
    hello.nonce.fill('n');
    return frame(Type::hello, 0, encode(hello), t);
}

struct Got {
    Type type;
    std::uint32_t channel;
    std::string payload;
    friend bool operator==(const Got&, const Got&) = default;
};

std::vector<Got> take(FrameReader& reader)
{
    std::vector<Got> out;
    while (const auto message = reader.next()) {
        out.push_back({message->type, message->channel, std::string(message->payload)});
    }
    return out;
}

std::vector<Got> read_in_pieces(std::string_view bytes, std::size_t size)
{
    FrameReader reader;
    std::vector<Got> out;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
        reader.feed(bytes.substr(0, size));
        for (Got& got : take(reader)) {
            out.push_back(std::move(got));
        }
    }
    return out;
}

} // namespace

TEST_SUITE("agent.frames")
{
    TEST_CASE("a frame looks as the page says")
    {
        const std::string bytes = frame(Type::out, 0x01020304, "ab");
        CHECK(bytes == std::string("\x53\x17\0\0\4\3\2\1\2\0\0\0ab\x0d\x0c\x0b\x0a", 18));
    }

    TEST_CASE("every split into pieces gives the same messages")
    {
        const std::string bytes = hello_frame() + frame(Type::renew, 0, "")
                                  + frame(Type::in, 3, "\x53\x17 looks like a frame")
                                  + frame(Type::run, 4, std::string(100'000, 'x'))
                                  + frame(Type::bye, 0, "");
        const auto whole = read_in_pieces(bytes, bytes.size());
        REQUIRE(whole.size() == 5);
        CHECK(whole[3] == Got{Type::run, 4, std::string(100'000, 'x')});
        for (const std::size_t size : {1U, 2U, 3U, 7U, 13U, 64U, 4096U, 65'535U, 65'552U}) {
            CAPTURE(size);
            CHECK(read_in_pieces(bytes, size) == whole);
        }
        const std::string small = bytes.substr(0, 120);
        const auto expected = read_in_pieces(small, small.size());
        for (std::size_t split = 1; split < small.size(); ++split) {
            FrameReader reader;
            reader.feed(small.substr(0, split));
            auto got = take(reader);
            reader.feed(small.substr(split));
            for (Got& one : take(reader)) {
                got.push_back(std::move(one));
            }
            CHECK(got == expected);
        }
    }

    TEST_CASE("nothing is read before a hello, and nothing with another tag")
    {
        FrameReader reader;
        reader.feed(frame(Type::run, 1, "early"));
        CHECK(take(reader).empty());
        reader.feed(
            hello_frame() + frame(Type::run, 1, "foreign", tag + 1) + frame(Type::bye, 0, "")
        );
        const auto got = take(reader);
        REQUIRE(got.size() == 2);
        CHECK(got[1].type == Type::bye);
        CHECK(reader.skipped() == frame(Type::run, 1, "foreign").size());
    }

    TEST_CASE("a client that leaves in the middle of any byte does not disturb the next one")
    {
        const std::string first = frame(Type::run, 5, "first \x53\x01 words")
                                  + frame(Type::in, 5, hello_frame(99)) // looks like a new client
                                  + frame(Type::cancel, 5, std::string(4, '\0'));
        const std::string zeros(preamble_size, '\0');
        for (std::size_t cut = 0; cut <= first.size(); ++cut) {
            CAPTURE(cut);
            FrameReader reader;
            reader.feed(hello_frame() + first.substr(0, cut));
            const std::size_t before = take(reader).size();
            CHECK(before >= 1);
            reader.feed(zeros + hello_frame(1234) + frame(Type::run, 1, "second", 1234));
            const auto got = take(reader);
            REQUIRE(got.size() >= 2);
            CHECK(got[got.size() - 2].type == Type::hello);
            CHECK(got.back() == Got{Type::run, 1, "second"});
            CHECK(reader.tag() == 1234);
        }
    }

    TEST_CASE("so does one that leaves in the middle of the largest frame")
    {
        const std::string first = frame(Type::in, 5, std::string(max_payload, '\x53'));
        const std::string zeros(preamble_size, '\0');
        for (const std::size_t cut : {1U, 11U, 12U, 13U, 65'536U, 65'547U, 65'548U, 65'551U}) {
            CAPTURE(cut);
            FrameReader reader;
            reader.feed(hello_frame() + first.substr(0, cut) + zeros + hello_frame(1234));
            const auto got = take(reader);
            REQUIRE(got.size() >= 2);
            CHECK(got.back().type == Type::hello);
            CHECK(reader.tag() == 1234);
        }
    }

    TEST_CASE("a client finds its answer behind what an earlier session left, at every cut")
    {
        Nonce nonce{};
        nonce.fill('q');
        Welcome welcome;
        welcome.nonce = nonce;
        welcome.version = 1;
        const std::string old =
            frame(Type::out, 1, "old \x53\x02 bytes", 1) + frame(Type::exit, 1, "x", 1);
        const std::string answer = frame(Type::welcome, 0, encode(welcome), 77);
        for (std::size_t cut = 0; cut <= old.size(); ++cut) {
            CAPTURE(cut);
            FrameReader reader(77, nonce);
            reader.feed(old.substr(0, cut));
            CHECK(take(reader).empty());
            for (const char byte : answer + frame(Type::started, 1, "1234", 77)) {
                reader.feed(std::string_view(&byte, 1));
                if (reader.skipped() > 0) continue;
            }
            const auto got = take(reader);
            REQUIRE(got.size() == 2);
            CHECK(got[0] == Got{Type::welcome, 0, encode(welcome)});
            CHECK(got[1].type == Type::started);
        }
    }

    TEST_CASE("a message of several frames has a bound")
    {
        FrameReader reader;
        reader.feed(hello_frame() + frame(Type::run, 1, std::string(max_message, 'x')));
        auto got = take(reader);
        REQUIRE(got.size() == 2);
        CHECK(got[1].payload.size() == max_message);
        CHECK(reader.skipped() == 0);
        reader.feed(frame(Type::run, 2, std::string(max_message + 1, 'x')));
        got = take(reader);
        CHECK(reader.skipped() > max_message);
        for (const Got& one : got) {
            CHECK(one.payload.size() < max_message);
        }
    }

    TEST_CASE("a message that another one interrupts is skipped")
    {
        std::string cut = frame(Type::run, 1, std::string(max_payload + 1, 'x'));
        cut.resize(max_payload + frame_overhead);
        FrameReader reader;
        reader.feed(hello_frame() + cut + frame(Type::renew, 0, "") + frame(Type::bye, 0, ""));
        const auto got = take(reader);
        REQUIRE(got.size() == 2);
        CHECK(got[1].type == Type::bye);
        CHECK(reader.skipped() > 0);
    }

    TEST_CASE("the header of a frame that cannot be is none")
    {
        for (const std::string_view header :
             {std::string_view("\x53\x00\0\0\0\0\0\0\0\0\0\0", 12),
              std::string_view("\x53\x0a\0\0\0\0\0\0\0\0\0\0", 12),
              std::string_view("\x53\x05\2\0\0\0\0\0\0\0\0\0", 12),
              std::string_view("\x53\x05\0\1\0\0\0\0\0\0\0\0", 12),
              std::string_view("\x53\x05\0\0\0\0\0\0\1\0\1\0", 12)}) {
            FrameReader reader;
            reader.feed(hello_frame() + std::string(header) + frame(Type::bye, 0, ""));
            CHECK(take(reader).size() == 2);
            CHECK(reader.skipped() == 12);
        }
    }
}
