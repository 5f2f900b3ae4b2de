#pragma once

#include "http/response_parser.hpp"
#include "net/stream.hpp"

#include <slipway/engine/child.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace slipway::engine {

/// One connection to an engine, and the HTTP exchange that runs on it.
///
/// The request is sent and the answer read at the same time: an engine may refuse early, stop
/// reading, and say why only in its answer. The first final status wins. It must outlive the tasks
/// it gives.
class Connection {
public:
    Connection(boost::asio::any_io_executor executor, std::shared_ptr<NetStream> stream);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    /// Sends `head` (with a short body, when there is one), then starts to send `source`: in
    /// chunks, or as it is when its `length` is known.
    /// `turns`, if any, hears whose turn it is whenever that changes: true when the engine is to
    /// take a piece or to answer, false while the source makes the next piece.
    Task<> send(
        std::string head,
        std::shared_ptr<ByteSource> source,
        bool is_head_request,
        std::function<void(bool)> turns,
        std::optional<std::uint64_t> length = {}
    );

    /// Reads the header of the final answer; interim 1xx answers are skipped, save 101.
    Task<> receive_head();

    /// Reads body bytes; 0 when the answer is complete.
    /// Errors: truncated, protocol, io; and what the body's source failed with, if it did.
    Task<std::size_t> receive_body(std::span<char> into);

    /// Ends an exchange whose answer is complete. Errors: what the body's source failed with;
    /// protocol, when the engine reports success without having had the whole request.
    Task<> finish();

    /// Closes, and waits until the sender has ended. One whose source does not stop is left to
    /// itself after some patience; it owns what it uses.
    Task<> abandon();

    const ResponseParser& answer() const noexcept { return parser_; }
    bool heard_anything() const noexcept { return heard_anything_; }
    /// True after `finish` when another request may use the connection.
    bool reusable() const noexcept;
    /// Closes the socket; a running sender ends by itself.
    void close() noexcept;

    /// The socket of an idle connection has news, which can only be its end.
    bool stale() noexcept { return stream_->stale(); }

    /// After a 101 or 200 to an upgrade: the bytes that came with the header, then the stream.
    std::string take_leftover();
    std::shared_ptr<NetStream> release() noexcept { return std::move(stream_); }

    bool reused = false; ///< the connection has carried an exchange before

private:
    struct Sender; // what the sending coroutine shares with us

    static Task<> send_all(
        std::shared_ptr<NetStream> stream,
        std::string head,
        std::shared_ptr<ByteSource> source,
        std::optional<std::uint64_t> length,
        std::shared_ptr<Sender> sender
    );
    Task<bool> receive(); // more bytes into the buffer; false at the end of the connection
    Error why(Error read_failure) const;

    std::string_view buffered() const noexcept
    {
        return std::string_view(buffer_.data() + begin_, end_ - begin_);
    }

    boost::asio::any_io_executor executor_;
    std::shared_ptr<NetStream> stream_;
    ResponseParser parser_{false};
    std::shared_ptr<Sender> sender_;
    Child sending_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool filled_ = false; // the last read left no room
    bool is_head_request_ = false;
    bool heard_anything_ = false;
    bool peer_ended_ = false;
    bool closed_ = false;
};

} // namespace slipway::engine
