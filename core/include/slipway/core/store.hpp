#pragma once

#include <slipway/core/digest.hpp>
#include <slipway/engine/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What builds have made, on this machine: by contents, with records of which build made what.
namespace slipway::core {

/// Bytes in the store.
struct Blob {
    Sha256 digest{};        ///< of the bytes themselves, however they are stored
    std::uint64_t size = 0; ///< bytes

    friend bool operator==(const Blob&, const Blob&) = default;
};

/// A path that a build has made.
struct StoredOutput {
    enum class Kind : std::uint8_t { file, directory, symlink };

    std::string path; ///< relative, clean
    Kind kind = Kind::file;
    bool executable = false;
    Blob content{};          ///< of a file
    std::string link_target; ///< of a symlink

    friend bool operator==(const StoredOutput&, const StoredOutput&) = default;
};

/// How a build went that had this key. Only successful ones are stored.
struct StoredResult {
    Sha256 key{};
    std::string unit;                  ///< for a person
    std::vector<StoredOutput> outputs; ///< directories before what is in them
    Blob log{}; ///< what it wrote, with stream marks; see unit_log.hpp. `Blob()`: none
    std::int64_t began_ms = 0;    ///< since 1970
    std::int64_t duration_ms = 0; ///< of the command
    std::string reason;           ///< why it was run

    std::string encode() const;
    /// Nothing when the bytes are damaged or of another version.
    static std::optional<StoredResult> decode(std::string_view bytes);
};

/// Takes the bytes of a new blob. Dropped before `finish`, nothing stays. Ends before its store.
class BlobWriter {
public:
    virtual ~BlobWriter() = default;
    /// Errors: io (disk full among them: Error::cause is ENOSPC).
    virtual Result<> write(std::string_view bytes) = 0;
    /// The blob is there when this returns, whoever put it. Errors: as write.
    virtual Result<Blob> finish() = 0;
};

struct GcOptions {
    std::chrono::seconds older_than{std::chrono::hours(24 * 30)}; ///< since the last use
    std::optional<std::uint64_t>
        most_bytes{}; ///< then the least recently used go, whatever their age
    bool dry_run = false;
};
struct GcReport {
    std::uint64_t results = 0;    ///< removed
    std::uint64_t blobs = 0;      ///< removed
    std::uint64_t bytes = 0;      ///< freed, as on disk
    std::uint64_t left_bytes = 0; ///< as on disk
    std::uint64_t in_use = 0;     ///< what would have gone, but somebody uses it or it is pinned
};
struct VerifyReport {
    std::uint64_t blobs = 0;             ///< looked at
    std::uint64_t results = 0;           ///< looked at
    std::vector<std::string> damaged;    ///< removed: paths below the store, in order
    std::vector<std::string> incomplete; ///< results that lack a blob, removed: their units
};

/// How much there is.
struct StoreUsage {
    std::uint64_t blobs = 0, results = 0, notes = 0, pins = 0;
    std::uint64_t bytes = 0; ///< as on disk
    std::uint64_t users = 0; ///< other processes that have it open for writing
};

/// Calls block; they may come from several threads, and several processes may have the same store.
/// What is damaged (a cut or flipped blob or record) is found when it is read, removed, and as if
/// it had never been there.
class Store {
public:
    /// Makes the directory when it is missing. One that may not be written is used for reading:
    /// `writable` tells.
    /// Errors: unsupported (made by a newer slipway; the text says what to do), invalid_argument
    ///   (the directory holds other things), permission_denied, io.
    static Result<Store> open(std::filesystem::path directory);

    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;
    ~Store(); ///< others may remove now what only this one used

    bool writable() const noexcept;
    const std::filesystem::path& directory() const noexcept;

    /// Errors of all that write: io, permission_denied, unsupported (not writable).
    Result<std::unique_ptr<BlobWriter>> blob_writer();
    Result<Blob> put(std::string_view bytes);
    /// From a file's begin to its end, wherever its offset is.
    Result<Blob> put_file(int file);

    /// Whether it is there, and as long as it should be as stored; it counts as used from now on.
    bool has(const Blob& blob);
    /// Its bytes, in pieces. Errors: not_found (or damaged, which removes it; `to` may have had
    /// some of it), io, those of `to`.
    Result<> read(const Blob& blob, const std::function<Result<>(std::string_view)>& to);
    /// Writes it into an open, empty file, as a clone of its blocks where that can be; the file's
    /// offset stays. Errors: as read, and the file is empty again.
    Result<> read_into(const Blob& blob, int file);

    /// Errors: see above; not_found (one of its blobs is not there), invalid_argument (what
    /// `decode` would refuse: paths that are not clean, twice, or inside of what is no directory).
    /// What is stored under the key already is replaced.
    Result<> put_result(const StoredResult& result);
    /// Nothing when there is none, or one of its blobs is missing. It and they count as used.
    std::optional<StoredResult> find_result(const Sha256& key);

    /// Small values of a name, as known sets of discovered inputs. The last one who writes wins.
    Result<> put_note(const Sha256& key, std::string_view bytes);
    std::optional<std::string> find_note(const Sha256& key);

    /// The stored form of a blob (compressed or not, with its own header), to be sent elsewhere.
    Result<std::string> export_form(const Blob& blob);
    /// Takes such bytes from elsewhere: what they unpack to must have that digest and size.
    /// Errors also: protocol (they do not).
    Result<> import_form(const Blob& blob, std::string_view bytes);

    /// A name for a result, which is kept while it has one. Names: 1 to 128 of [A-Za-z0-9._/-].
    Result<> pin(std::string_view name, const Sha256& key);
    Result<bool> unpin(std::string_view name); ///< whether there was one
    struct Pin {
        std::string name;
        Sha256 key{};
    };
    Result<std::vector<Pin>> pins() const;

    /// Removes what has not been used for long, and what nothing refers to; never what a living
    /// process has used since it opened the store, nor what is pinned.
    Result<GcReport> collect(const GcOptions& options);
    /// Reads everything. Of one that may only be read nothing is removed.
    Result<VerifyReport> verify();
    Result<StoreUsage> usage() const;

private:
    struct State;
    explicit Store(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace slipway::core
