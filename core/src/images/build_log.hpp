#pragma once

#include "images/line_joiner.hpp"
#include "images/step_places.hpp"
#include "images/trace_log.hpp"

#include <slipway/core/image_build.hpp>
#include <slipway/engine/progress.hpp>

#include <string>
#include <string_view>

namespace slipway::core {

/// Makes events of the messages of a build, the same for all builders: joins pieces to lines, knows
/// the lines by which dockerd ("Step 3/9 : RUN x") and podman ("STEP 3/9: RUN x") say where they
/// are, and has BuildKit's traces read. Without I/O.
class BuildLog {
public:
    /// `places` renames the steps of builders that write lines.
    explicit BuildLog(OnImageEvent on_event, StepPlaces places = {})
        : on_event_(on_event),
          places_(std::move(places)),
          traces_(std::move(on_event), places_.one_stage())
    {
    }

    void add(const engine::Progress& message);
    /// The end: what is left is a line.
    void finish();
    /// The end of a build that failed: also tells which step that was, if it was one.
    void fail();

    /// The step under way, or the one that failed; null where there is none.
    const BuildStep* step() const;

private:
    void line(std::string_view text);
    void begin(ImageEvent step);
    void tell(ImageEvent::Kind kind, std::string_view text);

    OnImageEvent on_event_;
    StepPlaces places_;
    LineJoiner lines_;
    BuildStep step_; // of a builder that writes lines; its place is empty when there is none
    TraceLog traces_;
};

/// "Downloading 3f4a1b: 12 MB of 80 MB" of a pull's message; empty when it says nothing.
std::string pull_text(const engine::Progress& message);

} // namespace slipway::core
