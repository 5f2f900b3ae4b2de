#pragma once

#include "images/line_joiner.hpp"

#include <slipway/core/image_build.hpp>
#include <slipway/engine/build_trace.hpp>

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace slipway::core {

/// A step of a build, and what is known of it.
struct BuildStep {
    ImageEvent event;
    bool saw_no_network = false; ///< it wrote that it could not reach a server by its name
};

/// Makes events of BuildKit's traces, so that they read like those of the classic builder. Without
/// I/O.
class TraceLog {
public:
    /// Of a Dockerfile with one stage that stage's name is left out, as old BuildKits do.
    explicit TraceLog(OnImageEvent on_event, bool one_stage = false)
        : on_event_(std::move(on_event)), one_stage_(one_stage)
    {
    }

    void add(const engine::BuildTrace& trace);
    /// The end: what is left is a line.
    void finish();

    /// The step that failed, else the last one that is under way; null where there is none, and
    /// where something failed that is no step.
    const BuildStep* step() const;

private:
    struct Vertex {
        BuildStep step;
        bool is_step = false;
        bool begun = false;
        bool done = false;
        bool failed = false;
        std::size_t turn = 0; ///< which began as the how manieth
        std::array<LineJoiner, 2> lines{};
    };

    void begin(const engine::BuildVertex& news);
    void end(const engine::BuildVertex& news);
    void write(const engine::BuildOutput& output);
    void show(const engine::BuildVertexStatus& status);
    void flush(Vertex& vertex);
    void tell_line(Vertex& vertex, std::string_view line);
    bool has_begun(const std::string& digest) const;
    void tell(ImageEvent::Kind kind, std::string_view text, std::string_view place);

    OnImageEvent on_event_;
    bool one_stage_;
    std::map<std::string, Vertex> vertexes_;  ///< by digest
    std::map<std::string, bool> told_status_; ///< by vertex and id
    std::size_t begun_ = 0;
};

/// A line of output by which a step says that it reaches no network.
bool tells_of_no_network(std::string_view line);

} // namespace slipway::core
