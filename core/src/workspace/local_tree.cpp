#include "workspace/local_tree.hpp"

#include "archive/posix.hpp"
#include "sync/crew.hpp"
#include "sync/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace slipway::core::local_tree {

namespace {

namespace fs = std::filesystem;

Result<posix::Fd> open_root(const fs::path& root)
{
    posix::Fd directory(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return fail(posix::error(errno, "reading", root.native()));
    return directory;
}

Result<> check(const std::vector<sync::ScanProblem>& problems, const fs::path& root)
{
    if (problems.empty()) return ok();
    const sync::ScanProblem& first = problems.front();
    const std::string path = posix::join(root.native(), first.path);
    if (first.error == ECANCELED) return fail(Errc::cancelled, "interrupted");
    if (first.error != 0) return fail(posix::error(first.error, "reading", path));
    Error error(Errc::io, "reading " + posix::printable(path) + ": it changed while it was read");
    error.hint = "stop what writes to it, or leave it out, then try again";
    return fail(std::move(error));
}

} // namespace

sync::KnownTree noted(const fs::path& file)
{
    const posix::Fd open(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    struct stat status {};
    if (!open || ::fstat(open.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    std::string bytes;
    if (!sync::read_all(open.get(), bytes)) return {};
    auto known = sync::decode_known_tree(bytes);
    return known ? *std::move(known) : sync::KnownTree();
}

void note(const fs::path& file, sync::KnownTree& tree)
{
    if (file.empty()) return;
    std::error_code ignored;
    fs::create_directories(file.parent_path(), ignored);
    std::string draft = file.native() + ".XXXXXX";
    const posix::Fd open(::mkostemp(draft.data(), O_CLOEXEC));
    if (!open) return;
    const bool good = sync::write_all(open.get(), sync::encode(tree))
                      && ::rename(draft.c_str(), file.c_str()) == 0;
    if (!good) ::unlink(draft.c_str());
}

Result<sync::Scan> scan(
    const fs::path& root,
    const EntryFilter& copied,
    const sync::KnownTree& known,
    const std::atomic<bool>& stop
)
{
    TRY(const posix::Fd directory, open_root(root));
    const sync::Memo memo(known);
    sync::Threads crew;
    sync::ScanOptions options;
    options.memo = &memo;
    options.crew = &crew;
    options.digests = false;
    options.stop = &stop;
    if (copied) {
        options.leave_out = [&copied](std::string_view path, bool is_directory) {
            return !copied(path, is_directory ? EntryType::directory : EntryType::file);
        };
    }
    sync::Scan found = sync::scan_tree(directory.get(), options);
    CHECK_OK(check(found.problems, root));
    return found;
}

Result<> read(
    const fs::path& root,
    sync::KnownTree& tree,
    const std::vector<std::size_t>& places,
    const std::atomic<bool>& stop
)
{
    TRY(const posix::Fd directory, open_root(root));
    sync::Threads crew;
    sync::ScanOptions options;
    options.crew = &crew;
    options.stop = &stop;
    return check(sync::add_digests(directory.get(), tree, places, options), root);
}

} // namespace slipway::core::local_tree
