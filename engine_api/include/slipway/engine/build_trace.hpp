#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace slipway::engine {

/// A moment by the engine's clock.
using BuildTime = std::chrono::sys_time<std::chrono::nanoseconds>;

/// One piece of BuildKit's work: a step of the Dockerfile, or something of its own such as
/// "[internal] load metadata for docker.io/library/busybox:latest". It is reported anew at each
/// change, as a whole.
struct BuildVertex {
    std::string digest;                 ///< tells it from the others of this build
    std::vector<std::string> inputs;    ///< digests of what it builds on
    std::string name;                   ///< "[2/4] RUN make", "[stage 1/2] FROM x"
    bool cached = false;                ///< it did not have to run
    std::optional<BuildTime> started;   ///< absent: only planned
    std::optional<BuildTime> completed; ///< also when it failed
    std::string error;                  ///< why it failed
};

/// A part of a vertex' work: "exporting layers", a layer that is fetched.
struct BuildVertexStatus {
    std::string id;
    std::string vertex; ///< digest
    std::string name;
    std::int64_t current = 0; ///< bytes, most often
    std::int64_t total = 0;   ///< bytes, most often; 0: not known
    std::optional<BuildTime> started;
    std::optional<BuildTime> completed;
};

/// What a step wrote. BuildKit drops what goes past its own limits, and says so here.
struct BuildOutput {
    std::string vertex;      ///< digest
    std::int64_t stream = 0; ///< 1: stdout, 2: stderr
    std::string text;        ///< bytes as they were written, cut anywhere
};

/// Advice about the Dockerfile.
struct BuildWarning {
    std::string vertex;               ///< digest
    std::int64_t level = 0;           ///< 1 and up
    std::string text;                 ///< one line
    std::vector<std::string> details; ///< lines
    std::string url;                  ///< where more is said
};

/// What changed in a BuildKit build since the trace before.
struct BuildTrace {
    std::vector<BuildVertex> vertexes;
    std::vector<BuildVertexStatus> statuses;
    std::vector<BuildOutput> outputs;
    std::vector<BuildWarning> warnings;
};

} // namespace slipway::engine
