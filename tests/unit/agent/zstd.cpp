#include "trees.hpp"

#include <zstd.h>

#include <random>
#include <string>

using namespace slipway;
using namespace slipway::test;

namespace fs = std::filesystem;

namespace {

std::string compressed(std::string_view plain, int level = 1)
{
    std::string out(::ZSTD_compressBound(plain.size()), '\0');
    ZSTD_CCtx* const context = ::ZSTD_createCCtx();
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    const std::size_t size =
        ::ZSTD_compress2(context, out.data(), out.size(), plain.data(), plain.size());
    ::ZSTD_freeCCtx(context);
    REQUIRE(::ZSTD_isError(size) == 0);
    out.resize(size);
    return out;
}

std::string decompressed(std::string_view bytes)
{
    std::string out(std::size_t{16} << 20, '\0');
    const std::size_t size = ::ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
    REQUIRE(::ZSTD_isError(size) == 0);
    out.resize(size);
    return out;
}

agent::Run zstd(agent::Run run)
{
    run.tree.encoding = static_cast<std::uint8_t>(agent::Encoding::zstd);
    return run;
}

std::string noise(std::size_t size)
{
    std::mt19937 source{7}; // NOLINT(cert-msc51-cpp): the same every time
    std::string out;
    while (out.size() < size) {
        out += static_cast<char>(source());
    }
    return out;
}

} // namespace

TEST_SUITE("agent.zstd")
{
    TEST_CASE("all that carries files can be compressed")
    {
        const TempDirectory from;
        const TempDirectory to;
        // What compresses well, what does not, and nothing; of many sizes for the library's tables.
        write(from.path() / "text", std::string(5'000'000, 't'));
        write(from.path() / "noise", noise(1'000'000));
        write(from.path() / "empty", "");
        TreeSession session;
        const auto order = [&](agent::What what, const fs::path& place) {
            return TreeSession::order(what, place, {glob("*")});
        };
        const Outcome plain = session.client.run(order(agent::What::pack, from.path()));
        const Outcome packed = session.client.run(zstd(order(agent::What::pack, from.path())));
        REQUIRE(packed.exited(0));
        CHECK(packed.out.size() < 1'200'000);
        CHECK((decompressed(packed.out) == plain.out));
        const agent::Run unpack = TreeSession::order(agent::What::unpack, to.path());
        REQUIRE(session.client.run(zstd(unpack), packed.out).exited(0));
        for (const char* name : {"text", "noise", "empty"}) {
            CHECK((read(to.path() / name) == read(from.path() / name)));
        }
        const Outcome listed = session.client.run(zstd(order(agent::What::manifest, to.path())));
        REQUIRE(listed.exited(0));
        CHECK(entries_of(decompressed(listed.out)).size() == 3);
        const fs::path file = to.path() / "file";
        for (const int level : {-5, 1, 3, 9, 19}) {
            const std::string bytes = noise(2'000) + std::string(300'000, 'x');
            const agent::Run put = TreeSession::order(agent::What::write_file, file);
            REQUIRE(session.client.run(zstd(put), compressed(bytes, level)).exited(0));
            CHECK((read(file) == bytes));
            const agent::Run get = TreeSession::order(agent::What::read_file, file);
            CHECK((decompressed(session.client.run(zstd(get)).out) == bytes));
        }
    }

    TEST_CASE("the agent stays small: it travels to every engine")
    {
        CHECK(fs::file_size(SLIPWAY_AGENT) <= 1'576'960);
    }

    TEST_CASE("a stream that is cut, damaged or followed by more is an error with words")
    {
        const TempDirectory from;
        const TempDirectory to;
        write(from.path() / "a", noise(3'000));
        TreeSession session;
        const std::string good = compressed(session.pack(from.path(), {path("a")}).out);
        const fs::path file = to.path() / "file";
        const agent::Run unpack = zstd(TreeSession::order(agent::What::unpack, to.path()));
        const agent::Run put = zstd(TreeSession::order(agent::What::write_file, file));
        const auto check_broken = [&](std::string_view bytes) {
            for (const agent::Run& run : {unpack, put}) {
                const Outcome outcome = session.client.run(run, bytes);
                CHECK(outcome.exited(3));
                CHECK(!outcome.err.empty());
            }
            CHECK(!fs::exists(file));
        };
        for (std::size_t size = 0; size < good.size(); size += 97) {
            CAPTURE(size);
            check_broken(std::string_view(good).substr(0, size));
        }
        check_broken(std::string_view(good).substr(0, good.size() - 1));
        check_broken(good + "x");
        check_broken(good + good);
        check_broken("this is no zstd at all");
        std::string damaged = good;
        damaged[good.size() / 2] = static_cast<char>(damaged[good.size() / 2] ^ 1);
        check_broken(damaged);
        CHECK(session.client.run(unpack, good).exited(0));
        // A tar that is cut inside of a stream that is whole.
        const std::string tar = decompressed(good);
        CHECK(session.client.run(unpack, compressed(tar.substr(0, 1'024))).exited(3));
    }

    TEST_CASE("a stream that would need more than 8 MiB of memory is refused")
    {
        const TempDirectory to;
        std::string bytes(::ZSTD_compressBound(64 << 20), '\0');
        ZSTD_CCtx* const context = ::ZSTD_createCCtx();
        ::ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
        ::ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
        ZSTD_outBuffer out{bytes.data(), bytes.size(), 0};
        const std::string plain(1'000, 'p');
        ZSTD_inBuffer in{plain.data(), plain.size(), 0};
        // In two steps, so that it does not know how little there is.
        ::ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
        REQUIRE(::ZSTD_compressStream2(context, &out, &in, ZSTD_e_end) == 0);
        ::ZSTD_freeCCtx(context);
        bytes.resize(out.pos);
        TreeSession session;
        const agent::Run put = TreeSession::order(agent::What::write_file, to.path() / "f");
        const Outcome outcome = session.client.run(zstd(put), bytes);
        CHECK(outcome.exited(3));
        CHECK(fs::is_empty(to.path()));
    }
}
