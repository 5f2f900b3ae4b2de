#pragma once

#include "store/base.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Small files with a checksum: results and notes.
namespace slipway::store {

/// `magic`, the payload, and the XXH3-128 of both.
std::string seal(std::string_view magic, std::string_view payload);
/// The payload; nothing when the bytes are damaged or begin with another magic.
std::optional<std::string_view> unseal(std::string_view magic, std::string_view bytes);

/// A note's file: magic, key, bytes.
std::string encode_note(const core::Sha256& key, std::string_view bytes);
std::optional<std::string> decode_note(const core::Sha256& key, std::string_view file);

struct SmallFile {
    std::string bytes;
    struct stat status {};
};
/// Nothing when there is none. Errors: io, permission_denied.
Result<std::optional<SmallFile>> read_small(const Base& base, const std::string& name);

} // namespace slipway::store
