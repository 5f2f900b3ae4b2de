#include "job_streams.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>

namespace slipway::agent {

namespace {

constexpr int archive_pipe_bytes = 1 << 20;

bool make_pipe(Fd& read, Fd& write, bool large)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read = Fd(ends[0]);
    write = Fd(ends[1]);
    if (large) ::fcntl(ends[0], F_SETPIPE_SZ, archive_pipe_bytes); // as far as it is allowed
    return true;
}

bool open_terminal(const Run& run, StreamEnds& ends)
{
    ends.terminal = Fd(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    int locked = 0;
    if (!ends.terminal || ::ioctl(ends.terminal.get(), TIOCSPTLCK, &locked) != 0) return false;
    ends.their_in = Fd(::ioctl(ends.terminal.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!ends.their_in || !set_size(ends.terminal, run.rows, run.columns)) return false;
    ends.out = Fd(::fcntl(ends.terminal.get(), F_DUPFD_CLOEXEC, 3));
    if (run.has_in) ends.in = Fd(::fcntl(ends.terminal.get(), F_DUPFD_CLOEXEC, 3));
    return ends.out && (ends.in || !run.has_in);
}

bool open_pipes(const Run& run, StreamEnds& ends)
{
    const bool large = static_cast<What>(run.what) != What::program;
    if (!make_pipe(ends.err, ends.their_err, false)) return false;
    if (ends.own) return true;
    if (!make_pipe(ends.out, ends.their_out, large)) return false;
    if (run.has_in) return make_pipe(ends.their_in, ends.in, large);
    ends.their_in = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return static_cast<bool>(ends.their_in);
}

} // namespace

JobStreams StreamEnds::theirs() const
{
    if (own) return {own.get(), own.get(), their_err.get()};
    if (terminal) return {their_in.get(), their_in.get(), their_in.get()};
    return {their_in.get(), their_out.get(), their_err.get()};
}

bool open_streams(const Run& run, StreamEnds& ends)
{
    if (!(run.terminal ? open_terminal(run, ends) : open_pipes(run, ends))) return false;
    for (const Fd* fd : {&ends.in, &ends.out, &ends.err}) {
        if (*fd) ::fcntl(fd->get(), F_SETFL, ::fcntl(fd->get(), F_GETFL) | O_NONBLOCK);
    }
    return true;
}

bool set_size(const Fd& terminal, std::uint16_t rows, std::uint16_t columns)
{
    winsize size{};
    size.ws_row = rows;
    size.ws_col = columns;
    return ::ioctl(terminal.get(), TIOCSWINSZ, &size) == 0;
}

} // namespace slipway::agent
