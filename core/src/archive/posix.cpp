#include "archive/posix.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>

namespace slipway::core::posix {

namespace {

constexpr std::int64_t second = 1'000'000'000;

Errc code_of(int number) noexcept
{
    switch (number) {
    case ENOENT:
        return Errc::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
        return Errc::permission_denied;
    default:
        return Errc::io;
    }
}

} // namespace

std::string printable(std::string_view path)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(path.size());
    char before = '\0';
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        // The second byte of U+0080 to U+009F, by which terminals take commands too.
        const bool more_controls = before == '\xC2' && byte >= 0x80 && byte < 0xA0;
        before = c;
        if (byte >= 0x20 && byte != 0x7f && !more_controls) {
            out.push_back(c);
            continue;
        }
        out.append("\\x");
        out.push_back(digits[byte >> 4U]);
        out.push_back(digits[byte & 0xfU]);
    }
    return out;
}

Error error(int number, std::string_view attempt, std::string_view path)
{
    const std::error_code cause(number, std::generic_category());
    Error out(
        code_of(number), std::string(attempt) + ' ' + printable(path) + ": " + cause.message()
    );
    out.cause = cause;
    if (number == ENOSPC || number == EDQUOT) {
        out.hint = "free some space on the file system that holds it (see `df`), then try again";
    }
    return out;
}

std::int64_t to_ns(std::int64_t seconds, std::int64_t nanoseconds) noexcept
{
    std::int64_t out = 0;
    if (__builtin_mul_overflow(seconds, second, &out)
        || __builtin_add_overflow(out, nanoseconds, &out)) {
        return seconds < 0 ? std::numeric_limits<std::int64_t>::min()
                           : std::numeric_limits<std::int64_t>::max();
    }
    return out;
}

std::int64_t mtime_ns(const struct stat& status) noexcept
{
    return to_ns(status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

timespec to_timespec(std::int64_t ns) noexcept
{
    std::int64_t seconds = ns / second;
    std::int64_t rest = ns % second;
    if (rest < 0) {
        rest += second;
        --seconds;
    }
    timespec out{};
    out.tv_sec = static_cast<time_t>(seconds);
    out.tv_nsec = static_cast<long>(rest);
    return out;
}

bool same_mtime(std::int64_t told, std::int64_t known) noexcept
{
    const auto [earlier, later] = std::minmax(told, known);
    // Any two times are less than 2^64 ns apart.
    const auto apart = static_cast<std::uint64_t>(later) - static_cast<std::uint64_t>(earlier);
    return apart == 0 || (told % second == 0 && apart < second);
}

ManifestEntry describe(const struct stat& status)
{
    ManifestEntry out;
    out.mode = static_cast<std::uint32_t>(status.st_mode) & mode_bits;
    out.mtime_ns = mtime_ns(status);
    out.inode = status.st_ino;
    out.ctime_ns = to_ns(status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
    if (S_ISDIR(status.st_mode)) {
        out.type = EntryType::directory;
    } else if (S_ISLNK(status.st_mode)) {
        out.type = EntryType::symlink;
    } else if (S_ISFIFO(status.st_mode)) {
        out.type = EntryType::fifo;
    } else {
        out.size = static_cast<std::uint64_t>(status.st_size);
    }
    return out;
}

Result<std::string> read_link(int dir, const char* name, std::string_view shown)
{
    std::string out(256, '\0');
    for (;;) {
        const ssize_t length = ::readlinkat(dir, name, out.data(), out.size());
        if (length < 0) return fail(error(errno, "reading the link", shown));
        if (static_cast<std::size_t>(length) < out.size()) {
            out.resize(static_cast<std::size_t>(length));
            return out;
        }
        out.resize(out.size() * 2);
    }
}

Result<std::vector<std::string>> names_in(Fd dir, std::string_view shown)
{
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(dir.get()), &::closedir);
    if (!stream) return fail(error(errno, "listing", shown));
    static_cast<void>(dir.release()); // the stream closes it
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        // One thread has the stream, which is what readdir asks for.
        const dirent* next = ::readdir(stream.get()); // NOLINT(concurrency-mt-unsafe)
        if (next == nullptr) break;
        const std::string_view name(next->d_name);
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return fail(error(errno, "listing", shown));
    std::sort(names.begin(), names.end());
    return names;
}

Result<std::string> clean_path(std::string_view raw, Errc code)
{
    if (raw.empty()) return fail(code, "an empty path");
    if (raw.front() == '/') return fail(code, "an absolute path: " + printable(raw));
    std::string out;
    out.reserve(raw.size());
    while (!raw.empty()) {
        const std::size_t slash = raw.find('/');
        const std::string_view part = raw.substr(0, slash);
        raw = slash == std::string_view::npos ? std::string_view() : raw.substr(slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == "..")
            return fail(code, "a path with `..`: " + printable(join(join(out, part), raw)));
        if (!out.empty()) out.push_back('/');
        out.append(part);
    }
    return out;
}

std::string join(std::string_view dir, std::string_view name)
{
    std::string out(dir);
    if (!dir.empty() && !name.empty()) out.push_back('/');
    out.append(name);
    return out;
}

std::pair<std::string_view, std::string_view> split(std::string_view path) noexcept
{
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return {{}, path};
    return {path.substr(0, slash), path.substr(slash + 1)};
}

PlainLocale::PlainLocale() noexcept
    : plain_(::newlocale(LC_ALL_MASK, "C", nullptr)), before_(::uselocale(plain_))
{
}

PlainLocale::~PlainLocale()
{
    ::uselocale(before_);
    ::freelocale(plain_);
}

} // namespace slipway::core::posix
