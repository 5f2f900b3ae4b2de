#include "graph/unit_log.hpp"

#include <slipway/core/build_units.hpp>

#include <doctest/doctest.h>

#include <random>
#include <utility>
#include <vector>

using namespace slipway::core;
using graph::UnitLog;
using graph::UnitStream;

namespace {

using Pieces = std::vector<std::pair<UnitStream, std::string>>;

Pieces pieces_of(std::string_view bytes, bool whole = true)
{
    Pieces out;
    CHECK(
        graph::read_log(
            bytes,
            [&](UnitStream stream, std::string_view piece) { out.emplace_back(stream, piece); }
        )
        == whole
    );
    return out;
}

constexpr std::string_view left_out = "\n[slipway: the rest of the output was left out]\n";

} // namespace

TEST_SUITE("core.graph.unit_log")
{
    TEST_CASE("what was written is kept in order, with its stream")
    {
        UnitLog log;
        CHECK(log.bytes().empty());
        CHECK(pieces_of(log.bytes()).empty());
        log.add(UnitStream::out, "");
        CHECK(log.bytes().empty());
        log.add(UnitStream::out, "a");
        log.add(UnitStream::out, std::string_view("b\0\n", 3));
        log.add(UnitStream::err, "c");
        log.add(UnitStream::err, "");
        log.add(UnitStream::out, "d");
        CHECK(
            pieces_of(log.bytes())
            == Pieces{{UnitStream::out, std::string("ab\0\n", 4)}, {UnitStream::err, "c"}, {UnitStream::out, "d"}}
        );
        std::string shown;
        for_each_piece(log.bytes(), [&](bool to_stderr, std::string_view piece) {
            shown += to_stderr ? "2:" : "1:";
            shown += piece;
        });
        CHECK(shown == std::string("1:ab\0\n2:c1:d", 12));
    }

    // The store has logs of earlier builds.
    TEST_CASE("the bytes are these")
    {
        UnitLog log;
        log.add(UnitStream::out, "hi");
        log.add(UnitStream::err, std::string(258, 'x'));
        CHECK(log.bytes() == std::string("\1\2\0\0\0hi\2\2\1\0\0", 12) + std::string(258, 'x'));
    }

    TEST_CASE("random pieces")
    {
        std::mt19937 random(1); // NOLINT(cert-msc51-cpp)
        for (int round = 0; round < 50; ++round) {
            UnitLog log;
            Pieces expected;
            for (unsigned i = 0; i < random() % 40; ++i) {
                const UnitStream stream = random() % 2 == 0 ? UnitStream::out : UnitStream::err;
                const std::string bytes(random() % 400, static_cast<char>(random()));
                log.add(stream, bytes);
                if (bytes.empty()) continue;
                if (!expected.empty() && expected.back().first == stream) {
                    expected.back().second += bytes;
                } else {
                    expected.emplace_back(stream, bytes);
                }
            }
            CHECK(pieces_of(log.bytes()) == expected);
        }
    }

    TEST_CASE("too much is cut, and the end tells it")
    {
        UnitLog log;
        const std::string piece(std::size_t{1} << 20, 'x');
        for (std::size_t size = 0; size < UnitLog::most + piece.size(); size += piece.size()) {
            log.add(UnitStream::out, piece);
        }
        const std::size_t size = log.bytes().size();
        CHECK(size == UnitLog::most + left_out.size());
        log.add(UnitStream::err, "more");
        CHECK(log.bytes().size() == size);
        const Pieces pieces = pieces_of(log.bytes());
        REQUIRE(pieces.size() == 1);
        CHECK(pieces.front().second.ends_with("x" + std::string(left_out)));
    }

    TEST_CASE("what fits exactly is not cut, and what comes then is left out")
    {
        for (const UnitStream next : {UnitStream::out, UnitStream::err}) {
            UnitLog log;
            log.add(UnitStream::out, std::string(UnitLog::most - 5, 'x'));
            CHECK(log.bytes().size() == UnitLog::most);
            log.add(next, "y");
            log.add(next, "z");
            std::string all;
            for (const auto& [stream, bytes] : pieces_of(log.bytes())) {
                all += bytes;
            }
            CHECK(all.size() == UnitLog::most - 5 + left_out.size());
            CHECK(all.ends_with("x" + std::string(left_out)));
        }
        UnitLog log; // all at once
        log.add(UnitStream::err, std::string(UnitLog::most + 1, 'x'));
        const Pieces pieces = pieces_of(log.bytes());
        REQUIRE(pieces.size() == 1);
        CHECK(pieces.front().first == UnitStream::err);
        CHECK(pieces.front().second.ends_with(left_out));
    }

    TEST_CASE("damaged bytes give the pieces before the damage")
    {
        UnitLog log;
        log.add(UnitStream::out, "first");
        const std::size_t first = log.bytes().size();
        log.add(UnitStream::err, "second");
        const std::string& bytes = log.bytes();
        for (std::size_t size = 0; size <= bytes.size(); ++size) {
            CAPTURE(size);
            const bool whole = size == 0 || size == first || size == bytes.size();
            const Pieces pieces = pieces_of(std::string_view(bytes).substr(0, size), whole);
            CHECK(pieces.size() == (size < first ? 0U : size < bytes.size() ? 1U : 2U));
        }
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                std::string other = bytes;
                other[at] = static_cast<char>(other[at] ^ 1 << bit);
                Pieces pieces;
                graph::read_log(other, [&](UnitStream stream, std::string_view piece) {
                    CHECK((stream == UnitStream::out || stream == UnitStream::err));
                    CHECK(piece.size() < bytes.size());
                    pieces.emplace_back(stream, piece);
                });
                CHECK(pieces.size() <= bytes.size() / 5);
                const bool intact = at >= first;
                if (intact) CHECK(pieces.at(0) == Pieces::value_type{UnitStream::out, "first"});
            }
        }
        pieces_of(std::string("\3\0\0\0\0", 5), false);
        pieces_of(std::string("\0\0\0\0\0", 5), false);
        pieces_of(std::string("\1\xff\xff\xff\xff", 5), false);
        CHECK(pieces_of(std::string("\1\0\0\0\0", 5)).size() == 1);
    }
}
