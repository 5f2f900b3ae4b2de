#include "archive/posix.hpp"
#include "graph/parse_unit_file.hpp"
#include "graph/unit_links.hpp"
#include "graph/unit_notes.hpp"
#include "graph/unit_schema.hpp"
#include "recipe/toml_file.hpp"
#include "sync/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t max_unit_file = std::int64_t{64} << 20U;

Result<std::string> bytes_of_unit_file(const fs::path& file)
{
    // One that waits for a writer would wait here.
    const posix::Fd open(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status {};
    if (!open || ::fstat(open.get(), &status) != 0)
        return fail(posix::error(errno, "opening", file.native()));
    const std::string name = posix::printable(file.native());
    if (!S_ISREG(status.st_mode)) return fail(Errc::invalid_argument, name + " is no regular file");
    if (status.st_size > max_unit_file) {
        return fail(
            Errc::invalid_argument,
            name + " has more than " + std::to_string(max_unit_file) + " bytes"
        );
    }
    std::string text;
    if (!sync::read_all(open.get(), text))
        return fail(posix::error(errno, "reading", file.native()));
    return text;
}

std::optional<UnitFile> noted_units(
    const fs::path& notes,
    std::string_view text,
    const fs::path& file,
    const UnitVariables& variables
)
{
    const posix::Fd open(::open(notes.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status {};
    if (!open || ::fstat(open.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    std::string bytes;
    if (!sync::read_all(open.get(), bytes)) return {};
    return decode_unit_notes(bytes, text, file, variables);
}

// It is no matter when that fails: the next reading takes longer.
void note_units(const fs::path& notes, std::string_view bytes)
{
    std::error_code ignored;
    fs::create_directories(notes.parent_path(), ignored);
    std::string draft = notes.native() + ".XXXXXX";
    const posix::Fd open(::mkostemp(draft.data(), O_CLOEXEC));
    if (!open) return;
    const bool good =
        sync::write_all(open.get(), bytes) && ::rename(draft.c_str(), notes.c_str()) == 0;
    if (!good) ::unlink(draft.c_str());
}

} // namespace

Result<UnitFile>
parse_unit_file(std::string_view text, const fs::path& file, const UnitVariables& variables)
{
    TRY(const toml::table root, parse_toml(text, file));
    TRY(UnitFile out, units_of(root, file, variables));
    CHECK_OK(link_units(out));
    return out;
}

Result<UnitFile>
read_unit_file(const fs::path& file, const UnitVariables& variables, const fs::path& notes)
{
    TRY(const std::string text, bytes_of_unit_file(file));
    if (notes.empty()) return parse_unit_file(text, file, variables);
    if (auto noted = noted_units(notes, text, file, variables)) return *std::move(noted);
    TRY(UnitFile out, parse_unit_file(text, file, variables));
    note_units(notes, encode_unit_notes(out, text, variables));
    return out;
}

} // namespace slipway::core
