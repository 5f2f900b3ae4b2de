#include "archive/content_hasher.hpp"
#include "archive/decompressed.hpp"
#include "archive/posix.hpp"
#include "sandbox/pool/directory.hpp"
#include "sync/remove_tree.hpp"
#include "toolchain/layout.hpp"
#include "workspace/on_thread.hpp"

#include <slipway/core/tar_reader.hpp>
#include <slipway/core/toolchain.hpp>
#include <slipway/engine/pause.hpp>

#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace slipway::core {

namespace fs = std::filesystem;

using namespace std::chrono_literals;

namespace {

constexpr auto unused_for = std::chrono::hours(24 * 30);
constexpr std::string_view partial_start = ".partial-"; // no toolchain is named so
constexpr const char* lock_ending = ".lock";

Error no_toolchain(const fs::path& archive, Error error)
{
    const bool of_archive =
        error.code == Errc::protocol || error.code == Errc::truncated || error.code == Errc::engine;
    if (of_archive) error.code = Errc::invalid_argument;
    error.context.push_back("unpacking the toolchain " + posix::printable(archive.native()));
    if (of_archive || error.code == Errc::invalid_argument) {
        error.hint = "name the directory that has bin/rustc, or a tar of it, which may be "
                     "compressed by gzip, bzip2, xz or zstd";
    }
    return error;
}

// What stays the same as long as nobody writes to the file.
Result<std::string> marks_of(const fs::path& file)
{
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0) {
        return fail(posix::error(errno, "reading", file.native()));
    }
    return fmt::format(
        "{}:{} {} {} {}",
        found.st_dev,
        found.st_ino,
        found.st_size,
        posix::mtime_ns(found),
        posix::to_ns(found.st_ctim.tv_sec, found.st_ctim.tv_nsec)
    );
}

// The clock of files is coarse: what was written just now may be written to once more unnoticed.
bool is_young(const fs::path& file)
{
    std::error_code failed;
    const auto written = fs::last_write_time(file, failed);
    return failed || fs::file_time_type::clock::now() - written < 2s;
}

Result<std::string> digest_of_file(const fs::path& file, const std::atomic<bool>& stop)
{
    const posix::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(posix::error(errno, "opening", file.native()));
    std::vector<char> buffer(std::size_t{1} << 20);
    ContentHasher hasher;
    std::uint64_t size = 0;
    for (;;) {
        if (stop) return fail(Errc::cancelled, "interrupted");
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(posix::error(errno, "reading", file.native()));
        if (got == 0) break;
        const auto count = static_cast<std::size_t>(got);
        hasher.add(size, {buffer.data(), count});
        size += count;
    }
    const ContentHash hash = hasher.finish(size);
    return fmt::format("{:016x}", hash.high);
}

// "rust-1.85.0-x86_64-unknown-linux-gnu" of that with ".tar.xz": a part of paths and of PATH.
std::string stem_of(const fs::path& archive)
{
    constexpr std::size_t longest = 80;
    std::string stem = archive.filename().string();
    for (const std::string_view ending : {".tar", ".tgz", ".txz"}) {
        stem = stem.substr(0, stem.find(ending));
    }
    std::erase_if(stem, [](unsigned char c) {
        return c >= 0x80 || (std::isalnum(c) == 0 && c != '-' && c != '.' && c != '_');
    });
    stem.erase(0, stem.find_first_not_of('.'));
    return stem.empty() ? "toolchain" : stem.substr(0, longest);
}

void remove_all_of(const fs::path& directory)
{
    const posix::Fd top(::open(directory.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    );
    std::string failed;
    if (top) sync::remove_tree(top.get(), directory.filename().string(), failed);
}

void remove_unused(const fs::path& store)
{
    std::error_code failed;
    std::vector<fs::path> old;
    for (fs::directory_iterator entry(store, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        std::error_code gone;
        const auto used = fs::last_write_time(entry->path(), gone);
        const bool is_lock = entry->path().extension() == lock_ending; // somebody may hold it
        if (!is_lock && !gone && fs::file_time_type::clock::now() - used > unused_for) {
            old.push_back(entry->path());
        }
    }
    for (const fs::path& path : old) { // never half of one under its name
        const std::string name = path.filename().string();
        const fs::path going = store / (std::string(partial_start) + "old-" + name);
        remove_all_of(going);
        fs::rename(path, going, failed);
        remove_all_of(failed ? path : going);
    }
}

Result<> make_directories(const fs::path& path)
{
    std::error_code failed;
    fs::create_directories(path, failed);
    if (failed) return fail(posix::error(failed.value(), "making", path.native()));
    return ok();
}

// Held until it is closed, or this process has ended.
Task<posix::Fd> locked(fs::path file)
{
    posix::Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!fd) co_return fail(posix::error(errno, "opening", file.native()));
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) co_return fail(posix::error(errno, "locking", file.native()));
        CO_CHECK(co_await engine::pause(20ms));
    }
    co_return fd;
}

class Unpacking {
public:
    Unpacking(PackedToolchain packed, fs::path base)
        : packed_(std::move(packed)), base_(std::move(base))
    {
        const ContentHash path = content_hash(packed_.archive.native());
        memory_key_ = fmt::format("toolchain-archive-{:016x}", path.high);
    }

    Task<fs::path> provide()
    {
        CO_TRY(const std::string marks, marks_of(packed_.archive));
        CO_TRY(const std::string digest, co_await digest_for(marks));
        const std::string name = stem_of(packed_.archive) + "-" + digest;
        place_ = packed_.store / name;
        if (is_there()) co_return place_;
        CO_CHECK(make_directories(packed_.store));
        CO_TRY(const posix::Fd lock, co_await locked(packed_.store / ("." + name + lock_ending)));
        if (is_there()) co_return place_; // somebody has unpacked it just before
        if (packed_.on_unpack) packed_.on_unpack();
        partial_ = packed_.store / (std::string(partial_start) + name);
        auto made = co_await unpack_all(marks);
        remove_all_of(partial_);
        CO_CHECK(std::move(made));
        co_return place_;
    }

private:
    Task<std::string> digest_for(std::string marks)
    {
        const std::string known = pool::recall(base_, memory_key_);
        const auto space = known.rfind(' ');
        if (space != std::string::npos && known.substr(0, space) == marks) {
            co_return known.substr(space + 1);
        }
        const std::function<Result<std::string>(const std::atomic<bool>&)> work =
            [archive = packed_.archive](const std::atomic<bool>& stop) {
                return digest_of_file(archive, stop);
            };
        CO_TRY(std::string digest, co_await on_thread(work));
        if (!is_young(packed_.archive)) pool::remember(base_, memory_key_, marks + " " + digest);
        co_return digest;
    }

    // It has its name when it is whole.
    bool is_there() const
    {
        return ::utimensat(AT_FDCWD, place_.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0;
    }

    Task<> unpack_all(std::string marks)
    {
        remove_unused(packed_.store);
        remove_all_of(partial_); // of somebody who was killed
        CO_CHECK(make_directories(partial_));
        const auto executor = co_await boost::asio::this_coro::executor;
        UnpackOptions options;
        // Half of what a release of Rust has.
        options.keep = [](std::string_view path, EntryType) {
            return path.find("/rust-docs") == std::string_view::npos;
        };
        const auto source = decompressed_file(executor, packed_.archive);
        CO_CHECK(co_await unpack(source, partial_, options));
        CO_TRY(const std::string now, marks_of(packed_.archive));
        if (now != marks) {
            co_return fail(Errc::io, packed_.archive.string() + " changed while it was read");
        }
        CO_TRY(const fs::path toolchain, toolchain_in(partial_));
        const posix::Fd store(::open(packed_.store.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const bool stored = store && ::syncfs(store.get()) == 0; // before it has its name
        if (!stored || ::rename(toolchain.c_str(), place_.c_str()) != 0) {
            co_return fail(posix::error(errno, "making", place_.native()));
        }
        static_cast<void>(is_there()); // the time of its use
        co_return ok();
    }

    PackedToolchain packed_;
    fs::path base_;
    std::string memory_key_;
    fs::path place_;
    fs::path partial_;
};

} // namespace

Task<fs::path> unpacked_toolchain(PackedToolchain packed)
{
    CO_TRY(const fs::path base, pool::base_directory({}));
    const fs::path archive = packed.archive;
    Unpacking unpacking(std::move(packed), base);
    auto made = co_await unpacking.provide();
    if (!made) co_return fail(no_toolchain(archive, std::move(made).error()));
    co_return made;
}

} // namespace slipway::core
