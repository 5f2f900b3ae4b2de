#pragma once

#include <slipway/engine/result.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// The file that a shell would run for `name`, by PATH. Errors: not_found.
Result<std::filesystem::path> find_program(std::string_view name);

/// A program that runs beside us, without a shell and without a terminal, and never longer than we
/// do: it gets SIGTERM when this is dropped, and from the kernel when our process ends in whatever
/// way, `kill -9` included. It has no stdin and inherits no descriptor.
///
/// Dropping it waits for its end, which it has a second for before it is killed.
class ChildProcess {
public:
    /// What cannot be started has ended at once with the status 127 and says why on stderr.
    ChildProcess(std::filesystem::path program, std::vector<std::string> arguments);
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    /// True as soon as the kernel has begun to end it, before what it had open is closed: who reads
    /// the end of a socket to it can tell that end from one that it passed on.
    bool ending() const;
    /// Nothing until it has ended and all its words are read; 128 and more when a signal ended it;
    /// 0 when somebody else waited for it, or SIGCHLD is ignored.
    std::optional<int> exit_code() const;
    /// Its first 64 KiB on stdout.
    std::string output() const;
    /// What it said on stderr so far, save what lies more than 64 KiB back. `skip` leaves out the
    /// bytes that `said` has counted before.
    std::string errors(std::size_t skip = 0) const;
    std::size_t said() const; ///< bytes on stderr so far

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace slipway::engine
