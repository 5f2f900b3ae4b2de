#pragma once

#include "agent/messages.hpp"

#include <sys/stat.h>

#include <cstdint>

namespace slipway::agent {

/// What the system tells of a file, in the words of the protocol.
EntryKind kind_of(mode_t mode) noexcept;

/// Since 1970; saturates.
std::int64_t nanoseconds(const timespec& time) noexcept;

} // namespace slipway::agent
