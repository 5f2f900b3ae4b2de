#pragma once

#include <slipway/engine/result.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace slipway::engine {

/// One field of a message in protobuf's wire format.
struct WireField {
    enum class Type { number, bytes };
    std::uint32_t id = 0;
    Type type = Type::number;
    std::uint64_t number = 0; ///< a varint or a value of 4 or 8 bytes
    std::string_view bytes{}; ///< a text, or a message in the message
};

/// Takes a message of protobuf apart, field by field. Without I/O; nothing is copied, and a message
/// inside the message is only bytes here, so that depth costs nothing.
///
/// By hand, because the four small messages that we read do not pay for protobuf's library and its
/// compiler as dependencies of ours and of all who link this library.
class WireReader {
public:
    /// `message` must outlive what is read.
    explicit WireReader(std::string_view message) noexcept : rest_(message) {}

    /// The next field, or nothing at the end. An error is final.
    /// Errors: protocol (cut short; a number of more than 64 bits; a field 0; a group).
    Result<std::optional<WireField>> next();

private:
    Result<std::uint64_t> varint();
    Result<std::string_view> take(std::uint64_t size);
    Result<std::uint64_t> fixed(std::size_t size);

    std::string_view rest_;
};

} // namespace slipway::engine
