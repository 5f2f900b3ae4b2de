#include <slipway/core/shared_cache.hpp>

#include <doctest/doctest.h>

#include <map>

using namespace slipway;
using namespace slipway::core;

namespace {

using Variables = std::map<std::string, std::string>;

Result<std::optional<SharedCacheOptions>> read(const Variables& variables)
{
    return shared_cache_options([&](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string() : found->second;
    });
}

} // namespace

TEST_SUITE("core.cache.environment")
{
    TEST_CASE("no cache")
    {
        for (const Variables& variables : {
                 Variables{},
                 Variables{{"SLIPWAY_CACHE", ""}},
                 Variables{{"SLIPWAY_CACHE_WRITE", "nonsense"}, {"AWS_REGION", "eu-west-1"}},
             }) {
            const auto options = read(variables);
            REQUIRE(options);
            CHECK(!*options);
        }
    }

    TEST_CASE("HTTP")
    {
        auto options =
            read({{"SLIPWAY_CACHE", "http://u:p@h/a"}, {"AWS_ACCESS_KEY_ID", "other's"}});
        REQUIRE(options);
        REQUIRE(*options);
        CHECK((*options)->url == "http://u:p@h/a");
        CHECK(!(*options)->write);
        CHECK((*options)->access_key.empty());
        options = read(
            {{"SLIPWAY_CACHE", "https://h"},
             {"SLIPWAY_CACHE_WRITE", "1"},
             {"SLIPWAY_CACHE_CA", "/x/ca.pem"}}
        );
        REQUIRE(options);
        CHECK((*options)->write);
        CHECK((*options)->ca == "/x/ca.pem");
        CHECK(!(*read({{"SLIPWAY_CACHE", "http://h"}, {"SLIPWAY_CACHE_WRITE", "0"}}))->write);
    }

    TEST_CASE("S3")
    {
        Variables variables{
            {"SLIPWAY_CACHE", "s3://bucket/p"},
            {"SLIPWAY_CACHE_S3_ENDPOINT", "http://h:1"},
            {"AWS_ACCESS_KEY_ID", "id"},
            {"AWS_SECRET_ACCESS_KEY", "key"},
            {"AWS_SESSION_TOKEN", "token"},
            {"AWS_DEFAULT_REGION", "eu-west-1"}};
        auto options = read(variables);
        REQUIRE(options);
        CHECK((*options)->s3_endpoint == "http://h:1");
        CHECK((*options)->access_key == "id");
        CHECK((*options)->secret_key == "key");
        CHECK((*options)->session_token == "token");
        CHECK((*options)->s3_region == "eu-west-1");
        variables["AWS_REGION"] = "eu-west-2";
        CHECK((*read(variables))->s3_region == "eu-west-2");
    }

    TEST_CASE("nonsense is named, and not shown")
    {
        const Variables s3{
            {"SLIPWAY_CACHE", "s3://bucket"},
            {"AWS_ACCESS_KEY_ID", "id"},
            {"AWS_SECRET_ACCESS_KEY", "hunter2"}};
        const auto with = [](Variables variables, const std::string& name, std::string value) {
            variables[name] = std::move(value);
            return variables;
        };
        struct Row {
            Variables variables;
            std::string word;
        };
        const std::vector<Row> rows{
            {{{"SLIPWAY_CACHE", "hunter2"}}, "SLIPWAY_CACHE"},
            {{{"SLIPWAY_CACHE", "http://u:hunter2@h:x"}}, "port"},
            {{{"SLIPWAY_CACHE", "http://h"}, {"SLIPWAY_CACHE_WRITE", "hunter2"}},
             "SLIPWAY_CACHE_WRITE"},
            {{{"SLIPWAY_CACHE", "http://h"}, {"SLIPWAY_CACHE_CA", "hunter2.pem"}},
             "SLIPWAY_CACHE_CA"},
            {{{"SLIPWAY_CACHE", "http://h"}, {"SLIPWAY_CACHE_S3_ENDPOINT", "http://hunter2"}},
             "endpoint"},
            {with(s3, "AWS_ACCESS_KEY_ID", ""), "access key"},
            {with(s3, "AWS_SECRET_ACCESS_KEY", ""), "secret"},
            {with(s3, "AWS_ACCESS_KEY_ID", "hunter2 x"), "key"},
            {with(s3, "AWS_SECRET_ACCESS_KEY", "hunter2\r\nx"), "key"},
            {with(s3, "AWS_SESSION_TOKEN", "hunter2\n"), "token"},
            {with(s3, "AWS_REGION", "hunter2/"), "region"},
            {with(s3, "SLIPWAY_CACHE_S3_ENDPOINT", "hunter2"), "endpoint"},
        };
        for (const Row& row : rows) {
            const auto options = read(row.variables);
            REQUIRE(!options);
            CHECK(options.error().code == Errc::invalid_argument);
            const std::string all = describe(options.error()) + " " + options.error().hint;
            CAPTURE(all);
            CHECK(all.find(row.word) != std::string::npos);
            CHECK(all.find("hunter2") == std::string::npos);
        }
        CHECK(read(s3));
    }
}
