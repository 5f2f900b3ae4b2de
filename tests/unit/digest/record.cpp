#include "unit/digest/records.hpp"

#include <slipway/core/record.hpp>

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <stdexcept>

using namespace slipway::core;
using slipway::test::RandomRecords;
using namespace std::string_literals;

namespace {

Record every_type()
{
    Record record("action", 7);
    record.add("text", "cc -O2"s).add("number", std::int64_t{-2}).add("truth", true);
    record.add("digest", sha256("abc")).add("list", Record::List{"a", ""});
    record.add("table", Record::Table{{"LANG", "C"}, {"A", "\0b"s}});
    return record;
}

std::string hex(std::string_view bytes)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4U];
        out += digits[static_cast<unsigned char>(c) & 0xfU];
    }
    return out;
}

std::string u32(std::uint32_t value)
{
    std::string out;
    for (unsigned i = 0; i < 4; ++i) {
        out += static_cast<char>(value >> (8 * i) & 0xffU);
    }
    return out;
}

std::string text(std::string_view value)
{
    return u32(static_cast<std::uint32_t>(value.size())) + std::string(value);
}

const std::string magic = "slipway record 1\n";

} // namespace

TEST_SUITE("core.record")
{
    // Ids and keys that are kept anywhere are digests of these bytes: they change only with the
    // version in the first line.
    TEST_CASE("the bytes are these")
    {
        std::string bytes = magic + text("action") + u32(7) + u32(6);
        bytes += text("text") + '\0' + text("cc -O2");
        bytes += text("number") + '\1' + "\xfe\xff\xff\xff\xff\xff\xff\xff"s;
        bytes += text("truth") + '\2' + '\1';
        bytes += text("digest") + '\3';
        for (const std::uint8_t byte : sha256("abc").bytes) {
            bytes += static_cast<char>(byte);
        }
        bytes += text("list") + '\4' + u32(2) + text("a") + text("");
        bytes +=
            text("table") + '\5' + u32(2) + text("A") + text("\0b"s) + text("LANG") + text("C");
        CHECK(hex(every_type().encode()) == hex(bytes));
        CHECK(
            to_hex(every_type().digest())
            == "71ebeba6d66e81906eb7c6b0018e89a82a5d0f948a5cb2a27e71c4026ace64c7"
        );
        CHECK(
            to_hex(Record("unit", 1).digest())
            == "4a34fe96ab9ef84c51f23132c91c74be370f46443889e33d982c2840ff9069e9"
        );
        CHECK(Record::decode(bytes) == every_type());
    }

    TEST_CASE("random records come back, and no two have the same bytes")
    {
        RandomRecords records(1);
        std::map<std::string, Record> seen;
        std::size_t twice = 0;
        for (int i = 0; i < 30'000; ++i) {
            const Record record = records.next();
            const std::string bytes = record.encode();
            REQUIRE(Record::decode(bytes) == record);
            const auto [known, is_new] = seen.try_emplace(bytes, record);
            if (!is_new) ++twice;
            REQUIRE(known->second == record);
        }
        CHECK(twice > 100); // else they are too different to tell anything
        CHECK(seen.size() > 10'000);
    }

    TEST_CASE("bytes are a record only when that record has just these bytes")
    {
        RandomRecords records(2);
        std::size_t still_records = 0;
        for (int i = 0; i < 2'000; ++i) {
            std::string bytes = records.next().encode();
            for (std::uint32_t edits = records.below(3) + 1; edits > 0; --edits) {
                const auto at = records.below(static_cast<std::uint32_t>(bytes.size()));
                switch (records.below(3)) {
                case 0:
                    bytes[at] = static_cast<char>(records.below(5));
                    break;
                case 1:
                    bytes.erase(at, records.below(3) + 1);
                    break;
                default:
                    bytes.insert(at, 1, static_cast<char>(records.below(3)));
                }
                if (bytes.empty()) bytes = "x";
            }
            const auto decoded = Record::decode(bytes);
            if (!decoded) continue;
            ++still_records;
            REQUIRE(hex(decoded->encode()) == hex(bytes));
        }
        CHECK(still_records > 20);
    }

    TEST_CASE("nothing else is one")
    {
        const std::string whole = every_type().encode();
        for (std::size_t size = 0; size < whole.size(); ++size) {
            CHECK_FALSE(Record::decode(whole.substr(0, size)));
        }
        CHECK_FALSE(Record::decode(whole + '\0'));
        CHECK_FALSE(Record::decode("slipway record 2\n" + whole.substr(magic.size())));

        const std::string head = magic + text("k") + u32(1);
        CHECK(Record::decode(head + u32(1) + text("a") + '\2' + '\1'));
        CHECK_FALSE(Record::decode(head + u32(1) + text("a") + '\2' + '\2'));
        CHECK_FALSE(Record::decode(head + u32(1) + text("a") + '\6' + '\1'));
        CHECK_FALSE(Record::decode(head + u32(0xffff'ffff)));
        CHECK_FALSE(Record::decode(head + u32(1) + text("a") + '\4' + u32(0xffff'ffff)));
        CHECK_FALSE(Record::decode(head + u32(1) + text("a") + '\5' + u32(0xffff'ffff)));
        CHECK_FALSE(Record::decode(head + u32(1) + u32(0xffff'ffff) + "a"));
        const std::string truth = text("a") + '\2' + '\1';
        CHECK_FALSE(Record::decode(head + u32(2) + truth + truth));
        const auto table = [&](const std::string& first, const std::string& second) {
            const std::string pairs = text(first) + text("1") + text(second) + text("2");
            return Record::decode(head + u32(1) + text("a") + '\5' + u32(2) + pairs);
        };
        CHECK(table("a", "b"));
        CHECK_FALSE(table("b", "a"));
        CHECK_FALSE(table("a", "a"));
    }

    TEST_CASE("a name is added once")
    {
        Record record("k", 1);
        record.add("a", true);
        CHECK_THROWS_AS(record.add("a", true), std::logic_error);
        CHECK(record.find("a") != nullptr);
        CHECK(record.find("b") == nullptr);
    }

    TEST_CASE("a digest made field by field is that of the record")
    {
        RandomRecords random(7);
        for (int i = 0; i < 5'000; ++i) {
            const Record record = random.next();
            RecordDigest digest(record.kind(), record.version());
            for (const Record::Field& field : record.fields()) {
                std::visit([&](const auto& value) { digest.add(field.name, value); }, field.value);
            }
            CHECK(digest.finish() == record.digest());
        }
    }
}
