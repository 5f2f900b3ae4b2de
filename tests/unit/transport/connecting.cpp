#include "net/socket_owner.hpp"
#include "net/tcp_connect.hpp"
#include "unit/transport/support.hpp"

#include <sys/stat.h>

#include <fstream>

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

Result<Response>
get_from(const engine::Endpoint& endpoint, std::chrono::milliseconds limit = generous)
{
    boost::asio::io_context io;
    auto options = generous_options();
    options.connect_deadline = limit;
    HttpTransport transport(io.get_executor(), endpoint, options);
    return run(io, transport.send(Request("GET", "/x").unversioned()));
}

Result<engine::Client> connect_to(
    boost::asio::io_context& io,
    const FakeEngine& fake,
    engine::ClientOptions options = generous_options()
)
{
    return run(io, engine::Client::connect(io.get_executor(), fake.endpoint(), options));
}

engine::Endpoint unix_endpoint(const std::filesystem::path& path)
{
    engine::Endpoint endpoint;
    endpoint.socket_path = path.string();
    return endpoint;
}

// A listener whose queue is full: Linux drops (TCP) or refuses (unix) the next connection.
class FullListener {
public:
    FullListener()
    {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        ::listen(listener_, 0);
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        for (int& fd : waiting_) {
            fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            // Under way for ever, once the queue is full.
            static_cast<void>(!::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address)
            );
        }
    }
    FullListener(const FullListener&) = delete;
    FullListener& operator=(const FullListener&) = delete;
    ~FullListener()
    {
        ::close(listener_);
        for (const int fd : waiting_)
            ::close(fd);
    }
    std::uint16_t port() const { return port_; }

private:
    int listener_ = -1;
    int waiting_[4] = {-1, -1, -1, -1};
    std::uint16_t port_ = 0;
};

const std::string docker_20 =
    "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nDocker-Experimental: false\r\nOstype: linux\r\n"
    "Server: Docker/20.10.24+dfsg1 (linux)\r\nContent-Length: 0\r\n\r\n";
const std::string docker_28 =
    "HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nBuilder-Version: 2\r\nDocker-Experimental: false\r\n"
    "Ostype: linux\r\nServer: Docker/28.5.2 (linux)\r\nSwarm: inactive\r\nContent-Length: "
    "0\r\n\r\n";
const std::string podman_4 =
    "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nBuilder-Version: \r\nDocker-Experimental: true\r\n"
    "Libpod-API-Version: 4.3.1\r\nLibpod-Buildah-Version: 1.28.2\r\nServer: Libpod/4.3.1 "
    "(linux)\r\n"
    "Content-Length: 0\r\n\r\n";
const std::string podman_5 =
    "HTTP/1.1 200 OK\r\nApi-Version: 1.44\r\nBuilder-Version: 1\r\nDocker-Experimental: true\r\n"
    "Libpod-API-Version: 5.8.6\r\nLibpod-Buildah-Version: 1.41.0\r\nOstype: linux\r\n"
    "Server: Libpod/5.8.6 (linux)\r\nContent-Length: 0\r\n\r\n";

} // namespace

TEST_SUITE("engine.transport.connecting")
{
    TEST_CASE("a socket that cannot be reached [fault 66] [fault 67]")
    {
        const TempDirectory directory;
        const auto absent = get_from(unix_endpoint(directory.path() / "none"));
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::unreachable);
        CHECK(contains(describe(absent.error()), "reaching unix://"));
        CHECK(contains(absent.error().hint, "start the engine"));

        std::ofstream(directory.path() / "file") << "no socket";
        const auto file = get_from(unix_endpoint(directory.path() / "file"));
        REQUIRE(!file.has_value());
        CHECK(file.error().code == Errc::unreachable);
        CHECK(contains(file.error().hint, "no socket"));

        const auto longer = get_from(unix_endpoint("/" + std::string(200, 'p')));
        REQUIRE(!longer.has_value());
        CHECK(longer.error().code == Errc::invalid_argument);
        const auto none = get_from(unix_endpoint(""));
        REQUIRE(!none.has_value());
        CHECK(none.error().code == Errc::invalid_argument);
    }

    TEST_CASE("a socket that belongs to others comes with the advice of discovery [fault 67]")
    {
        const FakeEngine fake(Road::unix_socket, {answer(docker_20)});
        const auto path = fake.endpoint().socket_path;
        ::chmod(path.c_str(), 0600);
        ::chmod(std::filesystem::path(path).parent_path().c_str(), 0755);
        const auto user = ::geteuid();
        if (user != 0) ::chmod(path.c_str(), 0000); // the owner's own mode counts for him
        if (user == 0) REQUIRE(::seteuid(65534) == 0);
        const auto got = get_from(fake.endpoint());
        if (user == 0) REQUIRE(::seteuid(0) == 0);
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::permission_denied);
        CHECK(got.error().hint == engine::permission_hint(engine::socket_owner(path)));
        CHECK(contains(got.error().hint, "rootless"));
    }

    TEST_CASE("a port where nobody listens, and a host that nobody knows")
    {
        engine::Endpoint endpoint;
        endpoint.scheme = engine::Endpoint::Scheme::tcp;
        endpoint.host = "127.0.0.1";
        endpoint.port = 1;
        const auto refused = get_from(endpoint);
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::unreachable);
        endpoint.host = "no-such-host.invalid";
        const auto unknown = get_from(endpoint);
        REQUIRE(!unknown.has_value());
        CHECK_MESSAGE(unknown.error().code == Errc::unreachable, describe(unknown.error()));
    }

    TEST_CASE("a host that does not answer runs into the deadline")
    {
        const FullListener full;
        engine::Endpoint endpoint;
        endpoint.scheme = engine::Endpoint::Scheme::tcp;
        endpoint.host = "127.0.0.1";
        endpoint.port = full.port();
        const auto got = get_from(endpoint, 200ms);
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::timed_out);
        CHECK(got.error().message == "no connection within 200 ms (connect deadline)");
        CHECK(contains(describe(got.error()), "reaching tcp://127.0.0.1:"));
    }

    TEST_CASE("a TLS handshake that nobody answers runs into the deadline")
    {
        const FakeEngine mute(Road::tcp, {[](FakePeer& peer) { peer.stall(); }});
        auto endpoint = mute.endpoint();
        endpoint.tls.emplace();
        endpoint.tls->ca = fake_pki().path("ca.pem");
        const auto got = get_from(endpoint, 200ms);
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::timed_out);
    }

    TEST_CASE("a host with a dead first address is reached by the next one [fault 69]")
    {
        using boost::asio::ip::tcp;
        const FullListener silent;
        const FakeEngine fake(Road::tcp, {answer(docker_20)});
        const auto local = boost::asio::ip::make_address("127.0.0.1");
        const tcp::endpoint dead(local, silent.port());
        const tcp::endpoint refusing(local, 1);
        const tcp::endpoint alive(local, fake.endpoint().port);
        const std::vector<std::vector<tcp::endpoint>> orders{
            {alive},
            {dead, alive},
            {refusing, alive},
            {refusing, dead, refusing, alive},
            {alive, dead},
        };
        const auto before = open_descriptors();
        for (const auto& order : orders) {
            boost::asio::io_context io;
            const auto stream = run(io, engine::connect_first(io.get_executor(), order));
            REQUIRE_MESSAGE(stream.has_value(), describe(stream.error()));
        }
        {
            boost::asio::io_context io;
            const std::vector<tcp::endpoint> none{refusing, refusing};
            const auto refused = run(io, engine::connect_first(io.get_executor(), none));
            REQUIRE(!refused.has_value());
            CHECK(refused.error().code == Errc::unreachable);
        }
        CHECK(descriptors_come_back_to(before));
    }

    TEST_CASE("a unix listener whose queue is full is waited for")
    {
        const TempDirectory directory;
        const auto endpoint = unix_endpoint(directory.path() / "s");
        const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, endpoint.socket_path.c_str(), sizeof address.sun_path - 1);
        REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener, 0) == 0);
        const int first = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::connect(first, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);

        const auto busy = get_from(endpoint, 100ms);
        REQUIRE(!busy.has_value());
        CHECK(busy.error().code == Errc::timed_out);

        std::thread acceptor([&] {
            std::this_thread::sleep_for(50ms);
            const int one = ::accept(listener, nullptr, nullptr);
            const int two = ::accept(listener, nullptr, nullptr);
            char request[4096];
            static_cast<void>(::recv(two, request, sizeof request, 0));
            static_cast<void>(::send(two, docker_20.data(), docker_20.size(), MSG_NOSIGNAL));
            ::close(one);
            ::close(two);
        });
        const auto got = get_from(endpoint);
        acceptor.join();
        ::close(first);
        ::close(listener);
        CHECK_MESSAGE(got.has_value(), describe(got.error()));
    }

    TEST_CASE("TLS: whom we trust, and who trusts us [fault 70]")
    {
        struct Row {
            std::string title;
            FakeTls tls;
            bool own_ca = true;
            bool client_certificate = false;
            std::string host = "127.0.0.1";
            bool good = false;
            std::string text{};
            std::string hint{};
            std::string server_name{};
        };
        const auto showing = [](const char* certificate) {
            FakeTls tls;
            tls.certificate = certificate;
            return tls;
        };
        const FakeTls by_name = showing("by-name");
        const FakeTls by_address = showing("by-address");
        const FakeTls by_subject = showing("localhost");
        const FakeTls wrong_host = showing("elsewhere");
        const FakeTls expired = showing("expired");
        FakeTls usual;
        FakeTls mutual;
        mutual.wants_client_certificate = true;
        const std::vector<Row> rows{
            {"trusted by address", usual, true, false, "127.0.0.1", true},
            {"trusted by name", usual, true, false, "localhost", true},
            {"a final dot is no part",
             by_name,
             true,
             false,
             "127.0.0.1",
             true,
             "",
             "",
             "localhost."},
            {"its address alone", by_address, true, false, "127.0.0.1", true},
            {"its name alone", by_name, true, false, "localhost", true},
            {"another authority", usual, false, false, "127.0.0.1", false, "not trusted", "ca.pem"},
            {"another address", wrong_host, true, false, "127.0.0.1", false, "IP address", "names"},
            {"another name", wrong_host, true, false, "localhost", false, "hostname", "names"},
            {"a name is no address",
             by_name,
             true,
             false,
             "127.0.0.1",
             false,
             "IP address",
             "names"},
            {"an address is no name",
             by_address,
             true,
             false,
             "localhost",
             false,
             "hostname",
             "names"},
            {"a subject is no name",
             by_subject,
             true,
             false,
             "localhost",
             false,
             "hostname",
             "names"},
            {"IPv6", by_address, true, false, "127.0.0.1", true, "", "", "2001:db8:0:0::1"},
            {"another IPv6",
             by_address,
             true,
             false,
             "127.0.0.1",
             false,
             "IP",
             "names",
             "2001:db8::2"},
            {"expired", expired, true, false, "localhost", false, "expired", "renewed"},
            {"we show no certificate", mutual, true, false, "127.0.0.1", false, "", "cert.pem"},
            {"we show one", mutual, true, true, "127.0.0.1", true},
        };
        Pki strangers;
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            for (auto row : rows) {
                CAPTURE(row.title);
                CAPTURE(version);
                row.tls.version = version;
                const FakeEngine fake(Road::tls, {answer(docker_20)}, row.tls);
                auto endpoint = fake.endpoint();
                endpoint.host = row.host;
                endpoint.tls->server_name = row.server_name;
                if (!row.own_ca) endpoint.tls->ca = strangers.path("ca.pem");
                if (row.client_certificate) {
                    endpoint.tls->cert = fake_pki().path("client.pem");
                    endpoint.tls->key = fake_pki().path("client.key");
                }
                const auto got = get_from(endpoint);
                if (row.good) {
                    CHECK_MESSAGE(got.has_value(), describe(got.error()));
                    continue;
                }
                REQUIRE(!got.has_value());
                CHECK_MESSAGE(got.error().code == Errc::unreachable, describe(got.error()));
                CHECK_MESSAGE(contains(got.error().message, row.text), describe(got.error()));
                CHECK_MESSAGE(contains(got.error().hint, row.hint), got.error().hint);
            }
        }
    }

    TEST_CASE("TLS: whoever did not ask for verification has none")
    {
        FakeTls expired;
        expired.certificate = "expired";
        const FakeEngine fake(Road::tls, {answer(docker_20)}, expired);
        auto endpoint = fake.endpoint();
        endpoint.tls = engine::TlsSettings();
        CHECK(!get_from(endpoint).has_value()); // verification is what is there by default
        endpoint.tls->verify = false;
        const auto got = get_from(endpoint);
        CHECK_MESSAGE(got.has_value(), describe(got.error()));
    }

    TEST_CASE("TLS: files that cannot be used, and a side without TLS")
    {
        const FakeEngine secure(Road::tls, {answer(docker_20)});
        auto endpoint = secure.endpoint();
        endpoint.tls->ca = "/nonexistent/ca.pem";
        const auto no_file = get_from(endpoint);
        REQUIRE(!no_file.has_value());
        CHECK(no_file.error().code == Errc::invalid_argument);
        CHECK(contains(no_file.error().message, "/nonexistent/ca.pem"));

        endpoint = secure.endpoint();
        endpoint.tls->cert = fake_pki().path("client.pem");
        endpoint.tls->key = fake_pki().path("server.key");
        const auto wrong_key = get_from(endpoint);
        REQUIRE(!wrong_key.has_value());
        CHECK(wrong_key.error().code == Errc::invalid_argument);

        endpoint.tls->cert = fake_pki().path("locked.pem");
        endpoint.tls->key = fake_pki().path("locked.key");
        const auto locked_key = get_from(endpoint);
        REQUIRE(!locked_key.has_value());
        CHECK(locked_key.error().code == Errc::invalid_argument);
        CHECK(contains(locked_key.error().hint, "without a password"));

        const FakeEngine plain(Road::tcp, {[](FakePeer& peer) {
                                   peer.read(1);
                                   peer.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
                                   );
                                   peer.half_close();
                                   peer.read_to_end();
                               }});
        endpoint = secure.endpoint();
        endpoint.port = plain.endpoint().port;
        const auto no_tls = get_from(endpoint);
        REQUIRE(!no_tls.has_value());
        CHECK_MESSAGE(no_tls.error().code == Errc::unreachable, describe(no_tls.error()));
        CHECK(contains(no_tls.error().hint, "does not speak TLS"));
    }
}

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
