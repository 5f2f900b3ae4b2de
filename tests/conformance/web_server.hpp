#pragma once

#include "conformance/lab.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cctype>
#include <cstdlib>

namespace slipway::test {

/// The address of this machine as the engine under test sees it.
inline std::string address_for_engine()
{
    const char* engine = std::getenv("SLIPWAY_TEST_ENGINE");
    std::string name = engine != nullptr ? engine : "";
    for (const std::string way : {"-tls", "-tcp"}) {
        if (name.ends_with(way)) name.resize(name.size() - way.size());
    }
    for (char& c : name) {
        c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    const char* gateway = std::getenv(("SLIPWAY_TEST_" + name + "_GATEWAY").c_str());
    return gateway != nullptr ? gateway : "127.0.0.1";
}

/// Gives one file to whoever asks for whatever path, until it is destroyed.
class WebServer {
public:
    WebServer(std::string type, std::string body) : type_(std::move(type)), body_(std::move(body))
    {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        REQUIRE(::inet_pton(AF_INET, host_.c_str(), &address.sin_addr) == 1);
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_, 8) == 0);
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;
    ~WebServer()
    {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }

    std::string url(const std::string& path) const
    {
        return "http://" + host_ + ":" + std::to_string(port_) + path;
    }

private:
    void serve()
    {
        for (;;) {
            const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (peer < 0) return;
            answer(peer);
            ::close(peer);
        }
    }
    void answer(int peer) const
    {
        std::string head;
        while (!contains(head, "\r\n\r\n")) {
            char piece[4096];
            const auto count = ::recv(peer, piece, sizeof piece, 0);
            if (count <= 0) return;
            head.append(piece, static_cast<std::size_t>(count));
        }
        std::string text = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: " + type_
                           + "\r\nContent-Length: " + std::to_string(body_.size()) + "\r\n\r\n";
        if (!head.starts_with("HEAD ")) text += body_;
        for (std::string_view rest = text; !rest.empty();) {
            const auto count = ::send(peer, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (count <= 0) return;
            rest.remove_prefix(static_cast<std::size_t>(count));
        }
    }

    std::string type_;
    std::string body_;
    std::string host_ = address_for_engine();
    std::uint16_t port_ = 0;
    int listener_ = -1;
    std::thread thread_;
};

} // namespace slipway::test
