#pragma once

#include "agent/codec.hpp"
#include "agent/frames.hpp"
#include "support/fake_engine.hpp"
#include "unit/agent_client/support.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace slipway::test {

inline constexpr std::size_t hello_size = 40;

/// The agent's side of a session that is played by hand.
class Played {
public:
    explicit Played(FakePeer& peer) : peer_(&peer) {}

    agent::Hello hello(bool shared = false)
    {
        if (shared) peer_->read(agent::preamble_size);
        reader_.feed(peer_->read(hello_size));
        const auto message = reader_.next();
        if (!message) return {};
        hello_ = *agent::decode<agent::Hello>(message->payload);
        return hello_;
    }
    /// Waits for a message of this type and passes over others; 0 at the end of the connection.
    std::uint32_t await(agent::Type type)
    {
        for (;;) {
            if (const auto message = reader_.next()) {
                if (message->type == type) return message->channel + 1;
                continue;
            }
            const std::string byte = peer_->read(1);
            if (byte.empty()) return 0;
            reader_.feed(byte);
        }
    }
    template <class T>
    std::string frame(agent::Type type, std::uint32_t channel, const T& message) const
    {
        return raw(type, channel, agent::encode(message));
    }
    std::string raw(agent::Type type, std::uint32_t channel, std::string_view payload) const
    {
        std::string bytes;
        agent::append_message(bytes, type, channel, payload, reader_.tag());
        return bytes;
    }
    std::string welcome() const
    {
        agent::Welcome welcome;
        welcome.nonce = hello_.nonce;
        welcome.version = agent::protocol_version;
        welcome.build = "played";
        return frame(agent::Type::welcome, 0, welcome);
    }
    std::string exit(std::uint32_t channel) const
    {
        return frame(agent::Type::exit, channel, agent::Exit());
    }
    void greet()
    {
        hello();
        peer_->send(welcome());
    }

private:
    FakePeer* peer_;
    agent::FrameReader reader_;
    agent::Hello hello_;
};

using Scenario = std::function<Task<>(core::AgentSession&)>;

/// A session with a played agent.
inline Result<> play(
    const FakeEngine::Script& script,
    const Scenario& scenario = [](core::AgentSession&) -> Task<> { co_return ok(); },
    core::SessionOptions options = {}
)
{
    const FakeEngine fake(Road::unix_socket, {script});
    boost::asio::io_context io;
    const std::filesystem::path path = fake.endpoint().socket_path;
    const auto whole = [&]() -> Task<> {
        CO_TRY(const auto session, co_await open_session(path, options));
        co_return co_await scenario(*session);
    };
    return run(io, whole());
}

/// The end of a job that the script plays after its `run` has come.
inline Result<core::JobEnd>
play_job(const std::function<void(FakePeer&, Played&)>& script, std::string* output = nullptr)
{
    Result<core::JobEnd> end = fail(Errc::internal, "it did not run");
    const auto opened = play(
        [&](FakePeer& peer) {
            Played agent(peer);
            agent.greet();
            agent.await(agent::Type::run);
            script(peer, agent);
        },
        [&](core::AgentSession& session) -> Task<> {
            Collected out;
            core::JobIo io;
            io.out = &out;
            io.grace = std::chrono::milliseconds(10);
            end = co_await session.run(program("x"), io);
            if (output != nullptr) *output = out.text;
            co_return ok();
        }
    );
    REQUIRE(opened);
    return end;
}

} // namespace slipway::test
