#pragma once

#include <map>
#include <string>

namespace slipway::core {

/// A directory of a sandbox whose files outlive it: a volume of the engine, made when it is
/// missing. Without the agent it is as a scratch directory.
struct KeptDirectory {
    std::string path; ///< absolute, in the sandbox
    std::string name; ///< of the volume
    /// Another image has another one: its name goes on with the image's.
    bool per_image = false;
    std::string purpose;                         ///< labels::purpose_label
    std::map<std::string, std::string> labels{}; ///< further ones
};

} // namespace slipway::core
