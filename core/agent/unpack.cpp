#include "tar.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

namespace slipway::agent {

namespace {

constexpr std::size_t read_bytes = std::size_t{1} << 20;

struct FreeReader {
    void operator()(archive* tar) const { ::archive_read_free(tar); }
};
struct FreeWriter {
    void operator()(archive* disk) const { ::archive_write_free(disk); }
};

/// Whether this process may give files to others.
bool may_chown()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    return ::syscall(SYS_capget, &header, data.data()) == 0
           && (data[0].effective & (1U << CAP_CHOWN)) != 0;
}

int complain(std::string_view what, const char* why)
{
    std::fprintf(
        stderr,
        "unpack: %.*s: %s\n",
        static_cast<int>(what.size()),
        what.data(),
        why != nullptr ? why : "unknown error"
    );
    return 1;
}

int make_directories(const std::string& path)
{
    for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
        const std::string part = path.substr(0, at);
        if (::mkdir(part.c_str(), 0777) != 0 && errno != EEXIST) return errno;
        if (at == std::string::npos) return 0;
    }
}

/// libarchive warns of names that are not plain ASCII, and gives them unchanged.
bool is_harmless(const char* warning)
{
    return warning != nullptr
           && std::string_view(warning).find("can't be converted from") != std::string_view::npos;
}

/// libarchive reads "-1.5" as -1 s and +0.5 s.
void repair_time(archive_entry* entry)
{
    const auto seconds = ::archive_entry_mtime(entry);
    const long rest = ::archive_entry_mtime_nsec(entry);
    if (seconds < 0 && rest > 0) {
        ::archive_entry_set_mtime(entry, seconds - 1, 1'000'000'000L - rest);
    }
}

/// Counts what is read: an archive without its end mark is cut.
class Input {
public:
    static la_ssize_t read(archive* tar, void* self, const void** bytes)
    {
        auto& input = *static_cast<Input*>(self);
        ssize_t got = 0;
        do {
            got = ::read(0, input.buffer_.get(), read_bytes);
        } while (got < 0 && errno == EINTR);
        if (got < 0) ::archive_set_error(tar, errno, "%s", ::strerror(errno));
        *bytes = input.buffer_.get();
        if (got > 0) input.note({input.buffer_.get(), static_cast<std::size_t>(got)});
        return got;
    }

    /// The last two blocks that came were zeros.
    bool has_end() const { return zeros_ >= std::size_t{2} * 512; }
    void read_to_end()
    {
        const void* bytes = nullptr;
        while (read(nullptr, this, &bytes) > 0) {
        }
    }

private:
    void note(std::string_view bytes)
    {
        const std::size_t last = bytes.find_last_not_of('\0');
        zeros_ = last == std::string_view::npos ? zeros_ + bytes.size() : bytes.size() - last - 1;
    }

    std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(read_bytes);
    std::uint64_t zeros_ = 0;
};

int copy_data(archive* tar, archive* disk, const char* path)
{
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    for (;;) {
        const int got = ::archive_read_data_block(tar, &bytes, &size, &offset);
        if (got == ARCHIVE_EOF) return 0;
        if (got != ARCHIVE_OK) return complain(path, ::archive_error_string(tar));
        if (::archive_write_data_block(disk, bytes, size, offset) < ARCHIVE_OK) {
            return complain(path, ::archive_error_string(disk));
        }
    }
}

int unpack_entries(archive* tar, archive* disk)
{
    for (;;) {
        archive_entry* entry = nullptr;
        const int got = ::archive_read_next_header(tar, &entry);
        if (got == ARCHIVE_EOF) break;
        if (got != ARCHIVE_OK
            && !(got == ARCHIVE_WARN && is_harmless(::archive_error_string(tar)))) {
            return complain("the archive", ::archive_error_string(tar));
        }
        const char* path = ::archive_entry_pathname(entry);
        if (path == nullptr) return complain("the archive", "an entry has no name");
        repair_time(entry);
        if (::archive_write_header(disk, entry) != ARCHIVE_OK) {
            return complain(path, ::archive_error_string(disk));
        }
        if (::archive_entry_size(entry) > 0 && copy_data(tar, disk, path) != 0) return 1;
        if (::archive_write_finish_entry(disk) != ARCHIVE_OK) {
            return complain(path, ::archive_error_string(disk));
        }
    }
    // Directories get their times now.
    if (::archive_write_close(disk) != ARCHIVE_OK) {
        return complain("the directories", ::archive_error_string(disk));
    }
    return 0;
}

} // namespace

int unpack(const std::vector<std::string>& words)
{
    const std::string& directory = words.front();
    if (words.size() != 1 || directory.empty()) return complain("unpack", "names one directory");
    if (const int error = make_directories(directory)) {
        return complain(directory, ::strerror(error));
    }
    if (::chdir(directory.c_str()) != 0) return complain(directory, ::strerror(errno));
    const std::unique_ptr<archive, FreeReader> tar(::archive_read_new());
    const std::unique_ptr<archive, FreeWriter> disk(::archive_write_disk_new());
    int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS
                | ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;
    if (may_chown()) flags |= ARCHIVE_EXTRACT_OWNER;
    Input input;
    if (::archive_write_disk_set_options(disk.get(), flags) != ARCHIVE_OK
        || ::archive_read_support_format_tar(tar.get()) != ARCHIVE_OK
        || ::archive_read_open(tar.get(), &input, nullptr, &Input::read, nullptr) != ARCHIVE_OK) {
        return complain("the archive", ::archive_error_string(tar.get()));
    }
    if (unpack_entries(tar.get(), disk.get()) != 0) return 1;
    input.read_to_end();
    return input.has_end() ? 0 : complain("the archive", "it is cut: its end mark is missing");
}

} // namespace slipway::agent
