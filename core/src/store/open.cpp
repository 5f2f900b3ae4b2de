#include "archive/cache_tag.hpp"
#include "archive/posix.hpp"
#include "store/base.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

// How a store's directory is made and opened.
namespace slipway::store {

namespace posix = core::posix;

namespace {

constexpr std::string_view format_begin = "slipway store ";

bool is_full(const Error& error)
{
    return error.cause == std::errc::no_space_on_device || error.cause.value() == EDQUOT;
}

// Nothing when there is none.
Result<std::optional<std::string>> read_format(int top, const std::string& shown)
{
    const Fd fd(::openat(top, format_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT) return std::nullopt;
    if (!fd) return fail(posix::error(errno, "opening", shown));
    std::array<char, 64> text{};
    const ssize_t got = ::read(fd.get(), text.data(), text.size());
    if (got < 0) return fail(posix::error(errno, "reading", shown));
    return std::string(text.data(), static_cast<std::size_t>(got));
}

Error foreign_directory(const std::filesystem::path& directory, std::string_view why)
{
    Error error(
        Errc::invalid_argument, fmt::format("{} {}", posix::printable(directory.native()), why)
    );
    error.hint = "use another directory for the store, one that is empty or not there";
    return error;
}

// A small file by its whole contents, or not at all.
Result<> write_whole(int top, const std::string& name, std::string_view text)
{
    std::string before = fmt::format("{}.{}-", format_name, ::getpid());
    std::uint64_t random = 0;
    if (::getrandom(&random, sizeof random, 0) > 0) before += fmt::format("{:016x}", random);
    const Fd fd(::openat(top, before.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd) return fail(posix::error(errno, "making", before));
    const bool written =
        ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())
        && ::fsync(fd.get()) == 0 && ::renameat(top, before.c_str(), top, name.c_str()) == 0;
    if (written) return ok();
    Error error = posix::error(errno, "writing", name);
    ::unlinkat(top, before.c_str(), 0);
    return fail(std::move(error));
}

} // namespace

Result<> Base::open(std::filesystem::path directory)
{
    directory_ = std::move(directory);
    std::error_code failed;
    if (!std::filesystem::is_directory(directory_, failed)) {
        std::filesystem::create_directories(directory_, failed);
        if (failed) return fail(posix::error(failed.value(), "making", directory_.native()));
    }
    top_ = Fd(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top_) return fail(posix::error(errno, "opening", directory_.native()));
    CHECK_OK(check_format());
    if (auto writing = begin_writing(); !writing) {
        // Who may not write may still read. A full disk is none of this: room can be made.
        if (writing.error().code != Errc::permission_denied) return writing;
        return ok();
    }
    writable_ = true;
    if (const auto cleared = clear_dead(); !cleared) return fail(cleared.error());
    return ok();
}

Result<> Base::check_format()
{
    TRY(auto text, read_format(top(), shown(format_name)));
    if (!text) {
        CHECK_OK(make_format());
        TRY(text, read_format(top(), shown(format_name)));
    }
    const std::string_view line = text ? std::string_view(*text) : std::string_view();
    unsigned number = 0;
    const bool known = line.starts_with(format_begin) && line.ends_with('\n');
    const char* const from = line.data() + format_begin.size();
    const char* const end = line.data() + line.size() - 1;
    if (!known || std::from_chars(from, end, number).ptr != end || number == 0) {
        return fail(foreign_directory(directory_, "has a file `format` that is not a store's"));
    }
    if (number == format_version) return ok();
    Error error(
        Errc::unsupported,
        fmt::format(
            "the store {} was made by {} slipway: its format is {}, this one knows {}",
            posix::printable(directory_.native()),
            number > format_version ? "a newer" : "an older",
            number,
            format_version
        )
    );
    error.hint = "use that slipway, or another directory for the store of this one";
    return fail(std::move(error));
}

Result<> Base::make_format()
{
    Fd listed(::openat(top(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!listed) return fail(posix::error(errno, "opening", directory_.native()));
    TRY(const auto names, posix::names_in(std::move(listed), directory_.native()));
    // Another process may have made it since.
    if (::faccessat(top(), format_name, F_OK, 0) == 0) return ok();
    const auto is_begun = [](const std::string& name) {
        return name.starts_with(std::string(format_name) + ".") || name == core::cache_tag_name;
    };
    if (!std::all_of(names.begin(), names.end(), is_begun)) {
        return fail(foreign_directory(directory_, "holds other things than a store"));
    }
    const std::string tag = std::string(core::cache_tag)
                            + "\n# What is here was built by slipway and can be made again.\n";
    CHECK_OK(during(write_whole(top(), core::cache_tag_name, tag), "making a store"));
    const std::string text = fmt::format("{}{}\n", format_begin, format_version);
    return during(write_whole(top(), format_name, text), "making a store");
}

Result<> Base::begin_writing()
{
    for (const char* name : {"blobs", "results", "notes", pins_name, uses_name, tmp_name}) {
        if (::mkdirat(top(), name, 0777) == 0 || errno == EEXIST) continue;
        Error error = posix::error(errno, "making", shown(name));
        if (!is_full(error)) return fail(std::move(error));
    }
    auto taken = take_lease();
    // On a full disk what is there can be used, and removed.
    if (!taken && !is_full(taken.error())) return taken;
    return ok();
}

Result<> Base::take_lease()
{
    if (lease_.taken()) return ok();
    const std::scoped_lock once(lease_mutex_);
    if (lease_.taken()) return ok();
    TRY(const Fd locked, lock(Lock::shared));
    return lease_.take(top());
}

} // namespace slipway::store
