#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::agent {

/// SHA-256 (FIPS 180-4). A static program that links a library for it would be twice the size.
class Sha256 {
public:
    void add(std::string_view bytes);
    /// The 32 bytes of the digest. Nothing can be added afterwards.
    std::string finish();

private:
    void take_block(const char* block);

    std::array<std::uint32_t, 8> state_{
        0x6a09e667,
        0xbb67ae85,
        0x3c6ef372,
        0xa54ff53a,
        0x510e527f,
        0x9b05688c,
        0x1f83d9ab,
        0x5be0cd19};
    std::array<char, 64> rest_{};
    std::size_t rest_size_ = 0;
    std::uint64_t size_ = 0;
};

} // namespace slipway::agent
