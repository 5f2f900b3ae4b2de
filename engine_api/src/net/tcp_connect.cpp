#include "net/tcp_connect.hpp"

#include "net/socket_stream.hpp"

#include <slipway/engine/child.hpp>

#include <boost/asio/steady_timer.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <optional>

namespace slipway::engine {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds head_start(250); // RFC 8305 calls it the attempt delay

// Attached streams can be silent for hours: a dead peer must show up all the same.
void keep_alive(tcp::socket& socket)
{
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
#ifdef TCP_KEEPIDLE
    const int seconds = 30;
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
#endif
}

// Outlives the coroutine that waits for it: the C library's look-up cannot be interrupted.
struct LookUp {
    explicit LookUp(const asio::any_io_executor& executor)
        : resolver(executor), ended(executor, asio::steady_timer::time_point::max())
    {
    }
    tcp::resolver resolver;
    asio::steady_timer ended;
    bool ready = false;
    boost::system::error_code failed;
    std::vector<tcp::endpoint> peers;
};

struct Race {
    explicit Race(const asio::any_io_executor& executor) : news(executor) {}
    asio::steady_timer news; // cancelled when something has happened
    std::unique_ptr<NetStream> winner;
    std::optional<boost::system::error_code> failed; // the first failure: the preferred address
    std::size_t running = 0;
};

Task<> attempt(asio::any_io_executor executor, std::shared_ptr<Race> race, tcp::endpoint peer)
{
    auto stream = std::make_unique<SocketStream<tcp>>(executor);
    const auto [failed] = co_await stream->socket.async_connect(peer, io);
    --race->running;
    if (failed && !race->failed) {
        race->failed = failed;
    }
    if (!failed && race->winner == nullptr) {
        keep_alive(stream->socket);
        race->winner = std::move(stream);
    }
    race->news.cancel();
    co_return ok();
}

} // namespace

Task<std::vector<tcp::endpoint>>
resolve(asio::any_io_executor executor, std::string host, std::uint16_t port)
{
    boost::system::error_code is_a_name;
    const auto address = asio::ip::make_address(host, is_a_name);
    if (!is_a_name) {
        co_return std::vector<tcp::endpoint>(1, tcp::endpoint(address, port));
    }
    const auto lookup = std::make_shared<LookUp>(executor);
    lookup->resolver.async_resolve(
        host,
        std::to_string(port),
        tcp::resolver::numeric_service,
        [lookup](
            const boost::system::error_code& failed, const tcp::resolver::results_type& found
        ) {
            lookup->failed = failed;
            for (const auto& entry : found) {
                lookup->peers.push_back(entry.endpoint());
            }
            lookup->ready = true;
            lookup->ended.cancel();
        }
    );
    const Interruption stop(co_await asio::this_coro::cancellation_state);
    while (!lookup->ready && !stop.arrived()) {
        co_await lookup->ended.async_wait(io);
    }
    if (stop.arrived()) {
        lookup->resolver.cancel();
        co_return fail(cancelled_error("looking up host " + host));
    }
    if (lookup->failed) {
        co_return fail(net_error(lookup->failed, "looking up host " + host));
    }
    co_return std::move(lookup->peers);
}

Task<std::unique_ptr<NetStream>>
connect_first(asio::any_io_executor executor, std::vector<tcp::endpoint> peers)
{
    const auto race = std::make_shared<Race>(executor);
    const Interruption stop(co_await asio::this_coro::cancellation_state);
    std::vector<Child> attempts;
    const auto open = [&] { return race->winner == nullptr && !stop.arrived(); };
    for (std::size_t next = 0; open() && (next < peers.size() || race->running > 0);) {
        if (next < peers.size()) {
            ++race->running;
            attempts.emplace_back(executor, attempt(executor, race, peers[next++]));
        }
        race->news.expires_at(
            next < peers.size() ? std::chrono::steady_clock::now() + head_start
                                : asio::steady_timer::time_point::max()
        );
        co_await race->news.async_wait(io);
    }
    for (auto& loser : attempts) {
        loser.cancel();
        co_await loser.join();
    }
    if (stop.arrived()) {
        co_return fail(cancelled_error("connecting"));
    }
    if (race->winner == nullptr) {
        const auto none = boost::system::error_code(asio::error::host_not_found);
        co_return fail(net_error(race->failed.value_or(none), "connecting"));
    }
    co_return std::move(race->winner);
}

} // namespace slipway::engine
