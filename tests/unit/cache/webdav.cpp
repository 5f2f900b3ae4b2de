#include "unit/cache/support.hpp"

using namespace slipway;
using namespace slipway::test;
using Lines = std::vector<std::string>;

TEST_SUITE("core.cache.webdav")
{
    TEST_CASE("what is asked for, and what it means")
    {
        const Recorder server([](const Seen& one) {
            return one.path == path_of("blobs", "a") ? http("200 OK", "bytes") : http("404 No");
        });
        CacheRig rig(server.url());
        CHECK(rig.get("a", Kind::blob) == "bytes");
        CHECK(!rig.get("a", Kind::result));
        CHECK(!rig.get("b", Kind::note));
        CHECK(
            server.lines()
            == Lines{"GET " + path_of("blobs", "a"), "GET " + path_of("results", "a"), "GET " + path_of("notes", "b")}
        );
        const auto report = rig.cache->report();
        CHECK(report.found == 1);
        CHECK(report.missed == 2);
        CHECK(report.failed == 0);
        CHECK(report.bytes_in == 5);
        CHECK(report.left_alone.empty());
        CHECK(report.last_failure.empty());
        CHECK(server.server().connections() == 1);
        CHECK(server.seen()[0].field("Authorization") == "none");
        CHECK(contains(server.url(), server.seen()[0].field("Host")));
    }

    TEST_CASE("misses in a row are none of failure")
    {
        const Recorder server([](const Seen&) { return http("404 No"); });
        CacheRig rig(server.url());
        for (int i = 0; i < 10; ++i) {
            CHECK(!rig.get("a"));
        }
        CHECK(rig.cache->report().missed == 10);
        CHECK(rig.cache->report().left_alone.empty());
    }

    TEST_CASE("a short and a long object are sent in one piece with their length")
    {
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{5}, std::size_t{60000}, std::size_t{3} << 20U}) {
            CAPTURE(size);
            const Recorder server([](const Seen& one) {
                return http(one.method == "PUT" ? "201 Created" : "404 No");
            });
            CacheRig rig(server.url());
            const std::string bytes(size, 'x');
            rig.put("a", bytes);
            REQUIRE(server.lines() == Lines{"PUT " + path_of("results", "a")});
            const Seen put = server.seen()[0];
            CHECK(put.body == bytes);
            CHECK(put.field("Content-Length") == std::to_string(size));
            CHECK(put.field("Content-Type") == "application/octet-stream");
            CHECK(put.field("Transfer-Encoding") == "none");
            CHECK(rig.cache->report().stored == 1);
            CHECK(rig.cache->report().bytes_out == size);
        }
    }

    TEST_CASE("one that is only read is never written")
    {
        const Recorder server([](const Seen&) { return http("404 No"); });
        CacheRig rig(server.url(), [](SharedCacheOptions& options) { options.write = false; });
        rig.put("a", "bytes");
        rig.put("a", std::string(1U << 20U, 'x'), Kind::blob);
        CHECK(!rig.get("a"));
        CHECK(server.lines() == Lines{"GET " + path_of("results", "a")});
        CHECK(rig.cache->report().stored == 0);
        CHECK(rig.cache->report().failed == 0);
    }

    TEST_CASE("a large blob that is there is not sent again")
    {
        const std::string bytes(100'000, 'x');
        std::string length = "100000";
        const Recorder server([&](const Seen& one) {
            if (one.method == "HEAD")
                return "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n";
            return one.method == "GET" ? http("200 OK", "damaged") : http("204 Done");
        });
        CacheRig rig(server.url());
        const std::string head = "HEAD " + path_of("blobs", "a");
        const std::string put = "PUT " + path_of("blobs", "a");
        rig.put("a", bytes, Kind::blob);
        CHECK(server.lines() == Lines{head});
        CHECK(rig.cache->report().stored == 0);
        SUBCASE("one of another length is")
        {
            length = "99999";
            rig.put("a", bytes, Kind::blob);
            CHECK(server.lines() == Lines{head, head, put});
        }
        SUBCASE("one that was of no use to us is, too")
        {
            CHECK(rig.get("a", Kind::blob) == "damaged");
            rig.put("a", bytes, Kind::blob);
            CHECK(server.lines() == Lines{head, "GET " + path_of("blobs", "a"), put});
            CHECK(rig.cache->report().stored == 1);
        }
        SUBCASE("results and notes are")
        {
            rig.put("a", bytes, Kind::result);
            CHECK(server.lines().back() == "PUT " + path_of("results", "a"));
        }
        CHECK(rig.cache->report().failed == 0);
    }

    TEST_CASE("directories are made when the server wants that, once")
    {
        for (const std::string refusal :
             {"405 No", "409 Conflict", "404 Not Found", "500 Internal Server Error"}) {
            CAPTURE(refusal);
            std::set<std::string> there{"/"};
            std::mutex mutex;
            const Recorder server([&](const Seen& one) {
                const std::lock_guard lock(mutex);
                const auto parent = [](std::string path) {
                    if (path.ends_with('/')) path.pop_back();
                    return path.substr(0, path.rfind('/') + 1);
                };
                if (!there.contains(parent(one.path))) return http(refusal);
                if (one.method == "MKCOL" && there.contains(one.path)) return http("405 There");
                there.insert(one.path);
                return http("201 Created");
            });
            CacheRig rig(server.url("/cache/below"));
            rig.put("a", "bytes");
            const std::string path =
                "/cache/below" + path_of("results", "a").substr(std::string("/cache").size());
            const std::string collection = path.substr(0, path.rfind('/') + 1);
            CHECK(
                server.lines()
                == Lines{"PUT " + path, "MKCOL /cache/", "MKCOL /cache/below/", "MKCOL /cache/below/results/", "MKCOL " + collection, "PUT " + path}
            );
            rig.put("a", "bytes");
            CHECK(server.lines().size() == 7);
            rig.put("a", "bytes", Kind::note);
            CHECK(server.lines().size() == 11);
            CHECK(rig.cache->report().stored == 3);
            CHECK(rig.cache->report().failed == 0);
        }
    }

    TEST_CASE("an object that is there already is no failure")
    {
        for (const std::string refusal : {"409 Conflict", "405 No", "412 Precondition Failed"}) {
            CAPTURE(refusal);
            const Recorder server([&](const Seen& one) {
                if (one.method == "HEAD")
                    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
                return http(refusal);
            });
            CacheRig rig(server.url());
            rig.put("a", "bytes");
            CHECK(rig.cache->report().failed == 0);
            CHECK(rig.cache->report().not_written.empty());
        }
    }

    TEST_CASE("who may not write still reads")
    {
        struct Row {
            std::string answer, text;
        };
        const std::vector<Row> rows{
            {"403 Forbidden", "HTTP 403: access is denied"},
            {"401 Unauthorized", "HTTP 401: it wants a user"},
            {"405 Not Allowed", "HTTP 405: it does not take files"},
            {"409 Conflict", "HTTP 409: it does not make directories"},
            {"507 Insufficient Storage", "HTTP 507: its disk is full"}};
        for (const Row& row : rows) {
            CAPTURE(row.answer);
            const Recorder server([&](const Seen& one) {
                return one.method == "GET" ? http("200 OK", "bytes")
                                           : http(one.method == "HEAD" ? "404 No" : row.answer);
            });
            CacheRig rig(server.url());
            for (int i = 0; i < 5; ++i) {
                rig.put("a" + std::to_string(i), "bytes");
            }
            const auto report = rig.cache->report();
            CHECK(report.failed == 3);
            CHECK(report.stored == 0);
            CHECK(contains(
                report.not_written, "3 failures in a row, the last one: PUT /cache/results/"
            ));
            CHECK(contains(report.not_written, row.text));
            CHECK(report.left_alone.empty());
            CHECK(rig.get("a") == "bytes");
        }
    }

    TEST_CASE("an object that is too large for the server is that object's matter")
    {
        const Recorder server([](const Seen& one) {
            return one.body.size() > 100 ? http("413 Too Large") : http("201 Created");
        });
        CacheRig rig(server.url());
        for (int i = 0; i < 5; ++i) {
            rig.put("a", std::string(200, 'x'));
        }
        rig.put("b", "bytes");
        CHECK(rig.cache->report().failed == 5);
        CHECK(rig.cache->report().stored == 1);
        CHECK(rig.cache->report().not_written.empty());
        CHECK(contains(rig.cache->report().last_failure, "too large"));
    }

    TEST_CASE("Basic: what was percent-encoded")
    {
        const Recorder server([](const Seen&) { return http("404 No"); });
        std::string url = server.url();
        url.insert(url.find("//") + 2, "us%65r:p%40ss@");
        CacheRig rig(url);
        rig.get("a");
        CHECK(server.seen()[0].field("Authorization") == "Basic dXNlcjpwQHNz");
    }

    TEST_CASE("https, by the named authority and no other")
    {
        const Recorder server([](const Seen&) { return http("200 OK", "bytes"); }, Road::tls);
        CacheRig trusted(server.url(), [](SharedCacheOptions& options) {
            options.ca = fake_pki().path("ca.pem");
        });
        CHECK(trusted.get("a") == "bytes");
        CacheRig stranger(server.url());
        CHECK(!stranger.get("a"));
        CHECK(contains(
            stranger.cache->report().last_failure, "the server's certificate is not trusted"
        ));
        CHECK(!contains(stranger.cache->report().last_failure, "engine"));
        CacheRig missing(server.url(), [](SharedCacheOptions& options) {
            options.ca = "/nowhere/ca.pem";
        });
        CHECK(!missing.get("a"));
        CHECK(contains(missing.cache->report().last_failure, "/nowhere/ca.pem"));
    }
}
