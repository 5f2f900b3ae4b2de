#pragma once

#include <slipway/engine/transport.hpp>

#include <memory>
#include <span>
#include <string_view>

namespace slipway::engine {

/// Reads one HTTP/1.1 answer from bytes that somebody else receives (sans-I/O).
///
/// Feed it until `head_complete`, then ask for body bytes until `complete`. It takes bytes from the
/// front of what it is given and says how many; what it leaves must be given again, with more.
class ResponseParser {
public:
    /// The answer to a HEAD request has a length and no body.
    explicit ResponseParser(bool answers_head);
    ResponseParser(ResponseParser&&) noexcept;
    ResponseParser& operator=(ResponseParser&&) noexcept;
    ~ResponseParser();

    /// A header may be this large. It is taken in one piece, so the caller's buffer has to hold as
    /// much.
    static constexpr std::size_t max_header_bytes = std::size_t{256} << 10U;

    /// Takes the header when it is there to its end, and nothing before. In what pieces it came
    /// makes no difference. Errors: protocol (malformed, or too large).
    Result<std::size_t> feed_head(std::string_view data);

    struct BodyStep {
        std::size_t consumed = 0; ///< bytes taken from `data`
        std::size_t produced = 0; ///< body bytes put into `into`
    };
    /// Takes bytes of the body and puts decoded ones into `into`.
    /// Errors: protocol (a broken chunk, say).
    Result<BodyStep> feed_body(std::string_view data, std::span<char> into);

    /// The peer closed. Errors: truncated when the answer is not complete.
    Result<> feed_end();

    bool head_complete() const;
    bool complete() const;
    bool keep_alive() const; ///< the connection can carry another request after this answer
    bool ends_with_connection() const; ///< neither length nor chunks: everything up to the end
    int status() const;
    const Headers& headers() const; ///< of the answer, and of its trailer at the end

private:
    Result<bool> look_at_head(std::string_view data);

    struct Parser;
    std::unique_ptr<Parser> parser_;
    std::size_t head_seen_ = 0;
};

} // namespace slipway::engine
