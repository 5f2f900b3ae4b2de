#pragma once

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/containers.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace slipway::cli {

/// stdin, stdout and stderr are all terminals, so that a command can have one of its own.
bool on_terminal();

/// stdin carries data: a pipe, a file or a socket.
bool stdin_is_piped();

/// Reads a descriptor it does not own. The descriptor is never made non-blocking: other programs
/// share it.
class LocalInput final : public engine::ByteSource {
public:
    LocalInput(const boost::asio::any_io_executor& executor, int descriptor);
    ~LocalInput() override;
    LocalInput(const LocalInput&) = delete;
    LocalInput& operator=(const LocalInput&) = delete;

    Task<std::size_t> read(std::span<char> into) override;

private:
    std::optional<boost::asio::posix::stream_descriptor> waiter_; // none for a regular file
    int descriptor_;
};

/// Writes to a descriptor it does not own, likewise.
class LocalOutput final : public engine::ByteSink {
public:
    LocalOutput(const boost::asio::any_io_executor& executor, int descriptor);
    ~LocalOutput() override;
    LocalOutput(const LocalOutput&) = delete;
    LocalOutput& operator=(const LocalOutput&) = delete;

    Task<> write(std::string_view data) override;
    bool closed() const noexcept { return closed_; } ///< a write found its reader gone

private:
    std::optional<boost::asio::posix::stream_descriptor> waiter_; // for pipes and sockets
    int descriptor_;
    bool closed_ = false;
};

/// Hands every key of the terminal on stdin to the command, Ctrl-C included, while it lives. The
/// terminal is set back at the end, also at std::quick_exit.
class RawTerminal {
public:
    RawTerminal();
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
};

/// Calls `changed` with the size of the terminal on stdout now and at each change.
class TerminalSizeWatch {
public:
    TerminalSizeWatch(
        const boost::asio::any_io_executor& executor,
        std::function<void(engine::TerminalSize)> changed
    );
    ~TerminalSizeWatch() { *alive_ = false; }
    TerminalSizeWatch(const TerminalSizeWatch&) = delete;
    TerminalSizeWatch& operator=(const TerminalSizeWatch&) = delete;

private:
    void tell();
    void wait();

    boost::asio::signal_set signals_;
    std::function<void(engine::TerminalSize)> changed_;
    std::shared_ptr<bool> alive_; // a signal can be under way when we go
};

} // namespace slipway::cli
