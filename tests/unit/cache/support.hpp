#pragma once

#include "support/fake_engine.hpp"
#include "support/run.hpp"

#include <slipway/core/shared_cache.hpp>
#include <slipway/engine/child.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace slipway::test {

using core::SharedCache;
using core::SharedCacheOptions;
using Kind = SharedCache::Kind;
using namespace std::chrono_literals;

inline core::Sha256 name_of(std::string_view text)
{
    return core::sha256(text);
}

inline std::string url_of(const FakeEngine& server, const std::string& path = "/cache")
{
    const auto endpoint = server.endpoint();
    return (endpoint.tls ? "https://127.0.0.1:" : "http://127.0.0.1:")
           + std::to_string(endpoint.port) + path;
}

/// A cache with the io_context that drives it. Its limits are far above what the loopback takes
/// on a busy machine.
struct CacheRig {
    explicit CacheRig(SharedCacheOptions with)
    {
        auto opened = SharedCache::open(io.get_executor(), std::move(with));
        REQUIRE(opened);
        cache = *std::move(opened);
    }
    explicit CacheRig(
        const std::string& url, const std::function<void(SharedCacheOptions&)>& also = {}
    )
        : CacheRig(options(url, also))
    {
    }

    static SharedCacheOptions
    options(const std::string& url, const std::function<void(SharedCacheOptions&)>& also)
    {
        SharedCacheOptions with;
        with.url = url;
        with.write = true;
        with.connect_limit = 10s;
        with.answer_limit = 20s;
        if (also) also(with);
        return with;
    }

    std::optional<std::string>
    get(std::string_view name, Kind kind = Kind::result, std::uint64_t most = 1U << 20U)
    {
        auto got = run(io, cache->get(kind, name_of(name), most));
        REQUIRE(got);
        return *std::move(got);
    }
    void put(std::string_view name, std::string bytes, Kind kind = Kind::result)
    {
        REQUIRE(run(io, cache->put(kind, name_of(name), std::move(bytes))));
    }

    boost::asio::io_context io;
    std::shared_ptr<SharedCache> cache;
};

/// For servers that do not answer.
inline void short_limits(SharedCacheOptions& options)
{
    options.connect_limit = 2s;
    options.answer_limit = 2s;
}

/// Of one request: what a server saw.
struct Seen {
    std::string method, path, head, body;

    std::string field(const std::string& name) const
    {
        const auto at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos) return "none";
        const auto from = at + name.size() + 4;
        return head.substr(from, head.find("\r\n", from) - from);
    }
};

/// Plays `answer` for each request, which has its body, and remembers all.
class Recorder {
public:
    using Answer = std::function<std::string(const Seen&)>;

    explicit Recorder(Answer answer, Road road = Road::tcp)
        : answer_(std::move(answer)), server_(road, {[this](FakePeer& peer) { serve(peer); }})
    {
    }

    std::string url(const std::string& path = "/cache") const { return url_of(server_, path); }
    const FakeEngine& server() const { return server_; }

    std::vector<Seen> seen() const
    {
        const std::lock_guard lock(mutex_);
        return seen_;
    }
    /// "GET /a", "PUT /b"
    std::vector<std::string> lines() const
    {
        std::vector<std::string> out;
        for (const Seen& one : seen()) {
            out.push_back(one.method + " " + one.path);
        }
        return out;
    }

private:
    void serve(FakePeer& peer)
    {
        for (;;) {
            Seen one;
            one.head = peer.head();
            if (one.head.empty()) return;
            const auto space = one.head.find(' ');
            one.method = one.head.substr(0, space);
            one.path = one.head.substr(space + 1, one.head.find(' ', space + 1) - space - 1);
            const std::string length = one.field("Content-Length");
            if (length != "none") one.body = peer.read(std::stoul(length));
            {
                const std::lock_guard lock(mutex_);
                seen_.push_back(one);
            }
            if (!peer.send(answer_(one))) return;
        }
    }

    Answer answer_;
    mutable std::mutex mutex_;
    std::vector<Seen> seen_;
    FakeEngine server_; // last: it serves from its begin on
};

inline std::string
http(const std::string& status, const std::string& body = "", const std::string& fields = "")
{
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"
           + fields + "\r\n" + body;
}

inline std::string path_of(std::string_view directory, std::string_view name)
{
    const std::string digits = core::to_hex(name_of(name));
    return "/cache/" + std::string(directory) + "/" + digits.substr(0, 2) + "/" + digits;
}

inline bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

/// Longer than everything that a case may take, so that a hang shows.
class StopWatch {
public:
    std::chrono::milliseconds passed() const
    {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - begin_
        );
    }

private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

} // namespace slipway::test
