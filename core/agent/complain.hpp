#pragma once

#include "agent/messages.hpp"

#include <string_view>

namespace slipway::agent {

/// Says on stderr what could not be done, and gives `end`.
TreeEnd complain(std::string_view what, std::string_view why, TreeEnd end = TreeEnd::failed);
/// The same with an errno.
TreeEnd complain(std::string_view what, int error, TreeEnd end = TreeEnd::failed);

} // namespace slipway::agent
