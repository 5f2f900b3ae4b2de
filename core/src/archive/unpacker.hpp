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
    /// What became of a file or symlink of this archive, for the hard links to it. `written` is
    /// also what was there already with the same bytes.
    enum class Fate { written, unchanged, left_out };
    struct Known {
        Fate fate;
        ManifestEntry meta;
    };
    struct Directory {
        ManifestEntry meta;
        bool is_new;
    };

    /// What a new entry finds at its place.
    enum class Place {
        free,  ///< the way is clear
        same,  ///< this side has changed it to the very same
        stays, ///< this side has changed it, and keeps its own
    };

    void note_caches();
    Result<> read_all();
    Result<> refuse_own_symlinks(const std::string& path) const;
    Result<> handle(const TarEntry& entry);
    Result<> handle_plain(const std::string& path, const ManifestEntry& meta);
    Result<> handle_file(const std::string& path, Known& known, bool is_kept);
    Result<> put_file(const std::string& path, Known& known, const TreeWriter::Bytes& bytes);
    Result<> handle_directory(const std::string& path, const ManifestEntry& meta);
    Result<> handle_hard_link(const std::string& path, const TarEntry& entry);

    bool keeps(const std::string& path, EntryType type);
    /// What the container had at `path` before the command, when `meta` equals it in all but a
    /// file's bytes, or null. A path that comes again is never unchanged: its first entry may have
    /// been written.
    const ManifestEntry* resembled(const std::string& path, const ManifestEntry& meta) const;
    bool unchanged(const std::string& path, const ManifestEntry& meta) const;
    const ManifestEntry* sent(const std::string& path) const;
    bool is_in_cache(std::string_view path) const;

    /// False when a parent of `path` has become something else on this side. Without a manifest
    /// that is an error.
    Result<bool> is_reachable(const std::string& path);
    /// Makes way for the entry. Where this side's own stays, `kept` tells it, unless nothing of the
    /// container's is lost.
    Result<Place> place_for(const std::string& path, const ManifestEntry& meta);
    Result<bool> make_way(const std::string& path, const ManifestEntry& meta);
    /// Removes a directory that stands where something else has to go.
    Result<> clear_way(const std::string& path);
    Result<> collect_sent(const std::string& path, std::vector<std::string>& all);
    Result<> finish_directories();

    TarStream* from_;
    TreeWriter* into_;
    const UnpackOptions* options_;
    std::string strip_;
    Unpacked out_;
    bool is_repeated_ = false;                    ///< the current path was in this archive before
    bool is_ours_ = false;                        ///< what stands there came from this archive
    std::set<std::string, std::less<>> caches_{}; ///< not sent, so not looked after
    std::map<std::string, Known, std::less<>> known_;
    std::set<std::string, std::less<>> symlinks_;               ///< in this archive
    std::map<std::string, Directory, std::less<>> directories_; ///< wait for mode and mtime
};

} // namespace slipway::core
