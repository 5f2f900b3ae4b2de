#pragma once

#include "sandbox/pool/container.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/child.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/images.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core::by_exec {

/// A container that is one lease's alone. It ends, and the engine removes it, when the connection
/// to its stdin does, so also when this process is killed.
struct Sandbox {
    engine::Client client;
    std::string container;
    pool::Ids ids;
    engine::ImageConfig image;
    std::string image_id;
    std::vector<std::string> writable;          ///< directories that an archive call can write to
    std::unique_ptr<engine::DuplexStream> life; ///< stdin and output of its first command
};

/// Makes one and waits until it is ready.
///
/// Errors: not_found (no such image), unsupported (the image lacks `sh`, `cat`, `chmod` or
///   `chown`), engine, ...
Task<std::shared_ptr<Sandbox>>
make_sandbox(engine::Client client, SandboxSpec spec, pool::Ids ids, engine::ImageInfo image);

/// Runs a job there; as Lease::run.
Task<JobResult> run_by_exec(std::shared_ptr<Sandbox> sandbox, LeasedJob job, JobStreams streams);

/// mtimes by the path below a directory, in ns since 1970.
using FileTimes = std::map<std::string, std::int64_t, std::less<>>;

/// As those of Lease. An archive tells mtimes in whole seconds where the engine does (docker);
/// `times` may know better.
Task<> put_by_archive(
    std::shared_ptr<Sandbox> sandbox, std::string directory, std::shared_ptr<engine::ByteSource> tar
);
Task<> get_by_archive(
    std::shared_ptr<Sandbox> sandbox,
    std::string directory,
    std::vector<TreeItem> items,
    std::shared_ptr<const FileTimes> times,
    engine::ByteSink& tar
);
/// Podman takes the path of an archive call for a pattern, and finds no name with such characters.
bool is_found_by_archive(std::string_view path);
/// Whether the engine finds an item at its path, and gives that alone.
bool has_archive_of_its_own(const TreeItem& item);
Task<> list_by_archive(
    std::shared_ptr<Sandbox> sandbox,
    std::string directory,
    std::vector<TreeItem> items,
    Digest digest,
    TreeEntries each
);
/// The mtime is in whole seconds.
Task<> put_file_by_exec(
    std::shared_ptr<Sandbox> sandbox,
    std::string path,
    FileAttributes attributes,
    std::shared_ptr<engine::ByteSource> bytes
);
Task<>
get_file_by_exec(std::shared_ptr<Sandbox> sandbox, std::string path, engine::ByteSink& bytes);

} // namespace slipway::core::by_exec
