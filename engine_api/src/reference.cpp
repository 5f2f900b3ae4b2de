#include "one_line.hpp"

#include <slipway/engine/reference.hpp>

#include <algorithm>
#include <array>

namespace slipway::engine {

namespace {

constexpr std::array<std::string_view, 3> hub_names{
    "docker.io", "index.docker.io", "registry-1.docker.io"};

bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_word(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_host(std::string_view part)
{
    return part == "localhost" || part.find_first_of(".:[") != std::string_view::npos;
}

bool is_host_text(std::string_view host)
{
    return std::ranges::all_of(host, [](char c) {
        return is_word(c) || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
    });
}

bool is_path_part(std::string_view part)
{
    return !part.empty() && is_lower(part.front()) && is_lower(part.back())
           && std::ranges::all_of(part, [](char c) {
                  return is_lower(c) || c == '.' || c == '-' || c == '_';
              });
}

bool is_name(std::string_view name)
{
    const auto slash = name.find('/');
    if (slash != std::string_view::npos && is_host(name.substr(0, slash))) {
        if (!is_host_text(name.substr(0, slash))) return false;
        name.remove_prefix(slash + 1);
    }
    for (;;) {
        const auto end = name.find('/');
        if (!is_path_part(name.substr(0, end))) return false;
        if (end == std::string_view::npos) return true;
        name.remove_prefix(end + 1);
    }
}

bool is_tag(std::string_view tag)
{
    return !tag.empty() && tag.size() <= 128 && is_word(tag.front())
           && std::ranges::all_of(tag, [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

/// "sha256": letters and digits, with one mark at a time between them.
bool is_algorithm(std::string_view name)
{
    constexpr std::string_view marks = "+._-";
    bool may_end = false;
    for (const char c : name) {
        const bool is_mark = marks.find(c) != std::string_view::npos;
        if (is_mark ? !may_end : !is_word(c)) return false;
        may_end = !is_mark;
    }
    return may_end;
}

bool is_digest(std::string_view digest)
{
    const auto colon = digest.find(':');
    if (colon == std::string_view::npos || !is_algorithm(digest.substr(0, colon))) return false;
    const auto hex = digest.substr(colon + 1);
    return hex.size() >= 32 && std::ranges::all_of(hex, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

} // namespace

Result<Reference> parse_reference(std::string_view text)
{
    Reference reference;
    std::string_view rest = text;
    const auto at = rest.find('@');
    const bool with_digest = at != std::string_view::npos;
    if (with_digest) {
        reference.digest = rest.substr(at + 1);
        rest = rest.substr(0, at);
    }
    const auto colon = rest.rfind(':');
    // A colon before the last '/' belongs to a port.
    const bool with_tag =
        colon != std::string_view::npos && rest.find('/', colon) == std::string_view::npos;
    if (with_tag) {
        reference.tag = rest.substr(colon + 1);
        rest = rest.substr(0, colon);
    }
    reference.name = rest;
    if (!is_name(rest) || (with_tag && !is_tag(reference.tag))
        || (with_digest && !is_digest(reference.digest))) {
        Error error(
            Errc::invalid_argument, "\"" + one_line(text, 300) + "\" is not an image reference"
        );
        error.hint = "one looks like debian:bookworm-slim or registry.example:5000/team/tool:1.2, "
                     "in lower case";
        return fail(std::move(error));
    }
    return reference;
}

std::string registry_of(const Reference& reference)
{
    const auto slash = reference.name.find('/');
    std::string host = reference.name.substr(0, slash);
    if (slash == std::string::npos || !is_host(host)) return "docker.io";
    std::ranges::transform(host, host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return std::ranges::find(hub_names, host) == hub_names.end() ? host : "docker.io";
}

namespace {

/// The name that the Hub knows `reference` by, where it may be one of the Hub's.
std::string_view on_hub(std::string_view reference)
{
    constexpr std::string_view library = "library/";
    for (const std::string_view registry : hub_names) {
        if (!reference.starts_with(registry)
            || !reference.substr(registry.size()).starts_with('/')) {
            continue;
        }
        reference.remove_prefix(registry.size() + 1);
        break; // what follows is a name, even where it reads like a registry
    }
    // The official images have one more part and no others do: library/a/b is not a/b.
    const bool official =
        reference.starts_with(library) && reference.find('/', library.size()) == reference.npos;
    return official ? reference.substr(library.size()) : reference;
}

} // namespace

std::string normalized(std::string_view reference)
{
    constexpr std::string_view local = "localhost/";
    std::string text(
        reference.starts_with(local) ? reference.substr(local.size()) : on_hub(reference)
    );
    const auto colon = text.rfind(':');
    const bool bare = text.find('@') == std::string::npos
                      && (colon == std::string::npos || text.find('/', colon) != std::string::npos);
    return bare ? text + ":latest" : text;
}

bool same_reference(std::string_view one, std::string_view other)
{
    return normalized(one) == normalized(other);
}

std::string_view bare_id(std::string_view id) noexcept
{
    constexpr std::string_view prefix = "sha256:";
    return id.starts_with(prefix) ? id.substr(prefix.size()) : id;
}

} // namespace slipway::engine
