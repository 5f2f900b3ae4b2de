#pragma once

#include "agent/messages.hpp"
#include "complain.hpp"

#include <string>

/// The jobs that are no programs. Each runs in a process of its own, with stdin and stdout, and
/// says on stderr what went wrong.
namespace slipway::agent {

/// Does what `run` says; the exit code. `kept`: see JobStreams.
int do_tree_job(const Run& run, int kept) noexcept;

TreeEnd unpack(const Run& run);
TreeEnd pack(const Run& run);
TreeEnd write_manifest(const Run& run);
TreeEnd write_file(const Run& run);
TreeEnd read_file(const Run& run);
TreeEnd keep_directory(const Run& run, int own);

/// Makes a directory and those above it. 0, or an errno.
int make_directories(const std::string& path);

} // namespace slipway::agent
