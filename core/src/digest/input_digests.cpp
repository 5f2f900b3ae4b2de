#include "archive/posix.hpp"
#include "digest/below.hpp"
#include "digest/look.hpp"
#include "digest/notes.hpp"

#include <slipway/core/input_digests.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t most_notes = std::int64_t{1} << 30;

// Whatever goes wrong, there are none.
Notes read_notes(const fs::path& file)
{
    if (file.empty()) return {};
    const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    if (!in || ::fstat(in.get(), &status) != 0) return {};
    if (!S_ISREG(status.st_mode) || status.st_size > most_notes) return {};
    const auto size = static_cast<std::size_t>(status.st_size);
    const auto bytes = std::make_unique_for_overwrite<char[]>(size); // NOLINT(*-avoid-c-arrays)
    for (std::size_t done = 0; done < size;) {
        const ssize_t got = ::read(in.get(), bytes.get() + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return {};
        done += static_cast<std::size_t>(got);
    }
    return Notes::decode({bytes.get(), size}).value_or(Notes());
}

Result<> complain_of_notes(int error, const fs::path& file)
{
    Error out = posix::error(error, "cannot write", file.native());
    if (out.code != Errc::permission_denied) out.code = Errc::io;
    return fail(std::move(out));
}

// 0 or an errno.
int write_notes(int file, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t done = ::write(file, bytes.data(), bytes.size());
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(done));
    }
    return 0;
}

} // namespace

std::string DigestedPath::text() const
{
    switch (kind) {
    case Kind::missing:
        break;
    case Kind::file:
        return (executable ? "executable " : "file ") + to_hex(digest);
    case Kind::directory:
        return "directory";
    case Kind::symlink:
        return "symlink " + to_hex(digest);
    case Kind::other:
        return "other";
    }
    return "missing";
}

struct InputDigests::State {
    State(Fd top, fs::path file)
        : root(std::move(top)),
          below(root.get()),
          notes_file(std::move(file)),
          notes(read_notes(notes_file))
    {
    }

    Fd root;
    Below below;
    fs::path notes_file;
    Notes notes;
    std::uint64_t files_read = 0;
    const std::atomic<bool>* stop = nullptr;
};

InputDigests::InputDigests(std::unique_ptr<State> state) : state_(std::move(state)) {}
InputDigests::InputDigests(InputDigests&&) noexcept = default;
InputDigests& InputDigests::operator=(InputDigests&&) noexcept = default;
InputDigests::~InputDigests() = default;

Result<InputDigests> InputDigests::open(fs::path root, fs::path notes)
{
    Fd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!top) return fail(posix::error(errno, "cannot open", root.native()));
    return InputDigests(std::make_unique<State>(std::move(top), std::move(notes)));
}

Result<std::vector<DigestedPath>> InputDigests::look(const std::vector<std::string>& paths)
{
    Look look(state_->below, paths, state_->stop);
    look.stat();
    look.digest(state_->notes);
    state_->files_read += look.files_read();
    CHECK_OK(look.result());
    return std::move(look.found());
}

std::vector<FileMark> InputDigests::marks(const std::vector<std::string>& paths) const
{
    Look look(state_->below, paths);
    look.stat();
    std::vector<FileMark> marks;
    marks.reserve(paths.size());
    for (const DigestedPath& path : look.found()) {
        marks.push_back(path.mark);
    }
    return marks;
}

void InputDigests::stop_when(const std::atomic<bool>* stop) noexcept
{
    state_->stop = stop;
}

std::uint64_t InputDigests::files_read() const noexcept
{
    return state_->files_read;
}

Result<> InputDigests::save()
{
    const fs::path& file = state_->notes_file;
    if (file.empty() || !state_->notes.changed()) return ok();
    std::error_code failed;
    if (file.has_parent_path()) fs::create_directories(file.parent_path(), failed);
    if (failed) return complain_of_notes(failed.value(), file);
    std::string name = file.native() + ".XXXXXX";
    Fd out(::mkostemp(name.data(), O_CLOEXEC));
    if (!out) return complain_of_notes(errno, file);
    // Not made sure of on the disk: what a crash leaves half is found by its checksum.
    int error = write_notes(out.get(), state_->notes.encode());
    if (const int closed = out.close(); error == 0) error = closed;
    if (error == 0 && ::rename(name.c_str(), file.c_str()) != 0) error = errno;
    if (error != 0) {
        ::unlink(name.c_str());
        return complain_of_notes(error, file);
    }
    state_->notes.set_unchanged();
    return ok();
}

} // namespace slipway::core
