#pragma once

#include <slipway/core/digest.hpp>

#include <optional>
#include <string>
#include <string_view>

/// What is inside of a store's directory. All paths are relative to it.
///
///   format             "slipway store 1\n". Written first; another number is another layout.
///   CACHEDIR.TAG       backups, and slipway's own transfers, leave the directory out
///   lock               empty. Who makes, replaces or stamps files has it shared (flock), who
///                      removes some has it exclusively; both for a moment only
///   blobs/aa/SHA256    bytes of that digest, packed or not, and 32 bytes that say which; see
///                      blob_form.hpp. "aa" are the first two digits of the name.
///   results/aa/KEY     a StoredResult
///   notes/aa/KEY       a note; see sealed.hpp
///   pins/NAME          the key of a result, 64 digits and a line end; see pins.cpp for the name
///   uses/LEASE         empty. A living process holds its lease's lock. The mtime: nothing that
///                      it uses was used before, save for `fresh_ns`
///   tmp/LEASE.N        what the owner of the lease writes; renamed when it is whole
///
/// A file's mtime is its last use. It is set again when it is older than `fresh_ns`, so that most
/// uses write nothing. Files are never changed: only made, stamped, replaced and removed. Nothing
/// is synced to the disk, as all that is read is checked; `format` and the pins are.
namespace slipway::store {

inline constexpr unsigned format_version = 1;

/// A use is not noted when one was noted this long ago: ten minutes.
inline constexpr std::int64_t fresh_ns = std::int64_t{600} * 1'000'000'000;

inline constexpr const char* format_name = "format";
inline constexpr const char* lock_name = "lock";
inline constexpr const char* pins_name = "pins";
inline constexpr const char* uses_name = "uses";
inline constexpr const char* tmp_name = "tmp";

enum class Kind { blob, result, note };

inline constexpr std::string_view directory_of(Kind kind)
{
    return kind == Kind::blob ? "blobs" : kind == Kind::result ? "results" : "notes";
}

/// "blobs/aa/aa..."
inline std::string name_of(Kind kind, const core::Sha256& key)
{
    const std::string hex = core::to_hex(key);
    std::string name(directory_of(kind));
    name.append("/").append(hex, 0, 2).append("/").append(hex);
    return name;
}

} // namespace slipway::store
