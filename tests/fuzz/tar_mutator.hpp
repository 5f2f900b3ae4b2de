#pragma once

// For fuzzers of tars: a header whose sum is wrong ends the reading, and no blind change hits the
// sum as well.
#ifdef SLIPWAY_FUZZ

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace slipway::fuzz {

constexpr std::size_t tar_block = 512;

struct TarField {
    std::size_t at;
    std::size_t width;
};
constexpr std::array<TarField, 10> tar_fields{{
    {0, 100},   // name
    {100, 8},   // mode
    {124, 12},  // size
    {136, 12},  // mtime
    {156, 1},   // type
    {157, 100}, // link
    {257, 8},   // magic
    {345, 155}, // prefix
    {386, 97},  // map of a sparse file
    {482, 13},  // whether the map goes on, and its real size
}};

/// What is worth trying in a field.
inline std::string_view tar_value(std::mt19937& random)
{
    static constexpr std::array<std::string_view, 32> values{
        "d",    "d/f",   "f",           "up/new",  "up",          "w",           "d/out/x",
        "../x", "/x",    ".",           "",        "d/",          "./d//f",      "a",
        "a/b",  "a/b/c", "0000644",     "0000000", "00000000001", "00000001000", "00000000777",
        "\x80", "\xff",  "77777777777", "0",       "1",           "2",           "5",
        "x",    "S",     "L",           "g"};
    return values[random() % values.size()];
}

inline void change_tar_field(std::uint8_t* block, std::mt19937& random)
{
    const TarField field = tar_fields[random() % tar_fields.size()];
    if (random() % 3 == 0) {
        LLVMFuzzerMutate(block + field.at, field.width, field.width);
        return;
    }
    const std::string_view value = tar_value(random);
    std::fill_n(block + field.at, field.width, std::uint8_t{0});
    std::copy_n(value.begin(), std::min(value.size(), field.width), block + field.at);
}

/// Puts the right sum into every header that is reached from the first.
inline void mend_tar(std::uint8_t* data, std::size_t size)
{
    for (std::size_t at = 0; at + tar_block <= size;) {
        std::uint8_t* const block = data + at;
        at += tar_block;
        if (std::all_of(block, block + tar_block, [](std::uint8_t c) { return c == 0; })) continue;
        std::fill_n(block + 148, 8, std::uint8_t{' '});
        unsigned sum = 0;
        std::for_each(block, block + tar_block, [&](std::uint8_t c) { sum += c; });
        std::array<char, 8> digits{};
        std::snprintf(digits.data(), digits.size(), "%06o", sum);
        std::copy(digits.begin(), digits.end(), block + 148);
        std::size_t bytes = 0;
        const char type = static_cast<char>(block[156]);
        for (std::size_t i = 124; i < 136 && block[i] >= '0' && block[i] <= '7'; ++i) {
            bytes = std::min(bytes * 8 + (block[i] - std::size_t{'0'}), size);
        }
        if (type < '1' || type > '6') at += (bytes + tar_block - 1) / tar_block * tar_block;
    }
}

} // namespace slipway::fuzz

extern "C" std::size_t
LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed)
{
    using namespace slipway::fuzz;
    std::mt19937 random(seed);
    const std::size_t blocks = size / tar_block;
    if (blocks > 0 && random() % 2 == 0) {
        for (std::size_t times = random() % 3 + 1; times > 0; --times) {
            change_tar_field(data + random() % blocks * tar_block, random);
        }
    } else if (blocks > 0 && random() % 4 == 0 && size + tar_block <= max_size) {
        // A copy of one block in front of another.
        const std::size_t from = random() % blocks * tar_block;
        const std::size_t to = random() % blocks * tar_block;
        std::array<std::uint8_t, tar_block> copy{};
        std::copy_n(data + from, tar_block, copy.begin());
        std::copy_backward(data + to, data + size, data + size + tar_block);
        std::copy(copy.begin(), copy.end(), data + to);
        size += tar_block;
    } else {
        size = LLVMFuzzerMutate(data, size, max_size);
    }
    if (random() % 8 != 0) mend_tar(data, size);
    return size;
}

#endif
