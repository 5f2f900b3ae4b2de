#include "fuzz.hpp"
#include "http/connection.hpp"
#include "support/run.hpp"

#include <algorithm>
#include <array>
#include <cstring>

// The answer to a request on one connection, from its first byte to whether the next request may
// use the connection.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::fuzz;

namespace {

/// A connection on which these bytes come, at most `step` at a time, and then the end.
class FixedStream final : public NetStream {
public:
    FixedStream(std::string_view bytes, std::size_t step) : bytes_(bytes), step_(step) {}

    Task<std::size_t> read(std::span<char> into) override
    {
        require(!into.empty(), "a read of nothing");
        const std::size_t count = std::min({into.size(), step_, bytes_.size()});
        std::memcpy(into.data(), bytes_.data(), count);
        bytes_.remove_prefix(count);
        co_return count;
    }
    Task<> write(std::string_view) override { co_return ok(); }
    Task<> shutdown_write() override { co_return ok(); }
    void close() noexcept override {}
    bool stale() noexcept override { return false; }

private:
    std::string_view bytes_;
    std::size_t step_;
};

struct Answer {
    int status = 0;
    std::string headers;
    std::string body;
    std::string error;
    bool reusable = false;

    friend bool operator==(const Answer&, const Answer&) = default;
};

Task<> talk(Connection& connection, bool is_head, std::size_t room, Answer& out)
{
    CO_CHECK(co_await connection.send("GET / HTTP/1.1\r\n\r\n", nullptr, is_head, nullptr));
    CO_CHECK(co_await connection.receive_head());
    out.status = connection.answer().status();
    if (out.status == 101) {
        out.body = connection.take_leftover();
        co_return ok();
    }
    std::vector<char> into(room);
    for (;;) {
        CO_TRY(const std::size_t count, co_await connection.receive_body(into));
        if (count == 0) break;
        require(count <= room, "more than there is room for");
        out.body.append(into.data(), count);
    }
    for (const auto& [name, value] : connection.answer().headers().all()) {
        require(!name.empty(), "a header without a name");
        require((name + value).find_first_of("\r\n") == std::string::npos, "a header of two lines");
        out.headers += name + ":" + value + "\n";
    }
    CO_CHECK(co_await connection.finish());
    out.reusable = connection.reusable();
    co_return ok();
}

Answer answer_of(std::string_view bytes, bool is_head, std::size_t step, std::size_t room)
{
    Answer out;
    boost::asio::io_context io;
    Connection connection(io.get_executor(), std::make_unique<FixedStream>(bytes, step));
    const auto ended = test::run(io, talk(connection, is_head, room, out));
    if (!ended) {
        check_error(ended.error());
        const Errc code = ended.error().code;
        require(
            code == Errc::protocol || code == Errc::truncated || code == Errc::io,
            "an answer fails with another code"
        );
        out.error = describe(ended.error());
    }
    return out;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::string_view input = text_of(data, size);
    const bool is_head = take_choice(input, 8) == 7;
    const Answer whole = answer_of(input, is_head, std::max<std::size_t>(size, 1), 4096);
    require(whole.body.size() <= size, "more came out than went in");
    const Answer parts = answer_of(input, is_head, size < 100 ? 1 : 5, 3);
    require(parts.status == whole.status, "the status depends on the reads");
    require(parts.error.empty() == whole.error.empty(), "the end depends on the reads");
    if (!whole.error.empty()) return 0;
    require(whole.status == 101 || parts.body == whole.body, "the body depends on the reads");
    require(parts.headers == whole.headers, "the headers depend on the reads");
    // A peer that says more than the answer is not talked to again; with small reads it has not
    // been heard yet.
    require(parts.reusable || !whole.reusable, "use again depends on the reads");
    return 0;
}
