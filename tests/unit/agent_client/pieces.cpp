#include "agent/pieces.hpp"

#include "support.hpp"

#include <slipway/core/tar_reader.hpp>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;

namespace {

/// Gives so many bytes, a few at a time, then an error if there is one.
class Counted final : public engine::ByteSource {
public:
    explicit Counted(std::size_t size, std::optional<Error> failure = {})
        : left_(size), failure_(std::move(failure))
    {
    }
    Task<std::size_t> read(std::span<char> into) override
    {
        const std::size_t n = std::min({left_, into.size(), std::size_t{70'001}});
        std::fill_n(into.begin(), n, 'x');
        left_ -= n;
        if (n == 0 && failure_) co_return fail(*failure_);
        co_return n;
    }

private:
    std::size_t left_;
    std::optional<Error> failure_;
};

Task<> check_pieces(std::size_t size, std::vector<std::size_t> sizes)
{
    Counted from(size);
    const auto tar = std::make_shared<PieceTar>(from, AgentIds{12, 34});
    const std::shared_ptr<engine::ByteSource> source = tar;
    CO_TRY(const Manifest manifest, co_await list_tar(source, ""));
    CHECK(tar->pieces() == sizes.size());
    CHECK(manifest.entries.size() == sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const auto found = manifest.entries.find(std::to_string(i));
        REQUIRE(found != manifest.entries.end());
        CHECK(found->second.size == sizes[i]);
        CHECK(found->second.mode == 0644);
    }
    co_return ok();
}

// What a feed gives a job that has said `words`.
Task<std::string> feed(std::string words, std::size_t size, std::string* directory)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    Counted from(size);
    PieceRoad road;
    road.put = [directory](std::string to, std::shared_ptr<engine::ByteSource> tar) -> Task<> {
        *directory = std::move(to);
        std::string bytes;
        engine::StringSink sink(bytes);
        CO_CHECK(co_await engine::copy(*tar, sink));
        co_return ok();
    };
    PieceFeed pieces(executor, from, road, AgentIds{});
    CO_CHECK(co_await pieces.write(words));
    std::array<char, 64> room{};
    CO_TRY(const std::size_t n, co_await pieces.read(room));
    CO_TRY(const std::size_t end, co_await pieces.read(room));
    CHECK(end == 0);
    co_return std::string(room.data(), n);
}

} // namespace

TEST_SUITE("agent_client.pieces")
{
    TEST_CASE("a stream becomes files of one size, but for the last")
    {
        constexpr std::size_t whole = piece_bytes;
        CHECK(run(check_pieces(0, {})));
        CHECK(run(check_pieces(1, {1})));
        CHECK(run(check_pieces(whole, {whole})));
        CHECK(run(check_pieces(2 * whole + 5, {whole, whole, 5})));
    }

    TEST_CASE("a source that fails gives a tar without an end")
    {
        const auto cut = [](std::size_t size) -> Task<std::uint64_t> {
            Counted from(size, Error(Errc::permission_denied, "not yours"));
            PieceTar tar(from, AgentIds{});
            std::string bytes;
            engine::StringSink sink(bytes);
            CO_TRY(const auto copied, co_await engine::copy(tar, sink));
            co_return copied;
        };
        for (const std::size_t size : {std::size_t{0}, piece_bytes, piece_bytes + 1}) {
            const auto failed = run(cut(size));
            REQUIRE(!failed);
            CHECK(failed.error().code == Errc::permission_denied);
        }
    }

    TEST_CASE("they go where the job wants them, and then it gets their number")
    {
        std::string directory;
        const auto count = run(feed("/tmp/.slipway-abc\n", 3 * piece_bytes - 1, &directory));
        REQUIRE(count);
        CHECK(*count == std::string("\x03\0\0\0\0\0\0\0", 8));
        CHECK(directory == "/tmp/.slipway-abc");
    }

    TEST_CASE("a job that says more than that is none")
    {
        std::string directory;
        for (const std::string& words :
             {std::string(5'000, 'x'), "/a\n" + std::string(4'096, 'x')}) {
            const auto refused = run(feed(words, 1, &directory));
            REQUIRE(!refused);
            CHECK(refused.error().code == Errc::protocol);
        }
        CHECK(directory.empty());
    }
}
