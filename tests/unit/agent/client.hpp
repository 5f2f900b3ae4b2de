#pragma once

#include "agent/codec.hpp"
#include "agent/messages.hpp"
#include "support/temp_directory.hpp"

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::test {

/// A process of slipway-agent; killed with the object.
class AgentProcess {
public:
    struct Options {
        std::vector<std::string> words;  ///< after "serve"
        bool own_namespace = false;      ///< as PID 1 of a pid namespace
        bool stdio = false;              ///< `stream` is its stdin and stdout
        bool own_ipc = false;            ///< with own_namespace: an IPC namespace as well
        std::vector<std::string> before; ///< a program, with words, that becomes the agent
    };

    explicit AgentProcess(const Options& options);
    AgentProcess(const AgentProcess&) = delete;
    AgentProcess& operator=(const AgentProcess&) = delete;
    ~AgentProcess();

    int stream() const { return stream_; }
    void close_stream();
    pid_t pid() const { return pid_; }
    /// Of the agent itself, where `pid` is that of what made its namespace.
    pid_t inner_pid() const;
    void signal(int number) const;
    /// Waits for its end: the exit code, or -1 when a signal ended it.
    int exit_code();

private:
    pid_t pid_ = -1;
    int stream_ = -1;
    int kill_signal_ = SIGTERM;
};

/// A message that stays.
struct Said {
    agent::Type type{};
    std::uint32_t channel = 0;
    std::string payload;
};

/// All that a job said.
struct Outcome {
    std::optional<agent::Failed> failed;
    agent::Exit exit;
    std::uint32_t pid = 0;
    std::string out;
    std::string err;

    bool exited(int code) const
    {
        return !failed && exit.how == static_cast<std::uint8_t>(agent::Ending::exited)
               && exit.code == code;
    }
    bool died_of(int signal) const
    {
        return !failed && exit.how == static_cast<std::uint8_t>(agent::Ending::signaled)
               && exit.code == signal;
    }
};

/// A client that waits for what it reads: a minute at most, then it throws.
class AgentClient {
public:
    /// On a descriptor that somebody else owns.
    explicit AgentClient(int stream, std::uint32_t tag = 7);
    /// Connects to the socket as soon as somebody listens there.
    explicit AgentClient(const std::string& path, std::uint32_t tag = 7);
    AgentClient(const AgentClient&) = delete;
    AgentClient& operator=(const AgentClient&) = delete;
    ~AgentClient();

    /// The bytes of hello, with a new nonce.
    std::string
    hello(std::uint32_t lease_ms = 60'000, std::uint16_t version = agent::protocol_version);
    /// Says hello and gives the answer.
    Said begin(std::uint32_t lease_ms = 60'000);

    template <class T>
    void send(agent::Type type, std::uint32_t channel, const T& message)
    {
        send_bytes(type, channel, agent::encode(message));
    }
    void send_bytes(agent::Type type, std::uint32_t channel, std::string_view payload);
    void send_raw(std::string_view bytes);
    /// A message with a descriptor, of which the agent gets one of its own.
    template <class T>
    void send_with(int descriptor, agent::Type type, std::uint32_t channel, const T& message)
    {
        send_bytes_with(descriptor, type, channel, agent::encode(message));
    }
    void send_bytes_with(
        int descriptor, agent::Type type, std::uint32_t channel, std::string_view payload
    );
    void grant(std::uint32_t channel, agent::Stream stream, std::uint32_t more);

    Said next();
    /// Whether the agent has closed the stream, after what it still said.
    bool is_closed();
    void close();

    using Hook = std::function<void(const Said&)>;
    /// Starts a job and reads to its end. `in` is sent as the agent allows it, then its end; output
    /// is granted as it comes, and `hook` sees every message.
    Outcome run(const agent::Run& what, std::string_view in = {}, const Hook& hook = {});
    /// The same for a job that was started before.
    Outcome finish(std::uint32_t channel, std::string_view in = {}, const Hook& hook = {});
    agent::ResetDone reset();

    std::uint32_t last_channel = 0;

private:
    int stream_;
    bool owns_ = false;
    std::uint32_t tag_;
    agent::FrameReader reader_;
};

/// `sh -c SCRIPT` with a PATH.
agent::Run shell(const std::string& script);
agent::Run program(std::vector<std::string> argv);

/// The most memory that a process has had so far; 0 when that is not to be known.
long peak_kib(pid_t pid);

/// True as soon as `holds` is; false when it does not become true in a minute.
bool eventually(const std::function<bool()>& holds);

} // namespace slipway::test
