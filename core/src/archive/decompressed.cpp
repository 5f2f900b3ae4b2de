#include "archive/decompressed.hpp"

#include "archive/posix.hpp"
#include "archive/transformed.hpp"

#include <archive.h>

#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

namespace slipway::core {
namespace {

constexpr std::size_t packed_read_bytes = std::size_t{128} << 10;

struct FreeRaw {
    void operator()(archive* raw) const noexcept { ::archive_read_free(raw); }
};
using Raw = std::unique_ptr<archive, FreeRaw>;

Error damaged(archive* raw, const std::filesystem::path& file)
{
    const char* const said = ::archive_error_string(raw);
    return {
        Errc::protocol,
        "decompressing " + posix::printable(file.native()) + ": "
            + posix::printable(said == nullptr ? "failed" : said)};
}

Result<> decompress(const std::filesystem::path& file, ThreadWriter& out)
{
    const posix::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(posix::error(errno, "opening", file.native()));
    const Raw raw(::archive_read_new());
    for (const auto add :
         {&::archive_read_support_filter_gzip,
          &::archive_read_support_filter_bzip2,
          &::archive_read_support_filter_xz,
          &::archive_read_support_filter_zstd}) {
        // Without its library it would start a program.
        if (add(raw.get()) != ARCHIVE_OK) return fail(damaged(raw.get(), file));
    }
    archive_entry* entry = nullptr;
    if (::archive_read_support_format_raw(raw.get()) != ARCHIVE_OK
        || ::archive_read_support_format_empty(raw.get()) != ARCHIVE_OK
        || ::archive_read_open_fd(raw.get(), fd.get(), packed_read_bytes) != ARCHIVE_OK) {
        return fail(damaged(raw.get(), file));
    }
    const int begun = ::archive_read_next_header(raw.get(), &entry);
    if (begun == ARCHIVE_EOF) return ok(); // empty
    if (begun != ARCHIVE_OK) return fail(damaged(raw.get(), file));
    for (;;) {
        const void* bytes = nullptr;
        std::size_t count = 0;
        la_int64_t offset = 0;
        const int read = ::archive_read_data_block(raw.get(), &bytes, &count, &offset);
        if (read == ARCHIVE_EOF) return ok();
        if (read != ARCHIVE_OK) return fail(damaged(raw.get(), file));
        CHECK_OK(out.write({static_cast<const char*>(bytes), count}));
    }
}

} // namespace

std::shared_ptr<engine::ByteSource>
decompressed_file(const boost::asio::any_io_executor& executor, std::filesystem::path file)
{
    const Transform all = [file = std::move(file)](ThreadReader&, ThreadWriter& out) {
        return decompress(file, out);
    };
    return transformed(executor, engine::text_source({}), all); // the file is read on that thread
}

} // namespace slipway::core
