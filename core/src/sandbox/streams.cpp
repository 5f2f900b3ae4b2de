#include "sandbox/streams.hpp"

#include <slipway/engine/frames.hpp>

#include <array>

namespace slipway::core {

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

Task<>
receive(engine::DuplexStream& from, engine::ByteSink* out, engine::ByteSink* err, bool terminal)
{
    if (terminal) {
        CO_CHECK(co_await engine::copy(from, *out));
        co_return ok();
    }
    co_return co_await engine::demultiplex(from, *out, *err);
}

bool reset_by_peer(const Error& error)
{
    return error.code == Errc::io && error.cause == std::errc::connection_reset;
}

// docker: `exec: "docker-init": executable file not found`; podman: `container-init binary not
// found`.
bool lacks_init(const Error& error)
{
    return error.message.find("-init") != std::string::npos
           || error.message.find("catatonit") != std::string::npos;
}

} // namespace slipway::core
