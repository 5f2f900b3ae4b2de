#pragma once

#include <slipway/engine/result.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::engine {

/// Cuts a stream of JSON objects into single ones. Without I/O; each byte is looked at once.
///
/// Between objects there may be white space, line ends of any kind, record separators (0x1E) or
/// nothing. What is inside an object is looked at only so far as to find its end.
class JsonSplitter {
public:
    static constexpr std::size_t default_max_bytes = std::size_t{4} << 20U;

    explicit JsonSplitter(std::size_t max_bytes = default_max_bytes) : max_bytes_(max_bytes) {}

    /// Takes bytes from the front of `input` and returns the next object, or nothing when `input`
    /// is used up. The text is valid until the next call. An error is final.
    ///
    /// Errors: protocol (something that is not an object, or one of more than `max_bytes`).
    Result<std::optional<std::string_view>> next(std::string_view& input);

    /// To be asked at the end of the stream. Errors: truncated (inside an object).
    Result<> finish() const;

private:
    bool take(char c);

    std::size_t max_bytes_;
    std::string object_;
    std::size_t depth_ = 0;
    bool in_text_ = false;
    bool escaped_ = false;
};

} // namespace slipway::engine
