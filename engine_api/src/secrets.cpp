#include "secrets.hpp"

#include <algorithm>

namespace slipway::engine {

namespace {

constexpr std::size_t least_secret = 4;
constexpr std::string_view mask = "***";

} // namespace

void hide(std::string& text, const std::vector<std::string>& secrets)
{
    std::vector<std::string_view> longest_first(secrets.begin(), secrets.end());
    std::ranges::sort(longest_first, std::ranges::greater(), &std::string_view::size);
    for (const std::string_view secret : longest_first) {
        if (secret.size() < least_secret) break;
        for (auto at = text.find(secret); at != text.npos; at = text.find(secret, at)) {
            text.replace(at, secret.size(), mask);
            at += mask.size();
        }
    }
}

Error hide(Error error, const std::vector<std::string>& secrets)
{
    if (!secrets.empty()) hide(error.message, secrets);
    return error;
}

std::string without_passwords(std::string text)
{
    constexpr std::string_view start = "://";
    constexpr std::string_view ends = "/?# \t\r\n\"'<>";
    for (auto at = text.find(start); at != text.npos; at = text.find(start, at)) {
        at += start.size();
        const auto end = std::min(text.find_first_of(ends, at), text.size());
        const auto host = std::string_view(text).substr(at, end - at).rfind('@');
        const auto colon = text.find(':', at);
        if (host == text.npos || colon >= at + host) continue;
        text.replace(colon + 1, at + host - colon - 1, mask);
    }
    return text;
}

} // namespace slipway::engine
