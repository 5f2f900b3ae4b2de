#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::test {

enum class Kind { file, directory, symlink, hard_link, character_device, fifo };

/// One entry of a tar, with all that a tar can say of it.
struct TarEntry {
    std::string path; ///< bytes, of any encoding
    Kind kind = Kind::file;
    unsigned permissions = 0644;
    std::int64_t uid = 0;
    std::int64_t gid = 0;
    std::int64_t seconds = 1'600'000'000; ///< of the modification
    long nanoseconds = 0;
    std::string content{};
    std::string target{}; ///< of both kinds of links
    unsigned device_major = 0;
    unsigned device_minor = 0;
    std::map<std::string, std::string> xattrs{};
};

enum class Packing { none, gzip, zstd };

/// A pax tar of the entries.
std::string write_tar(const std::vector<TarEntry>& entries, Packing packing = Packing::none);

/// The entries of a tar, by path without a '/' at the end. Fails the test case if it is none.
std::map<std::string, TarEntry> read_tar(const std::string& bytes);

} // namespace slipway::test
