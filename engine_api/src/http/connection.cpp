#include "http/connection.hpp"

#include "net/asio.hpp"
#include "one_line.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>

namespace slipway::engine {

namespace {

constexpr std::size_t buffer_bytes = std::size_t{64} << 10U;
// A stream that fills the buffer at once gets a larger one: fewer turns of the loop for each byte.
constexpr std::size_t stream_buffer_bytes = std::size_t{256} << 10U;
// A header comes in one piece, and the first bytes of the body may follow it.
constexpr std::size_t max_buffer_bytes = ResponseParser::max_header_bytes + buffer_bytes;
constexpr std::size_t max_inline_request = std::size_t{16} << 10U;
constexpr int max_interim_answers = 100;
// How long a request that the engine has answered with success may still be on its way, and how
// long one that is not wanted may take to end.
constexpr std::chrono::milliseconds linger(2'000);

// "40000\r\n", the data and "\r\n" go out in one write.
constexpr std::size_t chunk_front = 10;

// `size` bytes stand behind the front, and there is room for two more.
std::string_view as_chunk(std::vector<char>& chunk, std::size_t size)
{
    std::array<char, chunk_front + 1> text{};
    const int digits = std::snprintf(text.data(), text.size(), "%zx\r\n", size);
    char* begin = chunk.data() + chunk_front - digits;
    std::memcpy(begin, text.data(), static_cast<std::size_t>(digits));
    std::memcpy(chunk.data() + chunk_front + size, "\r\n", 2);
    return std::string_view(begin, static_cast<std::size_t>(digits) + size + 2);
}

} // namespace

struct Connection::Sender {
    std::optional<Error> source_failure; // the caller's body could not be made
    std::optional<Error> write_failure;  // the engine did not take it
    bool all_sent = false;
    bool unwanted = false; // the engine has refused; what it says of that is still to be read
    std::function<void(bool)> turns;

    void turn(bool of_the_engine) const
    {
        if (turns) turns(of_the_engine);
    }
};

Connection::Connection(boost::asio::any_io_executor executor, std::shared_ptr<NetStream> stream)
    : executor_(std::move(executor)), stream_(std::move(stream)), buffer_(buffer_bytes)
{
}

Connection::~Connection()
{
    close();
}

Task<> Connection::send(
    std::string head,
    std::shared_ptr<ByteSource> source,
    bool is_head_request,
    std::function<void(bool)> turns,
    std::optional<std::uint64_t> length
)
{
    is_head_request_ = is_head_request;
    parser_ = ResponseParser(is_head_request);
    sender_ = std::make_shared<Sender>();
    sender_->turns = std::move(turns);
    heard_anything_ = false;
    if (source != nullptr || head.size() > max_inline_request) {
        sending_ = Child(
            executor_, send_all(stream_, std::move(head), std::move(source), length, sender_)
        );
        co_return ok();
    }
    // So little fits into the socket's buffer: no coroutine of its own, nor a turn of the loop.
    const std::size_t gone = stream_->write_now(head);
    if (gone == head.size()) {
        sender_->all_sent = true;
        co_return ok();
    }
    auto sent = co_await stream_->write(std::string_view(head).substr(gone));
    if (!sent && sent.error().code == Errc::cancelled) {
        co_return fail(sent.error());
    }
    // A refusal can be on its way while we write: what the engine says beats the broken pipe.
    if (!sent) {
        sender_->write_failure = sent.error();
    }
    sender_->all_sent = sent.has_value();
    co_return ok();
}

Task<> Connection::send_all(
    std::shared_ptr<NetStream> stream,
    std::string head,
    std::shared_ptr<ByteSource> source,
    std::optional<std::uint64_t> length,
    std::shared_ptr<Sender> sender
)
{
    if (auto sent = co_await stream->write(head); !sent) {
        sender->write_failure = std::move(sent).error();
        co_return ok();
    }
    std::vector<char> chunk(source != nullptr ? chunk_front + stream_buffer_bytes + 2 : 0);
    for (bool more = source != nullptr; more;) {
        sender->turn(false);
        const std::span room(chunk.data() + chunk_front, stream_buffer_bytes);
        Result<std::size_t> got;
        try {
            got = co_await source->read(room);
        } catch (const std::exception& bug) {
            got = fail(Errc::internal, std::string("the source of the body threw: ") + bug.what());
        } catch (...) {
            got = fail(Errc::internal, "the source of the body threw something");
        }
        sender->turn(true);
        if (sender->unwanted) co_return ok();
        if (got && length && (*got == 0 ? *length > 0 : *got > *length)) {
            got = fail(Errc::invalid_argument, "the body has not the length that it should have");
        }
        if (!got) {
            // Without its last chunk the engine cannot take a part of the body for all of it.
            sender->source_failure = std::move(got).error();
            stream->close();
            co_return ok();
        }
        more = *got > 0;
        if (length) *length -= *got;
        const std::string_view piece = length ? std::string_view(room.data(), *got)
                                       : more ? as_chunk(chunk, *got)
                                              : "0\r\n\r\n";
        if (auto sent = co_await stream->write(piece); !sent) {
            sender->write_failure = std::move(sent).error();
            co_return ok();
        }
    }
    sender->turn(true);
    sender->all_sent = true;
    co_return ok();
}

Task<bool> Connection::receive()
{
    if (begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ == 0 && filled_ && buffer_.size() < stream_buffer_bytes) {
        buffer_.resize(stream_buffer_bytes);
    }
    if (end_ == buffer_.size()) {
        if (parser_.head_complete() || end_ >= max_buffer_bytes) {
            co_return fail(Errc::protocol, "a line of the engine's HTTP answer is too long");
        }
        buffer_.resize(std::min(2 * end_, max_buffer_bytes));
    }
    auto got = co_await stream_->read(std::span(buffer_.data() + end_, buffer_.size() - end_));
    if (!got) {
        co_return fail(why(std::move(got).error()));
    }
    end_ += *got;
    filled_ = end_ == buffer_.size();
    heard_anything_ = heard_anything_ || *got > 0;
    peer_ended_ = *got == 0;
    co_return *got > 0;
}

// A broken connection is often the echo of what broke first on our side.
Error Connection::why(Error read_failure) const
{
    if (sender_ && sender_->source_failure) return *sender_->source_failure;
    const bool tells_more =
        read_failure.code == Errc::cancelled || read_failure.code == Errc::unreachable;
    if (!tells_more && sender_ && sender_->write_failure) {
        return *sender_->write_failure;
    }
    return read_failure;
}

Task<> Connection::receive_head()
{
    for (int interim = 0;;) {
        CO_TRY(const std::size_t taken, parser_.feed_head(buffered()));
        begin_ += taken;
        if (parser_.head_complete()) {
            const int status = parser_.status();
            if (status >= 200 || status == 101) {
                break;
            }
            if (++interim > max_interim_answers) {
                co_return fail(Errc::protocol, "the engine sends interim answers without end");
            }
            parser_ = ResponseParser(is_head_request_); // 100 Continue and its like
            continue;
        }
        CO_TRY(const bool more, co_await receive());
        if (!more) {
            co_return fail(why(Error(
                heard_anything_ ? Errc::truncated : Errc::io,
                heard_anything_ ? "the engine closed the connection in the header of its answer"
                                : "the engine closed the connection without an answer"
            )));
        }
    }
    if (parser_.status() >= 400) {
        sender_->unwanted = true; // before the source ends, which is no failure then
        sending_.cancel();        // nobody reads the rest of the body
        sender_->turn(true);
    }
    const std::string_view encoding = parser_.headers().get("Content-Encoding");
    if (!encoding.empty() && encoding != "identity") {
        co_return fail(
            Errc::protocol,
            "the answer (HTTP " + std::to_string(parser_.status()) + ") is compressed with "
                + one_line(encoding, 100) + ", which was not asked for"
        );
    }
    co_return ok();
}

Task<std::size_t> Connection::receive_body(std::span<char> into)
{
    for (;;) {
        if (parser_.complete()) {
            co_return std::size_t{0};
        }
        if (begin_ < end_) {
            CO_TRY(const auto step, parser_.feed_body(buffered(), into));
            begin_ += step.consumed;
            if (step.produced > 0) {
                co_return step.produced;
            }
            if (step.consumed > 0) {
                continue;
            }
        }
        CO_TRY(const bool more, co_await receive());
        if (!more) {
            auto ended = parser_.feed_end();
            if (!ended) {
                co_return fail(why(std::move(ended).error()));
            }
        }
    }
}

Task<> Connection::finish()
{
    const bool refused = parser_.status() >= 400;
    const Interruption stop(co_await boost::asio::this_coro::cancellation_state);
    if (!refused && sending_.running()) {
        co_await sending_.join_within(linger);
    }
    if (sending_.running()) {
        co_await abandon();
    }
    if (stop.arrived()) {
        co_return fail(cancelled_error("sending the rest of the request"));
    }
    if (refused || sender_->all_sent) {
        co_return ok();
    }
    close();
    if (sender_->source_failure && sender_->source_failure->code != Errc::cancelled) {
        co_return fail(*sender_->source_failure);
    }
    co_return fail(
        Errc::protocol,
        "the engine answered HTTP " + std::to_string(parser_.status())
            + " before it had the whole request"
    );
}

Task<> Connection::abandon()
{
    close();
    return sending_.join_within(linger);
}

bool Connection::reusable() const noexcept
{
    return sender_ && sender_->all_sent && !closed_ && !peer_ended_ && begin_ == end_
           && parser_.complete() && parser_.keep_alive();
}

void Connection::close() noexcept
{
    closed_ = true;
    sending_.cancel();
    if (stream_ != nullptr) {
        stream_->close();
    }
}

std::string Connection::take_leftover()
{
    std::string rest(buffered());
    begin_ = end_ = 0;
    return rest;
}

} // namespace slipway::engine
