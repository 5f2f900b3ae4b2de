#pragma once

#include <slipway/core/digest.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace slipway::core {

/// A Rust toolchain of this machine, for jobs in an image that need not have one. They have it
/// read-only, and its programs before those of the image.
struct HostToolchain {
    std::string name;              ///< for a person: rustup's, or the path that was given
    std::filesystem::path from;    ///< its directory, without symlinks
    std::filesystem::path sysroot; ///< where jobs have it: where it is here
    std::string host;              ///< the triple that its programs run on
    std::string target;            ///< the triple that is built for
    bool with_source = false;      ///< the source of the standard library is needed
    /// As Workspace::notes: what was seen of its files. Empty: all of them are read each time that
    /// a copy is needed.
    std::filesystem::path notes{};
    std::function<void()> on_copy{}; ///< before it is copied to the engine
};

/// Tells one toolchain from another on this machine: by its compiler and its programs, not by where
/// it stands. Errors: io, permission_denied.
Result<Sha256> host_toolchain_digest(const HostToolchain& toolchain);

/// Which toolchain is wanted, and for what.
struct ToolchainQuestion {
    /// "host": the one that rustup would take in `directory`. With a '/': a directory that has
    /// bin/rustc. Else a name as it is typed for rustup: "stable", "1.85", "my-linked-one".
    std::string wanted;
    bool is_name = false;            ///< it is a name, whatever it looks like
    std::filesystem::path directory; ///< where that was said, absolute and without symlinks
    std::filesystem::path home;      ///< of the user
    std::map<std::string, std::string, std::less<>> environment;
    std::string host_target;         ///< for rustup's settings that do not tell one
    std::string target;              ///< must be there, unless `builds_std`
    bool builds_std = false;         ///< the standard library is built: its source must be there
    std::string host{};              ///< the triple that its programs are to run on; empty: any
    std::string host_place{};        ///< where that is asked for
    std::filesystem::path archive{}; ///< what `wanted` was unpacked from; empty: from none
};

/// Finds it by what rustup's files say; neither rustup nor rustc is run. Rustup's home is
/// RUSTUP_HOME, else ~/.rustup. "host" is RUSTUP_TOOLCHAIN, else the nearest of rustup's overrides
/// and the files rust-toolchain and rust-toolchain.toml from `directory` up, else its default.
///
/// With `host`, names without a triple, and those that rustup's files say, are for that one.
///
/// Errors: not_found (no such toolchain, or it lacks the target or the source: the hint has the
///   command of rustup's), invalid_argument (a name that none can have; one of another triple than
///   `host`; a file of rustup's that cannot be understood, with its place; a directory of the
///   system), io.
Result<HostToolchain> find_toolchain(const ToolchainQuestion& question);

/// A toolchain that is packed in a file: a tar, plain or compressed by gzip, bzip2, xz or zstd, of
/// a directory that has bin/rustc, or of what Rust is released in.
struct PackedToolchain {
    std::filesystem::path archive;     ///< absolute
    std::filesystem::path store;       ///< of all that were unpacked; made when it is missing
    std::function<void()> on_unpack{}; ///< before it is unpacked
};

/// Its directory in the store, named by the bytes of the archive. It is unpacked when it is not
/// there, by one process of this user at a time, without the documentation of a release; then those
/// go that nobody has asked for in 30 days.
///
/// Errors: invalid_argument (no such archive, a damaged one, no toolchain in it), io, those of
///   open(2), cancelled.
Task<std::filesystem::path> unpacked_toolchain(PackedToolchain packed);

/// Whether programs of that triple run in images of that platform, as engines name it ("linux",
/// "amd64"). Errors: unsupported.
Result<> check_toolchain_runs(
    const HostToolchain& toolchain, const std::string& os, const std::string& architecture
);

} // namespace slipway::core
