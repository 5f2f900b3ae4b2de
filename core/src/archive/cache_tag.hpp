#pragma once

#include <string_view>

namespace slipway::core {

inline constexpr const char* cache_tag_name = "CACHEDIR.TAG";
/// What the file begins with: https://bford.info/cachedir/
inline constexpr std::string_view cache_tag = "Signature: 8a477f597d28d172789f06886806bc55";

/// Whether the directory `dir` is marked as one that can be made again. Follows no symlink.
bool is_tagged_cache(int dir) noexcept;

} // namespace slipway::core
