#include "graph/layout.hpp"

#include "agent/codec.hpp"
#include "archive/cache_tag.hpp"
#include "archive/posix.hpp"
#include "small_file.hpp"
#include "sync/files.hpp"
#include "sync/tree_scan.hpp"

#include <slipway/core/build_units.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace slipway::core::graph {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t digits_of_id = 16;
constexpr std::size_t longest_records = std::size_t{1} << 30;

Result<> make_own_directory(const fs::path& path)
{
    if (::mkdir(path.c_str(), 0777) == 0) return ok();
    struct stat status {};
    if (errno == EEXIST && ::lstat(path.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode)) return ok();
        return fail(
            Errc::conflict, path.native() + " is no directory, and slipway needs one there"
        );
    }
    return fail(posix::error(errno, "making", path.native()));
}

Result<> make_file(const fs::path& path, std::string_view text)
{
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    const Fd file(::open(path.c_str(), flags, 0666));
    if (!file && errno == EEXIST) return ok();
    if (!file || !sync::write_all(file.get(), text)) {
        return fail(posix::error(errno, "writing", path.native()));
    }
    return ok();
}

Result<> replace_file(const fs::path& path, std::string_view text)
{
    const fs::path fresh = path.native() + ".new";
    const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!file || !sync::write_all(file.get(), text) || ::rename(fresh.c_str(), path.c_str()) != 0) {
        return fail(posix::error(errno, "writing", path.native()));
    }
    return ok();
}

struct TwoRecords {
    std::string action;
    std::string result;

    static void fields(auto& f, auto& m) { f(m.action), f(m.result); }
};

} // namespace

Layout::Layout(const fs::path& root) : root_(root), build_(root / sync::own_directory) {}

std::string Layout::unit_name(std::string_view name, const Sha256& action)
{
    return std::string(name) + "-" + to_hex(action).substr(0, digits_of_id);
}

fs::path Layout::unit(std::string_view directory) const
{
    return build_ / "units" / directory;
}

fs::path Layout::outputs(std::string_view directory) const
{
    return unit(directory) / "out";
}

Result<> Layout::make() const
{
    CHECK_OK(make_own_directory(build_));
    CHECK_OK(make_own_directory(build_ / "units"));
    CHECK_OK(make_file(build_ / ".gitignore", "*\n"));
    return make_file(build_ / cache_tag_name, std::string(cache_tag) + "\n");
}

Result<> Layout::make_unit(std::string_view directory) const
{
    return make_own_directory(unit(directory));
}

Result<Fd> Layout::lock_placing() const
{
    const fs::path path = build_ / "placing.lock";
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!file) return fail(posix::error(errno, "opening", path.native()));
    while (::flock(file.get(), LOCK_EX) != 0) {
        if (errno != EINTR) return fail(posix::error(errno, "locking", path.native()));
    }
    return file;
}

Result<std::optional<Fd>> Layout::try_lock(std::string_view directory) const
{
    const fs::path path = unit(directory) / "lock";
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!file) return fail(posix::error(errno, "opening", path.native()));
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return std::optional<Fd>(std::move(file));
    if (errno == EWOULDBLOCK || errno == EINTR) return std::optional<Fd>();
    return fail(posix::error(errno, "locking", path.native()));
}

std::string read_log_file(const fs::path& unit_directory)
{
    auto bytes = read_small_file(unit_directory / "log", longest_records);
    return bytes ? *std::move(bytes) : std::string();
}

void write_log_file(const fs::path& unit_directory, std::string_view bytes)
{
    if (bytes.empty()) {
        ::unlink((unit_directory / "log").c_str());
    } else {
        static_cast<void>(replace_file(unit_directory / "log", bytes));
    }
}

std::optional<UnitRecords> read_records(const fs::path& unit_directory)
{
    const auto bytes = read_small_file(unit_directory / "record", longest_records);
    if (!bytes) return {};
    const auto two = agent::decode<TwoRecords>(*bytes);
    if (!two) return {};
    auto action = Record::decode(two->action);
    auto result = Record::decode(two->result);
    if (!action || !result) return {};
    return UnitRecords{*std::move(action), *std::move(result)};
}

Result<> write_records(const fs::path& unit_directory, const UnitRecords& records)
{
    const TwoRecords two{records.action.encode(), records.result.encode()};
    return replace_file(unit_directory / "record", agent::encode(two));
}

} // namespace slipway::core::graph

namespace slipway::core {

std::filesystem::path unit_file_notes(const std::filesystem::path& project)
{
    return graph::Layout(project).build_directory() / "file";
}

} // namespace slipway::core
