#pragma once

#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

namespace slipway::test {

/// What a header says; the sum is filled in.
struct TarHeader {
    std::string name;
    std::string size{}; ///< the field's text; empty: of the content, in octal
    char type = '0';
};

/// A ustar header of 512 bytes.
inline std::string tar_header(const TarHeader& header, std::size_t content_bytes)
{
    std::string block(512, '\0');
    const auto put = [&](std::size_t at, std::string_view text) {
        block.replace(at, text.size(), text);
    };
    char size[16];
    std::snprintf(size, sizeof size, "%011zo", content_bytes);
    put(0, header.name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, header.size.empty() ? std::string_view(size) : std::string_view(header.size));
    put(136, "14000000000");
    put(148, "        ");
    block[156] = header.type;
    put(257, std::string_view("ustar\00000", 8));
    unsigned sum = 0;
    for (const char c : block)
        sum += static_cast<unsigned char>(c);
    char digits[16];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    put(148, std::string(digits, 6) + std::string("\0 ", 2));
    return block;
}

/// A header, the content and its padding.
inline std::string tar_entry(const TarHeader& header, const std::string& content)
{
    return tar_header(header, content.size()) + content
           + std::string((512 - content.size() % 512) % 512, '\0');
}

/// The two blocks that end a tar.
inline std::string tar_end()
{
    return std::string(1024, '\0');
}

/// A tar of small files with these contents.
inline std::string make_tar(const std::map<std::string, std::string>& files)
{
    std::string tar;
    for (const auto& [name, content] : files) {
        TarHeader header;
        header.name = name;
        tar += tar_entry(header, content);
    }
    return tar + tar_end();
}

} // namespace slipway::test
