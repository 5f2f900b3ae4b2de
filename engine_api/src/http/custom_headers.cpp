#include "http/custom_headers.hpp"

#include "discovery/text.hpp"
#include "one_line.hpp"

#include <algorithm>
#include <array>

namespace slipway::engine {

namespace {

constexpr auto reserved_names = std::to_array<std::string_view>(
    {"host",
     "user-agent",
     "content-length",
     "content-type",
     "transfer-encoding",
     "te",
     "trailer",
     "connection",
     "keep-alive",
     "proxy-connection",
     "upgrade",
     "expect",
     "accept-encoding"}
);

/// RFC 9110: tchar
bool is_token_char(char c)
{
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || others.find(c) != std::string_view::npos;
}

bool is_value_char(char c)
{
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
}

} // namespace

bool is_reserved_header(std::string_view name)
{
    const std::string lower = discovery::to_lower(name);
    return lower.starts_with("x-registry-")
           || std::ranges::find(reserved_names, lower) != reserved_names.end();
}

Result<> check_header(std::string_view name, std::string_view value)
{
    constexpr std::size_t most = 100;
    const std::string quoted = "\"" + one_line(name, most) + "\"";
    if (name.empty() || !std::ranges::all_of(name, is_token_char)) {
        return fail(Errc::invalid_argument, quoted + " cannot name a header of HTTP");
    }
    if (!std::ranges::all_of(value, is_value_char)) {
        return fail(
            Errc::invalid_argument,
            "the header " + quoted + " has a line break or control character in its value"
        );
    }
    return ok();
}

Result<Headers> custom_headers(const Headers& headers)
{
    Headers sent;
    for (const auto& [name, value] : headers.all()) {
        CHECK_OK(check_header(name, value));
        if (!is_reserved_header(name) && !sent.has(name)) sent.add(name, value);
    }
    return sent;
}

} // namespace slipway::engine
