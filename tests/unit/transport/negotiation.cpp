#include "unit/transport/pongs.hpp"

using namespace slipway;
using namespace slipway::test;

namespace {

Result<engine::Client> connect_to(
    boost::asio::io_context& io,
    const FakeEngine& fake,
    engine::ClientOptions options = generous_options()
)
{
    return run(io, engine::Client::connect(io.get_executor(), fake.endpoint(), options));
}

} // namespace

TEST_SUITE("engine.client.negotiation")
{
    TEST_CASE("the ping's headers tell who is there")
    {
        struct Row {
            std::string pong;
            engine::EngineKind kind;
            engine::ApiVersion api;
            std::string os;
            int builder;
            bool hides_exit_code;
        };
        const std::vector<Row> rows{
            {docker_20, engine::EngineKind::docker, {1, 41}, "linux", 1, false},
            {docker_28, engine::EngineKind::docker, {1, 51}, "linux", 2, false},
            {podman_4, engine::EngineKind::podman, {1, 41}, "", 1, true},
            {podman_5, engine::EngineKind::podman, {1, 44}, "linux", 1, false},
        };
        for (const Road road : all_roads) {
            for (const auto& row : rows) {
                CAPTURE(std::string(name(road)));
                const FakeEngine fake(road, {answer(row.pong)});
                boost::asio::io_context io;
                const auto client =
                    run(io, engine::Client::connect(io.get_executor(), fake.endpoint()));
                REQUIRE_MESSAGE(client.has_value(), describe(client.error()));
                const auto& traits = client->traits();
                CHECK(traits.kind == row.kind);
                CHECK(traits.api == row.api);
                CHECK(traits.os == row.os);
                CHECK(traits.builder_version == row.builder);
                CHECK(traits.auto_remove_hides_exit_code == row.hides_exit_code);
                const bool podman = row.kind == engine::EngineKind::podman;
                CHECK(traits.put_archive_makes_directories == podman);
                CHECK(traits.missing_bind_source_is_created == podman);
                CHECK(traits.pull_ends_with_a_layer == podman);
                CHECK(traits.events_have_libpod_names == podman);
                CHECK(traits.past_events_need_an_open_end == podman);
                CHECK(traits.network_remove_by_id_ignores_use == podman);
                CHECK(traits.volume_filters_are_alternatives == podman);
                CHECK(traits.follow_may_lose_the_end == podman);
                CHECK(traits.can_swarm == !podman);
                CHECK(traits.can_prune_build_cache == !podman);
                CHECK(traits.can_inspect_distribution == !podman);
                CHECK(traits.can_update_containers == (row.pong != podman_4));
                CHECK(traits.volume_prune_spares_named == (row.pong == docker_28));
                const auto tagged = !podman                ? engine::PruneTagged::with_dangling
                                    : row.pong == podman_4 ? engine::PruneTagged::refused
                                                           : engine::PruneTagged::alone;
                CHECK(traits.prune_tagged == tagged);
                CHECK(fake.connections() == 1);
            }
        }
    }

    TEST_CASE("the version in use: ours, the engine's, or the one that was forced")
    {
        const auto with_api = [](const std::string& api) {
            return answer(
                "HTTP/1.1 200 OK\r\nApi-Version: " + api + "\r\nContent-Length: 0\r\n\r\n"
            );
        };
        struct Row {
            std::string offered;
            std::optional<engine::ApiVersion> forced;
            std::optional<engine::ApiVersion> used;
            Errc error = Errc::internal;
        };
        const std::vector<Row> rows{
            {"1.99", {}, engine::newest_api},
            {"1.30", {}, engine::ApiVersion{1, 30}},
            {"1.51", engine::ApiVersion{1, 40}, engine::ApiVersion{1, 40}},
            {"1.23", {}, {}, Errc::unsupported},
            {"one", {}, {}, Errc::protocol},
            {"1.41.2", {}, {}, Errc::protocol},
        };
        for (const auto& row : rows) {
            CAPTURE(row.offered);
            std::string head;
            FakeEngine fake(Road::unix_socket, {[&](FakePeer& peer) {
                                with_api(row.offered)(peer);
                            }});
            auto options = generous_options();
            options.api = row.forced;
            boost::asio::io_context io;
            const auto client =
                run(io, engine::Client::connect(io.get_executor(), fake.endpoint(), options));
            REQUIRE(client.has_value() == row.used.has_value());
            if (client) {
                CHECK(client->traits().api == *row.used);
            } else {
                CHECK(client.error().code == row.error);
            }
        }
    }

    TEST_CASE("what an engine calls itself and its version is one printable line")
    {
        const std::string odd = "d\t\xC2\x9Bx" + std::string(5000, 'x'); // U+009B begins a command
        const auto connected = [&](boost::asio::io_context& io, const std::string& version) {
            const FakeEngine fake(
                Road::unix_socket,
                {answer(
                    "HTTP/1.1 200 OK\r\nApi-Version: " + version + "\r\nOstype: " + odd
                    + "\r\nServer: " + odd + "\r\nContent-Length: 0\r\n\r\n"
                )}
            );
            return connect_to(io, fake, generous_options());
        };
        boost::asio::io_context io;
        const auto client = connected(io, "1.41");
        REQUIRE_MESSAGE(client.has_value(), describe(client.error()));
        for (const std::string& text : {client->traits().os, client->traits().server}) {
            CHECK(text.starts_with("d xxx"));
            CHECK(text.size() < 300);
        }
        boost::asio::io_context other;
        const auto refused = connected(other, odd);
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::protocol);
        CHECK(refused.error().message.find("'d xxx") != std::string::npos);
        CHECK(refused.error().message.size() < 300);
    }

    TEST_CASE("a forced version that is not spoken is refused before any call")
    {
        for (const engine::ApiVersion forced :
             {engine::ApiVersion{1, 5}, engine::ApiVersion{1, 99}, engine::ApiVersion{2, 0}}) {
            const FakeEngine fake(Road::unix_socket, {answer(docker_20)});
            auto options = generous_options();
            options.api = forced;
            boost::asio::io_context io;
            const auto client = connect_to(io, fake, options);
            REQUIRE(!client.has_value());
            CHECK(client.error().code == Errc::invalid_argument);
            CHECK(client.error().message.find(to_string(forced)) != std::string::npos);
            CHECK(client.error().message.find("1.24 to 1.55") != std::string::npos);
            CHECK(!client.error().hint.empty());
            CHECK(fake.connections() == 0);
        }
    }

    TEST_CASE("headers of the caller's: the ping has them, the client's own stay, errors are silent"
    )
    {
        std::string head;
        const FakeEngine fake(Road::unix_socket, {[&](FakePeer& peer) {
                                  head = peer.head();
                                  peer.send(docker_20);
                              }});
        boost::asio::io_context io;
        auto options = generous_options();
        options.headers.add("X-Meta", "hunter2");
        options.headers.add("Host", "evil");
        options.headers.add("user-agent", "evil");
        options.headers.add("Content-Length", "7");
        options.headers.add("X-Registry-Auth", "evil");
        REQUIRE(connect_to(io, fake, options).has_value());
        CHECK(contains(head, "\r\nX-Meta: hunter2\r\n"));
        CHECK(contains(head, "\r\nHost: localhost\r\n"));
        CHECK(!contains(head, "evil"));
        CHECK(!contains(head, "Content-Length"));

        const FakeEngine echo(
            Road::unix_socket,
            {answer_once("HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
             answer_once("HTTP/1.1 403 No\r\nContent-Length: 17\r\n\r\nI dislike hunter2")}
        );
        const auto refused = connect_to(io, echo, options);
        REQUIRE(!refused.has_value());
        CHECK(contains(describe(refused.error()), "403"));
        CHECK(!contains(describe(refused.error()), "hunter"));

        auto broken = generous_options();
        broken.headers.add("X-Meta", "hunter2\r\nX-Evil: 1");
        const auto none = connect_to(io, fake, broken);
        REQUIRE(!none.has_value());
        CHECK(none.error().code == Errc::invalid_argument);
        CHECK(contains(none.error().message, "X-Meta"));
        CHECK(!contains(describe(none.error()), "hunter2"));
        CHECK(fake.connections() == 1);
    }

    TEST_CASE("a refused HEAD is asked again with GET")
    {
        std::vector<std::string> heads;
        FakeEngine fake(
            Road::unix_socket, {[&](FakePeer& peer) {
                for (auto head = peer.head(); !head.empty(); head = peer.head()) {
                    heads.push_back(head.substr(0, head.find("\r\n")));
                    peer.send(
                        head.starts_with("HEAD")
                            ? "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 3\r\n\r\n"
                            : docker_20
                    );
                }
            }}
        );
        {
            boost::asio::io_context io;
            const auto client = connect_to(io, fake);
            REQUIRE_MESSAGE(client.has_value(), describe(client.error()));
        }
        fake.settle();
        CHECK(heads == std::vector<std::string>{"HEAD /_ping HTTP/1.1", "GET /_ping HTTP/1.1"});
    }

    TEST_CASE("idle connections are closed when the program asks for it")
    {
        FakeEngine fake(Road::unix_socket, {answer(docker_20)});
        boost::asio::io_context io;
        auto client = connect_to(io, fake);
        REQUIRE(client.has_value());
        const auto kept = open_descriptors(); // `run` has ended, and there are both ends of one
        client->close_idle();
        CHECK(descriptors_come_back_to(kept - 2));
        fake.settle();
        CHECK(fake.connections() == 1);
        auto& transport = client->transport();
        CHECK(run(io, transport.send(Request("GET", "/x"))).has_value());
        CHECK(fake.connections() == 2);
        engine::Client().close_idle();
    }

    TEST_CASE("who drips has an end, and who says much is cut short")
    {
        using namespace std::chrono_literals;
        static const std::string begun = "HTTP/1.1 200 OK\r\n\r\n";
        const auto as_get = [](const std::function<void(FakePeer&)>& body) {
            return FakeEngine::Script([body](FakePeer& peer) {
                const bool is_head = peer.head().starts_with("HEAD");
                peer.send(is_head ? "HTTP/1.1 405 No\r\nConnection: close\r\n\r\n" : begun);
                if (!is_head) body(peer);
            });
        };
        boost::asio::io_context io;
        auto options = generous_options();
        options.connect_deadline = 300ms;
        const FakeEngine dripping(Road::unix_socket, {as_get([](FakePeer& peer) {
                                      const auto end = std::chrono::steady_clock::now() + 5s;
                                      while (std::chrono::steady_clock::now() < end
                                             && peer.send("x")) {
                                          std::this_thread::sleep_for(20ms);
                                      }
                                  })});
        const auto late = connect_to(io, dripping, options);
        REQUIRE(!late.has_value());
        CHECK_MESSAGE(late.error().code == Errc::timed_out, describe(late.error()));
        CHECK(contains(late.error().message, "not finished within 600 ms (total deadline)"));

        std::size_t sent = 0;
        {
            const FakeEngine loud(Road::unix_socket, {as_get([&](FakePeer& peer) {
                                      const std::string some(4096, 'x');
                                      peer.send("<html>\n");
                                      while (sent < (std::size_t{8} << 20U) && peer.send(some)) {
                                          sent += some.size();
                                      }
                                  })});
            const auto cut = connect_to(io, loud);
            REQUIRE(!cut.has_value());
            CHECK(cut.error().code == Errc::protocol);
            CHECK_MESSAGE(
                contains(cut.error().message, "no container engine (HTTP 200): <html>"),
                describe(cut.error())
            );
        }
        CHECK(sent < (std::size_t{4} << 20U));
    }

    TEST_CASE("what is no engine is quoted")
    {
        struct Row {
            std::string bytes;
            std::string text;
            std::string hint;
        };
        const std::vector<Row> rows{
            {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: "
             "close\r\n\r\n<html>\nWelcome",
             "<html>",
             ""},
            {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na \xC2\x9B C1 control, no UTF-8: \xFF",
             "a C1 control, no UTF-8: \xEF\xBF\xBD",
             ""},
            {"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
             "HTTP request to an HTTPS server",
             "DOCKER_TLS_VERIFY"},
            {"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
             "HTTP 503",
             ""},
        };
        for (const auto& row : rows) {
            const FakeEngine fake(Road::tcp, {answer_once(row.bytes)});
            boost::asio::io_context io;
            const auto client = connect_to(io, fake);
            REQUIRE(!client.has_value());
            CHECK(client.error().code == Errc::protocol);
            CHECK_MESSAGE(contains(client.error().message, row.text), describe(client.error()));
            CHECK(contains(client.error().hint, row.hint));
            CHECK(contains(describe(client.error()), "asking tcp://127.0.0.1:"));
        }
    }
}
