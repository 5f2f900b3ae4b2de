#pragma once

#include "conformance/lab.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace slipway::test {

/// This machine's address as the engine and its containers see it; empty when nobody said. Set by
/// main.
std::string& gateway_of_engine();

/// A process of a build that talks to this test by TCP, past the engine: the test hears that it
/// runs and when it is gone. Whatever does not come within a minute fails the test case.
class Witness {
public:
    Witness()
    {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        REQUIRE(::inet_pton(AF_INET, gateway_of_engine().c_str(), &address.sin_addr) == 1);
        socklen_t size = sizeof address;
        auto* const at = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listener_, at, size) == 0);
        REQUIRE(::listen(listener_, 1) == 0);
        REQUIRE(::getsockname(listener_, at, &size) == 0);
        port_ = ntohs(address.sin_port);
        be_patient(listener_);
    }
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;
    ~Witness()
    {
        if (peer_ >= 0) ::close(peer_);
        ::close(listener_);
    }

    /// What the process is, for busybox's shell. It ends when the test lets go of it.
    std::string command() const
    {
        return "nc " + gateway_of_engine() + " " + std::to_string(port_) + " -e cat";
    }
    /// Waits until it runs.
    void meet()
    {
        peer_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        REQUIRE_MESSAGE(peer_ >= 0, "nobody came");
        be_patient(peer_);
    }
    /// It takes a line, and says it back.
    bool answers() const
    {
        constexpr std::string_view line = "still there?\n";
        std::string heard(line.size(), ' ');
        return ::send(peer_, line.data(), line.size(), MSG_NOSIGNAL) > 0
               && ::recv(peer_, heard.data(), heard.size(), MSG_WAITALL)
                      == static_cast<ssize_t>(heard.size())
               && heard == line;
    }
    /// Waits until it is gone; false if it stays.
    bool goes() const
    {
        char byte = 0;
        const auto got = ::recv(peer_, &byte, 1, 0);
        return got == 0 || (got < 0 && errno == ECONNRESET);
    }

private:
    static void be_patient(int socket)
    {
        const timeval minute{60, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
    }

    int listener_ = -1;
    int peer_ = -1;
    int port_ = 0;
};

} // namespace slipway::test
