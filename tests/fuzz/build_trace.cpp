#include "build_trace.hpp"

#include "fuzz.hpp"
#include "images/trace_log.hpp"

#include <slipway/core/image_build.hpp>

// BuildKit's progress: protobuf, and what a person sees of it.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::fuzz;

namespace {

std::size_t entries(const BuildTrace& trace)
{
    return trace.vertexes.size() + trace.statuses.size() + trace.outputs.size()
           + trace.warnings.size();
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view message = text_of(data, size);
    const auto trace = decode_build_trace(message);
    if (!trace) {
        check_error(trace.error());
        require(trace.error().code == Errc::protocol, "a malformed message has another code");
        return 0;
    }
    require(2 * entries(*trace) <= size, "more entries than bytes for them");
    // Two messages one behind the other are one, with the entries of both.
    const auto twice = decode_build_trace(std::string(message) + std::string(message));
    require(twice.has_value(), "a message is refused behind another");
    require(entries(*twice) == 2 * entries(*trace), "a message behind another reads differently");

    core::TraceLog log([](const core::ImageEvent& event) {
        const bool is_output = event.kind == core::ImageEvent::Kind::output;
        require(!is_output || event.text.find('\n') == std::string::npos, "a line of two lines");
    });
    log.add(*trace);
    log.add(*twice);
    log.finish();
    static_cast<void>(log.step());
    return 0;
}
