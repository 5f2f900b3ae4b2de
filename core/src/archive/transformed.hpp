#pragma once

#include <slipway/core/byte_pipe.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace slipway::core {

/// Reads all of one end and writes to the other; called on a thread.
using Transform = std::function<Result<>(ThreadReader& from, ThreadWriter& out)>;

/// What `transform` makes of a source, made while it is read; memory does not grow with it.
///
/// Errors of `read`: those of `from` and of `transform`.
std::shared_ptr<engine::ByteSource> transformed(
    const boost::asio::any_io_executor& executor,
    std::shared_ptr<engine::ByteSource> from,
    Transform transform
);

} // namespace slipway::core
