#pragma once

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>
#include <slipway/engine/traits.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::engine {

/// HTTP header fields in their order; names compare without regard to case.
class Headers {
public:
    void add(std::string name, std::string value);
    /// The first value of `name`, or an empty text.
    std::string_view get(std::string_view name) const noexcept;
    bool has(std::string_view name) const noexcept;
    const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return fields_; }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

/// How long the parts of a call may take before it fails with Errc::timed_out; empty means no
/// limit. The error says which deadline ran out and after how long.
struct Deadlines {
    /// Up to the header of the answer, while it is the engine's turn: counted anew with every piece
    /// of a streamed body that the engine takes, and not at all while our source makes the next.
    std::optional<std::chrono::milliseconds> header{};
    /// Between two pieces of the answer. Does not count while nobody reads.
    std::optional<std::chrono::milliseconds> idle{};
    /// From the begin of the call to its end, connecting and uploading included. A stream's end is
    /// the end of its answer; of `upgrade` it is the header.
    std::optional<std::chrono::milliseconds> total{};
};

/// One call to the engine, before the transport adds the version prefix and the host.
class Request {
public:
    /// `path` starts with '/'; parts that come from outside go through `segment`.
    Request(std::string method, std::string path);

    /// Percent-encodes one path segment; leaves '/' and ':' alone, as image names need.
    static std::string segment(std::string_view text);

    /// Appends `key=value`, percent-encoded. The `optional` forms skip an absent value,
    /// the text form skips an empty one.
    Request& query(std::string_view key, std::string_view value);
    Request& query(std::string_view key, std::int64_t value);
    Request&
    query_flag(std::string_view key, bool value); ///< `key=1` when true, nothing when false

    Request& header(std::string name, std::string value);

    /// A text of this request that no Error may show: where the engine repeats it in an error or a
    /// message, it becomes "***". An empty one is none.
    Request& secret(std::string text);

    /// A JSON body: Content-Type application/json.
    Request& json(std::string text);
    /// A body that is streamed in chunks. Wherever the source fails, the connection is dropped
    /// before its last chunk, so the engine cannot take a part for the whole.
    Request& body(std::shared_ptr<ByteSource> source, std::string content_type);
    /// The same in one piece of `length` bytes, for servers that know no chunks. A source that has
    /// fewer or more is one that fails: invalid_argument.
    Request&
    body(std::shared_ptr<ByteSource> source, std::string content_type, std::uint64_t length);
    /// A short body of any kind.
    Request& text(std::string text, std::string content_type);
    /// Sends the path as it is, without `/v1.41`.
    Request& unversioned();
    /// Takes the place of all the deadlines that ClientOptions has for such a call.
    Request& deadlines(const Deadlines& deadlines);
    /// The same with nothing but a total: for an engine that works long before it answers.
    Request& deadline(std::chrono::milliseconds total);
    /// Adds a limit for the header and leaves the rest as it is: of this one and the header
    /// deadline that holds otherwise, the shorter.
    Request& header_deadline(std::chrono::milliseconds limit);
    /// `send` takes no more than so many bytes of the answer's body, and leaves the rest.
    Request& answer_cut(std::size_t bytes);
    /// `send` takes the answer's body for stuck (timed_out) when, since its header, it came slower
    /// than so many bytes a second; what the idle deadline allows is free.
    Request& answer_pace(std::size_t bytes_a_second);

    const std::string& method() const noexcept { return method_; }
    const std::string& path() const noexcept { return path_; }
    /// Path and query.
    std::string target() const;
    const Headers& headers() const noexcept { return headers_; }
    const std::string& text() const noexcept { return text_; }
    const std::vector<std::string>& secrets() const noexcept { return secrets_; }
    const std::shared_ptr<ByteSource>& source() const noexcept { return source_; }
    /// Of the source; nothing: it goes in chunks.
    const std::optional<std::uint64_t>& length() const noexcept { return length_; }
    bool versioned() const noexcept { return versioned_; }
    const std::optional<Deadlines>& deadlines() const noexcept { return deadlines_; }
    const std::optional<std::chrono::milliseconds>& header_deadline() const noexcept
    {
        return header_deadline_;
    }
    const std::optional<std::size_t>& answer_cut() const noexcept { return answer_cut_; }
    const std::optional<std::size_t>& answer_pace() const noexcept { return answer_pace_; }
    /// What holds for this request where `otherwise` holds for those that say nothing.
    Deadlines deadlines_or(const Deadlines& otherwise) const;

private:
    std::string method_;
    std::string path_;
    std::string query_;
    Headers headers_;
    std::string text_;
    std::vector<std::string> secrets_;
    std::shared_ptr<ByteSource> source_;
    std::optional<Deadlines> deadlines_;
    std::optional<std::chrono::milliseconds> header_deadline_;
    std::optional<std::uint64_t> length_;
    std::optional<std::size_t> answer_cut_;
    std::optional<std::size_t> answer_pace_;
    bool versioned_ = true;
};

/// A whole answer. `send` gives it for every status; endpoints turn 4xx and 5xx into errors.
struct Response {
    int status = 0;
    Headers headers;
    std::string body; ///< 64 MiB at most
};

/// An answer whose body is pulled. Dropping it closes the connection when bytes are left.
class ResponseStream : public ByteSource {
public:
    virtual int status() const noexcept = 0;
    virtual const Headers& headers() const noexcept = 0;
    virtual void close() noexcept = 0;
};

/// How calls reach an engine. The only implementation outside tests is made by Client::connect.
///
/// `send` gives an answer of any status as a value; `open` and `upgrade` read the body of a status
/// >= 400 themselves and return it as an Error, since nobody wants to stream one. Redirects (3xx
/// save 304) are never followed: Errc::protocol, as are a header above 256 KiB and compression.
///
/// A streamed request body is sent while the answer is read. When its source fails, its error is
/// the call's. An engine that reports success before it had the whole body is Errc::protocol; one
/// that refuses early is believed, and the rest of the body is not read from the source.
///
/// Cancellation: emit `terminal` on the slot of the root coroutine, which has to start with
/// `co_await this_coro::throw_if_cancelled(false)`. The call that waits then returns
/// Errc::cancelled, and later calls of that coroutine run as usual: they are its clean-up.
///
/// Streams may be dropped while a coroutine waits in them, on which it gets Errc::cancelled.
class Transport {
public:
    virtual ~Transport() = default;

    /// One request, one answer in memory. Uses a pooled connection, and tries GET, HEAD, DELETE and
    /// a PUT of a text once more on a new one when a reused connection turns out to be dead. The
    /// engine may have carried out the first DELETE before it was gone; the second one is then
    /// not_found.
    virtual Task<Response> send(Request request) = 0;

    /// A request whose answer is pulled from its own connection. Returns at the answer's header.
    virtual Task<std::unique_ptr<ResponseStream>> open(Request request) = 0;

    /// A request that turns its connection into a raw stream (attach, exec start). Accepts 101 and
    /// 200, as engines differ. Nothing of stdin may be written before this returns.
    virtual Task<std::unique_ptr<DuplexStream>> upgrade(Request request) = 0;

    /// Closes the connections that wait for a next call. By itself that happens when a call finds
    /// them too old.
    virtual void close_idle() noexcept {}

    virtual const Traits& traits() const noexcept = 0;
    virtual boost::asio::any_io_executor executor() = 0;

    /// What every request carries and no Error may show, as of Request::secret.
    virtual std::vector<std::string> secrets() const { return {}; }
};

} // namespace slipway::engine
