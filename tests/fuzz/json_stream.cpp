#include "json_stream.hpp"

#include "fuzz.hpp"
#include "json.hpp"
#include "progress_reader.hpp"

#include <algorithm>
#include <vector>

// Messages one after the other, as pull, push, load and build send them, up to what came of it.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::fuzz;

namespace {

constexpr std::size_t max_bytes = 1024;

struct Split {
    std::vector<std::string> objects;
    bool sound = false;

    friend bool operator==(const Split&, const Split&) = default;
};

Split split(std::string_view input, std::size_t step)
{
    Split out;
    JsonSplitter splitter(max_bytes);
    while (!input.empty()) {
        std::string_view part = input.substr(0, step);
        input.remove_prefix(part.size());
        for (;;) {
            const auto object = splitter.next(part);
            if (!object) {
                check_error(object.error());
                return out;
            }
            if (!*object) break;
            require((*object)->starts_with('{'), "an object that is none");
            require((*object)->size() <= max_bytes, "an object is longer than the limit");
            out.objects.emplace_back(**object);
        }
        require(part.empty(), "nothing came, and bytes are left");
    }
    const auto end = splitter.finish();
    if (!end) check_error(end.error());
    out.sound = end.has_value();
    return out;
}

/// Nothing but what may stand between objects is lost.
void check_nothing_lost(std::string_view input, const Split& found)
{
    for (const std::string& object : found.objects) {
        const auto first = input.find_first_not_of(" \t\r\n\x1e");
        require(first != std::string_view::npos, "an object came out of nothing");
        input.remove_prefix(first);
        require(input.starts_with(object), "an object is not as it stood in the input");
        input.remove_prefix(object.size());
    }
    if (found.sound) {
        require(input.find_first_not_of(" \t\r\n\x1e") == input.npos, "the end was passed over");
    }
}

void read_progress(const Split& messages, Goal goal)
{
    ProgressReader reader(goal);
    for (const std::string& text : messages.objects) {
        const auto progress = reader.message(text);
        if (!progress) {
            check_error(progress.error());
            return;
        }
        if (progress->pushed) require(!progress->pushed->digest.empty(), "a push without digest");
    }
    const auto results = reader.finish();
    if (!results) {
        check_error(results.error());
        require(results.error().code == Errc::truncated, "the end fails with another code");
        return;
    }
    require(
        goal == Goal::pull || goal == Goal::pull_ended_by_layer || !results->empty(),
        "success without a result"
    );
    for (const std::string& result : *results) {
        require(!result.empty(), "an empty result");
    }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::string_view input = text_of(data, size);
    const auto goal = static_cast<Goal>(take_choice(input, 7));
    const Split whole = split(input, std::max<std::size_t>(size, 1));
    check_nothing_lost(input, whole);
    for (const std::size_t step : {1U, 7U}) {
        require(split(input, step) == whole, "pieces of another size are split differently");
    }
    read_progress(whole, goal);
    return 0;
}
