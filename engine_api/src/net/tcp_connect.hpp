#pragma once

#include "net/stream.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slipway::engine {

/// The addresses of `host`, which may be one itself; in the order of the system's preference.
Task<std::vector<boost::asio::ip::tcp::endpoint>>
resolve(boost::asio::any_io_executor executor, std::string host, std::uint16_t port);

/// Connects to the first of `peers` that answers. The next one is tried, beside those that still
/// wait, when one fails or has not answered for a quarter of a second: a host with a dead IPv6
/// address is as fast as its IPv4 one. Without an end of its own; cancel it.
Task<std::unique_ptr<NetStream>> connect_first(
    boost::asio::any_io_executor executor, std::vector<boost::asio::ip::tcp::endpoint> peers
);

} // namespace slipway::engine
