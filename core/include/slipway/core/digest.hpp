#pragma once

#include <slipway/engine/result.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::core {

/// A SHA-256: what is shared with other machines, stored, or compared with an OCI digest is named
/// by one. What stays on this machine and only tells whether something has changed has a
/// ContentHash.
struct Sha256 {
    std::array<std::uint8_t, 32> bytes{};

    friend auto operator<=>(const Sha256&, const Sha256&) = default;
};

/// 64 lower-case digits.
std::string to_hex(const Sha256& digest);
/// Nothing for any other text than 64 lower-case digits.
std::optional<Sha256> sha256_from_hex(std::string_view text) noexcept;

/// Takes a SHA-256 of bytes as they come by.
class Sha256Hasher {
public:
    Sha256Hasher();
    Sha256Hasher(Sha256Hasher&&) noexcept;
    Sha256Hasher& operator=(Sha256Hasher&&) noexcept;
    ~Sha256Hasher();

    void add(std::string_view bytes);
    /// Once; afterwards the hasher is as a new one.
    Sha256 finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

Sha256 sha256(std::string_view bytes);

} // namespace slipway::core
