#pragma once

#include "archive/tar_stream.hpp"
#include "archive/tree_writer.hpp"

#include <slipway/core/tar_reader.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace slipway::core {

/// Decides for each entry of one archive whether and how it goes into the tree. Blocking; one
/// thread, one use.
class Unpacker {
public:
    Unpacker(TarStream& from, TreeWriter& into, const UnpackOptions& options);

    Result<Unpacked> run();

private:
    /// What became of a file or symlink of this archive, for the hard links to it.
    enum class Fate { written, unchanged, left_out };
    struct Known {
        Fate fate;
        ManifestEntry meta;
    };

    Result<> read_all();
    Result<std::string> local_path(std::string_view raw) const;
    Result<> refuse_own_symlinks(const std::string& path) const;
    Result<> handle(const TarEntry& entry);
    Result<> handle_plain(const std::string& path, const ManifestEntry& meta);
    Result<> handle_directory(const std::string& path, const ManifestEntry& meta);
    Result<> handle_hard_link(const std::string& path, const TarEntry& entry);

    bool keeps(const std::string& path, EntryType type);
    /// The sent entry that `meta` equals, or null. A path that comes again is never unchanged:
    /// its first entry may have been written.
    const ManifestEntry* unchanged(const std::string& path, const ManifestEntry& meta) const;
    const ManifestEntry* sent(const std::string& path) const;

    /// Removes a directory that stands where something else has to go.
    Result<> clear_way(const std::string& path);
    Result<> collect_sent(const std::string& path, std::vector<std::string>& all);
    Result<> finish_directories();

    TarStream* from_;
    TreeWriter* into_;
    const UnpackOptions* options_;
    std::string strip_;
    Unpacked out_;
    bool is_repeated_ = false; ///< the current path was in this archive before
    std::map<std::string, Known, std::less<>> known_;
    std::set<std::string, std::less<>> symlinks_;                   ///< in this archive
    std::map<std::string, ManifestEntry, std::less<>> directories_; ///< wait for mode and mtime
};

} // namespace slipway::core
