#include "images/build_log.hpp"

#include "fuzz.hpp"

#include <vector>

// What a build writes, as the lines and steps that a person sees.

using namespace slipway;
using namespace slipway::core;
using namespace slipway::fuzz;

namespace {

struct Shown {
    std::vector<std::string> lines;
    std::string step;
    bool no_network = false;

    friend bool operator==(const Shown&, const Shown&) = default;
};

Shown show(std::string_view text, std::size_t step)
{
    Shown out;
    BuildLog log([&](const ImageEvent& event) {
        require(event.text.find('\n') == std::string::npos, "an event of two lines");
        require(event.kind != ImageEvent::Kind::pull, "a pull in the output of a step");
        out.lines.push_back(event.place + "|" + event.text);
    });
    while (!text.empty()) {
        engine::Progress message;
        message.stream = text.substr(0, step);
        text.remove_prefix(message.stream.size());
        log.add(message);
    }
    log.finish();
    const BuildStep* const last = log.step();
    if (last != nullptr) out.step = last->event.text;
    out.no_network = last != nullptr && last->saw_no_network;
    return out;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = text_of(data, size);
    const Shown whole = show(text, size);
    for (const std::size_t step : {1U, 10U}) {
        require(show(text, step) == whole, "pieces of another size are shown differently");
    }
    return 0;
}
