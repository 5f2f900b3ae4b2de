#pragma once

#include <slipway/engine/bytes.hpp>

#include <memory>
#include <string>

namespace slipway::engine {

/// Passes a tar on so that it begins with the header of a file or a directory, as BuildKit needs:
/// it looks at the first 512 bytes alone to tell a tar from a Dockerfile, and takes one that begins
/// with an extended header, as every pax archive does, for a Dockerfile. An entry for the root is
/// put before such a one; what is compressed, no tar, or fine stays as it is.
std::shared_ptr<ByteSource> with_plain_start(std::shared_ptr<ByteSource> tar);

} // namespace slipway::engine
