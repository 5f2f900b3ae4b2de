#include "agent/entry_sink.hpp"
#include "fuzz.hpp"
#include "pieces.hpp"

// The manifest of a tree, as a sandbox's agent sends it.

using namespace slipway;
using namespace slipway::core;
using namespace slipway::fuzz;

namespace {

Taken entries_of(std::string_view bytes, std::size_t piece)
{
    Taken taken;
    EntrySink sink([&](const TreeEntry& entry) -> Result<> {
        taken.out += entry.path + '\0' + entry.meta.link_target + '\0'
                     + std::to_string(static_cast<int>(entry.kind)) + " "
                     + std::to_string(static_cast<int>(entry.meta.type)) + " "
                     + std::to_string(entry.meta.size) + "\n";
        return ok();
    });
    taken.error = error_of_pieces(sink, bytes, piece);
    return taken;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input = text_of(data, size);
    const auto whole = entries_of(input, std::max<std::size_t>(size, 1));
    if (whole.error) check_error(*whole.error);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{10}}) {
        const auto pieces = entries_of(input, piece);
        require(pieces.out == whole.out, "small pieces give other entries");
        require(pieces.agrees_with(whole), "small pieces end differently");
    }
    return 0;
}
