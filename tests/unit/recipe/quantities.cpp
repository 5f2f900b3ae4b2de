#include <slipway/core/quantities.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::core;

TEST_SUITE("core.recipe.quantities")
{
    TEST_CASE("sizes of memory")
    {
        const auto bytes = [](const char* text) { return parse_memory(text).value_or(-1); };
        CHECK(bytes("1") == 1);
        CHECK(bytes("65536") == 65'536);
        CHECK(bytes("65536b") == 65'536);
        CHECK(bytes("3k") == 3'072);
        CHECK(bytes("512m") == 536'870'912);
        CHECK(bytes("512M") == 536'870'912);
        CHECK(bytes("1.5g") == 1'610'612'736);
        CHECK(bytes("2G") == 2'147'483'648);
        for (const char* bad :
             {"",
              "0",
              "0m",
              "m",
              "-1",
              "-1m",
              "+1m",
              "1t",
              "1mb",
              "1 m",
              " 1m",
              "1e3",
              "0x10",
              "nan",
              "inf",
              "1..5g",
              ".",
              "1,5g",
              "9999999999g"}) {
            CAPTURE(bad);
            const auto size = parse_memory(bad);
            REQUIRE(!size.has_value());
            CHECK(size.error().code == Errc::invalid_argument);
            CHECK(size.error().message == "--memory " + std::string(bad) + ": not a size");
            CHECK(size.error().hint.find("512m, 1.5g") != std::string::npos);
        }
    }

    TEST_CASE("numbers of CPUs")
    {
        CHECK(parse_cpus("2").value_or(-1) == 2);
        CHECK(parse_cpus("0.5").value_or(-1) == 0.5);
        for (const char* bad :
             {"", "0", "0.0", "-1", "all", "1c", "1e1", "nan", "inf", "1/2", "10000000"}) {
            CAPTURE(bad);
            const auto cpus = parse_cpus(bad);
            REQUIRE(!cpus.has_value());
            CHECK(cpus.error().code == Errc::invalid_argument);
            CHECK(cpus.error().hint.find("2, 0.5") != std::string::npos);
        }
    }

    TEST_CASE("sizes and times of options")
    {
        const auto size = [](const char* text) {
            return parse_size("--max-size", text).value_or(99);
        };
        CHECK(size("0") == 0);
        CHECK(size("500m") == 524'288'000);
        CHECK(size("10G") == 10'737'418'240);
        CHECK(size("1.5t") == 1'649'267'441'664);
        CHECK(size("1.5T") == 1'649'267'441'664);
        const auto time = [](const char* text) {
            return parse_duration("--older-than", text).value_or(std::chrono::seconds(-1)).count();
        };
        CHECK(time("0") == 0);
        CHECK(time("90s") == 90);
        CHECK(time("30min") == 1'800);
        CHECK(time("1.5h") == 5'400);
        CHECK(time("30d") == 2'592'000);
        CHECK(time("2w") == 1'209'600);
        for (const char* bad :
             {"", "s", "30", "30m", "-1d", "1e3d", "1 d", "1d ", "1D", "9999999w"}) {
            CAPTURE(bad);
            const auto none = parse_duration("--older-than", bad);
            REQUIRE(!none);
            CHECK(none.error().message == "--older-than " + std::string(bad) + ": not a time");
            CHECK(!none.error().hint.empty());
        }
        CHECK(!parse_size("--max-size", "1p"));
    }
}
