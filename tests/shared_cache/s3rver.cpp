#include "unit/cache/support.hpp"

#include <cstdlib>

using namespace slipway;
using namespace slipway::test;

namespace {

std::string s3_variable(const char* name)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

void good_keys(SharedCacheOptions& options)
{
    options.s3_endpoint = s3_variable("SLIPWAY_TEST_S3");
    options.access_key = s3_variable("SLIPWAY_TEST_S3_KEY");
    options.secret_key = s3_variable("SLIPWAY_TEST_S3_SECRET");
}

} // namespace

TEST_SUITE("core.cache.s3rver")
{
    TEST_CASE("what one stores another finds, byte by byte")
    {
        for (const std::string url : {"s3://bucket", "s3://bucket/a/b%20c%2B%3Ad"}) {
            CAPTURE(url);
            CacheRig one(url, good_keys);
            CacheRig other(url, good_keys);
            for (const std::size_t size : {0U, 1U, 65'537U, 5U << 20U}) {
                CAPTURE(size);
                std::string bytes(size, 'x');
                for (std::size_t i = 0; i < size; i += 7)
                    bytes[i] = static_cast<char>(i);
                const std::string name = "round trip " + std::to_string(size);
                for (const Kind kind : {Kind::result, Kind::blob, Kind::note}) {
                    CHECK(!other.get(name, kind));
                    one.put(name, bytes, kind);
                    const bool same = other.get(name, kind, size) == bytes;
                    CHECK(same);
                }
            }
            CHECK(one.cache->report().last_failure == "");
            CHECK(one.cache->report().stored == 12);
            CHECK(other.cache->report().last_failure == "");
            CHECK(other.cache->report().found == 12);
            CHECK(other.cache->report().missed == 12);
            one.put("round trip 65537", std::string(65'537, 'y'), Kind::blob); // it is there
            CHECK(one.cache->report().stored == 12);
        }
    }

    TEST_CASE("by the options of the environment")
    {
        const auto options = core::shared_cache_options([](const std::string& name) -> std::string {
            if (name == "SLIPWAY_CACHE") return "s3://bucket/environment";
            if (name == "SLIPWAY_CACHE_WRITE") return "1";
            if (name == "SLIPWAY_CACHE_S3_ENDPOINT") return s3_variable("SLIPWAY_TEST_S3");
            if (name == "AWS_ACCESS_KEY_ID") return s3_variable("SLIPWAY_TEST_S3_KEY");
            if (name == "AWS_SECRET_ACCESS_KEY") return s3_variable("SLIPWAY_TEST_S3_SECRET");
            return name == "AWS_REGION" ? "eu-central-1" : "";
        });
        REQUIRE(options);
        REQUIRE(*options);
        CacheRig rig(**options);
        rig.put("a", "bytes");
        CHECK(rig.get("a") == "bytes");
        CHECK(rig.cache->report().last_failure == "");
    }

    TEST_CASE("what S3 refuses is told in words, and without keys")
    {
        struct Row {
            std::string text;
            std::function<void(SharedCacheOptions&)> change;
        };
        const std::vector<Row> rows{
            {"the secret key is not that of the access key",
             [](SharedCacheOptions& options) { options.secret_key = "Wr0ng-one"; }},
            {"the access key is unknown",
             [](SharedCacheOptions& options) { options.access_key = "Wr0ng-one"; }},
            {"there is no such bucket",
             [](SharedCacheOptions& options) { options.url = "s3://no-bucket"; }},
            {"this machine's clock differs too much",
             [](SharedCacheOptions& options) {
                 options.now = [] { return std::chrono::system_clock::now() - 1h; };
             }},
        };
        for (const Row& row : rows) {
            CAPTURE(row.text);
            CacheRig rig("s3://bucket", [&](SharedCacheOptions& options) {
                good_keys(options);
                row.change(options);
            });
            rig.put("refused", "bytes");
            CHECK(rig.cache->report().stored == 0);
            for (int i = 0; i < 4; ++i) {
                CHECK(!rig.get("a"));
            }
            const auto report = rig.cache->report();
            CAPTURE(report.left_alone);
            CHECK(contains(report.left_alone, row.text));
            CHECK(!contains(report.left_alone, "Wr0ng-one"));
            CHECK(report.missed == 0);
        }
    }
}
