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
}
