#pragma once

#include <slipway/core/tar_reader.hpp>
#include <slipway/core/tar_writer.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// What the tests of the tar code share: places, raw archives and snapshots of trees.
namespace slipway::test {

/// A fresh directory that goes with all its contents.
class TempDir {
public:
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, std::string_view bytes);
std::string read_file(const std::filesystem::path& path);
void set_mtime(const std::filesystem::path& path, std::int64_t ns);
/// Runs a command line; throws unless it exits with 0.
void shell(const std::string& command);

/// Hands out a text in pieces of `step` bytes, then its end or `error`.
std::shared_ptr<engine::ByteSource> pieces(std::string text, std::size_t step = 65536);
std::shared_ptr<engine::ByteSource> pieces_then(std::string text, Error error);

/// Everything a source gives.
Result<std::string> drain(std::shared_ptr<engine::ByteSource> from, std::size_t step = 65536);
/// The archive of `pack`, which must succeed.
std::string packed(std::vector<core::PackRoot> roots, core::PackOptions options = {});
/// The same with what was sent.
struct Packed {
    std::string tar;
    std::shared_ptr<core::Manifest> manifest;
};
Packed packed_with_manifest(std::vector<core::PackRoot> roots, core::PackOptions options = {});
/// Unpacks a text.
Result<core::Unpacked>
unpacked(std::string tar, const std::filesystem::path& into, core::UnpackOptions options = {});

/// "path: reason" for each, sorted.
std::vector<std::string> lines(const std::vector<core::KeptEntry>& kept);

/// Path to type, mode, mtime, link target or contents of all below `dir`. Directory mtimes are in
/// it; `inode group` tells hard links: equal for names of one file.
std::map<std::string, std::string> snapshot(const std::filesystem::path& dir);

/// The lines in which two snapshots differ; empty when they are equal.
std::string differences(
    const std::map<std::string, std::string>& got, const std::map<std::string, std::string>& wanted
);

// Raw archives, for what no sound program would write.
struct Raw {
    std::string name{};
    char type = '0';
    std::uint64_t size = 0;
    std::uint32_t mode = 0644;
    std::string link{};
    std::int64_t mtime = 1'600'000'000;
};
std::string raw_header(const Raw& raw);
/// Header, bytes and padding; `size` is taken from `bytes`.
std::string raw_file(std::string name, std::string_view bytes, std::uint32_t mode = 0644);
std::string raw_dir(std::string name);
std::string raw_symlink(std::string name, std::string target);
std::string raw_hard_link(std::string name, std::string target);
/// A pax header (type x or g) with `records`.
std::string
raw_pax(const std::vector<std::pair<std::string, std::string>>& records, char type = 'x');
std::string raw_padded(std::string_view bytes);
std::string raw_end();

} // namespace slipway::test
