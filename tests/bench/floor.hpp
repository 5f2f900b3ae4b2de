#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace slipway::bench {

/// The least a client of the engine's socket can do: write one request, read until its answer is
/// whole, look at nothing else. What any client costs is measured against it.
class Floor {
public:
    explicit Floor(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
            throw std::runtime_error("cannot connect to " + path);
        }
    }
    Floor(const Floor&) = delete;
    Floor& operator=(const Floor&) = delete;
    ~Floor() { ::close(socket_); }

    /// Returns the size of the answer's body, with the marks of its chunks.
    std::size_t call(std::string_view method, std::string_view target)
    {
        request_.assign(method).append(" ").append(target);
        request_.append(" HTTP/1.1\r\nHost: localhost\r\n\r\n");
        if (::write(socket_, request_.data(), request_.size())
            != static_cast<ssize_t>(request_.size())) {
            throw std::runtime_error("short write");
        }
        answer_.clear();
        std::size_t head = std::string::npos;
        while ((head = answer_.find("\r\n\r\n")) == std::string::npos)
            read_more();
        const std::size_t body = head + 4;
        if (method == "HEAD") return 0;
        const std::optional<std::size_t> size = content_length(head);
        while (size ? answer_.size() < body + *size : !answer_.ends_with("\r\n0\r\n\r\n")) {
            read_more();
        }
        return answer_.size() - body;
    }

private:
    std::optional<std::size_t> content_length(std::size_t head) const
    {
        constexpr std::string_view name = "\r\nContent-Length: ";
        const auto at = answer_.find(name);
        if (at == std::string::npos || at > head) return std::nullopt; // then it comes in chunks
        return std::stoul(answer_.substr(at + name.size(), 20));
    }
    void read_more()
    {
        char buffer[65536]; // NOLINT(modernize-avoid-c-arrays)
        const ssize_t got = ::read(socket_, buffer, sizeof(buffer));
        if (got <= 0) throw std::runtime_error("the engine hung up");
        answer_.append(buffer, static_cast<std::size_t>(got));
    }

    int socket_;
    std::string request_;
    std::string answer_;
};

} // namespace slipway::bench
