#pragma once

#include <slipway/core/tree.hpp>
#include <slipway/engine/bytes.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace slipway::core {

/// The records of a manifest (agent/entry_sink.hpp) of what is in a tar, in its order. A tar tells
/// of links what it can: another name of a file is an entry with an inode of its own making, equal
/// to that of the first.
///
/// Errors of `read`: those of `from`, truncated, engine, protocol as in list_tar.
std::shared_ptr<engine::ByteSource> tar_records(
    const boost::asio::any_io_executor& executor,
    std::shared_ptr<engine::ByteSource> tar,
    Digest digest
);

} // namespace slipway::core
