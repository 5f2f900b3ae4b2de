#pragma once

#include <cstddef>
#include <functional>

namespace slipway::core {

/// Calls `work` for [begin, end) ranges of at most `step` of `count`, on as many threads as there
/// are processors and ranges; on the caller's alone where there are no more to be had. `work` must
/// not throw.
void in_parallel(
    std::size_t count,
    std::size_t step,
    const std::function<void(std::size_t begin, std::size_t end)>& work
);

} // namespace slipway::core
