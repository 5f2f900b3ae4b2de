#include "call.hpp"
#include "containers_json.hpp"
#include "one_line.hpp"
#include "secrets.hpp"

#include <slipway/engine/containers.hpp>

#include <array>

namespace slipway::engine {

namespace {

constexpr std::size_t max_reply_bytes = std::size_t{64} << 10U;
constexpr std::size_t max_shown_bytes = 2048;

/// The body as it is, up to a limit that no exit status reaches.
Task<std::string> read_reply(ResponseStream& reply)
{
    std::string body;
    std::array<char, 4096> buffer{};
    while (body.size() < max_reply_bytes) {
        CO_TRY(const std::size_t count, co_await reply.read(buffer));
        if (count == 0) break;
        body.append(buffer.data(), count);
    }
    co_return body;
}

Result<ExitStatus> exit_status(const std::string& body)
{
    if (body.find_first_not_of(" \t\r\n") == std::string::npos) {
        return fail(Errc::truncated, "the connection ended before the container did");
    }
    auto reply = json::decode<WaitReply>(body);
    if (!reply) {
        // A proxy on the way can put its own text in the body, after the status 200 is out.
        Error error = std::move(reply).error();
        error.message = "no exit status but: " + one_line(body, max_shown_bytes);
        return fail(std::move(error));
    }
    return ExitStatus{reply->status_code, std::move(reply->error.message)};
}

} // namespace

Task<ExitStatus> Wait::result()
{
    if (!reply_) co_return fail(Errc::internal, "this wait holds nothing to wait for");
    const std::string doing = "waiting for container " + std::string(short_id(container_));
    Result<ExitStatus> status = fail(Errc::internal, "not read");
    if (auto body = co_await read_reply(*reply_)) {
        status = exit_status(*body);
    } else {
        status = fail(std::move(body).error());
    }
    if (!status) status = fail(hide(std::move(status).error(), secrets_));
    co_return during(std::move(status), doing);
}

void Wait::close() noexcept
{
    if (reply_) reply_->close();
}

} // namespace slipway::engine
