#pragma once

#include <slipway/engine/bytes.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <memory>

namespace slipway::core {

/// The bytes of a file on this machine, decompressed where its first bytes tell that gzip, bzip2,
/// xz or zstd has made it; made while they are read, on a thread.
///
/// Errors of `read`: those of open(2), protocol (damaged, or its end is missing).
std::shared_ptr<engine::ByteSource>
decompressed_file(const boost::asio::any_io_executor& executor, std::filesystem::path file);

} // namespace slipway::core
