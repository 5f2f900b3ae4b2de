#include "http/response_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstring>

namespace slipway::engine {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

using boost::beast::string_view;
using boost::system::error_code;

tl::unexpected<Error> malformed(const error_code& failed)
{
    return fail(Errc::protocol, "not a valid HTTP answer: " + failed.message());
}

Error too_large_header()
{
    return Error(
        Errc::protocol,
        "the header of the engine's answer is larger than "
            + std::to_string(ResponseParser::max_header_bytes >> 10U) + " KiB"
    );
}

} // namespace

// Beast's own container of fields throws at a value of 64 KiB, so this one keeps them itself.
struct ResponseParser::Parser final : http::basic_parser<false> {
    int status = 0;
    Headers headers;
    std::span<char> room; // for the body of one step
    bool has_chunk = false;

    std::size_t take(string_view data, error_code& failed)
    {
        const std::size_t n = std::min(data.size(), room.size());
        if (n > 0) std::memcpy(room.data(), data.data(), n);
        room = room.subspan(n);
        failed = n < data.size() ? error_code(http::error::need_buffer) : error_code();
        return n;
    }

    void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
    void on_response_impl(int code, string_view, int, error_code&) override { status = code; }
    void on_field_impl(http::field, string_view name, string_view value, error_code&) override
    {
        headers.add(std::string(name), std::string(value));
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view body, error_code& failed) override
    {
        return take(body, failed);
    }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override
    {
        has_chunk = true;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& failed) override
    {
        return take(body, failed);
    }
    void on_finish_impl(error_code&) override {}
};

ResponseParser::ResponseParser(bool answers_head) : parser_(std::make_unique<Parser>())
{
    parser_->header_limit(static_cast<std::uint32_t>(max_header_bytes));
    parser_->body_limit(boost::none);
    parser_->skip(answers_head);
    parser_->eager(false);
}
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;
ResponseParser::~ResponseParser() = default;

// Beast looks at the first bytes of a header at once and at the others when it has them all, so
// what it finds, and when, depends on how many come first. It gets the header whole; what can be
// wrong in the first part of one is looked for here, byte by byte.
Result<bool> ResponseParser::look_at_head(std::string_view data)
{
    constexpr std::string_view start = "HTTP/";
    if (!data.starts_with(start.substr(0, data.size()))) {
        return fail(Errc::protocol, "not a valid HTTP answer: it does not begin with HTTP/");
    }
    constexpr std::string_view end = "\r\n\r\n";
    for (;;) {
        const std::size_t feed = data.find('\n', head_seen_);
        if (feed == std::string_view::npos) break;
        if (feed == 0 || data[feed - 1] != '\r') {
            return fail(Errc::protocol, "not a valid HTTP answer: a line ends without CR");
        }
        head_seen_ = feed + 1;
        if (data.substr(0, head_seen_).ends_with(end)) return true;
    }
    head_seen_ = data.size();
    if (data.size() > max_header_bytes) return fail(too_large_header());
    return false;
}

Result<std::size_t> ResponseParser::feed_head(std::string_view data)
{
    TRY(const bool whole, look_at_head(data));
    if (!whole) return std::size_t{0};
    error_code failed;
    const std::size_t n = parser_->put(asio::buffer(data.data(), data.size()), failed);
    if (failed == http::error::header_limit) {
        return fail(too_large_header());
    }
    if (failed && failed != http::error::need_more) {
        return malformed(failed);
    }
    return n;
}

Result<ResponseParser::BodyStep>
ResponseParser::feed_body(std::string_view data, std::span<char> into)
{
    BodyStep step;
    // Beast asserts that a last chunk of which it has seen a part has these bytes, though one that
    // is also the first may come in smaller pieces.
    constexpr std::size_t shortest_chunks = 5; // "0\r\n\r\n"
    if (parser_->chunked() && !parser_->has_chunk && data.size() < shortest_chunks) return step;
    parser_->room = into;
    error_code failed;
    step.consumed = parser_->put(asio::buffer(data.data(), data.size()), failed);
    step.produced = into.size() - parser_->room.size();
    if (failed && failed != http::error::need_more && failed != http::error::need_buffer) {
        return malformed(failed);
    }
    return step;
}

Result<> ResponseParser::feed_end()
{
    if (complete()) {
        return ok();
    }
    error_code failed;
    parser_->put_eof(failed);
    if (failed) {
        return fail(
            Errc::truncated, "the engine closed the connection in the middle of its answer"
        );
    }
    return ok();
}

bool ResponseParser::head_complete() const
{
    return parser_->is_header_done();
}

bool ResponseParser::complete() const
{
    return parser_->is_done();
}

bool ResponseParser::keep_alive() const
{
    // An engine that gives these a body all the same would have it read as the next answer.
    const bool bodiless = status() == 204 || status() == 304;
    const auto length = parser_->content_length();
    if (bodiless && (parser_->chunked() || (length && *length > 0))) {
        return false;
    }
    return parser_->keep_alive();
}

bool ResponseParser::ends_with_connection() const
{
    return parser_->need_eof();
}

int ResponseParser::status() const
{
    return parser_->status;
}

const Headers& ResponseParser::headers() const
{
    return parser_->headers;
}

} // namespace slipway::engine
