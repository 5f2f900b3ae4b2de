#pragma once

#include <slipway/core/toolchain.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace slipway::core {

/// Rustup as its files tell of it.
struct Rustup {
    std::filesystem::path home;
    std::string host;              ///< the triple of this machine
    std::string wanted_host{};     ///< the one that names without one are for; empty: `host`
    std::string default_toolchain; ///< empty: none
    std::map<std::filesystem::path, std::string> overrides; ///< by directory

    const std::string& host_of_names() const { return wanted_host.empty() ? host : wanted_host; }
    std::filesystem::path toolchains() const { return home / "toolchains"; }
};

/// Errors: invalid_argument (its settings cannot be understood).
Result<Rustup> read_rustup(const ToolchainQuestion& question);

/// What a file rust-toolchain or rust-toolchain.toml asks for; nothing of both: neither.
struct ToolchainFile {
    std::filesystem::path file;
    std::string channel;
    std::filesystem::path path; ///< absolute
};

/// The one in a directory. Errors: invalid_argument (with its place).
Result<std::optional<ToolchainFile>> toolchain_file_in(const std::filesystem::path& directory);

/// What rustup would take: a name, or the path of a directory. Errors: not_found (nothing says
/// which), those of toolchain_file_in.
Result<std::string> chosen_by_rustup(const Rustup& rustup, const ToolchainQuestion& question);

/// The names of the toolchains that are there, in order.
std::vector<std::string> names_of_toolchains(const Rustup& rustup);

struct FoundToolchain {
    std::string name; ///< the whole of it, with the triple
    std::filesystem::path directory;
};

/// The directory of a toolchain, behind the link that `rustup toolchain link` has made. Errors:
/// invalid_argument (no such name can be), not_found.
Result<FoundToolchain> toolchain_of(const Rustup& rustup, const std::string& name);

} // namespace slipway::core
