#pragma once

#include <string>
#include <vector>

namespace slipway::agent {

/// Reads a tar from stdin into the directory words[0]. The exit code: 0, or 1 with words on stderr.
int unpack(const std::vector<std::string>& words);

/// Writes a tar of words[1...] below the directory words[0] to stdout. The exit code: 0, or 1 with
/// words on stderr.
int pack(const std::vector<std::string>& words);

} // namespace slipway::agent
