#include "net/socket_owner.hpp"
#include "net/tcp_connect.hpp"
#include "unit/transport/pongs.hpp"

#include <sys/stat.h>

#include <fstream>

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

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

        const timeval patience{generous.count() / 1000, 0}; // or nobody would come, and no end
        ::setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
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
}
