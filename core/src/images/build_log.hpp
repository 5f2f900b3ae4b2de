#pragma once

#include <slipway/core/image_build.hpp>
#include <slipway/engine/progress.hpp>

#include <string>
#include <string_view>

namespace slipway::core {

/// Makes events of the messages of a build: joins pieces to lines and knows the lines by which
/// dockerd ("Step 3/9 : RUN x") and podman ("STEP 3/9: RUN x") say where they are. Without I/O.
class BuildLog {
public:
    explicit BuildLog(OnImageEvent on_event) : on_event_(std::move(on_event)) {}

    void add(const engine::Progress& message);
    /// The end: what is left is a line.
    void finish();

    /// The step under way; empty before the first.
    const ImageEvent& step() const noexcept { return step_; }
    /// The step wrote that it could not reach a server by its name.
    bool saw_no_network() const noexcept { return no_network_; }

private:
    void line(std::string_view text);
    void tell(ImageEvent::Kind kind, std::string_view text);

    OnImageEvent on_event_;
    std::string partial_;
    ImageEvent step_;
    bool no_network_ = false;
};

/// "Downloading 3f4a1b: 12 MB of 80 MB" of a pull's message; empty when it says nothing.
std::string pull_text(const engine::Progress& message);

} // namespace slipway::core
