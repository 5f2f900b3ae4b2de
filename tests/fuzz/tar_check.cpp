#include "tar_check.hpp"

#include "fuzz.hpp"
#include "tar_mutator.hpp"

#include <algorithm>

// Whether a tar came whole, which the engine's stream does not tell.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::fuzz;

namespace {

/// The error, or empty.
std::string check(std::string_view input, std::size_t step)
{
    TarCheck tar;
    const auto said = [](const Result<>& result) {
        if (result) return std::string();
        check_error(result.error());
        return describe(result.error());
    };
    while (!input.empty()) {
        const std::string_view part = input.substr(0, step);
        input.remove_prefix(part.size());
        if (const Result<> taken = tar.take(part); !taken) return said(taken);
    }
    return said(tar.finish());
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input = text_of(data, size);
    const std::string whole = check(input, std::max<std::size_t>(size, 1));
    // The engine's words are looked for in what is at hand, so only whether it is sound is certain.
    for (const std::size_t step : {1U, 511U, 513U}) {
        require(
            check(input, step).empty() == whole.empty(),
            "pieces of another size are judged "
            "differently"
        );
    }
    if (!whole.empty()) return 0;
    require(size >= 1024, "a tar of less than its end");
    const auto end = input.find_last_not_of('\0') + 1; // npos + 1 is 0: a tar of nothing
    require(size - end >= 1024, "a tar without its end");
    require(!check(input.substr(0, end), size).empty(), "a tar without its end is taken for whole");
    require(
        check(std::string(input) + std::string(512, '\0'), size).empty(),
        "a tar with more padding is refused"
    );
    require(
        !check(std::string(input) + "{\"message\":\"no\"}", size).empty(),
        "what follows the end is not seen"
    );
    return 0;
}
