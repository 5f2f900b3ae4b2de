#include "tar_check.hpp"

#include "support/fake_transport.hpp"
#include "support/run.hpp"
#include "support/tar.hpp"

#include <slipway/engine/bytes.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

Result<> check(std::string_view tar, std::size_t piece = 100'000)
{
    TarCheck check;
    while (!tar.empty()) {
        CHECK_OK(check.take(tar.substr(0, piece)));
        tar.remove_prefix(std::min(piece, tar.size()));
    }
    return check.finish();
}

std::string pax_record(const std::string& text)
{
    std::size_t length = text.size() + 2;
    while (std::to_string(length).size() + 1 + text.size() + 1 != length)
        ++length;
    return std::to_string(length) + " " + text + "\n";
}

std::string entry(const char* name, char type, const std::string& content = {})
{
    TarHeader header;
    header.name = name;
    header.type = type;
    return tar_entry(header, content);
}

/// A file whose size is only in the pax record before it, as for what octal cannot hold.
std::string pax_sized_entry(const std::string& content)
{
    TarHeader header;
    header.name = "big";
    header.size = "00000000000";
    return entry(
               "pax",
               'x',
               pax_record("path=big") + pax_record("size=" + std::to_string(content.size()))
           )
           + tar_header(header, 0) + content
           + std::string((512 - content.size() % 512) % 512, '\0');
}

std::string base_256_sized_entry(const std::string& content)
{
    TarHeader header;
    header.name = "big";
    header.size = std::string("\x80\0\0\0\0\0\0\0\0\0", 10);
    header.size += static_cast<char>(content.size() >> 8U);
    header.size += static_cast<char>(content.size() & 0xffU);
    return tar_header(header, 0) + content + std::string((512 - content.size() % 512) % 512, '\0');
}

/// Old GNU sparse: the header says that blocks with more of the map follow it.
std::string sparse_entry(const std::string& content)
{
    std::string block = entry("sparse", 'S', content).substr(0, 512);
    block[482] = 1;
    unsigned sum = 0;
    for (std::size_t i = 0; i < block.size(); ++i)
        sum += static_cast<unsigned char>(i >= 148 && i < 156 ? ' ' : block[i]);
    char digits[16];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    block.replace(148, 6, digits);
    std::string map(512, '\0');
    map[504] = 1;
    return block + map + std::string(512, '\0') + content
           + std::string((512 - content.size() % 512) % 512, '\0');
}

/// Every kind of entry; contents hold blocks of zeros and what looks like headers.
std::string rich_tar()
{
    const std::string zeros(2048, '\0');
    const std::string headers = make_tar({{"inner", "x"}});
    return entry("pax_global_header", 'g', pax_record("comment=x") + pax_record("size=9"))
           + entry("dir/", '5') + entry("dir/zeros", '0', zeros) + entry("dir/tar", '0', headers)
           + entry("empty", '0') + entry("link", '2') + entry("hard", '1') + entry("dev", '3')
           + entry("fifo", '6') + entry("././@LongLink", 'L', std::string(600, 'n'))
           + entry("long", '0', "content") + pax_sized_entry(zeros + "end")
           + base_256_sized_entry(zeros + "end") + sparse_entry(zeros + "end")
           + entry("old", '\0', "x");
}

} // namespace

TEST_SUITE("engine.tar_check")
{
    TEST_CASE("a whole tar is whole at every read size, with zeros behind it too")
    {
        const std::string tar = rich_tar();
        for (const std::size_t piece :
             {std::size_t{1}, std::size_t{7}, std::size_t{512}, tar.size()}) {
            CAPTURE(piece);
            CHECK(check(tar + tar_end(), piece).has_value());
            CHECK(check(tar + tar_end() + std::string(9216, '\0'), piece).has_value());
            CHECK(check(tar + tar_end() + std::string(100, '\0'), piece).has_value());
        }
        CHECK(check(tar_end()).has_value());
    }

    TEST_CASE("a tar that is cut at any byte is truncated [fault 51]")
    {
        const std::string tar = rich_tar() + tar_end();
        for (std::size_t cut = 0; cut < tar.size();
             cut += cut % 512 < 3 || cut % 512 > 508 ? std::size_t{1} : std::size_t{47}) {
            CAPTURE(cut);
            const auto result = check(std::string_view(tar).substr(0, cut));
            REQUIRE(!result.has_value());
            CHECK(result.error().code == Errc::truncated);
        }
    }

    TEST_CASE("the engine's own words are the error, wherever they come [fault 52]")
    {
        const std::string tar = rich_tar();
        const std::string said = R"({"message":"unexpected EOF"})"
                                 "\n";
        const std::string longer = R"({"errorDetail":{"message":")" + std::string(700, 'x')
                                   + R"("},"error":"x"})"
                                     "\r\n";
        for (const std::size_t cut :
             {std::size_t{0}, std::size_t{512}, std::size_t{1300}, tar.size()}) {
            CAPTURE(cut);
            const auto result = check(tar.substr(0, cut) + said, 1000);
            REQUIRE(!result.has_value());
            CHECK(result.error().code == Errc::engine);
            CHECK(result.error().message == "the archive broke off: unexpected EOF");
            CHECK(check(tar.substr(0, cut) + longer, 9999).error().code == Errc::engine);
        }
        CHECK(check(tar + tar_end() + said).error().code == Errc::engine);
        CHECK(check(tar + tar_end() + longer).error().code == Errc::engine);
    }

    TEST_CASE("what is no tar is a protocol error [fault 56]")
    {
        const std::string tar = rich_tar();
        std::string bad_sum = tar + tar_end();
        bad_sum[0] = static_cast<char>(bad_sum[0] + 1);
        TarHeader header;
        header.name = "x";
        header.size = std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0", 12);
        const std::string negative = tar_header(header, 0);
        header.size = "0000000009x";
        const std::string no_number = tar_header(header, 0);
        header.size = "77777777777";
        header.type = 'x';
        const std::string long_header = tar_header(header, 0);
        for (const std::string& body :
             {std::string(600, 'x'),
              bad_sum,
              negative,
              no_number,
              long_header,
              tar + std::string(512, '\0') + tar, // a lone block of zeros
              tar + tar_end() + tar,
              tar + tar_end() + "text"}) {
            const auto result = check(body);
            REQUIRE(!result.has_value());
            CHECK(result.error().code == Errc::protocol);
        }
    }

    TEST_CASE("the largest sizes do not overflow [fault 49]")
    {
        TarHeader header;
        header.name = "x";
        header.size = std::string("\x80\0\0\0\x40\0\0\0\0\0\0\0", 12);
        CHECK(check(tar_header(header, 0) + "x").error().code == Errc::truncated);
        header.size = std::string("\x80\0\0\0\x80\0\0\0\0\0\0\0", 12);
        CHECK(check(tar_header(header, 0) + "x").error().code == Errc::protocol);
        const std::string huge = entry("pax", 'x', pax_record("size=18446744073709551615"));
        CHECK(check(huge + entry("x", '0') + "x").error().code == Errc::truncated);
    }

    TEST_CASE("a pax record that is shorter than its own length is passed over")
    {
        for (const char* record : {"00000000001", "1", "2 ", "3", "12 size=5\n", "99 size=5\n"}) {
            CAPTURE(record);
            const std::string tar = entry("pax", 'x', record) + entry("x", '0') + tar_end();
            CHECK(check(tar).has_value());
            CHECK(check(tar, 1).has_value());
        }
        const std::string beyond = entry("pax", 'x', pax_record("size=99999999999999999999"));
        CHECK(check(beyond + entry("x", '0') + tar_end()).error().code == Errc::truncated);
    }

    TEST_CASE("the stream keeps its bytes, and its errors say what was done")
    {
        const std::string tar = rich_tar() + tar_end();
        FakeTransport engine;
        engine.max_read = 1000;
        engine.reply(200, tar);
        engine.reply(200, tar.substr(0, 5000));
        engine.stream(200, {tar.substr(0, 5000)}, {}, Error(Errc::io, "reset"));
        const std::string doing = "saving it";
        auto whole = run(open_tar(engine, Request("GET", "/images/x/get"), doing));
        REQUIRE(whole.has_value());
        CHECK((*whole)->status() == 200);
        std::string bytes;
        StringSink sink(bytes);
        REQUIRE(run(copy(**whole, sink)).has_value());
        CHECK(bytes == tar);
        for (const char* message :
             {"the archive ended too early, after 5000 bytes and without its end mark", "reset"}) {
            auto cut = run(open_tar(engine, Request("GET", "/images/x/get"), doing));
            REQUIRE(cut.has_value());
            std::string part;
            StringSink into(part);
            const auto result = run(copy(**cut, into));
            REQUIRE(!result.has_value());
            CHECK(describe(result.error()) == std::string("saving it: ") + message);
            CHECK(result.error().answer->route == "/v1.41/images/x/get");
            CHECK(result.error().answer->status == 200);
        }
    }
}
