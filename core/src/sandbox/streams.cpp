#include "sandbox/streams.hpp"

#include <slipway/engine/frames.hpp>

#include <array>

namespace slipway::core {

namespace {

// A source that ends where the peer resets the connection.
class UntilReset final : public engine::ByteSource {
public:
    explicit UntilReset(engine::ByteSource& from) : from_(from) {}

    Task<std::size_t> read(std::span<char> into) override
    {
        auto n = co_await from_.read(into);
        const bool is_reset =
            !n && n.error().code == Errc::io && n.error().cause == std::errc::connection_reset;
        if (is_reset) co_return std::size_t{0};
        co_return n;
    }

private:
    engine::ByteSource& from_;
};

} // namespace

Task<> forward(engine::ByteSource& from, engine::DuplexStream& to, bool terminal)
{
    std::array<char, 65536> buffer{};
    Result<> ended;
    for (;;) {
        const auto n = co_await from.read(buffer);
        if (!n) {
            ended = fail(n.error());
        }
        if (!n || *n == 0) {
            break;
        }
        if (!co_await to.write(std::string_view(buffer.data(), *n))) {
            co_return ok();
        }
    }
    if (!ended && ended.error().code == Errc::cancelled) {
        co_return ended;
    }
    if (terminal) {
        co_await to.write("\x04"); // a half-close would cut a terminal's output
    } else {
        co_await to.shutdown_write();
    }
    co_return ended;
}

OnReset on_reset(const engine::Traits& traits, bool has_stdin) noexcept
{
    return has_stdin && traits.unread_stdin_may_reset ? OnReset::end : OnReset::fail;
}

Task<> receive(
    engine::DuplexStream& from,
    engine::ByteSink* out,
    engine::ByteSink* err,
    bool terminal,
    OnReset reset
)
{
    UntilReset until_reset(from);
    engine::ByteSource& source =
        reset == OnReset::end ? static_cast<engine::ByteSource&>(until_reset) : from;
    if (terminal) {
        CO_CHECK(co_await engine::copy(source, *out));
        co_return ok();
    }
    co_return co_await engine::demultiplex(source, *out, *err);
}

// docker: `exec: "docker-init": executable file not found`; podman: `container-init binary not
// found`.
bool lacks_init(const Error& error)
{
    return error.message.find("-init") != std::string::npos
           || error.message.find("catatonit") != std::string::npos;
}

} // namespace slipway::core
