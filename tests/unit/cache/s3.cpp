#include "unit/cache/support.hpp"

using namespace slipway;
using namespace slipway::test;

namespace {

constexpr std::chrono::seconds midnight{1369353600}; // 2013-05-24T00:00:00Z

std::function<void(SharedCacheOptions&)> keys_for(const Recorder& server)
{
    return [endpoint = server.url("")](SharedCacheOptions& options) {
        options.s3_endpoint = endpoint;
        options.access_key = "the-access-key";
        options.secret_key = "the-secret-key";
        options.now = [] { return std::chrono::system_clock::time_point(midnight); };
    };
}

std::string error_of(const std::string& code)
{
    return "<?xml version=\"1.0\"?>\n<Error><Code>" + code + "</Code><Message>x</Message></Error>";
}

std::string in_bucket(std::string_view directory, std::string_view name)
{
    return "/bucket/p" + path_of(directory, name).substr(std::string("/cache").size());
}

} // namespace

TEST_SUITE("core.cache.s3")
{
    TEST_CASE("signed requests, path style")
    {
        const Recorder server([](const Seen& one) {
            return one.method == "GET" ? http("404 No", error_of("NoSuchKey")) : http("200 OK");
        });
        CacheRig rig("s3://bucket/p", keys_for(server));
        CHECK(!rig.get("a"));
        rig.put("a", "bytes");
        const auto seen = server.seen();
        REQUIRE(seen.size() == 2);
        CHECK(seen[0].path == in_bucket("results", "a"));
        CHECK(seen[0].field("x-amz-date") == "20130524T000000Z");
        CHECK(seen[0].field("x-amz-content-sha256") == core::to_hex(core::sha256("")));
        CHECK(contains(
            seen[0].field("Authorization"),
            "Credential=the-access-key/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="
        ));
        CHECK(seen[1].method == "PUT");
        CHECK(seen[1].body == "bytes");
        CHECK(seen[1].field("x-amz-content-sha256") == core::to_hex(core::sha256("bytes")));
        CHECK(contains(seen[1].field("Authorization"), "SignedHeaders=content-type;host;"));
        CHECK(rig.cache->report().missed == 1);
        CHECK(rig.cache->report().stored == 1);
    }

    TEST_CASE("a large object has the digest of all its bytes")
    {
        const Recorder server([](const Seen&) { return http("200 OK"); });
        CacheRig rig("s3://bucket/p", keys_for(server));
        const std::string bytes(3U << 20U, 'y');
        rig.put("a", bytes);
        const auto seen = server.seen();
        REQUIRE(seen.size() == 1);
        CHECK(seen[0].body == bytes);
        CHECK(seen[0].field("x-amz-content-sha256") == core::to_hex(core::sha256(bytes)));
    }

    TEST_CASE("what S3 means by its answers to a get")
    {
        struct Row {
            std::string answer, text;
            bool missed;
        };
        const std::vector<Row> rows{
            {http("404 No", error_of("NoSuchKey")), "", true},
            {http("404 No"), "", true},
            {http("403 No", error_of("AccessDenied")), "", true},
            {http("404 No", error_of("NoSuchBucket")), "no such bucket", false},
            {http("403 No", error_of("SignatureDoesNotMatch")), "secret key is not that", false},
            {http("403 No", error_of("InvalidAccessKeyId")), "access key is unknown", false},
            {http("403 No", error_of("RequestTimeTooSkewed")), "clock", false},
            {http("400 No", error_of("ExpiredToken")), "token has expired", false},
            {http("301 Moved", error_of("PermanentRedirect")), "another region", false},
            {http("503 Busy", error_of("SlowDown")), "too many requests", false},
            {http("403 No"), "HTTP 403", false},
            {http("403 No", "<Code>AccessDenied"), "", true},
            {http("403 No", error_of("Made.Up")), "HTTP 403: access is denied", false},
        };
        for (const Row& row : rows) {
            CAPTURE(row.answer);
            const Recorder server([&](const Seen&) { return row.answer; });
            CacheRig rig("s3://bucket/p", keys_for(server));
            CHECK(!rig.get("a", Kind::result, 1));
            const auto report = rig.cache->report();
            CHECK(report.missed == (row.missed ? 1 : 0));
            CHECK(report.failed == (row.missed ? 0 : 1));
            CAPTURE(report.last_failure);
            CHECK(contains(report.last_failure, row.text));
            CHECK(!contains(report.last_failure, "Made"));
        }
    }

    TEST_CASE("no directories are made, and a conflict is asked about")
    {
        const Recorder server([](const Seen& one) {
            return one.method == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
                                        : http("409 Conflict", error_of("OperationAborted"));
        });
        CacheRig rig("s3://bucket/p", keys_for(server));
        rig.put("a", "bytes");
        const std::string path = in_bucket("results", "a");
        CHECK(server.lines() == std::vector<std::string>{"PUT " + path, "HEAD " + path});
        CHECK(rig.cache->report().failed == 0);
    }
}

TEST_SUITE("core.cache.secrets")
{
    TEST_CASE("no report has a credential, whatever the server says")
    {
        const std::string password = "p4ss-word";
        const std::vector<std::string> secrets{
            password,
            "dXNlcjpwNHNzLXdvcmQ=",
            "the-secret-key",
            "the-session-token",
            "the-access-key"};
        // It says again what it was told, everywhere.
        const auto echo = [](const Seen& one) {
            const std::string told =
                one.field("Authorization") + " " + one.field("x-amz-security-token");
            const bool s3 = contains(told, "AWS4");
            const std::string kept = s3 ? " the-secret-key the-access-key " : " p4ss-word ";
            // What is long is cut: each comes first in turn.
            const auto turn = one.path[one.path.size() - 2] % 3;
            const std::string token = one.field("x-amz-security-token");
            const std::string all = turn == 0   ? kept + told
                                    : turn == 1 ? token + " " + kept
                                                : told + kept;
            const std::string fields = "X-Told: " + all + "\r\nLocation: http://" + all + "\r\n";
            const std::string body = error_of(all) + all;
            const auto last = one.path.back();
            if (last < '4') return http("403 " + all, body, fields);
            if (last < '8') return http("302 " + all, body, fields);
            if (last < 'c')
                return http("200 OK", body, fields + "Content-Encoding: " + all + "\r\n");
            return "HTTP/1.1 " + all + "\r\n" + all + "\r\n\r\n";
        };
        const Recorder server(echo);
        std::string url = server.url();
        url.insert(url.find("//") + 2, "user:" + password + "@");
        for (const bool s3 : {false, true}) {
            CacheRig rig(s3 ? "s3://bucket" : url, [&](SharedCacheOptions& options) {
                options.failures = 100;
                if (!s3) return;
                keys_for(server)(options);
                options.session_token = "the-session-token";
            });
            std::set<std::string> told;
            const auto check = [&](const std::string& text) {
                CAPTURE(text);
                if (contains(text, "HTTP")) told.insert(text.substr(text.rfind("HTTP")));
                for (const std::string& secret : secrets) {
                    CHECK(!contains(text, secret));
                }
            };
            for (int i = 0; i < 60; ++i) {
                rig.get("a" + std::to_string(i));
                check(rig.cache->report().last_failure);
                rig.put("b" + std::to_string(i), "bytes");
                check(rig.cache->report().last_failure);
            }
            CHECK(told.size() > 3);
            check(rig.cache->report().not_written);
            for (int i = 0; i < 200; ++i) { // until gets alone have failed often enough
                rig.get("c" + std::to_string(i));
            }
            CHECK(!rig.cache->report().left_alone.empty());
            check(rig.cache->report().left_alone);
        }
    }

    TEST_CASE("nor when nobody is reached")
    {
        for (const std::string host : {"127.0.0.1:1", "no-such-host.invalid"}) {
            CacheRig rig("http://user:p4ss-word@" + host + "/cache");
            for (int i = 0; i < 3; ++i) {
                rig.get("a");
            }
            CAPTURE(rig.cache->report().left_alone);
            CHECK(contains(rig.cache->report().left_alone, "http://" + host + "/cache: 3 failures")
            );
            CHECK(!contains(rig.cache->report().left_alone, "p4ss-word"));
            CHECK(!contains(rig.cache->report().left_alone, "user"));
        }
    }

    TEST_CASE("S3 without keys does not open")
    {
        boost::asio::io_context io;
        SharedCacheOptions options;
        options.url = "s3://bucket";
        options.secret_key = "the-secret-key";
        const auto cache = SharedCache::open(io.get_executor(), options);
        REQUIRE(!cache);
        CHECK(cache.error().code == Errc::invalid_argument);
        CHECK(!contains(describe(cache.error()), "the-secret-key"));
        CHECK(contains(cache.error().hint, "AWS_ACCESS_KEY_ID"));
    }
}
