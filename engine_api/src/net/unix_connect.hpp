#pragma once

#include "net/stream.hpp"

#include <memory>
#include <string>

namespace slipway::engine {

/// Connects to a Unix socket, and waits where its listener's queue is full. Without an end of its
/// own; cancel it.
Task<std::unique_ptr<NetStream>>
connect_unix(boost::asio::any_io_executor executor, std::string path);

} // namespace slipway::engine
