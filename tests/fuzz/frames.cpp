#include "fuzz.hpp"

#include <slipway/engine/frames.hpp>

#include <algorithm>
#include <utility>
#include <vector>

// The frames of attach, exec and logs.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::fuzz;

namespace {

struct Decoded {
    std::vector<std::pair<Output, std::string>> runs; ///< pieces of one output in a row are joined
    std::string end;                                  ///< the error, or empty

    friend bool operator==(const Decoded&, const Decoded&) = default;
};

void add(Decoded& out, Output output, std::string_view bytes)
{
    if (out.runs.empty() || out.runs.back().first != output) out.runs.push_back({output, {}});
    out.runs.back().second += bytes;
}

std::string end_of(const Result<>& end)
{
    if (end) return {};
    check_error(end.error());
    return describe(end.error());
}

Decoded decode(std::string_view input, std::size_t step)
{
    Decoded out;
    FrameDecoder decoder;
    while (!input.empty()) {
        std::string_view part = input.substr(0, step);
        input.remove_prefix(part.size());
        for (;;) {
            const auto piece = decoder.next(part);
            if (!piece) {
                out.end = end_of(fail(piece.error()));
                return out;
            }
            if (!*piece) break;
            require(!(*piece)->bytes.empty(), "a piece is empty");
            add(out, (*piece)->output, (*piece)->bytes);
        }
        require(part.empty(), "nothing came, and bytes are left");
    }
    out.end = end_of(decoder.finish());
    return out;
}

/// The format in as few words as can be: what the decoder must find before its end.
Decoded expected(std::string_view input)
{
    Decoded out;
    while (input.size() >= 8) {
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
        if (byte(0) > 2 || byte(1) != 0 || byte(2) != 0 || byte(3) != 0) break;
        std::size_t length = 0;
        for (std::size_t i = 4; i < 8; ++i) {
            length = length * 256 + byte(i);
        }
        const Output output = byte(0) == 2 ? Output::err : Output::out;
        input.remove_prefix(8);
        const auto payload = input.substr(0, length);
        if (!payload.empty()) add(out, output, payload);
        input.remove_prefix(payload.size());
        if (payload.size() < length) {
            out.end = "cut";
            return out;
        }
    }
    if (!input.empty()) out.end = "cut or refused";
    return out;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input = text_of(data, size);
    const Decoded whole = decode(input, std::max<std::size_t>(size, 1));
    const Decoded wanted = expected(input);
    require(whole.runs == wanted.runs, "the payloads are not those of the frames");
    require(whole.end.empty() == wanted.end.empty(), "the end is not taken for what it is");
    for (const std::size_t step : {1U, 9U}) {
        require(decode(input, step) == whole, "pieces of another size are decoded differently");
    }
    return 0;
}
