#pragma once

#include "net/child_process.hpp"
#include "net/private_directory.hpp"
#include "net/ssh_command.hpp"
#include "net/stream.hpp"

#include <slipway/engine/endpoint.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::engine {

/// One `ssh` that forwards Unix sockets of a host into a private directory here. It is started by
/// the first connection, again when it has ended meanwhile, and ends with the last owner.
///
/// ssh takes a connection before it knows whether the host's socket does: a refusal shows up as
/// the error of the stream's first read.
class SshTunnel {
public:
    /// `sockets` are paths on the host; that of `endpoint` is not used.
    SshTunnel(Endpoint endpoint, std::vector<std::string> sockets);

    /// Opens a connection to one of the sockets. No end of its own; cancel it. `limit` is told to
    /// ssh for the same end.
    static Task<std::unique_ptr<NetStream>> open(
        std::shared_ptr<SshTunnel> tunnel,
        boost::asio::any_io_executor executor,
        std::string socket,
        std::chrono::milliseconds limit
    );

    /// Whether ssh has logged in, and the host then had no connection for the last stream.
    bool socket_was_refused() const noexcept { return socket_was_refused_; }

private:
    class Stream;

    Result<> start(std::chrono::milliseconds limit);

    Endpoint endpoint_;
    std::vector<std::string> sockets_;
    std::vector<SshForward> forwards_;
    std::optional<PrivateDirectory> directory_;
    std::shared_ptr<ChildProcess> ssh_; // before the directory goes, it ends
    bool socket_was_refused_ = false;
};

/// What `command` prints on the host. Errors: unreachable (no login, or it fails there), timed_out,
/// cancelled, not_found (ssh is not installed).
Task<std::string>
run_by_ssh(Endpoint endpoint, std::string command, std::chrono::milliseconds limit);

} // namespace slipway::engine
