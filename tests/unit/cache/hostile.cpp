#include "unit/cache/support.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

using namespace slipway;
using namespace slipway::test;

namespace {

// Far more than the limits of a rig allow, and far less than a hang.
constexpr std::chrono::seconds no_hang(20);

std::string s(const char* text)
{
    return text;
}

} // namespace

TEST_SUITE("core.cache.hostile")
{
    TEST_CASE("whatever comes, a get ends with nothing, in time")
    {
        const std::string head = "HTTP/1.1 200 OK\r\n";
        struct Row {
            std::string title;
            FakeEngine::Script script;
            std::string text;
        };
        const std::vector<Row> rows{
            {"cut in its body",
             answer_once(head + "Content-Length: 100\r\n\r\nabc"),
             "in the middle of its answer"},
            {"cut in a chunk",
             answer_once(head + "Transfer-Encoding: chunked\r\n\r\n64\r\nabc"),
             "in the middle of its answer"},
            {"cut in its header", answer_once("HTTP/1.1 200 O"), "in the header"},
            {"no answer at all", answer_once(""), "without an answer"},
            {"reset",
             [](FakePeer& peer) {
                 peer.head();
                 peer.reset();
             },
             "GET /cache/results/"},
            {"reset in the body",
             [=](FakePeer& peer) {
                 peer.head();
                 peer.send(head + "Content-Length: 100\r\n\r\nabc");
                 peer.reset();
             },
             "GET /cache/results/"},
            {"silent", [](FakePeer& peer) { peer.head(), peer.stall(); }, "2 s"},
            {"silent in the header",
             [](FakePeer& peer) { peer.head(), peer.send("HTTP/1.1 2"), peer.stall(); },
             "2 s"},
            {"silent in the body",
             [=](FakePeer& peer) {
                 peer.head(), peer.send(head + "Content-Length: 9\r\n\r\nabc"), peer.stall();
             },
             "2 s"},
            {"a header byte by byte",
             [](FakePeer& peer) {
                 peer.head();
                 for (int i = 0; i < 900 && peer.send(i == 0 ? "HTTP/1.1 200 OK\r\nX: " : "x");
                      ++i) {
                     std::this_thread::sleep_for(20ms);
                 }
             },
             "2 s"},
            {"a body byte by byte",
             [=](FakePeer& peer) {
                 peer.head();
                 peer.send(head + "Content-Length: 1000\r\n\r\n");
                 for (int i = 0; i < 900 && peer.send("x"); ++i) {
                     std::this_thread::sleep_for(20ms);
                 }
             },
             "slower than 32768 bytes a second"},
            {"interim answers for ever",
             [](FakePeer& peer) {
                 peer.head();
                 while (peer.send("HTTP/1.1 100 Continue\r\n\r\n")) {
                 }
             },
             "interim answers without end"},
            {"a body without end",
             [=](FakePeer& peer) {
                 peer.head();
                 peer.send(head + "\r\n");
                 while (peer.send(std::string(65536, 'x'))) {
                 }
             },
             "more than 1048576 bytes"},
            {"chunks without end",
             [=](FakePeer& peer) {
                 peer.head();
                 peer.send(head + "Transfer-Encoding: chunked\r\n\r\n");
                 while (peer.send("10000\r\n" + std::string(65536, 'x') + "\r\n")) {
                 }
             },
             "more than 1048576 bytes"},
            {"one byte too many",
             answer(http("200 OK", std::string((1U << 20U) + 1, 'x'))),
             "more than 1048576 bytes"},
            {"a header without end",
             [=](FakePeer& peer) {
                 peer.head();
                 peer.send(head);
                 while (peer.send("X-A: " + std::string(8000, 'x') + "\r\n")) {
                 }
             },
             "larger than 256 KiB"},
            {"no HTTP", answer_once("SSH-2.0-OpenSSH_9.2\r\n"), "not a valid HTTP answer"},
            {"zeroes", answer_once(std::string(1000, '\0')), "not a valid HTTP answer"},
            {"a length that is none",
             answer_once(head + "Content-Length: lots\r\n\r\nabc"),
             "not a valid HTTP answer"},
            {"two lengths",
             answer_once(head + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
             "not a valid HTTP answer"},
            {"a chunk that is none",
             answer_once(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"),
             "not a valid HTTP answer"},
            {"compressed",
             answer(http("200 OK", "abc", "Content-Encoding: gzip\r\n")),
             "compressed with gzip"},
            {"another protocol",
             answer_once("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
             "changed the protocol"},
            {"a redirect",
             answer(http("302 Found", "", "Location: http://127.0.0.1:1/\r\n")),
             "HTTP 302: it redirects"},
            {"a failure", answer(http("500 Oh")), "HTTP 500"},
            {"out of order", answer(http("503 Busy")), "HTTP 503"},
            {"a part", answer(http("206 Partial", "abc")), "HTTP 206"},
            {"nothing new", answer(s("HTTP/1.1 304 Not Modified\r\n\r\n")), "HTTP 304"},
            {"no user", answer(http("401 Who")), "HTTP 401: it wants a user"},
            {"forbidden", answer(http("403 No")), "HTTP 403: access is denied"},
        };
        std::vector<std::thread> threads;
        std::vector<std::function<void()>> checks(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            threads.emplace_back([&, i] {
                const FakeEngine server(Road::tcp, {rows[i].script});
                boost::asio::io_context io;
                auto cache = SharedCache::open(
                    io.get_executor(), CacheRig::options(url_of(server), short_limits)
                );
                const StopWatch watch;
                auto got = run(io, (*cache)->get(Kind::result, name_of("a"), 1U << 20U));
                const auto passed = watch.passed();
                const auto report = (*cache)->report();
                checks[i] = [&row = rows[i], got, passed, report] {
                    CAPTURE(row.title);
                    REQUIRE(got);
                    CHECK(!*got);
                    CHECK(passed < no_hang);
                    CHECK(report.failed == 1);
                    CHECK(report.found == 0);
                    CHECK(report.missed == 0);
                    CHECK(report.left_alone.empty());
                    CAPTURE(report.last_failure);
                    CHECK(contains(report.last_failure, row.text));
                    CHECK(contains(report.last_failure, "GET /cache/results/"));
                    CHECK(!contains(report.last_failure, "engine"));
                    CHECK(!contains(report.last_failure, "\n"));
                };
            });
        }
        for (auto& thread : threads)
            thread.join();
        for (const auto& check : checks)
            check();
    }

    TEST_CASE("a body of the wrong length is given as it is, and the connection is not used again")
    {
        const FakeEngine server(
            Road::tcp,
            {answer_once("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdefHTTP/1.1 200 OK\r\n"),
             answer(http("200 OK", "good"))}
        );
        CacheRig rig(url_of(server));
        CHECK(rig.get("a") == "abc");
        CHECK(rig.get("a") == "good");
        CHECK(server.connections() == 2);
    }

    TEST_CASE("a put against servers that do not take it ends in time")
    {
        const std::string bytes(8U << 20U, 'x');
        struct Row {
            std::string title;
            FakeEngine::Script script;
        };
        const std::vector<Row> rows{
            {"reads nothing", [](FakePeer& peer) { peer.head(), peer.stall(); }},
            {"resets",
             [](FakePeer& peer) {
                 peer.head();
                 peer.reset();
             }},
            {"says yes to a part",
             [](FakePeer& peer) {
                 peer.head();
                 peer.read(1000);
                 peer.send(http("201 Created"));
                 peer.stall();
             }},
            {"takes all, and says nothing",
             [&](FakePeer& peer) {
                 peer.head();
                 peer.read(bytes.size());
                 peer.stall();
             }},
            {"fails early",
             [](FakePeer& peer) {
                 peer.head();
                 peer.send(http("500 Oh", "", "Connection: close\r\n"));
                 peer.close_after_client();
             }},
        };
        for (const Row& row : rows) {
            CAPTURE(row.title);
            const FakeEngine server(Road::tcp, {row.script});
            CacheRig rig(url_of(server), short_limits);
            const StopWatch watch;
            rig.put("a", bytes);
            CHECK(watch.passed() < no_hang);
            CHECK(rig.cache->report().stored == 0);
            CHECK(rig.cache->report().failed == 1);
        }
    }

    TEST_CASE("a connection that the server has closed meanwhile is no failure")
    {
        const FakeEngine server(Road::tcp, {[](FakePeer& peer) {
                                    const std::string head = peer.head();
                                    if (head.starts_with("PUT")) peer.read(5);
                                    peer.send(http(head.starts_with("PUT") ? "201 Yes" : "404 No"));
                                    peer.head(); // the next one is not answered
                                }});
        CacheRig rig(url_of(server));
        CHECK(!rig.get("a"));
        CHECK(!rig.get("b"));
        rig.put("c", "bytes");
        rig.put("d", "bytes");
        const auto report = rig.cache->report();
        CHECK(report.missed == 2);
        CHECK(report.stored == 2);
        CHECK(report.failed == 0);
        CHECK(server.connections() == 4);
    }

    TEST_CASE("after failures in a row it is left alone")
    {
        std::atomic<int> asked = 0;
        std::atomic<bool> good = false;
        const Recorder server([&](const Seen&) {
            ++asked;
            return good ? http("200 OK", "bytes") : http("500 Oh");
        });
        CacheRig rig(server.url());
        rig.get("a");
        rig.get("a");
        good = true;
        CHECK(rig.get("a")); // not in a row
        good = false;
        rig.get("a");
        rig.put("a", "bytes");
        CHECK(rig.cache->report().left_alone.empty());
        rig.get("a");
        const auto report = rig.cache->report();
        CHECK(
            report.left_alone
            == server.url() + ": 3 failures in a row, the last one: GET " + path_of("results", "a")
                   + ": HTTP 500"
        );
        CHECK(report.failed == 5);
        good = true;
        const int before = asked;
        CHECK(!rig.get("a"));
        rig.put("a", "bytes");
        CHECK(asked == before);
        CHECK(rig.cache->report().failed == 5);
    }

    TEST_CASE("nobody listens: told, and left alone")
    {
        std::string url;
        {
            const FakeEngine server(Road::tcp, {answer("")});
            url = url_of(server);
        }
        CacheRig rig(url);
        for (int i = 0; i < 5; ++i) {
            CHECK(!rig.get("a"));
        }
        CHECK(rig.cache->report().failed == 3);
        CHECK(contains(rig.cache->report().left_alone, "refused"));
        CHECK(!contains(rig.cache->report().left_alone, "tcp://"));
    }

    TEST_CASE("answers that always come late")
    {
        const Recorder server([](const Seen&) {
            std::this_thread::sleep_for(1100ms);
            return http("200 OK", "bytes");
        });
        CacheRig rig(server.url(), short_limits);
        for (int i = 0; i < 3; ++i) {
            CHECK(rig.get("a") == "bytes"); // they are of use all the same
        }
        CHECK(contains(rig.cache->report().left_alone, "an answer took "));
        CHECK(rig.cache->report().failed == 0);
        const StopWatch watch;
        CHECK(!rig.get("a"));
        CHECK(watch.passed() < 500ms);
    }

    TEST_CASE("many at once wait for a dead server about as long as one")
    {
        struct Row {
            std::string title;
            FakeEngine::Script script;
        };
        const std::vector<Row> rows{
            {"silent", [](FakePeer& peer) { peer.head(), peer.stall(); }},
            {"answers three times, then is silent", [](FakePeer& peer) {
                 for (int i = 0; i < 3; ++i) {
                     peer.head();
                     peer.send(http("404 No"));
                 }
                 peer.head();
                 peer.stall();
             }}};
        for (const Row& row : rows) {
            CAPTURE(row.title);
            const FakeEngine server(Road::tcp, {row.script});
            CacheRig rig(url_of(server), short_limits);
            const auto executor = rig.io.get_executor();
            const StopWatch watch;
            const auto all = [&]() -> Task<> {
                std::vector<engine::Child> children;
                for (int i = 0; i < 500; ++i) {
                    const auto one = [](std::shared_ptr<SharedCache> cache, int number) -> Task<> {
                        const std::string name = "a" + std::to_string(number);
                        CO_TRY(
                            const auto got, co_await cache->get(Kind::result, name_of(name), 1000)
                        );
                        if (got) co_return fail(Errc::internal, "found");
                        co_return ok();
                    };
                    children.emplace_back(executor, one(rig.cache, i));
                }
                for (auto& child : children) {
                    CO_CHECK(co_await child.join());
                }
                co_return ok();
            };
            REQUIRE(run(rig.io, all()));
            CHECK(watch.passed() >= 2s);
            CHECK(watch.passed() < 3500ms);
            CHECK(contains(rig.cache->report().left_alone, "3 failures in a row"));
            CHECK(rig.cache->report().failed < 100);
        }
    }

    TEST_CASE("who has asked later is not kept when the others have given it up")
    {
        const FakeEngine server(Road::tcp, {[](FakePeer& peer) { peer.head(), peer.stall(); }});
        CacheRig rig(url_of(server), short_limits);
        const auto executor = rig.io.get_executor();
        const StopWatch watch;
        const auto all = [&]() -> Task<> {
            const auto one = [](std::shared_ptr<SharedCache> cache) -> Task<> {
                CO_CHECK(co_await cache->get(Kind::result, name_of("a"), 1000));
                co_return ok();
            };
            std::vector<engine::Child> children;
            children.reserve(4);
            for (int i = 0; i < 3; ++i) {
                children.emplace_back(executor, one(rig.cache));
            }
            boost::asio::steady_timer timer(executor, 1500ms);
            co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
            children.emplace_back(executor, one(rig.cache));
            for (auto& child : children) {
                CO_CHECK(co_await child.join());
            }
            co_return ok();
        };
        REQUIRE(run(rig.io, all()));
        CHECK(watch.passed() >= 2s);
        CHECK(watch.passed() < 3s); // alone it would have waited until 3.5 s
        CHECK(rig.cache->report().failed == 4);
    }

    TEST_CASE("no more than sixteen at a time, and each gets its own")
    {
        std::mutex mutex;
        int now = 0;
        int most = 0;
        const Recorder server([&](const Seen& one) {
            {
                const std::lock_guard lock(mutex);
                most = std::max(most, ++now);
            }
            std::this_thread::sleep_for(2ms);
            const std::lock_guard lock(mutex);
            --now;
            return http("200 OK", one.path);
        });
        CacheRig rig(server.url());
        const auto executor = rig.io.get_executor();
        const auto all = [&]() -> Task<> {
            std::vector<engine::Child> children;
            for (int i = 0; i < 300; ++i) {
                const auto one = [](std::shared_ptr<SharedCache> cache, int number) -> Task<> {
                    const std::string name = "a" + std::to_string(number);
                    CO_TRY(const auto got, co_await cache->get(Kind::result, name_of(name), 1000));
                    if (got != path_of("results", name)) co_return fail(Errc::internal, "another");
                    co_return ok();
                };
                children.emplace_back(executor, one(rig.cache, i));
            }
            for (auto& child : children) {
                CO_CHECK(co_await child.join());
            }
            co_return ok();
        };
        REQUIRE(run(rig.io, all()));
        CHECK(rig.cache->report().found == 300);
        CHECK(most > 1);
        CHECK(most <= 16);
        CHECK(server.server().connections() <= 16);
    }

    TEST_CASE("cancelled: at once, wherever it waits, and no failure of the server")
    {
        const FakeEngine server(Road::tcp, {[](FakePeer& peer) { peer.head(), peer.stall(); }});
        CacheRig rig(url_of(server), [](SharedCacheOptions& options) {
            options.answer_limit = 20s;
        });
        const auto executor = rig.io.get_executor();
        const StopWatch watch;
        const auto all = [&]() -> Task<> {
            std::vector<engine::Child> children;
            for (int i = 0; i < 40; ++i) { // of which sixteen ask, and the others wait
                const auto get = [](std::shared_ptr<SharedCache> cache) -> Task<> {
                    CO_CHECK(co_await cache->get(Kind::result, name_of("a"), 1000));
                    co_return ok();
                };
                const auto put = [](std::shared_ptr<SharedCache> cache) -> Task<> {
                    co_return co_await cache->put(Kind::result, name_of("a"), "bytes");
                };
                children.emplace_back(executor, i % 2 == 0 ? get(rig.cache) : put(rig.cache));
            }
            boost::asio::steady_timer timer(executor, 200ms);
            co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
            for (auto& child : children) {
                child.cancel();
            }
            for (auto& child : children) {
                const auto ended = co_await child.wait();
                if (ended || ended.error().code != Errc::cancelled) {
                    co_return fail(Errc::internal, "not cancelled");
                }
            }
            co_return ok();
        };
        const auto done = run(rig.io, all());
        CHECK(done);
        CHECK(watch.passed() < 5s);
        CHECK(rig.cache->report().failed == 0);
        CHECK(rig.cache->report().left_alone.empty());
    }

    TEST_CASE("a cache that is dropped while it is asked")
    {
        const FakeEngine server(Road::tcp, {[](FakePeer& peer) {
                                    peer.head();
                                    std::this_thread::sleep_for(100ms);
                                    peer.send(http("200 OK", "bytes"));
                                }});
        CacheRig rig(url_of(server));
        auto task = rig.cache->get(Kind::result, name_of("a"), 1000);
        rig.cache.reset();
        const auto got = run(rig.io, std::move(task));
        REQUIRE(got);
        CHECK(*got == "bytes");
    }

    TEST_CASE("options that leave no time or no failure")
    {
        boost::asio::io_context io;
        const std::vector<std::function<void(SharedCacheOptions&)>> changes{
            [](SharedCacheOptions& options) { options.failures = 0; },
            [](SharedCacheOptions& options) { options.connect_limit = 0ms; },
            [](SharedCacheOptions& options) { options.answer_limit = -1ms; },
        };
        for (const auto& change : changes) {
            const auto cache =
                SharedCache::open(io.get_executor(), CacheRig::options("http://h", change));
            REQUIRE(!cache);
            CHECK(cache.error().code == Errc::invalid_argument);
        }
    }
}
