#pragma once

#include "one_line.hpp"

#include <slipway/engine/result.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// Every target defines it; clang's libFuzzer or replay.cpp calls it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace slipway::fuzz {

/// Stops the program where something does not hold that must; fuzzer and replay take it for a find.
inline void require(bool holds, std::string_view what)
{
    if (holds) return;
    std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size)
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return {reinterpret_cast<const char*>(data), size};
}

/// Takes a number below `count` from the end of `input`: what stands in front stays as it was
/// recorded.
inline std::size_t take_choice(std::string_view& input, std::size_t count)
{
    if (input.empty()) return 0;
    const auto last = static_cast<unsigned char>(input.back());
    input.remove_suffix(1);
    return last % count;
}

/// What holds for every error, whatever it is about: a person can read it, and a terminal takes no
/// harm from it.
inline void check_error(const Error& error)
{
    require(error.code != Errc::internal, error.message);
    require(!error.message.empty(), "an error says nothing");
    for (const std::string& text : {describe(error), error.hint}) {
        unsigned char before = 0;
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            require(byte >= ' ' && byte != 0x7F, "an error has a control character");
            // U+0080 to U+009F
            require(before != 0xC2 || byte < 0x80 || byte >= 0xA0, "an error has a control code");
            before = byte;
        }
        require(text.size() <= std::size_t{64} << 10U, "an error is longer than anybody reads");
    }
}

} // namespace slipway::fuzz
