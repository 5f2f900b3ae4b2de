#include "unit/digest/records.hpp"

#include <slipway/core/record.hpp>

#include <doctest/doctest.h>

using namespace slipway::core;
using slipway::test::RandomRecords;
using namespace std::string_literals;

namespace {

// "field[key]: before -> after", "-" for what is not there.
std::vector<std::string> lines(const Record& before, const Record& after)
{
    std::vector<std::string> out;
    for (const RecordDifference& one : differences(before, after)) {
        const std::string key = one.key.empty() ? "" : "[" + one.key + "]";
        out.push_back(
            one.field + key + ": " + one.before.value_or("-") + " -> " + one.after.value_or("-")
        );
    }
    return out;
}

Record of(Record::Value value)
{
    return std::move(Record("k", 1).add("f", std::move(value)));
}

using Lines = std::vector<std::string>;

} // namespace

TEST_SUITE("core.record.differences")
{
    TEST_CASE("values are shown as a person reads them")
    {
        CHECK(lines(of("a b"s), of("a c"s)) == Lines{"f: a b -> a c"});
        CHECK(lines(of(std::int64_t{-1}), of(std::int64_t{10})) == Lines{"f: -1 -> 10"});
        CHECK(lines(of(false), of(true)) == Lines{"f: false -> true"});
        CHECK(
            lines(of(Sha256{}), of(sha256("abc")))
            == Lines{"f: " + to_hex(Sha256{}) + " -> " + to_hex(sha256("abc"))}
        );
        CHECK(
            lines(of(Record::List{}), of(Record::List{"cc", "-DA=a b", ""}))
            == Lines{"f: (empty) -> cc '-DA=a b' ''"}
        );
        CHECK(lines(of("a\x1b"s), of(""s)) == Lines{"f: a\\x1b -> "});
    }

    TEST_CASE("of a table each key is told")
    {
        const Record before = of(Record::Table{{"A", "1"}, {"B", "2"}, {"C", "3"}, {"E", "5"}});
        const Record after = of(Record::Table{{"B", "2"}, {"C", "4"}, {"D", "x"}, {"E", "5"}});
        CHECK(lines(before, after) == Lines{"f[A]: 1 -> -", "f[C]: 3 -> 4", "f[D]: - -> x"});
        CHECK(lines(Record("k", 1), of(Record::Table{{"A", "1"}})) == Lines{"f[A]: - -> 1"});
        CHECK(lines(of(Record::Table{{"A", "1"}}), Record("k", 1)) == Lines{"f[A]: 1 -> -"});
        CHECK(lines(Record("k", 1), of(Record::Table{})) == Lines{"f: - -> (empty)"});
        CHECK(lines(of(true), of(Record::Table{{"A", "a b"}})) == Lines{"f: true -> A='a b'"});
    }

    TEST_CASE("first the new one's fields in their order, then what only the old one has")
    {
        Record before("k", 1);
        before.add("old", true).add("same", true).add("b", "1"s);
        Record after("k", 1);
        after.add("new", true).add("b", "2"s).add("same", true);
        CHECK(lines(before, after) == Lines{"new: - -> true", "b: 1 -> 2", "old: true -> -"});
    }

    TEST_CASE("kind, version and order are told")
    {
        CHECK(lines(Record("a", 1), Record("b", 2)) == Lines{"kind: a -> b", "version: 1 -> 2"});
        Record before("k", 1);
        before.add("a", true).add("b", true);
        Record after("k", 1);
        after.add("b", true).add("a", true);
        CHECK(lines(before, after) == Lines{"order of the fields: a b -> b a"});
    }

    TEST_CASE("what reads the same is told apart")
    {
        CHECK(lines(of("1"s), of(std::int64_t{1})) == Lines{"f: 1 (text) -> 1 (number)"});
        CHECK(lines(of("\x01"s), of("\\x01"s)) == Lines{"f: '\\x01' (text) -> '\\\\x01' (text)"});
    }

    TEST_CASE("random records: none exactly when they are equal, and none that tells nothing")
    {
        RandomRecords records(3);
        std::size_t equal = 0;
        for (int i = 0; i < 100'000; ++i) {
            const Record before = records.next();
            const Record after = records.below(20) == 0 ? before : records.next();
            const auto found = differences(before, after);
            REQUIRE(found.empty() == (before == after));
            if (found.empty()) ++equal;
            for (const RecordDifference& one : found) {
                REQUIRE(one.before != one.after);
            }
        }
        CHECK(equal > 1'000);
    }
}
