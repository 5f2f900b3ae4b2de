#include "descriptor.hpp"
#include "file_reader.hpp"
#include "tree_streams.hpp"
#include "walk.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <string_view>

namespace slipway::agent {

namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;

struct FreeEntry {
    void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};
struct FreeTar {
    void operator()(archive* tar) const { ::archive_write_free(tar); }
};

/// Packs what it is told, until something fails.
class Packer {
public:
    explicit Packer(Encoding encoding) : output_(encoding), tar_(::archive_write_new()) {}

    TreeEnd open()
    {
        // BINARY: names are bytes and travel as they are.
        const bool good =
            ::archive_write_set_format_pax(tar_.get()) == ARCHIVE_OK
            && ::archive_write_set_options(tar_.get(), "hdrcharset=BINARY") == ARCHIVE_OK
            && ::archive_write_set_bytes_per_block(tar_.get(), static_cast<int>(block_bytes))
                   == ARCHIVE_OK
            && ::archive_write_set_bytes_in_last_block(tar_.get(), 1) == ARCHIVE_OK
            && ::archive_write_open(tar_.get(), &output_, nullptr, &Packer::write, nullptr)
                   == ARCHIVE_OK;
        return good ? TreeEnd::done : said("the archive");
    }

    TreeEnd close()
    {
        if (::archive_write_close(tar_.get()) != ARCHIVE_OK) return said("the archive");
        return output_.finish() ? TreeEnd::done : complain("the archive", errno);
    }

    TreeEnd add(const Found& found)
    {
        const struct stat& status = found.status;
        if (S_ISSOCK(status.st_mode)) return TreeEnd::done; // no archive can have one
        const std::unique_ptr<archive_entry, FreeEntry> entry(::archive_entry_new());
        ::archive_entry_copy_stat(entry.get(), &status);
        ::archive_entry_unset_atime(entry.get());
        ::archive_entry_unset_ctime(entry.get());
        set_time(entry.get(), status);
        ::archive_entry_copy_pathname(entry.get(), found.path);
        if (status.st_nlink < 2 || S_ISDIR(status.st_mode)) return add_itself(found, entry.get());
        const std::pair file(status.st_dev, status.st_ino);
        const auto known = links_.find(file);
        if (known != links_.end()) {
            ::archive_entry_copy_hardlink(entry.get(), known->second.c_str());
            ::archive_entry_set_size(entry.get(), 0);
            return header(entry.get(), found);
        }
        const TreeEnd end = add_itself(found, entry.get());
        if (end == TreeEnd::done) links_.emplace(file, found.path);
        return end;
    }

private:
    static la_ssize_t write(archive* tar, void* output, const void* bytes, std::size_t size)
    {
        if (static_cast<TreeOutput*>(output)->write({static_cast<const char*>(bytes), size})) {
            return static_cast<la_ssize_t>(size);
        }
        ::archive_set_error(tar, errno, "%s", ::strerror(errno));
        return -1;
    }

    /// libarchive prints both numbers as they are with a dot between, so that half a second before
    /// -1 s must be given as -1 and 500000000.
    static void set_time(archive_entry* entry, const struct stat& status)
    {
        const auto seconds = status.st_mtim.tv_sec;
        const long rest = status.st_mtim.tv_nsec;
        if (seconds >= -1 || rest == 0) {
            ::archive_entry_set_mtime(entry, seconds, seconds < 0 ? 0 : rest);
        } else {
            ::archive_entry_set_mtime(entry, seconds + 1, 1'000'000'000L - rest);
        }
    }

    TreeEnd add_itself(const Found& found, archive_entry* entry)
    {
        const mode_t mode = found.status.st_mode;
        if (S_ISLNK(mode)) return add_symlink(found, entry);
        if (S_ISREG(mode)) return add_file(found, entry);
        return header(entry, found);
    }

    TreeEnd add_symlink(const Found& found, archive_entry* entry)
    {
        std::string target;
        if (!read_link(found, target)) {
            return is_gone(errno) ? TreeEnd::missing : complain(found.path, errno);
        }
        ::archive_entry_copy_symlink(entry, target.c_str());
        ::archive_entry_set_size(entry, 0);
        return header(entry, found);
    }

    TreeEnd add_file(const Found& found, archive_entry* entry)
    {
        FileReader file(found);
        if (!file.is_open()) return file.end();
        const off_t size = file.status().st_size;
        set_time(entry, file.status());
        ::archive_entry_set_size(entry, size);
        const auto pieces = pieces_of(file.descriptor(), file.status());
        const bool is_sparse = pieces.size() != 1 || pieces.front().second != size;
        if (is_sparse && size > 0) {
            for (const auto& [at, length] : pieces) {
                ::archive_entry_sparse_add_entry(entry, at, length);
            }
        }
        const TreeEnd begun = header(entry, found);
        if (begun != TreeEnd::done) return begun;
        off_t written = 0;
        const auto put = [&](off_t at, std::string_view bytes) {
            // What lies between is not sent, but libarchive wants it told.
            const TreeEnd skipped = skip(at - written, found);
            if (skipped != TreeEnd::done) return skipped;
            written = at + static_cast<off_t>(bytes.size());
            return data(bytes, found);
        };
        for (const auto& [at, length] : pieces) {
            const TreeEnd end = file.read(at, length, put);
            if (end != TreeEnd::done) return end;
        }
        const TreeEnd end = skip(size - written, found);
        return end == TreeEnd::done ? file.check_unchanged() : end;
    }

    using Piece = std::pair<off_t, off_t>; ///< begin and size

    static std::vector<Piece> pieces_of(int file, const struct stat& status)
    {
        std::vector<Piece> out;
        const off_t end = status.st_size;
        if (status.st_blocks * 512 >= end) {
            if (end > 0) out.emplace_back(0, end);
            return out;
        }
        for (off_t at = 0; at < end;) {
            const off_t data = ::lseek(file, at, SEEK_DATA);
            if (data < 0 && errno != ENXIO) return {{0, end}};
            if (data < 0 || data >= end) break;
            const off_t hole = ::lseek(file, data, SEEK_HOLE);
            const off_t stop = hole < 0 || hole > end ? end : hole;
            out.emplace_back(data, stop - data);
            at = stop;
        }
        // An entry of size 0 at the end says that all before is a hole.
        if (out.empty()) out.emplace_back(end, 0);
        return out;
    }

    TreeEnd skip(off_t count, const Found& found)
    {
        static std::array<char, 65'536> zeros{}; // not const: they need no room on disk
        while (count > 0) {
            const auto size = static_cast<std::size_t>(std::min<off_t>(count, zeros.size()));
            const TreeEnd end = data({zeros.data(), size}, found);
            if (end != TreeEnd::done) return end;
            count -= static_cast<off_t>(size);
        }
        return TreeEnd::done;
    }

    TreeEnd data(std::string_view bytes, const Found& found)
    {
        return ::archive_write_data(tar_.get(), bytes.data(), bytes.size()) < 0 ? said(found.path)
                                                                                : TreeEnd::done;
    }

    TreeEnd header(archive_entry* entry, const Found& found)
    {
        return ::archive_write_header(tar_.get(), entry) == ARCHIVE_OK ? TreeEnd::done
                                                                       : said(found.path);
    }

    TreeEnd said(const char* path)
    {
        const char* words = ::archive_error_string(tar_.get());
        return complain(path, words != nullptr ? words : "unknown error");
    }

    TreeOutput output_;
    std::unique_ptr<archive, FreeTar> tar_;
    std::map<std::pair<dev_t, ino_t>, std::string> links_;
};

} // namespace

TreeEnd pack(const Run& run)
{
    Packer packer(static_cast<Encoding>(run.tree.encoding));
    TreeEnd end = packer.open();
    if (end == TreeEnd::done) {
        end = walk(run.argv.front(), run.tree.items, [&](const Found& found) {
            return packer.add(found);
        });
    }
    // What is not whole gets no end mark.
    if (end != TreeEnd::done) ::_exit(static_cast<int>(end));
    return packer.close();
}

} // namespace slipway::agent
