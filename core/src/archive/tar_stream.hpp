#pragma once

#include <slipway/core/byte_pipe.hpp>
#include <slipway/core/manifest.hpp>

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct archive;
struct archive_entry;

namespace slipway::core {

/// One entry as the archive tells it: nothing of it is trusted yet.
struct TarEntry {
    enum class Kind { entry, hard_link, socket, device };
    Kind kind = Kind::entry;
    std::string path;      ///< raw
    std::string hard_link; ///< raw path of the other name
    ManifestEntry meta;    ///< `type` only for Kind::entry
};

/// The raw path of an entry as a clean one below `strip` (clean, or empty for all); "" for that
/// itself. Errors: protocol.
Result<std::string> path_below(std::string_view strip, std::string_view raw);

/// Reads a tar from a pipe and makes sure of its end. libarchive takes a missing end mark for a
/// proper end and looks at nothing behind it; so the raw bytes are watched on their way in.
class TarStream {
public:
    explicit TarStream(ThreadReader& from);
    TarStream(const TarStream&) = delete;
    TarStream& operator=(const TarStream&) = delete;
    ~TarStream();

    /// The next entry, or nothing at an end that was checked to the last byte.
    Result<std::optional<TarEntry>> next();

    /// libarchive's own form of what `next` gave last.
    archive_entry* current() const noexcept { return entry_; }

    /// A piece of the current file's bytes; pieces come in rising order and leave holes out.
    using Piece = std::function<Result<>(std::uint64_t offset, std::string_view bytes)>;
    /// Hands out the whole of the current file. Its size is that of the entry, whatever its last
    /// piece was.
    Result<> data(std::uint64_t size, const Piece& piece);

private:
    static ssize_t pull(archive*, void* self, const void** bytes);
    Result<std::string_view> pull_raw();
    std::string recent() const;
    Error broken() const;
    Error said_after_end(std::string_view text);
    Result<> check_end();

    ThreadReader* from_;
    archive* archive_;
    archive_entry* entry_ = nullptr; ///< libarchive's own
    bool open_ = false;
    std::vector<char> newer_; ///< the last raw bytes, as far as its size says
    std::vector<char> older_; ///< those before them
    std::size_t newer_size_ = 0;
    std::size_t older_size_ = 0;
    std::uint64_t total_ = 0;      ///< raw bytes so far
    bool at_end_ = false;          ///< of the raw bytes
    std::optional<Error> failure_; ///< of the raw bytes
};

} // namespace slipway::core
