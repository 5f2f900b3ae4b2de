#include "base64.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace slipway::engine {

namespace {

const unsigned char* bytes_of(std::string_view text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text)
{
    return reinterpret_cast<unsigned char*>(text.data());
}
void replace(std::string& text, char from, char to)
{
    std::replace(text.begin(), text.end(), from, to);
}

} // namespace

std::string base64(std::string_view bytes)
{
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // OpenSSL adds a NUL
    const int length =
        EVP_EncodeBlock(bytes_of(text), bytes_of(bytes), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

std::string base64_url(std::string_view bytes)
{
    std::string text = base64(bytes);
    replace(text, '+', '-');
    replace(text, '/', '_');
    return text;
}

std::optional<std::string> from_base64(std::string_view text)
{
    const auto last = text.find_last_not_of('=');
    std::string padded(text.substr(0, last == std::string_view::npos ? 0 : last + 1));
    const std::size_t padding = (4 - padded.size() % 4) % 4;
    if (padding == 3 || (padded.empty() && !text.empty()) || text.size() - padded.size() > 2)
        return std::nullopt;
    // EVP_DecodeBlock strips white space, which would then be counted wrongly here.
    const auto foreign = [](char c) {
        return !(
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+'
            || c == '/' || c == '-' || c == '_'
        );
    };
    if (std::any_of(padded.begin(), padded.end(), foreign)) return std::nullopt;
    padded.append(padding, '=');
    replace(padded, '-', '+');
    replace(padded, '_', '/');
    std::string bytes(padded.size() / 4 * 3 + 1, '\0');
    const int length =
        EVP_DecodeBlock(bytes_of(bytes), bytes_of(padded), static_cast<int>(padded.size()));
    if (length < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(length) - padding);
    return bytes;
}

} // namespace slipway::engine
