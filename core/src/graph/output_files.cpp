#include "graph/output_files.hpp"

#include "archive/posix.hpp"
#include "graph/symlinks.hpp"
#include "sync/files.hpp"
#include "sync/remove_tree.hpp"
#include "workspace/uplift.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <utility>

namespace slipway::core::graph {

namespace fs = std::filesystem;

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

mode_t file_mode(bool executable)
{
    static const mode_t mask = [] {
        const mode_t now = ::umask(022);
        ::umask(now);
        return now;
    }();
    return (executable ? 0777 : 0666) & ~mask;
}

Result<> remove_all(const fs::path& parent, const std::string& name)
{
    const Fd top(::open(parent.c_str(), directory_flags));
    if (!top) return fail(posix::error(errno, "opening", parent.native()));
    std::string failed;
    const int number = sync::remove_tree(top.get(), name, failed);
    if (number != 0) return fail(posix::error(number, "removing", (parent / failed).native()));
    return ok();
}

class Taker {
public:
    Taker(const fs::path& place, Store* store, std::optional<Error>& failure)
        : place_(place), store_(store), failure_(&failure)
    {
    }

    // NOLINTNEXTLINE(misc-no-recursion): as deep as the outputs
    Result<> directory(int directory, const std::string& path)
    {
        std::vector<std::string> names;
        if (!sync::names_in(directory, names)) {
            return fail(posix::error(errno, "listing", shown(path)));
        }
        for (const std::string& name : names) {
            CHECK_OK(entry(directory, name, posix::join(path, name)));
        }
        return ok();
    }

    std::vector<StoredOutput> outputs;

private:
    std::string shown(const std::string& path) const { return (place_ / path).native(); }

    // NOLINTNEXTLINE(misc-no-recursion): as deep as the outputs
    Result<> entry(int parent, const std::string& name, const std::string& path)
    {
        struct stat status {};
        if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            return fail(posix::error(errno, "reading", shown(path)));
        }
        StoredOutput output;
        output.path = path;
        if (S_ISDIR(status.st_mode)) {
            output.kind = StoredOutput::Kind::directory;
            outputs.push_back(std::move(output));
            ::fchmodat(parent, name.c_str(), file_mode(true), 0);
            const Fd below(::openat(parent, name.c_str(), directory_flags));
            if (!below) return fail(posix::error(errno, "opening", shown(path)));
            return directory(below.get(), path);
        }
        if (S_ISLNK(status.st_mode)) {
            output.kind = StoredOutput::Kind::symlink;
            TRY(output.link_target, posix::read_link(parent, name.c_str(), shown(path)));
            outputs.push_back(std::move(output));
            return ok();
        }
        if (!S_ISREG(status.st_mode)) {
            return fail(
                Errc::invalid_argument,
                "its output " + posix::printable(path) + " is neither file, directory nor symlink"
            );
        }
        output.executable = (status.st_mode & S_IXUSR) != 0;
        ::fchmodat(parent, name.c_str(), file_mode(output.executable), 0);
        const Fd file(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        if (!file) return fail(posix::error(errno, "opening", shown(path)));
        if (store_ != nullptr && !*failure_) {
            auto stored = store_->put_file(file.get());
            if (stored) {
                output.content = *stored;
                outputs.push_back(std::move(output));
                return ok();
            }
            failure_->emplace(std::move(stored).error());
        }
        TRY(output.content, digest_of_file(file.get(), shown(path)));
        outputs.push_back(std::move(output));
        return ok();
    }

    fs::path place_;
    Store* store_;
    std::optional<Error>* failure_;
};

// Makes the directories above a path, each opened without following a symlink.
Result<Fd> make_parents(const fs::path& top, const std::string& path)
{
    Fd at(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!at) return fail(posix::error(errno, "opening", top.native()));
    std::string_view rest = path;
    for (;;) {
        const std::size_t slash = rest.find('/');
        if (slash == std::string_view::npos) return at;
        const std::string name(rest.substr(0, slash));
        rest.remove_prefix(slash + 1);
        ::mkdirat(at.get(), name.c_str(), 0777);
        Fd next(::openat(at.get(), name.c_str(), directory_flags));
        if (!next && (errno == ENOTDIR || errno == ELOOP)) {
            Error error(
                Errc::conflict,
                posix::printable((top / path).native()) + " has something else in its way: "
                    + posix::printable(name) + " is no directory"
            );
            error.hint = "move it away";
            return fail(std::move(error));
        }
        if (!next) return fail(posix::error(errno, "making", (top / path).native()));
        at = std::move(next);
    }
}

// Removes what is at a path, if nobody has put a symlink into its way; of directories, empty ones.
void remove_one(const fs::path& top, std::string_view path, bool is_directory)
{
    Fd at(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    while (at) {
        const std::size_t slash = path.find('/');
        const std::string name(path.substr(0, slash));
        if (slash == std::string_view::npos) {
            ::unlinkat(at.get(), name.c_str(), is_directory ? AT_REMOVEDIR : 0);
            return;
        }
        at = Fd(::openat(at.get(), name.c_str(), directory_flags));
        path.remove_prefix(slash + 1);
    }
}

Result<> restore_one(int parent, const std::string& name, Store& store, const StoredOutput& output)
{
    const auto refused = [&] { return fail(posix::error(errno, "writing", output.path)); };
    switch (output.kind) {
    case StoredOutput::Kind::directory:
        if (::mkdirat(parent, name.c_str(), 0777) != 0 && errno != EEXIST) return refused();
        return ok();
    case StoredOutput::Kind::symlink:
        if (::symlinkat(output.link_target.c_str(), parent, name.c_str()) != 0) return refused();
        return ok();
    case StoredOutput::Kind::file: {
        constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        const Fd file(::openat(parent, name.c_str(), flags, file_mode(output.executable)));
        if (!file) return refused();
        return store.read_into(output.content, file.get());
    }
    }
    return ok();
}

// What was there as another kind of thing, by our own doing, is out of the way before.
void clear_changed_kinds(
    const fs::path& root,
    const std::vector<StoredOutput>& outputs,
    const std::vector<BuiltOutput>& before
)
{
    std::map<std::string_view, StoredOutput::Kind> now;
    for (const StoredOutput& output : outputs) {
        now.emplace(output.path, output.kind);
    }
    const auto is_directory = [](StoredOutput::Kind kind) {
        return kind == StoredOutput::Kind::directory;
    };
    // The deepest first, so that directories are empty when they are to go.
    for (auto one = before.rbegin(); one != before.rend(); ++one) {
        const StoredOutput& old = one->what;
        bool in_the_way = false;
        for (std::string_view at = old.path; !at.empty(); at = posix::split(at).first) {
            const auto found = now.find(at);
            const bool same = at.size() == old.path.size();
            const bool was_directory = same ? is_directory(old.kind) : true;
            in_the_way =
                in_the_way || (found != now.end() && was_directory != is_directory(found->second));
        }
        if (in_the_way) remove_one(root, old.path, is_directory(old.kind));
    }
}

// After the files in them have gone.
void remove_old_directories(
    const fs::path& root,
    const std::vector<StoredOutput>& outputs,
    const std::vector<BuiltOutput>& before
)
{
    std::set<std::string_view> now;
    for (const StoredOutput& output : outputs) {
        now.insert(output.path);
    }
    for (auto one = before.rbegin(); one != before.rend(); ++one) {
        const StoredOutput& old = one->what;
        if (old.kind != StoredOutput::Kind::directory || now.contains(old.path)) continue;
        remove_one(root, old.path, true);
    }
}

} // namespace

Result<Blob> digest_of_file(int file, const std::string& shown)
{
    Sha256Hasher hasher;
    Blob blob;
    std::vector<char> piece(std::size_t{1} << 18);
    for (;;) {
        const ssize_t got =
            ::pread(file, piece.data(), piece.size(), static_cast<off_t>(blob.size));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(posix::error(errno, "reading", shown));
        if (got == 0) break;
        hasher.add({piece.data(), static_cast<std::size_t>(got)});
        blob.size += static_cast<std::uint64_t>(got);
    }
    blob.digest = hasher.finish();
    return blob;
}

Result<fs::path> fresh_outputs(const Layout& layout, std::string_view directory)
{
    const fs::path unit = layout.unit(directory);
    CHECK_OK(remove_all(unit, "out.new"));
    fs::path fresh = unit / "out.new";
    if (::mkdir(fresh.c_str(), 0777) != 0) {
        return fail(posix::error(errno, "making", fresh.native()));
    }
    return fresh;
}

Result<std::vector<StoredOutput>>
take_outputs(const fs::path& place, Store* store, std::optional<Error>& store_failure)
{
    const Fd top(::open(place.c_str(), directory_flags));
    if (!top) return fail(posix::error(errno, "opening", place.native()));
    Taker taker(place, store, store_failure);
    CHECK_OK(taker.directory(top.get(), ""));
    if (const StoredOutput* const out = leading_out(taker.outputs)) {
        return fail(
            Errc::invalid_argument,
            fmt::format(
                "its output {} is a symlink to {}, which leads out of the project",
                posix::printable(out->path),
                posix::printable(out->link_target)
            )
        );
    }
    return std::move(taker.outputs);
}

Result<>
restore_outputs(const fs::path& place, Store& store, const std::vector<StoredOutput>& outputs)
{
    if (const StoredOutput* const out = leading_out(outputs)) {
        return fail(
            Errc::protocol,
            posix::printable(out->path) + " is a symlink that leads out of the project"
        );
    }
    for (const StoredOutput& output : outputs) {
        TRY(const std::string clean, posix::clean_path(output.path, Errc::protocol));
        TRY(const Fd parent, make_parents(place, clean));
        const std::string name(posix::split(clean).second);
        CHECK_OK(restore_one(parent.get(), name, store, output));
    }
    return ok();
}

Result<> install_outputs(const Layout& layout, std::string_view directory)
{
    const fs::path unit = layout.unit(directory);
    CHECK_OK(remove_all(unit, "out"));
    const fs::path fresh = unit / "out.new";
    const fs::path out = unit / "out";
    if (::rename(fresh.c_str(), out.c_str()) == 0) return ok();
    return fail(posix::error(errno, "making", out.native()));
}

Result<> place_outputs(
    const Layout& layout,
    std::string_view directory,
    const std::vector<StoredOutput>& outputs,
    const std::vector<BuiltOutput>* before
)
{
    if (before != nullptr) clear_changed_kinds(layout.root(), outputs, *before);
    const fs::path unit = layout.unit(directory);
    const Fd from(::open(layout.outputs(directory).c_str(), directory_flags));
    const Fd to(::open(layout.root().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const Fd records(::open(unit.c_str(), directory_flags));
    if (!from || !to || !records) return fail(posix::error(errno, "opening", unit.native()));
    UpliftPlaces places;
    places.from = from.get();
    places.to = to.get();
    places.records = records.get();
    places.record = "placed";
    places.shown = layout.root().native();
    const EntryFilter all = [](std::string_view, EntryType) { return true; };
    TRY(const Uplifted done, uplift(places, all));
    static_cast<void>(done);
    if (before != nullptr) remove_old_directories(layout.root(), outputs, *before);
    for (const StoredOutput& output : outputs) {
        if (output.kind != StoredOutput::Kind::directory) continue;
        TRY(const Fd made, make_parents(layout.root(), output.path + "/"));
    }
    return ok();
}

Result<> export_outputs(
    const Layout& layout,
    std::string_view directory,
    const std::vector<std::string>& declared,
    const fs::path& out_dir
)
{
    std::error_code failed;
    fs::create_directories(out_dir, failed);
    const Fd to(::open(out_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!to) return fail(posix::error(errno, "opening", out_dir.native()));
    const fs::path unit = layout.unit(directory);
    const Fd records(::open(unit.c_str(), directory_flags));
    if (!records) return fail(posix::error(errno, "opening", unit.native()));
    for (std::string_view path : declared) {
        const bool is_directory = path.ends_with('/');
        if (is_directory) path.remove_suffix(1);
        const auto [above, name] = posix::split(path);
        const fs::path parent = layout.outputs(directory) / above;
        const Fd from(::open(parent.c_str(), directory_flags));
        if (!from) return fail(posix::error(errno, "opening", parent.native()));
        UpliftPlaces places;
        places.from = from.get();
        places.to = to.get();
        places.records = records.get();
        places.record = "exported-" + to_hex(sha256(out_dir.native() + "\n" + std::string(path)));
        places.copies = true;
        places.shown = out_dir.native();
        const std::string own(name);
        const EntryFilter only = [own](std::string_view at, EntryType) {
            return at == own || at.starts_with(own + "/");
        };
        TRY(const Uplifted done, uplift(places, only));
        static_cast<void>(done);
        if (is_directory) { // also an empty one
            TRY(const Fd made, make_parents(out_dir, own + "/"));
        }
    }
    return ok();
}

} // namespace slipway::core::graph
