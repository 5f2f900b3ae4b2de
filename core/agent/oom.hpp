#pragma once

#include <cstdint>

namespace slipway::agent {

/// How many processes of this sandbox the kernel has killed for want of memory; 0 where no cgroup
/// tells.
std::uint64_t out_of_memory_kills();

} // namespace slipway::agent
