#pragma once

#include <string>
#include <vector>

namespace slipway::engine {

struct CommitContainer {
    std::string container;
    std::string repository; ///< "slipway/made"; empty: the image gets no name
    std::string tag;        ///< empty: "latest"
    std::string comment;
    std::string author;
    std::vector<std::string> changes; ///< Dockerfile lines: "ENV A=b"
    /// Hold its processes meanwhile. Rootless podman with cgroup v1 cannot.
    bool pause = true;
};

} // namespace slipway::engine
