#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace slipway::cli {

/// A command line in its two parts. CLI11 reads only the first.
struct CommandLine {
    std::vector<std::string> ours;
    /// The command that `run` or `cargo` start, or further arguments of `build`, as they were
    /// typed.
    std::vector<std::string> command;
};

/// Parts the words after the program's name. All that follows `cargo` is cargo's, save a `--help`
/// that stands first. The command of `run` begins at the first word that is neither an option of
/// `app` nor an option's value, or after a `--` there; whatever follows is the command's, a second
/// `--` too.
CommandLine split(const CLI::App& app, std::vector<std::string> words);

} // namespace slipway::cli
