#pragma once

#include <slipway/core/lease.hpp>
#include <slipway/core/manifest.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace slipway::core {

/// The files of a container, by whatever way they are reached.
class ContainerFiles {
public:
    virtual ~ContainerFiles() = default;

    /// What stands at a directory before anything was put there; paths relative to it.
    virtual Task<Manifest> list(std::filesystem::path directory) = 0;
    /// Unpacks a tar whose paths are from "/".
    virtual Task<> put(std::shared_ptr<engine::ByteSource> tar) = 0;
    /// A tar of `path`, whose entries start with its last part. Errors: not_found.
    virtual Task<std::shared_ptr<engine::ByteSource>> get(std::filesystem::path path) = 0;
};

/// By the engine's archive calls, whether it runs or not.
std::shared_ptr<ContainerFiles> engine_files(engine::Client client, std::string container);

/// By the agent of a sandbox, whose scratch directories are empty when the lease begins.
std::shared_ptr<ContainerFiles> leased_files(std::shared_ptr<Lease> lease);

} // namespace slipway::core
