#pragma once

#include "agent/connect.hpp"
#include "agent/event.hpp"
#include "agent/session.hpp"
#include "support/run.hpp"
#include "support/temp_directory.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/pause.hpp>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace slipway::test {

// Far above what a healthy case takes, so that a hang is an error and not the end of the program.
inline constexpr std::chrono::milliseconds generous{30'000};

/// A process that is killed with its owner.
class Process {
public:
    /// Runs in the new process, which then ends.
    explicit Process(const std::function<void()>& become)
    {
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error("no process could be made");
        if (pid_ != 0) return;
        become();
        ::_exit(127);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() { kill(); }

    pid_t pid() const { return pid_; }
    void kill()
    {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

private:
    pid_t pid_ = 0;
};

/// A real agent that listens on a socket in a directory of its own.
class Agent {
public:
    Agent()
        : process_([path = socket()] {
              // Another architecture's, by an emulator: CMakeLists.txt.
              const char* const emulator = std::getenv("SLIPWAY_TEST_EMULATOR");
              const char* const program = std::getenv("SLIPWAY_TEST_AGENT");
              std::vector<const char*> words;
              if (emulator != nullptr) words.push_back(emulator);
              words.push_back(program != nullptr ? program : SLIPWAY_AGENT);
              for (const char* word : {"serve", "--socket", path.c_str(), "--idle-ms", "60000"}) {
                  words.push_back(word);
              }
              words.push_back(nullptr);
              ::execv(words.front(), const_cast<char* const*>(words.data()));
          })
    {
        struct stat status {};
        for (int i = 0; ::stat(socket().c_str(), &status) != 0; ++i) {
            if (i == 10'000) throw std::runtime_error("the agent does not listen");
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    std::filesystem::path directory() const { return directory_.path(); }
    std::filesystem::path socket() const { return directory_.path() / "s"; }
    Process& process() { return process_; }

private:
    TempDirectory directory_;
    Process process_;
};

/// Hides that a stream can carry descriptors, as those of remote engines cannot.
class Plain final : public engine::DuplexStream {
public:
    explicit Plain(std::unique_ptr<engine::DuplexStream> stream) : stream_(std::move(stream)) {}
    Task<std::size_t> read(std::span<char> into) override { return stream_->read(into); }
    Task<> write(std::string_view data) override { return stream_->write(data); }
    Task<> shutdown_write() override { return stream_->shutdown_write(); }
    void close() noexcept override { stream_->close(); }

private:
    std::unique_ptr<engine::DuplexStream> stream_;
};

/// How files travel.
enum class Way { own_streams, frames };

inline Task<std::unique_ptr<core::AgentSession>> open_session(
    std::filesystem::path socket, core::SessionOptions options = {}, Way way = Way::own_streams
)
{
    // bind comes before listen
    auto stream = co_await core::connect_agent(socket, generous);
    for (int i = 0; !stream && stream.error().code == Errc::unreachable && i < 1000; ++i) {
        stream = co_await core::connect_agent(socket, generous);
    }
    if (!stream) co_return fail(std::move(stream).error());
    if (way == Way::frames) stream = std::make_unique<Plain>(*std::move(stream));
    co_return co_await core::AgentSession::open(*std::move(stream), options);
}

/// Runs a scenario with a session, and requires that it ends well.
inline void with_session(
    const std::filesystem::path& socket,
    const std::function<Task<>(core::AgentSession&)>& scenario,
    core::SessionOptions options = {},
    Way way = Way::own_streams
)
{
    boost::asio::io_context io;
    const auto whole = [&]() -> Task<> {
        CO_TRY(const auto session, co_await open_session(socket, options, way));
        co_return co_await scenario(*session);
    };
    const auto done = run(io, whole());
    INFO((done ? std::string() : describe(done.error())));
    REQUIRE(done);
}

// No list in braces: gcc 12 destroys one inside a co_await expression twice.
template <class... Words>
agent::Run program(Words... words)
{
    agent::Run run;
    (run.argv.emplace_back(words), ...);
    run.env.emplace_back("PATH=/usr/local/bin:/usr/bin:/bin");
    return run;
}
inline agent::Run shell(const char* script)
{
    return program("sh", "-c", script);
}

inline int exit_code(const Result<core::JobEnd>& end)
{
    const auto* const exit = end ? std::get_if<agent::Exit>(&*end) : nullptr;
    return exit != nullptr && exit->how == 0 ? exit->code : -1;
}

/// A sink that keeps all.
struct Collected final : engine::ByteSink {
    Task<> write(std::string_view data) override
    {
        text.append(data);
        if (on_write) on_write();
        co_return ok();
    }
    std::string text;
    std::function<void()> on_write;
};

/// Takes nothing until it is opened.
class Gate final : public engine::ByteSink {
public:
    explicit Gate(boost::asio::any_io_executor executor) : opened_(executor) {}
    Task<> write(std::string_view data) override
    {
        while (!open_) {
            CO_CHECK(co_await opened_.wait());
        }
        bytes += data.size();
        co_return ok();
    }
    void open()
    {
        open_ = true;
        opened_.notify();
    }
    std::size_t bytes = 0;

private:
    core::Event opened_;
    bool open_ = false;
};

} // namespace slipway::test
