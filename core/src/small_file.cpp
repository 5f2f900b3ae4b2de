#include "small_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t least_piece = 4096;

} // namespace

Result<std::string> read_small_file(const fs::path& file, std::size_t max_bytes)
{
    std::error_code failed;
    const fs::file_status status = fs::status(file, failed);
    if (!fs::exists(status)) {
        const std::string why = failed ? failed.message() : "No such file or directory";
        return fail(Errc::invalid_argument, file.string() + ": " + why);
    }
    if (!fs::is_regular_file(status)) {
        const bool directory = fs::is_directory(status);
        return fail(
            Errc::invalid_argument,
            file.string() + (directory ? " is a directory" : " is no regular file")
        );
    }
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        failed = std::error_code(errno, std::generic_category());
        return fail(Errc::invalid_argument, file.string() + ": " + failed.message());
    }
    // A file's size may be no true one, as in /proc.
    std::string text;
    while (in && text.size() <= max_bytes) {
        const std::size_t had = text.size();
        text.resize(std::min(had + std::max(had, least_piece), max_bytes + 1));
        in.read(text.data() + had, static_cast<std::streamsize>(text.size() - had));
        text.resize(had + static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) return fail(Errc::invalid_argument, file.string() + ": it cannot be read");
    if (text.size() > max_bytes) {
        return fail(
            Errc::invalid_argument,
            file.string() + " has more than " + std::to_string(max_bytes) + " bytes"
        );
    }
    return text;
}

} // namespace slipway::core
