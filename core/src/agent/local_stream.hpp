#pragma once

#include "archive/posix.hpp"

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

namespace slipway::core {

/// A Unix stream socket, which can also carry descriptors to another process of this machine.
class LocalStream : public engine::DuplexStream {
public:
    /// As `write`; the peer gets `descriptor` as one of its own together with the first byte of
    /// `data`, which is not empty. It stays ours, too.
    virtual Task<> write_with(std::string_view data, int descriptor) = 0;
};

std::unique_ptr<LocalStream> local_stream(boost::asio::local::stream_protocol::socket socket);

/// Two ends of one connection: what is written to one is read from the other.
struct LocalPair {
    std::unique_ptr<LocalStream> ours;
    posix::Fd theirs; ///< it blocks
};

/// Errors: io.
Result<LocalPair> local_pair(const boost::asio::any_io_executor& executor);

/// Sends what a Unix socket takes of `data` at once, which is not empty, and the descriptor with
/// its first byte. How many bytes that were, or -1 with errno.
ssize_t send_with(int socket, std::string_view data, int descriptor);

/// What went wrong with a socket, while doing what. Errc::io, or cancelled, permission_denied,
/// unreachable.
Error socket_error(const boost::system::error_code& code, std::string doing);

} // namespace slipway::core
