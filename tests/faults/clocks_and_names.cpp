#include "unit/transport/support.hpp"

#include <netdb.h>
#include <sys/syscall.h>
#include <time.h>

#include <atomic>

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;

// This program has a wall clock and a name service of its own: the definitions below stand before
// those of the C library.

namespace {

std::atomic<long> clock_step_seconds{0};
std::atomic<bool> look_up_ended{false};

const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

addrinfo* new_address(int family, const void* address, socklen_t size, addrinfo* next)
{
    auto* entry = static_cast<addrinfo*>(std::calloc(1, sizeof(addrinfo) + size));
    entry->ai_family = family;
    entry->ai_socktype = SOCK_STREAM;
    entry->ai_protocol = IPPROTO_TCP;
    entry->ai_addrlen = size;
    entry->ai_addr = reinterpret_cast<sockaddr*>(entry + 1);
    std::memcpy(entry->ai_addr, address, size);
    entry->ai_next = next;
    return entry;
}

// A listener on ::1 whose queue is full: Linux drops what comes next, as a dead network does.
class DeadIpv6 {
public:
    DeadIpv6()
    {
        listener_ = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_addr = in6addr_loopback;
        good_ = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0
                && ::listen(listener_, 0) == 0;
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin6_port);
        for (int& fd : waiting_) {
            fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
        }
    }
    DeadIpv6(const DeadIpv6&) = delete;
    DeadIpv6& operator=(const DeadIpv6&) = delete;
    ~DeadIpv6()
    {
        ::close(listener_);
        for (const int fd : waiting_)
            ::close(fd);
    }
    bool good() const { return good_; }
    std::uint16_t port() const { return port_; }

private:
    int listener_ = -1;
    int waiting_[4] = {-1, -1, -1, -1};
    bool good_ = false;
    std::uint16_t port_ = 0;
};

std::atomic<std::uint16_t> dead_port{0};

} // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept
{
    const auto failed = static_cast<int>(::syscall(SYS_clock_gettime, clock, out));
    if (failed == 0 && clock == CLOCK_REALTIME) out->tv_sec += clock_step_seconds;
    return failed;
}

// "dual.test" has a dead IPv6 address and a good IPv4 one; "slow.test" takes two seconds; the port
// of the dead one is its own. No other name is known.
int getaddrinfo(const char* host, const char* port, const addrinfo*, addrinfo** out)
{
    const std::string name = host != nullptr ? host : "";
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v4.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
    if (name == "slow.test") {
        std::this_thread::sleep_for(2s);
        look_up_ended = true;
        *out = new_address(AF_INET, &v4, sizeof v4, nullptr);
        return 0;
    }
    if (name == "dual.test") {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_addr = in6addr_loopback;
        v6.sin6_port = htons(dead_port);
        *out = new_address(AF_INET6, &v6, sizeof v6, new_address(AF_INET, &v4, sizeof v4, nullptr));
        return 0;
    }
    return EAI_NONAME;
}

void freeaddrinfo(addrinfo* list) noexcept
{
    while (list != nullptr)
        std::free(std::exchange(list, list->ai_next));
}

} // extern "C"

TEST_SUITE("faults.clocks_and_names")
{
    TEST_CASE("the wall clock steps while deadlines run, which is all the same to them [fault 68]")
    {
        const auto real = std::chrono::system_clock::now();
        for (const Road road : all_roads) {
            for (const long step : {86'400L, -86'400L}) {
                CAPTURE(std::string(name(road)));
                CAPTURE(step);
                // The answer takes longer than the step, were that counted, would allow.
                const FakeEngine slow(road, {[step](FakePeer& peer) {
                                          peer.head();
                                          clock_step_seconds = step;
                                          std::this_thread::sleep_for(50ms);
                                          peer.send(good);
                                      }});
                Rig rig(slow);
                const auto got = rig.get();
                CHECK_MESSAGE(got.has_value(), describe(got.error()));
                const auto stepped = std::chrono::system_clock::now() - real;
                CHECK((step > 0 ? stepped > 23h : stepped < -23h)); // it did step

                const FakeEngine mute(road, {[step](FakePeer& peer) {
                                          peer.head();
                                          clock_step_seconds = -step;
                                          peer.stall();
                                      }});
                auto options = generous_options();
                options.call_deadlines.total = 200ms;
                Rig hasty(mute, options);
                const auto late = hasty.get(); // hangs for a day if that clock counts
                REQUIRE(!late.has_value());
                CHECK(late.error().code == Errc::timed_out);
                clock_step_seconds = 0;
            }
        }
    }

    TEST_CASE("a host with a dead IPv6 address is reached by the other one [fault 69]")
    {
        const DeadIpv6 dead;
        REQUIRE_MESSAGE(dead.good(), "this machine has no ::1");
        dead_port = dead.port();
        for (const Road road : {Road::tcp, Road::tls}) {
            CAPTURE(std::string(name(road)));
            const FakeEngine fake(road, {answer(good)});
            auto endpoint = fake.endpoint();
            endpoint.host = "dual.test";
            if (endpoint.tls) endpoint.tls->server_name = "localhost";
            boost::asio::io_context io;
            HttpTransport transport(io.get_executor(), endpoint, generous_options());
            const auto got = run(io, transport.send(Request("GET", "/x").unversioned()));
            CHECK_MESSAGE(got.has_value(), describe(got.error()));
        }
    }

    TEST_CASE("a slow look-up of a name ends in time or at the deadline [fault 69]")
    {
        const FakeEngine fake(Road::tcp, {answer(good)});
        auto endpoint = fake.endpoint();
        endpoint.host = "slow.test";
        auto options = generous_options();
        options.connect_deadline = 100ms;
        boost::asio::io_context io;
        HttpTransport hasty(io.get_executor(), endpoint, options);
        look_up_ended = false;
        std::optional<Result<Response>> early;
        bool was_early = false;
        const Request request = Request("GET", "/x").unversioned();
        boost::asio::co_spawn(
            io,
            hasty.send(request),
            [&](std::exception_ptr, Result<Response> result) {
                was_early = !look_up_ended; // the C library's look-up goes on behind it
                early.emplace(std::move(result));
            }
        );
        io.run();
        REQUIRE(early.has_value());
        REQUIRE(!early->has_value());
        CHECK(early->error().code == Errc::timed_out);
        CHECK(was_early);

        HttpTransport patient(io.get_executor(), endpoint, generous_options());
        const auto got = run(io, patient.send(request));
        CHECK_MESSAGE(got.has_value(), describe(got.error()));
    }
}
