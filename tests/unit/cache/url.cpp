#include "cache/cache_url.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::core;

namespace {

SharedCacheOptions with_url(std::string url)
{
    SharedCacheOptions options;
    options.url = std::move(url);
    return options;
}

} // namespace

TEST_SUITE("core.cache.url")
{
    TEST_CASE("addresses of HTTP")
    {
        struct Row {
            std::string url, host;
            int port;
            bool tls;
            std::string path, user, password, shown;
        };
        const std::vector<Row> rows{
            {"http://h", "h", 80, false, "", "", "", "http://h"},
            {"http://h/", "h", 80, false, "", "", "", "http://h"},
            {"https://h/a/b/", "h", 443, true, "/a/b", "", "", "https://h/a/b"},
            {"http://h:8080//a//b", "h", 8080, false, "/a/b", "", "", "http://h:8080/a/b"},
            {"https://h:443/a", "h", 443, true, "/a", "", "", "https://h/a"},
            {"http://[::1]:81/a", "::1", 81, false, "/a", "", "", "http://[::1]:81/a"},
            {"http://[::1]", "::1", 80, false, "", "", "", "http://[::1]"},
            {"http://u:p@h/a", "h", 80, false, "/a", "u", "p", "http://h/a"},
            {"http://u@h", "h", 80, false, "", "u", "", "http://h"},
            {"http://u:@h", "h", 80, false, "", "u", "", "http://h"},
            {"http://a%40b:p%3Aq%2f%25@h:1", "h", 1, false, "", "a@b", "p:q/%", "http://h:1"},
            {"http://u:p:q@h", "h", 80, false, "", "u", "p:q", "http://h"},
            {"http://u:p@q@h", "h", 80, false, "", "u", "p@q", "http://h"},
            {"http://h/a%20b/%7e:", "h", 80, false, "/a%20b/~%3A", "", "", "http://h/a%20b/~%3A"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.url);
            const auto place = cache::parse_place(with_url(row.url));
            REQUIRE(place);
            CHECK(place->server.host == row.host);
            CHECK(place->server.port == row.port);
            CHECK(place->server.tls.has_value() == row.tls);
            CHECK(place->server.base_path.empty());
            CHECK(place->path == row.path);
            CHECK(place->has_user == !row.user.empty());
            CHECK(place->user == row.user);
            CHECK(place->password == row.password);
            CHECK(place->shown == row.shown);
            CHECK(!place->s3);
        }
        auto options = with_url("https://h");
        options.ca = "/x/ca.pem";
        CHECK(cache::parse_place(options)->server.tls->ca == "/x/ca.pem");
    }

    TEST_CASE("buckets of S3")
    {
        struct Row {
            std::string url, endpoint, region, host;
            int port;
            bool tls;
            std::string path, shown;
        };
        const std::vector<Row> rows{
            {"s3://bucket",
             "",
             "",
             "bucket.s3.us-east-1.amazonaws.com",
             443,
             true,
             "",
             "s3://bucket"},
            {"s3://bucket/a/c/",
             "",
             "eu-west-1",
             "bucket.s3.eu-west-1.amazonaws.com",
             443,
             true,
             "/a/c",
             "s3://bucket/a/c"},
            {"s3://bucket",
             "",
             "cn-north-1",
             "bucket.s3.cn-north-1.amazonaws.com.cn",
             443,
             true,
             "",
             "s3://bucket"},
            {"s3://my.bucket/p",
             "",
             "",
             "s3.us-east-1.amazonaws.com",
             443,
             true,
             "/my.bucket/p",
             "s3://my.bucket/p"},
            {"s3://bucket/p%20q",
             "http://127.0.0.1:4568",
             "",
             "127.0.0.1",
             4568,
             false,
             "/bucket/p%20q",
             "s3://bucket/p%20q at http://127.0.0.1:4568"},
            {"s3://bucket",
             "https://h/",
             "",
             "h",
             443,
             true,
             "/bucket",
             "s3://bucket at https://h"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.url);
            auto options = with_url(row.url);
            options.s3_endpoint = row.endpoint;
            options.s3_region = row.region;
            options.ca = "/x/ca.pem";
            const auto place = cache::parse_place(options);
            REQUIRE(place);
            CHECK(place->s3);
            CHECK(place->server.host == row.host);
            CHECK(place->server.port == row.port);
            CHECK(place->server.tls.has_value() == row.tls);
            if (row.tls) CHECK(place->server.tls->ca == "/x/ca.pem");
            CHECK(place->path == row.path);
            CHECK(place->shown == row.shown);
        }
    }

    TEST_CASE("what is no address: told without a word of it")
    {
        const std::string secret = "hunter2";
        const std::vector<std::string> urls{
            "",
            "hunter2",
            "ftp://u:hunter2@h",
            "HTTP://u:hunter2@h",
            "http://",
            "http:///hunter2",
            "http://u:hunter2@",
            "http://u:hunter2@:80",
            "http://u:hunter2@h:0",
            "http://u:hunter2@h:65536",
            "http://u:hunter2@h:",
            "http://u:hunter2@h:8o",
            "http://u:hunter2/x@h",
            "http://u:hunter2?x@h",
            "http://u:hunter2#x@h",
            "http://u:hunter2 @h",
            "http://u:hunter2\n@h",
            "http://u:hunter2%@h",
            "http://u:hunter2%4@h",
            "http://u:hunter2%zz@h",
            "http://u:hunter2%0a@h",
            "http://u:hunter2%00@h",
            "http://:hunter2@h",
            "http://a%3Ab:hunter2@h",
            "http://hunter2:x",
            "http://u:hunter2@h/a?b",
            "http://u:hunter2@h/%",
            "http://u:hunter2@h/../a",
            "http://u:hunter2@h/a/%2e%2e/b",
            "http://u:hunter2@[::1",
            "http://u:hunter2@[::1]x",
            "http://u:hunter2@[h]",
            "http://u:hunter2@[12]",
            "http://u:hunter2@a,b",
            "http://u:hunter2@a\xc3\xa4",
            "s3://",
            "s3://ab",
            "s3://Bucket-hunter2",
            "s3://-bucket",
            "s3://bucket.",
            "s3://a..b",
            "s3://u:hunter2@bucket",
            "s3://bucket/a b",
            "s3://bucket/../hunter2",
            "s3://bucket/%zz",
            "s3://bucket?hunter2",
            "s3://" + std::string(64, 'a'),
        };
        for (const std::string& url : urls) {
            CAPTURE(url);
            const auto place = cache::parse_place(with_url(url));
            REQUIRE(!place);
            CHECK(place.error().code == Errc::invalid_argument);
            const std::string all = describe(place.error()) + place.error().hint;
            CHECK(all.find(secret) == std::string::npos);
            CHECK(all.find('\n') == std::string::npos);
            CHECK(!place.error().hint.empty());
        }
    }

    TEST_CASE("endpoints and regions that are none")
    {
        const auto refused = [](std::string url, std::string endpoint, std::string region) {
            auto options = with_url(std::move(url));
            options.s3_endpoint = std::move(endpoint);
            options.s3_region = std::move(region);
            const auto place = cache::parse_place(options);
            return !place && place.error().code == Errc::invalid_argument
                   && describe(place.error()).find("hunter2") == std::string::npos;
        };
        CHECK(refused("s3://bucket", "h:80", ""));
        CHECK(refused("s3://bucket", "http://u:hunter2@h", ""));
        CHECK(refused("s3://bucket", "http://h/path", ""));
        CHECK(refused("s3://bucket", "s3://h", ""));
        CHECK(refused("s3://bucket", "", "evil.example/"));
        CHECK(refused("s3://bucket", "", "EU"));
        CHECK(refused("http://h", "http://h", ""));
        CHECK(!refused("s3://bucket", "http://h", "eu"));
    }
}
