#pragma once

#include <slipway/core/manifest.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace slipway::core {

/// Takes the hash of a file's bytes as they come by.
class ContentHasher {
public:
    ContentHasher();

    /// The next piece; pieces come in rising order, and what lies between them is zeros.
    void add(std::uint64_t offset, std::string_view bytes);
    /// The hash of a file of `size` bytes.
    ContentHash finish(std::uint64_t size);

private:
    struct Free {
        void operator()(XXH3_state_s* state) const noexcept;
    };

    void add_zeros(std::uint64_t end);

    std::unique_ptr<XXH3_state_s, Free> state_;
    std::uint64_t reached_ = 0;
};

/// The hash of all of `bytes`.
ContentHash content_hash(std::string_view bytes);

/// The 16 bytes of a hash, the highest first.
std::string bytes_of(const ContentHash& hash);
/// The hash of 16 such bytes.
ContentHash hash_of(std::string_view bytes);

} // namespace slipway::core
