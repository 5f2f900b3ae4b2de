#pragma once

#include "archive/posix.hpp"

#include <slipway/core/tar_writer.hpp>

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct archive;
struct archive_entry;

namespace slipway::core {

/// Walks local trees and writes them as a pax tar into a pipe. Blocking; one thread, one use.
class TreePacker {
public:
    TreePacker(ThreadWriter& out, const PackOptions& options);
    TreePacker(const TreePacker&) = delete;
    TreePacker& operator=(const TreePacker&) = delete;
    ~TreePacker();

    /// The whole archive with its end mark; the caller then finishes the pipe.
    Result<Manifest> run(const std::vector<PackRoot>& roots);

private:
    /// Where the walk stands. `shown` is the local path for messages.
    struct Place {
        int dir;          ///< descriptor of the directory that holds it
        std::string name; ///< in that directory
        std::string shown;
        std::string archived; ///< path in the archive
        std::string relative; ///< to the root, for the filter
    };

    Result<> open();
    Result<> add_root(const PackRoot& root);
    Result<> add_extra(const PackExtra& extra);
    Result<> walk(
        posix::Fd dir,
        const std::string& shown,
        const std::string& archived,
        const std::string& relative
    );
    Result<> add(const Place& place);
    Result<> add_directory(const Place& place);
    Result<> add_file(const Place& place);
    Result<> add_open_file(posix::Fd file, const std::string& shown, const std::string& archived);
    Result<ContentHash> copy_data(int file, std::uint64_t size, const std::string& shown);

    bool keeps(const Place& place, EntryType type) const;
    void skip(std::string archived, SkipReason reason);
    /// Notes the hash of a file whose header went out.
    void note_content(const std::string& archived, const ContentHash& content);
    /// Writes the header and notes the entry in the manifest.
    Result<> header(const std::string& archived, ManifestEntry entry);
    Result<> write_header(
        const std::string& archived, const ManifestEntry& entry, const std::string* hard_link
    );
    Result<> archive_failed(const std::string& archived);

    static ssize_t take(archive*, void* self, const void* bytes, std::size_t count);
    bool push(std::string_view bytes);
    bool flush();

    ThreadWriter* out_;
    const PackOptions* options_;
    Manifest manifest_;
    /// First archived name of each inode that has more than one.
    std::map<std::pair<dev_t, ino_t>, std::string> links_;
    std::vector<char> buffer_;
    std::string joined_; ///< small pieces that have not been pushed
    archive* archive_ = nullptr;
    archive_entry* entry_ = nullptr;
    std::optional<Error> pipe_error_;
    bool is_refusing_ = false; ///< bytes that libarchive still wants to write
};

} // namespace slipway::core
