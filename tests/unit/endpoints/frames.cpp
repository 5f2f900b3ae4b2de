#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/frames.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

std::string header(unsigned char type, std::uint32_t length)
{
    std::string text(8, '\0');
    text[0] = static_cast<char>(type);
    for (unsigned i = 0; i < 4; ++i) {
        text[4 + i] = static_cast<char>(length >> (24 - 8 * i) & 0xFFU);
    }
    return text;
}
std::string frame(unsigned char type, const std::string& payload)
{
    return header(type, static_cast<std::uint32_t>(payload.size())) + payload;
}

struct Outputs {
    std::string out;
    std::string err;
};

/// Feeds one part; what it holds goes to `to`.
Result<> feed(FrameDecoder& decoder, std::string_view part, Outputs& to)
{
    for (;;) {
        TRY(const auto piece, decoder.next(part));
        if (!piece) return ok();
        CHECK(!piece->bytes.empty());
        (piece->output == Output::out ? to.out : to.err) += piece->bytes;
    }
}

Result<Outputs> decode(const std::vector<std::string_view>& parts)
{
    FrameDecoder decoder;
    Outputs outputs;
    for (const std::string_view part : parts) {
        CHECK_OK(feed(decoder, part, outputs));
    }
    CHECK_OK(decoder.finish());
    return outputs;
}

const std::string sample = frame(1, "first") + frame(2, "error text") + frame(0, "echo")
                           + frame(1, "") + frame(2, "") + frame(1, std::string(300, 'x'));

} // namespace

TEST_SUITE("engine.frames")
{
    TEST_CASE("payloads come out on the right output, wherever the input is split")
    {
        const std::string out = "firstecho" + std::string(300, 'x');
        for (std::size_t cut = 0; cut <= sample.size(); ++cut) {
            CAPTURE(cut);
            const std::string_view all = sample;
            const auto got = decode({all.substr(0, cut), all.substr(cut)});
            REQUIRE(got.has_value());
            CHECK(got->out == out);
            CHECK(got->err == "error text");
        }
    }

    TEST_CASE("one byte at a time gives the same")
    {
        std::vector<std::string_view> bytes;
        for (std::size_t i = 0; i < sample.size(); ++i) {
            bytes.push_back(std::string_view(sample).substr(i, 1));
        }
        const auto got = decode(bytes);
        REQUIRE(got.has_value());
        CHECK(got->out == "firstecho" + std::string(300, 'x'));
        CHECK(got->err == "error text");
    }

    TEST_CASE("every cut is truncated, except between frames [fault 23]")
    {
        const std::size_t ends[] = {0, 13, 31, 43, 51, 59, 367};
        for (std::size_t cut = 0; cut <= sample.size(); ++cut) {
            CAPTURE(cut);
            const auto got = decode({std::string_view(sample).substr(0, cut)});
            if (std::ranges::find(ends, cut) != std::end(ends)) {
                CHECK(got.has_value());
            } else {
                REQUIRE(!got.has_value());
                CHECK(got.error().code == Errc::truncated);
            }
        }
    }

    TEST_CASE("types from 4 to 255 and padding that is not zero are protocol errors [fault 24]")
    {
        for (int type = 4; type < 256; ++type) {
            CAPTURE(type);
            const std::string bytes = frame(static_cast<unsigned char>(type), "abc");
            const auto got = decode({bytes});
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::protocol);
        }
        for (std::size_t pad = 1; pad <= 3; ++pad) {
            std::string bytes = frame(1, "abc");
            bytes[pad] = 1;
            const auto got = decode({bytes});
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::protocol);
        }
    }

    TEST_CASE("a million empty frames are legal [fault 25]")
    {
        std::string many;
        for (int i = 0; i < 1000; ++i) {
            many += frame(static_cast<unsigned char>(1 + i % 2), "");
        }
        FrameDecoder decoder;
        Outputs outputs;
        for (int i = 0; i < 1000; ++i) {
            REQUIRE(feed(decoder, many, outputs).has_value());
        }
        CHECK(decoder.finish().has_value());
        CHECK(outputs.out.empty());
    }

    TEST_CASE(
        "a frame of 4 GiB passes in pieces, and one that has 10 bytes of it is truncated [fault 26]"
    )
    {
        FrameDecoder decoder;
        Outputs outputs;
        REQUIRE(feed(decoder, header(1, 0xFFFFFFFF) + "0123456789", outputs).has_value());
        CHECK(outputs.out == "0123456789");
        const auto end = decoder.finish();
        REQUIRE(!end.has_value());
        CHECK(end.error().code == Errc::truncated);

        const std::string block(std::size_t{1} << 20U, 'b');
        std::uint64_t seen = 10;
        while (seen < 0xFFFFFFFFULL) {
            std::string_view part = block;
            part = part.substr(0, 0xFFFFFFFFULL - seen);
            const std::size_t offered = part.size();
            auto piece = decoder.next(part);
            REQUIRE(piece.has_value());
            REQUIRE(piece->has_value());
            REQUIRE((*piece)->bytes.size() == offered);
            seen += offered;
        }
        CHECK(decoder.finish().has_value());
    }

    TEST_CASE("a frame of type 3 is the engine's failure, wherever it is split [fault 27]")
    {
        const std::string bytes = frame(1, "some") + frame(3, "disk\nis full\n") + frame(1, "more");
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            CAPTURE(cut);
            const std::string_view all = bytes;
            const auto got = decode({all.substr(0, cut), all.substr(cut)});
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::engine);
            CHECK(got.error().message == "disk is full");
        }
    }

    TEST_CASE("a failure without a text, cut short, or without end is still a failure")
    {
        const auto empty = decode({header(3, 0)});
        REQUIRE(!empty.has_value());
        CHECK(empty.error().code == Errc::engine);
        const std::string cut_bytes = header(3, 100) + "half";
        const auto cut = decode({cut_bytes});
        REQUIRE(!cut.has_value());
        CHECK(cut.error().code == Errc::engine);
        CHECK(cut.error().message == "half");
        const std::string endless_bytes = header(3, 0xFFFFFFFF) + std::string(100'000, 'e');
        const auto endless = decode({endless_bytes});
        REQUIRE(!endless.has_value());
        CHECK(endless.error().code == Errc::engine);
        CHECK(endless.error().message.size() < 10'000);
    }

    TEST_CASE("demultiplex moves a recorded log of each engine to its two sinks")
    {
        for (const std::string& log :
             {docker_reply("container-logs.bin"), podman_reply("container-logs.bin")}) {
            for (const std::size_t max_read : {std::size_t{1}, std::size_t{1000}}) {
                ScriptedSource source({log}, max_read);
                std::string out;
                std::string err;
                StringSink to_out(out);
                StringSink to_err(err);
                REQUIRE(run(demultiplex(source, to_out, to_err)).has_value());
                CHECK(out == "out\n");
                CHECK(err == "err\n");
            }
        }
    }

    TEST_CASE("demultiplex passes on what goes wrong, after what came before it")
    {
        const auto run_with = [](std::string bytes, std::optional<Error> end, std::size_t room) {
            ScriptedSource source({std::move(bytes)}, 7, std::move(end));
            std::string out;
            StringSink to_out(out, room);
            StringSink to_err(out, room);
            auto done = run(demultiplex(source, to_out, to_err));
            CHECK(out == (room < 5 ? "" : "first"));
            return done;
        };
        const auto cut = run_with(frame(1, "first") + "\x01", std::nullopt, 100);
        REQUIRE(!cut.has_value());
        CHECK(cut.error().code == Errc::truncated);
        const auto broken = run_with(frame(1, "first"), Error(Errc::io, "reset"), 100);
        REQUIRE(!broken.has_value());
        CHECK(broken.error().code == Errc::io);
        const auto full = run_with(frame(1, "first"), std::nullopt, 2);
        REQUIRE(!full.has_value());
        CHECK(full.error().code == Errc::protocol);
    }
}
