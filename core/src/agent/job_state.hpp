#pragma once

#include "agent/event.hpp"
#include "agent/job.hpp"
#include "agent/messages.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::core {

/// What a job wrote, in its order over both streams.
struct JobOutput {
    struct Part {
        agent::Stream stream;
        std::uint32_t size;
    };
    std::string bytes;
    std::vector<Part> parts;

    void append(agent::Stream stream, std::string_view more)
    {
        bytes.append(more);
        const auto size = static_cast<std::uint32_t>(more.size());
        if (!parts.empty() && parts.back().stream == stream) {
            parts.back().size += size; // bounded by the window
        } else {
            parts.push_back({stream, size});
        }
    }
    void clear()
    {
        bytes.clear();
        parts.clear();
    }
};

/// The window of one output stream of a job.
class OutputWindow {
public:
    static constexpr std::uint32_t size = 512U << 10U;

    /// False when the agent was not allowed to send as much.
    bool arrived(std::size_t bytes)
    {
        if (bytes > left_) return false;
        left_ -= bytes;
        return true;
    }
    /// They have been given on. How many more the agent may send now: 0 until it is worth a
    /// message.
    std::uint32_t given(std::size_t bytes)
    {
        taken_ += bytes;
        return taken_ < size / 4 ? 0 : grant(std::exchange(taken_, 0));
    }
    /// The whole window again, whatever became of the bytes that came.
    std::uint32_t refill()
    {
        taken_ = 0;
        return grant(size - left_);
    }

private:
    std::uint32_t grant(std::size_t more)
    {
        left_ += more;
        return static_cast<std::uint32_t>(more);
    }

    std::size_t left_ = size;
    std::size_t taken_ = 0;
};

/// A job as its channel has it, shared by the coroutines that move its streams and by the one that
/// reads from the agent.
struct AgentJob {
    AgentJob(const boost::asio::any_io_executor& executor, std::uint32_t number)
        : channel(number), changed(executor), may_send(executor)
    {
    }
    OutputWindow& window(agent::Stream stream) { return windows[stream == agent::Stream::err]; }

    const std::uint32_t channel;
    Event changed;                                ///< output has come, or the end
    Event may_send;                               ///< there is more window for stdin, or the end
    JobOutput output;                             ///< what has come and was not taken
    std::array<OutputWindow, 2> windows{};        ///< of stdout and stderr
    std::uint64_t in_window = agent::max_payload; ///< bytes of stdin that the agent takes
    std::uint64_t arrived = 0;                    ///< bytes of output so far
    std::size_t unsent = 0;                       ///< blocks of stdin that wait to be written
    bool giving = false;                          ///< output is being given to a sink
    bool dropped = false;                         ///< nobody wants its output any more
    bool overdue = false;                         ///< it went on after its deadline
    std::function<void()> stop;                   ///< ends what is being given on
    std::optional<JobEnd> end;
    std::unique_ptr<engine::DuplexStream> own; ///< its stdin and stdout, where it has its own
};

} // namespace slipway::core
