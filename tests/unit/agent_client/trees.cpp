#include "agent/codec.hpp"
#include "agent/entry_sink.hpp"
#include "agent/zstd_stream.hpp"
#include "sandbox/pool/encoding.hpp"
#include "support/tar.hpp"
#include "unit/agent_client/support.hpp"

#include <zstd.h>

#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::test;
using core::AgentSession;
using core::TreeEntry;
using core::TreeItem;
using Kind = core::TreeItem::Kind;
using Need = core::TreeItem::Need;

namespace {

std::string text_of(const std::filesystem::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Gives a piece at a time.
class Slowly final : public engine::ByteSource {
public:
    Slowly(std::string text, std::size_t piece) : text_(std::move(text)), piece_(piece) {}
    Task<std::size_t> read(std::span<char> into) override
    {
        const std::size_t size = std::min({into.size(), piece_, text_.size() - at_});
        text_.copy(into.data(), size, at_);
        at_ += size;
        co_return size;
    }

private:
    std::string text_;
    std::size_t piece_;
    std::size_t at_ = 0;
};

std::string some_text(std::size_t size)
{
    std::mt19937 source{3}; // NOLINT(cert-msc51-cpp): the same every time
    std::string out;
    while (out.size() < size) {
        out += static_cast<char>('a' + source() % 4);
    }
    return out;
}

std::string compressed(const std::string& text, std::size_t read, std::size_t room)
{
    boost::asio::io_context io;
    std::string out;
    const auto whole = [&]() -> Task<> {
        Slowly source(text, read);
        core::CompressedSource compressed(source);
        std::string buffer(room, '\0');
        for (;;) {
            CO_TRY(const std::size_t got, co_await compressed.read(std::span<char>(buffer)));
            if (got == 0) break;
            out.append(buffer, 0, got);
        }
        co_return ok();
    };
    REQUIRE(run(io, whole()));
    return out;
}

Result<> decompress(std::string_view bytes, std::size_t piece, std::string& out)
{
    boost::asio::io_context io;
    const auto whole = [&]() -> Task<> {
        Collected to;
        core::DecompressingSink sink(to);
        for (std::string_view rest = bytes; !rest.empty();) {
            const std::string_view next = rest.substr(0, piece);
            CO_CHECK(co_await sink.write(next));
            rest.remove_prefix(next.size());
        }
        out = to.text;
        co_return sink.finish();
    };
    return run(io, whole());
}

std::string record(const agent::Entry& entry)
{
    std::string out;
    agent::Writer writer(out);
    writer(agent::encode(entry));
    return out;
}

// What comes out when so many bytes come at once.
Result<std::vector<TreeEntry>> entries_in(std::string_view bytes, std::size_t piece)
{
    boost::asio::io_context io;
    std::vector<TreeEntry> out;
    const auto whole = [&]() -> Task<> {
        core::EntrySink sink([&](const TreeEntry& entry) -> Result<> {
            if (entry.path == "stop") return fail(Errc::io, "the taker broke");
            out.push_back(entry);
            return ok();
        });
        for (std::string_view rest = bytes; !rest.empty();) {
            const std::string_view next = rest.substr(0, piece);
            CO_CHECK(co_await sink.write(next));
            rest.remove_prefix(next.size());
        }
        co_return sink.finish();
    };
    CHECK_OK(run(io, whole()));
    return out;
}

} // namespace

TEST_SUITE("core.agent_client.trees")
{
    TEST_CASE("files go in and out of a sandbox in every way, compressed or not")
    {
        Way way = Way::own_streams;
        SUBCASE("streams of their own") {}
        SUBCASE("frames")
        {
            way = Way::frames;
        }
        const Agent agent;
        const core::AgentIds own{::geteuid(), ::getegid()};
        const std::string top = (agent.directory() / "tree").string();
        for (const agent::Encoding encoding : {agent::Encoding::plain, agent::Encoding::zstd}) {
            with_session(
                agent.socket(),
                [&](AgentSession& session) -> Task<> {
                    const std::string large = some_text(3'000'000);
                    const auto tar =
                        engine::text_source(make_tar({{"a/one.c", "first"}, {"two", large}}));
                    CO_CHECK(co_await session.put(top, *tar, own, encoding));
                    CHECK(text_of(top + "/a/one.c") == "first");

                    core::FileAttributes attributes;
                    attributes.mode = 0600;
                    attributes.mtime_ns = 1'500'000'000;
                    const auto bytes = engine::text_source(large);
                    CO_CHECK(co_await session.put_file(
                        top + "/b/file", attributes, *bytes, own, encoding
                    ));
                    Collected file;
                    CO_CHECK(co_await session.get_file(top + "/b/file", file, own, encoding));
                    CHECK((file.text == large));

                    Collected out;
                    std::vector<TreeItem> items;
                    items.emplace_back(Kind::pattern, "**/*.c");
                    items.emplace_back(Kind::path, "b");
                    items.emplace_back(Kind::path, "?missing", Need::optional);
                    CO_CHECK(co_await session.get(top, items, out, own, encoding));
                    CHECK(out.text.find("a/one.c") != std::string::npos);
                    CHECK((out.text.find(large) != std::string::npos));

                    std::map<std::string, TreeEntry> entries;
                    const core::TreeEntries keep = [&](const TreeEntry& entry) -> Result<> {
                        entries.emplace(entry.path, entry);
                        return ok();
                    };
                    CO_CHECK(co_await session.manifest(
                        top, items, core::Digest::xxh3_128, keep, own, encoding
                    ));
                    CHECK(entries.size() == 3);
                    CHECK(entries.at("b").meta.type == core::EntryType::directory);
                    const TreeEntry& entry = entries.at("b/file");
                    CHECK(entry.meta.mode == 0600);
                    CHECK(entry.meta.mtime_ns == 1'500'000'000);
                    CHECK(entry.meta.size == large.size());
                    CHECK(entry.meta.content.has_value());
                    CHECK(!entry.sha256);
                    CHECK(entry.uid == own.uid);
                    CHECK(entry.links == 1);
                    entries.clear();
                    CO_CHECK(co_await session.manifest(
                        top, items, core::Digest::sha256, keep, own, encoding
                    ));
                    CHECK(entries.at("b/file").sha256.has_value());
                    CHECK(entries.at("b/file").meta.content == std::nullopt);
                    co_return ok();
                },
                {},
                way
            );
        }
    }

    TEST_CASE("what went wrong is told apart, and the session goes on")
    {
        Way way = Way::own_streams;
        SUBCASE("streams of their own") {}
        SUBCASE("frames")
        {
            way = Way::frames;
        }
        const Agent agent;
        const core::AgentIds own{::geteuid(), ::getegid()};
        const std::string top = agent.directory().string();
        with_session(
            agent.socket(),
            [&](AgentSession& session) -> Task<> {
                Collected out;
                std::vector<TreeItem> items;
                items.emplace_back(Kind::pattern, "*.none\x1b");
                const auto missing = co_await session.get(top, items, out, own);
                REQUIRE(!missing);
                CHECK(missing.error().code == Errc::not_found);
                CHECK(missing.error().message.find("*.none\\x1b") != std::string::npos);
                items.emplace_back(Kind::pattern, "[a");
                const auto refused = co_await session.get(top, items, out, own);
                REQUIRE(!refused);
                CHECK(refused.error().code == Errc::invalid_argument);
                CHECK(refused.error().message.find("'[a'") != std::string::npos);
                CHECK(
                    describe(refused.error()).find("getting files from " + top) != std::string::npos
                );

                const core::FileAttributes attributes;
                const auto bytes = engine::text_source("x");
                const auto directory = co_await session.put_file(top, attributes, *bytes, own);
                REQUIRE(!directory);
                CHECK(directory.error().code == Errc::engine);
                CHECK(directory.error().message.find("Is a directory") != std::string::npos);
                const auto none = co_await session.get_file(top + "/none", out, own);
                REQUIRE(!none);
                CHECK(none.error().code == Errc::not_found);
                CHECK(describe(none.error()).find("getting the file " + top) != std::string::npos);

                items.clear();
                items.emplace_back(Kind::path, ".");
                const core::TreeEntries breaks = [](const TreeEntry&) -> Result<> {
                    return fail(Errc::io, "the taker broke");
                };
                const auto broken =
                    co_await session.manifest(top, items, core::Digest::none, breaks, own);
                REQUIRE(!broken);
                CHECK(broken.error().code == Errc::io);
                const core::JobIo io;
                CO_TRY(const core::JobEnd end, co_await session.run(program("true"), io));
                CHECK(exit_code(end) == 0);
                co_return ok();
            },
            {},
            way
        );
    }

    TEST_CASE("a compressed stream is the same however it is cut, and only as a whole")
    {
        for (const std::size_t size : {0U, 1U, 5'000U, 400'000U}) {
            const std::string text = some_text(size);
            std::string out;
            const std::string bytes = compressed(text, 100'000, 65'536);
            for (const std::size_t piece : {std::size_t{1'000'000}, std::size_t{7}}) {
                REQUIRE(decompress(bytes, piece, out));
                CHECK((out == text));
            }
            REQUIRE(decompress(compressed(text, 1'000, 50), 1'000, out));
            CHECK((out == text));
            for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 50) {
                const auto half = decompress(bytes.substr(0, cut), 1'000, out);
                REQUIRE(!half);
                CHECK(half.error().code == Errc::truncated);
            }
            const auto more = decompress(bytes + "x", 1'000'000, out);
            REQUIRE(!more);
            CHECK(more.error().code == Errc::protocol);
        }
        std::string out;
        const auto none = decompress("this is no zstd at all", 1'000, out);
        REQUIRE(!none);
        CHECK(none.error().code == Errc::protocol);
        std::string damaged = compressed(some_text(10'000), 1'000, 1'000);
        damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 16);
        CHECK(!decompress(damaged, 1'000, out));
    }

    TEST_CASE("a small stream of very much takes no memory for it")
    {
        boost::asio::io_context io;
        std::size_t bytes = 0;
        const auto whole = [&]() -> Task<> {
            struct Counting final : engine::ByteSink {
                Task<> write(std::string_view data) override
                {
                    most = std::max(most, data.size());
                    count += data.size();
                    co_return ok();
                }
                std::size_t most = 0;
                std::size_t count = 0;
            } to;
            const std::string small =
                compressed(std::string(std::size_t{100} << 20, '0'), 1 << 20, 65'536);
            CHECK(small.size() < 100'000);
            core::DecompressingSink sink(to);
            CO_CHECK(co_await sink.write(small));
            CHECK(to.most <= 128U << 10U);
            bytes = to.count;
            co_return sink.finish();
        };
        REQUIRE(run(io, whole()));
        CHECK(bytes == std::size_t{100} << 20);
    }

    TEST_CASE("records of a manifest come out of any pieces, and nothing else does")
    {
        agent::Entry entry;
        entry.path = "a\n\xff";
        entry.kind = static_cast<std::uint8_t>(agent::EntryKind::block_device);
        entry.major = 8;
        entry.mtime_ns = -1;
        agent::Entry other;
        other.path = "b";
        other.digest = std::string(8, '\0') + std::string(7, '\0') + '\1';
        const std::string bytes = record(entry) + record(other);
        for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
            const auto entries = entries_in(bytes, piece);
            REQUIRE(entries);
            REQUIRE(entries->size() == 2);
            CHECK(entries->front().path == entry.path);
            CHECK(entries->front().kind == TreeEntry::Kind::block_device);
            CHECK(entries->front().device_major == 8);
            CHECK(entries->front().meta.mtime_ns == -1);
            CHECK(entries->back().meta.content->high == 0);
            CHECK(entries->back().meta.content->low == 1);
        }
        for (std::size_t size = 1; size < bytes.size(); ++size) {
            const auto half = entries_in(bytes.substr(0, size), 9);
            CHECK(half.has_value() == (size == record(entry).size()));
            if (!half) CHECK(half.error().code == Errc::truncated);
        }
        const auto code_of = [](const std::string& text) {
            const auto done = entries_in(text, 64);
            return done ? Errc::internal : done.error().code;
        };
        other.kind = 7;
        CHECK(code_of(record(other)) == Errc::protocol);
        other.kind = 0;
        other.digest = "short";
        CHECK(code_of(record(other)) == Errc::protocol);
        other.digest.clear();
        other.path = "stop";
        CHECK(code_of(record(other)) == Errc::io);
        CHECK(code_of("\xff\xff\xff\xff") == Errc::protocol);
        CHECK(code_of(std::string("\3\0\0\0abc", 7)) == Errc::protocol);
    }

    TEST_CASE("files are compressed to another machine alone")
    {
        using core::Road;
        engine::Endpoint endpoint;
        CHECK(core::pool::encoding_on(Road::socket, endpoint) == agent::Encoding::plain);
        CHECK(core::pool::encoding_on(Road::attach, endpoint) == agent::Encoding::plain);
        for (const auto scheme : {engine::Endpoint::Scheme::tcp, engine::Endpoint::Scheme::ssh}) {
            endpoint.scheme = scheme;
            for (const char* here : {"localhost", "127.0.0.1", "::1"}) {
                endpoint.host = here;
                CHECK(core::pool::encoding_on(Road::attach, endpoint) == agent::Encoding::plain);
            }
            endpoint.host = "build.example";
            CHECK(core::pool::encoding_on(Road::attach, endpoint) == agent::Encoding::zstd);
            CHECK(core::pool::encoding_on(Road::bridge, endpoint) == agent::Encoding::zstd);
            CHECK(core::pool::encoding_on(Road::socket, endpoint) == agent::Encoding::plain);
        }
    }
}
