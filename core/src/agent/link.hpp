#pragma once

#include "agent/codec.hpp"
#include "agent/event.hpp"
#include "agent/frames.hpp"
#include "agent/job_state.hpp"
#include "agent/local_stream.hpp"
#include "agent/messages.hpp"
#include "agent/options.hpp"
#include "agent/outbox.hpp"
#include "agent/silence.hpp"

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::core {

/// What to do about a sandbox that does not answer.
inline constexpr const char* hanging_hint =
    "the sandbox is paused or its machine hangs; where `slipway ps` still lists it, `slipway clean "
    "--all` removes it, and all others";

/// A connection to an agent, as all coroutines that use it share it: the session's own, which
/// write, read and renew, and those of its jobs. When it fails it fails once, and for all.
class AgentLink {
public:
    AgentLink(
        const boost::asio::any_io_executor& executor, std::unique_ptr<engine::DuplexStream> stream
    );

    /// Says hello; before that fills up what an earlier client may have left in a shared stream.
    void greet(const SessionOptions& options);

    /// The agent's answer to it. `write` must be running.
    /// Errors: conflict (another client has the sandbox), unsupported (no common version),
    /// protocol,
    ///   truncated, those of the stream, cancelled.
    static Task<agent::Welcome> answer(std::shared_ptr<AgentLink> link);

    /// Sends what waits, until the link fails or is closed.
    static Task<> write(std::shared_ptr<AgentLink> link);
    /// Hands out what comes, until then.
    static Task<> read(std::shared_ptr<AgentLink> link);
    /// Keeps the lease, until then, and ends the link when the agent is silent for too long.
    static Task<> renew(std::shared_ptr<AgentLink> link);
    /// Waits until all has been written; what becomes of the link then is no error.
    static Task<> flush(std::shared_ptr<AgentLink> link);

    template <class T>
    void send(agent::Type type, std::uint32_t channel, const T& message)
    {
        if (!failure_) outbox_.message(type, channel, agent::encode(message), tag_);
    }
    void send(agent::Type type, std::uint32_t channel)
    {
        if (!failure_) outbox_.message(type, channel, {}, tag_);
    }

    /// Whether a job can have a stream of its own: the agent is on this machine.
    bool has_own_streams() const noexcept { return local_ != nullptr; }
    /// Sends the message that starts a job, and knows it from then on. With Run::own_stream it gets
    /// one.
    Result<std::shared_ptr<AgentJob>> start(const agent::Run& run);
    /// A piece of its stdin.
    Outbox::Block block() { return outbox_.block(); }
    static void send_in(
        const std::shared_ptr<AgentLink>& link,
        const std::shared_ptr<AgentJob>& job,
        Outbox::Block block,
        std::size_t size
    );
    /// That much of its output has been given on.
    void given(AgentJob& job, agent::Stream stream, std::size_t bytes);
    /// Asks the agent to end it.
    void cancel(const AgentJob& job, int signal, std::chrono::milliseconds grace);
    /// Kills it; nobody waits for it any more.
    void drop(AgentJob& job);

    /// Asks for a reset, whose result comes there. The agent says nothing else meanwhile, and may
    /// be silent for `limit`.
    struct Reset {
        explicit Reset(const boost::asio::any_io_executor& executor) : changed(executor) {}
        Event changed;
        std::optional<agent::ResetDone> done;
    };
    std::shared_ptr<Reset> reset(std::chrono::milliseconds limit);

    /// Ends the connection and everything that waits for it. The first error is the one that stays.
    void fail(Error error);
    const std::optional<Error>& failure() const noexcept { return failure_; }
    const SessionOptions& options() const noexcept { return options_; }

private:
    Result<> take(const agent::Message& message);
    Result<> take_output(AgentJob& job, agent::Stream stream, std::string_view bytes);
    Result<> take_window(AgentJob& job, std::string_view payload);
    Result<> take_end(AgentJob& job, JobEnd end);
    Result<> take_all();
    void grant(const AgentJob& job, agent::Stream stream, std::uint32_t more);
    Task<std::size_t> read_some();
    Task<> write_piece(const Outbox::Piece& piece);

    boost::asio::any_io_executor executor_;
    std::unique_ptr<engine::DuplexStream> stream_;
    LocalStream* local_; ///< the same, when it is one
    Outbox outbox_;
    bool writing_ = false; ///< a piece has been taken and is not written
    Event written_;
    std::uint32_t tag_ = 0;
    agent::Nonce nonce_{};
    agent::FrameReader reader_;
    SessionOptions options_;
    std::chrono::nanoseconds last_sent_{};
    Silence silence_; ///< of the agent
    std::uint64_t renewals_ = 0;
    Silence::Clock::time_point resets_until_;
    boost::asio::steady_timer next_renewal_;
    std::uint32_t last_channel_ = 0;
    std::map<std::uint32_t, std::shared_ptr<AgentJob>> jobs_;
    std::deque<std::shared_ptr<Reset>> resets_;
    std::optional<Error> failure_;
};

} // namespace slipway::core
