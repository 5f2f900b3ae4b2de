#pragma once

#include "agent/codec.hpp"
#include "agent/messages.hpp"
#include "descriptor.hpp"
#include "loop.hpp"

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace slipway::agent {

/// A stream of frames to and from clients: a connection of the socket, which has one client, or
/// stdin and stdout, which clients use one after the other.
class Connection {
public:
    struct Handlers {
        std::function<void(Connection&, const Message&)> message;
        std::function<void(Connection&)> skipped; ///< bytes came that are no frame
        std::function<void(Connection&)> ended;   ///< the client has left
    };

    /// A connection of the socket.
    Connection(Loop& loop, Fd socket, Handlers handlers);
    /// stdin and stdout.
    Connection(Loop& loop, int in, int out, Handlers handlers);

    /// Reads from now on.
    void start();

    template <class T>
    void send(Type type, std::uint32_t channel, const T& message)
    {
        append_message(out_, type, channel, encode(message), reader_.tag());
        ask();
    }
    /// The same for bytes as they are.
    void send_bytes(Type type, std::uint32_t channel, std::string_view bytes);
    /// The same for `size` bytes that stand in a pipe, which are not copied. False: they are still
    /// there, and have to be read.
    bool send_from_pipe(Type type, std::uint32_t channel, int pipe, std::size_t size);
    /// Sends what it can now.
    void flush();
    /// Forgets what has not been sent: nobody waits for it any more.
    void drop();
    /// More waits to be sent than should be added to.
    bool is_crowded() const noexcept { return waiting() >= crowded_bytes; }
    /// Whether it was crowded, and is no more: once. However it came, a job that was held up is
    /// told by nobody else.
    bool is_relieved() noexcept { return !is_crowded() && std::exchange(was_crowded_, false); }
    bool has_waiting() const noexcept { return waiting() > 0; }

    /// The first of the descriptors that came and were not taken; empty when this process had no
    /// room for it, none when none came.
    std::optional<Fd> take_descriptor();

    /// Gives no messages until `resume`.
    void pause();
    void resume();

    bool is_shared() const noexcept { return !socket_; }
    /// Whether the client is known to have left, even when that has not been told yet.
    bool has_left() const;

private:
    static constexpr std::size_t crowded_bytes = std::size_t{512} << 10;

    std::size_t waiting() const noexcept { return out_.size() - sent_; }
    void ask();
    void on_event(std::uint32_t events);
    void read();
    ssize_t receive(std::span<char> room);
    void deliver();

    Handlers handlers_;
    Fd socket_;
    int in_;
    int out_fd_;
    FrameReader reader_;
    std::uint64_t skipped_ = 0;
    std::deque<Fd> descriptors_; ///< that came, in their order
    std::string out_;
    std::size_t sent_ = 0;
    bool was_crowded_ = false;
    bool paused_ = false;
    bool delivering_ = false;
    bool ended_ = false;
    Watch in_watch_;
    Watch out_watch_; ///< of stdout only
};

} // namespace slipway::agent
