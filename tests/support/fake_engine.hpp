#pragma once

#include "support/pki.hpp"
#include "support/temp_directory.hpp"

#include <slipway/engine/endpoint.hpp>

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace slipway::test {

enum class Road { unix_socket, tcp, tls };

inline const char* name(Road road)
{
    return road == Road::unix_socket ? "unix" : road == Road::tcp ? "tcp" : "tls";
}

/// How the TLS side of a fake engine behaves.
struct FakeTls {
    std::string certificate = "server"; ///< one that fake_pki has issued
    bool wants_client_certificate = false;
    int version = TLS1_3_VERSION;
};

/// The certificates of all fake engines of a test program.
inline Pki& fake_pki()
{
    static Pki pki;
    static const bool issued = [] {
        pki.issue("server", "DNS:localhost,IP:127.0.0.1");
        pki.issue("elsewhere", "DNS:elsewhere.invalid,IP:192.0.2.1");
        pki.issue("by-name", "DNS:localhost");
        pki.issue("by-address", "IP:127.0.0.1,IP:2001:db8::1");
        pki.issue("localhost", ""); // by its subject only
        pki.issue("locked", "DNS:client");
        pki.lock_key("locked");
        pki.issue("expired", "DNS:localhost,IP:127.0.0.1", -3600);
        pki.issue("client", "DNS:client");
        return true;
    }();
    static_cast<void>(issued);
    return pki;
}

class FakeEngine;

/// The engine's side of one connection; what a script plays on. All calls block.
class FakePeer {
public:
    FakePeer(FakeEngine& engine, int fd, SSL* ssl) : engine_(&engine), fd_(fd), ssl_(ssl) {}

    /// Reads a request's header up to its empty line; what came after it stays for the next read.
    /// Empty at the end of the connection.
    std::string head() { return read_to("\r\n\r\n"); }
    /// Reads up to and with `mark`; empty at the end of the connection.
    std::string read_to(std::string_view mark)
    {
        for (std::size_t from = 0;;) {
            const auto found = buffer_.find(mark, from);
            if (found != std::string::npos) return take(found + mark.size());
            from = buffer_.size() - std::min(buffer_.size(), mark.size());
            if (!fill()) return {};
        }
    }
    /// Reads until `size` bytes are there, or the end.
    std::string read(std::size_t size)
    {
        while (buffer_.size() < size && fill()) {
        }
        return take(std::min(size, buffer_.size()));
    }
    /// Reads to the end of the connection, or of the client's direction.
    std::string read_to_end()
    {
        while (fill()) {
        }
        return std::exchange(buffer_, {});
    }

    /// Sends everything; false when the client is gone.
    bool send(std::string_view data)
    {
        while (!data.empty()) {
            const auto size = std::min<std::size_t>(data.size(), 1U << 20U);
            const auto n = ssl_ != nullptr ? SSL_write(ssl_, data.data(), static_cast<int>(size))
                                           : ::send(fd_, data.data(), size, MSG_NOSIGNAL);
            if (n <= 0) return false;
            data.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    /// One byte a segment.
    void drip(std::string_view data)
    {
        for (const char& c : data) {
            if (!send(std::string_view(&c, 1))) return;
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    }

    /// Does nothing until the test is over; the connection stays open.
    void stall();

    void half_close()
    {
        if (ssl_ != nullptr) {
            SSL_shutdown(ssl_);
        } else {
            ::shutdown(fd_, SHUT_WR);
        }
    }
    /// Ends the connection as an orderly peer does.
    void close()
    {
        if (ssl_ != nullptr && !cut_) SSL_shutdown(ssl_);
        cut_ = true;
        ::shutdown(fd_, SHUT_RDWR);
    }
    /// Ends our direction and waits until the client has gone: with bytes left that nobody reads,
    /// the system would reset the connection and take the last of our own with it.
    void close_after_client()
    {
        half_close();
        ::shutdown(fd_, SHUT_WR);
        char piece[4096];
        while (::recv(fd_, piece, sizeof piece, 0) > 0) {
        }
        cut_ = true;
    }
    /// Ends it without TLS's closing alert.
    void cut()
    {
        cut_ = true;
        ::shutdown(fd_, SHUT_RDWR);
    }
    /// Ends it with a TCP reset (a unix socket: with unread bytes, where there are some).
    void reset()
    {
        const linger hard{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        cut_ = true;
        reset_ = true;
    }
    /// TLS 1.3: new keys from here on, and the client is asked for new ones too.
    void update_keys()
    {
        SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(ssl_);
    }
    /// TLS 1.2: a new handshake, to its end.
    void renegotiate()
    {
        SSL_renegotiate(ssl_);
        SSL_do_handshake(ssl_); // asks for it
        const int flags = ::fcntl(fd_, F_GETFL);
        ::fcntl(fd_, F_SETFL, flags | O_NONBLOCK);
        while (SSL_renegotiate_pending(ssl_) == 1) {
            char piece[4096]; // reading is what answers the client
            const int n = SSL_read(ssl_, piece, sizeof piece);
            if (n > 0) buffer_.append(piece, static_cast<std::size_t>(n));
            if (n <= 0 && SSL_get_error(ssl_, n) != SSL_ERROR_WANT_READ) break;
            pollfd readable{fd_, POLLIN, 0};
            ::poll(&readable, 1, 100);
        }
        ::fcntl(fd_, F_SETFL, flags);
    }

private:
    friend class FakeEngine;

    bool fill()
    {
        char piece[65536];
        const auto n = ssl_ != nullptr ? SSL_read(ssl_, piece, sizeof piece)
                                       : ::recv(fd_, piece, sizeof piece, 0);
        if (n > 0) buffer_.append(piece, static_cast<std::size_t>(n));
        return n > 0;
    }
    std::string take(std::size_t size)
    {
        std::string out = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return out;
    }

    FakeEngine* engine_;
    int fd_;
    SSL* ssl_;
    std::string buffer_;
    bool cut_ = false;
    bool reset_ = false;
};

/// An engine that plays a script: the n-th connection gets the n-th one, later ones the last.
/// Every connection has a thread of its own; the destructor ends them all.
class FakeEngine {
public:
    using Script = std::function<void(FakePeer&)>;

    FakeEngine(Road road, std::vector<Script> scripts, FakeTls tls = {})
        : road_(road), scripts_(std::move(scripts))
    {
        ::signal(SIGPIPE, SIG_IGN); // OpenSSL writes without MSG_NOSIGNAL
        if (road == Road::tls) make_context(tls);
        road == Road::unix_socket ? listen_unix() : listen_tcp();
        acceptor_ = std::thread([this] { accept_all(); });
    }
    FakeEngine(const FakeEngine&) = delete;
    FakeEngine& operator=(const FakeEngine&) = delete;
    ~FakeEngine()
    {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            for (const int fd : open_)
                ::shutdown(fd, SHUT_RDWR);
        }
        ended_.notify_all();
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        for (auto& thread : threads_)
            thread.join();
        ::close(listener_);
        SSL_CTX_free(context_);
    }

    engine::Endpoint endpoint() const
    {
        engine::Endpoint endpoint;
        if (road_ == Road::unix_socket) {
            endpoint.socket_path = (directory_.path() / "s").string();
            return endpoint;
        }
        endpoint.scheme = engine::Endpoint::Scheme::tcp;
        endpoint.host = "127.0.0.1";
        endpoint.port = port_;
        if (road_ == Road::tls) {
            endpoint.tls.emplace();
            endpoint.tls->ca = fake_pki().path("ca.pem");
        }
        return endpoint;
    }

    int connections() const
    {
        const std::lock_guard lock(mutex_);
        return connections_;
    }

    /// Waits until the scripts of all connections made so far have ended.
    void settle()
    {
        std::unique_lock lock(mutex_);
        ended_.wait(lock, [this] { return open_.empty(); });
    }

private:
    friend class FakePeer;

    void listen_unix()
    {
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, endpoint().socket_path.c_str(), sizeof address.sun_path - 1);
        listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    void listen_tcp()
    {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof address);
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
    }
    void listen_on(const sockaddr* address, socklen_t size)
    {
        if (::bind(listener_, address, size) != 0 || ::listen(listener_, 64) != 0) {
            throw std::runtime_error("the fake engine cannot listen");
        }
    }
    void make_context(const FakeTls& tls)
    {
        const auto& pki = fake_pki();
        context_ = SSL_CTX_new(TLS_server_method());
        SSL_CTX_set_min_proto_version(context_, tls.version);
        SSL_CTX_set_max_proto_version(context_, tls.version);
        SSL_CTX_use_certificate_chain_file(context_, pki.path(tls.certificate + ".pem").c_str());
        SSL_CTX_use_PrivateKey_file(
            context_, pki.path(tls.certificate + ".key").c_str(), SSL_FILETYPE_PEM
        );
        SSL_CTX_load_verify_locations(context_, pki.path("ca.pem").c_str(), nullptr);
        if (tls.wants_client_certificate) {
            SSL_CTX_set_verify(
                context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr
            );
        }
    }

    void accept_all()
    {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const std::lock_guard lock(mutex_);
            if (stopping_) {
                ::close(fd);
                return;
            }
            open_.push_back(fd);
            const auto turn = static_cast<std::size_t>(connections_++);
            threads_.emplace_back([this, fd, turn] { serve(fd, turn); });
        }
    }

    void serve(int fd, std::size_t turn)
    {
        SSL* ssl = nullptr;
        bool ready = true;
        if (context_ != nullptr) {
            ssl = SSL_new(context_);
            SSL_set_fd(ssl, fd);
            ready = SSL_accept(ssl) == 1;
        }
        FakePeer peer(*this, fd, ssl);
        if (ready) {
            scripts_[std::min(turn, scripts_.size() - 1)](peer);
        }
        if (!peer.cut_ && ready) peer.close();
        SSL_free(ssl);
        const std::lock_guard lock(mutex_);
        std::erase(open_, fd);
        ::close(fd);
        ended_.notify_all();
    }

    Road road_;
    std::vector<Script> scripts_;
    TempDirectory directory_;
    SSL_CTX* context_ = nullptr;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;
    std::condition_variable ended_;
    std::vector<int> open_;
    int connections_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

inline void FakePeer::stall()
{
    std::unique_lock lock(engine_->mutex_);
    engine_->ended_.wait(lock, [this] { return engine_->stopping_; });
}

/// A script that answers every request of the connection, which has no body, with these bytes.
inline FakeEngine::Script answer(std::string bytes)
{
    return [bytes = std::move(bytes)](FakePeer& peer) {
        while (!peer.head().empty() && peer.send(bytes)) {
        }
    };
}
/// A script that answers one request with these bytes and closes.
inline FakeEngine::Script answer_once(std::string bytes)
{
    return [bytes = std::move(bytes)](FakePeer& peer) {
        peer.head();
        peer.send(bytes);
    };
}

} // namespace slipway::test
