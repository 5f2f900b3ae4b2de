#pragma once

#include "descriptor.hpp"

#include <slipway/core/manifest.hpp>
#include <slipway/engine/result.hpp>

#include <locale.h>
#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the archive code needs of POSIX: errors that name a path, names, modes and times.
namespace slipway::core::posix {

using slipway::Fd;

/// A path as text of one line: control bytes become \xNN.
std::string printable(std::string_view path);

/// An Error for `number` (an errno): what was attempted, on which path, what the system said.
/// A full disk gets a hint.
Error error(int number, std::string_view attempt, std::string_view path);

/// The bits that travel: permissions, setuid, setgid, sticky.
inline constexpr std::uint32_t mode_bits = 07777;
/// The bits that `unpack` sets.
inline constexpr std::uint32_t permission_bits = 0777;

std::int64_t mtime_ns(const struct stat& status) noexcept;
/// Saturates: nanoseconds in 64 bits end in the year 2262.
std::int64_t to_ns(std::int64_t seconds, std::int64_t nanoseconds) noexcept;
timespec to_timespec(std::int64_t ns) noexcept;
/// Whether an mtime that an engine tells may be `known`: it may have cut or rounded it to whole
/// seconds. Both in ns since 1970.
bool same_mtime(std::int64_t told, std::int64_t known) noexcept;

/// The entry for what `status` describes. Not for sockets and devices.
/// `link_target` stays empty.
ManifestEntry describe(const struct stat& status);

/// The text of the symlink `name` in the directory `dir`, as whole as it is; errno in the error.
Result<std::string> read_link(int dir, const char* name, std::string_view shown);

/// The names in a directory in the order of their bytes, without "." and "..".
Result<std::vector<std::string>> names_in(Fd dir, std::string_view shown);

/// Normalises a relative path: no ".", no doubled or trailing slash; "" for the top itself.
/// Refuses an empty or absolute path and one with "..", with `code`.
Result<std::string> clean_path(std::string_view raw, Errc code);

/// "a" + "b" = "a/b"; an empty side adds nothing.
std::string join(std::string_view dir, std::string_view name);

/// Directory part and last part of a clean path: "a/b/c" = {"a/b", "c"}.
std::pair<std::string_view, std::string_view> split(std::string_view path) noexcept;

/// Gives the calling thread the C locale, where libarchive leaves names alone. It would otherwise
/// compose Unicode letters and replace bytes that are not of the user's charset.
class PlainLocale {
public:
    PlainLocale() noexcept;
    PlainLocale(const PlainLocale&) = delete;
    PlainLocale& operator=(const PlainLocale&) = delete;
    ~PlainLocale();

private:
    locale_t plain_;
    locale_t before_;
};

} // namespace slipway::core::posix
