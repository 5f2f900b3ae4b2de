#include "graph/build_log.hpp"

#include "agent/codec.hpp"
#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"
#include "sync/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace slipway::core::graph {

namespace {

// Grows when a line's fields come, go or mean something else.
constexpr std::string_view log_magic = "slipway built 1\n";
constexpr std::size_t least_lines_to_compact = 1'000;

void digest_fields(auto& f, auto& digest)
{
    f(digest.bytes);
}

void blob_fields(auto& f, auto& blob)
{
    digest_fields(f, blob.digest);
    f(blob.size);
}

void mark_fields(auto& f, auto& mark)
{
    f(mark.device), f(mark.inode), f(mark.size);
    f(mark.mtime_ns), f(mark.ctime_ns), f(mark.mode);
}

struct OutputLine {
    BuiltOutput output;
    std::uint8_t kind = 0;

    static void fields(auto& f, auto& m)
    {
        f(m.output.what.path), f(m.kind), f(m.output.what.executable);
        blob_fields(f, m.output.what.content);
        f(m.output.what.link_target);
        mark_fields(f, m.output.kept);
        mark_fields(f, m.output.placed);
    }
};

struct UnitLine {
    BuiltUnit unit;
    std::vector<OutputLine> outputs;

    static void fields(auto& f, auto& m)
    {
        f(m.unit.directory), f(m.unit.label);
        digest_fields(f, m.unit.key);
        f(m.unit.discovered), f(m.outputs);
        blob_fields(f, m.unit.log);
        f(m.unit.duration_ms), f(m.unit.good);
    }
};

UnitLine line_of(BuiltUnit unit)
{
    UnitLine line;
    for (BuiltOutput& output : std::exchange(unit.outputs, {})) {
        const auto kind = static_cast<std::uint8_t>(output.what.kind);
        line.outputs.push_back({std::move(output), kind});
    }
    line.unit = std::move(unit);
    return line;
}

bool unit_of(UnitLine line, BuiltUnit& unit)
{
    unit = std::move(line.unit);
    for (OutputLine& output : line.outputs) {
        if (output.kind > static_cast<std::uint8_t>(StoredOutput::Kind::symlink)) return false;
        output.output.what.kind = static_cast<StoredOutput::Kind>(output.kind);
        unit.outputs.push_back(std::move(output.output));
    }
    return true;
}

// A line: its length, the checksum of its payload, its payload.
struct LineHead {
    std::uint32_t size = 0;
    std::uint64_t checksum = 0;

    static void fields(auto& f, auto& m) { f(m.size), f(m.checksum); }
};
constexpr std::size_t head_size = sizeof(std::uint32_t) + sizeof(std::uint64_t);

std::string bytes_of_line(BuiltUnit unit)
{
    const std::string payload = agent::encode(line_of(std::move(unit)));
    const LineHead head{static_cast<std::uint32_t>(payload.size()), content_hash(payload).low};
    return agent::encode(head) + payload;
}

// flock while it lives.
class FileLock {
public:
    explicit FileLock(int file) : file_(file)
    {
        while (::flock(file_, LOCK_EX) != 0 && errno == EINTR) {
        }
    }
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    ~FileLock() { ::flock(file_, LOCK_UN); }

private:
    int file_;
};

} // namespace

Result<BuildLog> BuildLog::open(const std::filesystem::path& build_directory)
{
    BuildLog log;
    log.file_ = build_directory / "built";
    const std::filesystem::path lock = build_directory / "built.lock";
    log.lock_ = Fd(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!log.lock_) return fail(posix::error(errno, "opening", lock.native()));
    const FileLock held(log.lock_.get());
    CHECK_OK(log.load());
    if (log.lines_ > least_lines_to_compact && log.lines_ > 2 * log.units_.size()) {
        CHECK_OK(log.compact());
    }
    return log;
}

Result<BuildLog> BuildLog::read(const std::filesystem::path& build_directory)
{
    BuildLog log;
    log.file_ = build_directory / "built";
    const Fd file(::open(log.file_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file && errno == ENOENT) return log;
    std::string bytes;
    if (!file || !sync::read_all(file.get(), bytes)) {
        return fail(posix::error(errno, "reading", log.file_.native()));
    }
    if (!std::string_view(bytes).starts_with(log_magic)) return log;
    log.read_lines(std::string_view(bytes).substr(log_magic.size()));
    return log;
}

void BuildLog::each(const std::function<void(const BuiltUnit&)>& tell) const
{
    for (const auto& [directory, unit] : units_) {
        tell(unit);
    }
}

// With the lock held.
Result<> BuildLog::load()
{
    units_.clear();
    latest_.clear();
    lines_ = 0;
    constexpr int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    at_ = Fd(::open(file_.c_str(), flags, 0666));
    struct stat status {};
    if (!at_ || ::fstat(at_.get(), &status) != 0) {
        return fail(posix::error(errno, "opening", file_.native()));
    }
    inode_ = status.st_ino;
    std::string bytes;
    if (!sync::read_all(at_.get(), bytes)) {
        return fail(posix::error(errno, "reading", file_.native()));
    }
    const bool ours = std::string_view(bytes).starts_with(log_magic);
    read_ = ours ? log_magic.size() : 0;
    if (ours) read_ += read_lines(std::string_view(bytes).substr(log_magic.size()));
    if (read_ == bytes.size() && ours) return ok();
    // A line that was cut by a kill, or a file of another version: what cannot be read goes.
    if (::ftruncate(at_.get(), static_cast<off_t>(read_)) != 0
        || (!ours && !sync::write_all(at_.get(), log_magic))) {
        return fail(posix::error(errno, "writing", file_.native()));
    }
    if (!ours) read_ = log_magic.size();
    return ok();
}

std::size_t BuildLog::read_lines(std::string_view bytes)
{
    std::size_t done = 0;
    while (bytes.size() - done >= head_size) {
        const auto head = agent::decode<LineHead>(bytes.substr(done, head_size));
        const std::string_view payload = bytes.substr(done + head_size);
        if (!head || head->size > payload.size()) break;
        const std::string_view own = payload.substr(0, head->size);
        BuiltUnit unit;
        if (content_hash(own).low != head->checksum) break;
        auto line = agent::decode<UnitLine>(own);
        if (!line || !unit_of(*std::move(line), unit)) break;
        take(std::move(unit));
        done += head_size + head->size;
    }
    return done;
}

void BuildLog::take(BuiltUnit unit)
{
    ++lines_;
    latest_.insert_or_assign(unit.label, unit.directory);
    std::string directory = unit.directory;
    units_.insert_or_assign(std::move(directory), std::move(unit));
}

const BuiltUnit* BuildLog::find(std::string_view directory) const
{
    const auto found = units_.find(directory);
    return found == units_.end() ? nullptr : &found->second;
}

const BuiltUnit* BuildLog::latest(std::string_view label) const
{
    const auto found = latest_.find(label);
    return found == latest_.end() ? nullptr : find(found->second);
}

Result<> BuildLog::add(BuiltUnit unit)
{
    const FileLock held(lock_.get());
    CHECK_OK(read_new());
    const std::string line = bytes_of_line(unit);
    // Nobody else writes now: what stands behind the last whole line was cut by a kill, and would
    // hide this one.
    if (::ftruncate(at_.get(), static_cast<off_t>(read_)) != 0) {
        return fail(posix::error(errno, "writing", file_.native()));
    }
    if (!sync::write_all(at_.get(), line)) {
        Error error = posix::error(errno, "writing", file_.native());
        static_cast<void>(::ftruncate(at_.get(), static_cast<off_t>(read_)));
        return fail(std::move(error));
    }
    read_ += line.size();
    take(std::move(unit));
    return ok();
}

Result<> BuildLog::refresh()
{
    const FileLock held(lock_.get());
    return read_new();
}

// With the lock held.
Result<> BuildLog::read_new()
{
    struct stat now {};
    struct stat opened {};
    if (::stat(file_.c_str(), &now) != 0 || now.st_ino != inode_) return load();
    if (::fstat(at_.get(), &opened) != 0) {
        return fail(posix::error(errno, "reading", file_.native()));
    }
    const auto size = static_cast<std::uint64_t>(opened.st_size);
    if (size == read_) return ok();
    if (size < read_) return load();
    std::string bytes(size - read_, '\0');
    const ssize_t got = ::pread(at_.get(), bytes.data(), bytes.size(), static_cast<off_t>(read_));
    if (got < 0) return fail(posix::error(errno, "reading", file_.native()));
    bytes.resize(static_cast<std::size_t>(got));
    read_ += read_lines(bytes);
    return ok();
}

// With the lock held: one line a unit.
Result<> BuildLog::compact()
{
    const std::filesystem::path fresh = file_.native() + ".new";
    constexpr int flags = O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    Fd to(::open(fresh.c_str(), flags, 0666));
    std::string bytes(log_magic);
    // The latest of a label comes last.
    for (const bool latest_one : {false, true}) {
        for (const auto& [directory, unit] : units_) {
            const auto latest = latest_.find(unit.label);
            const bool is_latest = latest != latest_.end() && latest->second == directory;
            if (is_latest == latest_one) bytes += bytes_of_line(unit);
        }
    }
    struct stat status {};
    if (!to || !sync::write_all(to.get(), bytes) || ::fstat(to.get(), &status) != 0
        || ::rename(fresh.c_str(), file_.c_str()) != 0) {
        return fail(posix::error(errno, "writing", fresh.native()));
    }
    at_ = std::move(to);
    inode_ = status.st_ino;
    read_ = bytes.size();
    lines_ = units_.size();
    return ok();
}

} // namespace slipway::core::graph
