#include "cache/cache_url.hpp"

#include "ascii.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace slipway::core::cache {

namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;

tl::unexpected<Error> unusable(std::string_view what, const std::string& why)
{
    Error error(Errc::invalid_argument, std::string(what) + ": " + why);
    error.hint = "write http://HOST/PATH, https://USER:PASSWORD@HOST/PATH or s3://BUCKET/PREFIX";
    return fail(std::move(error));
}

bool is_graphic(char c)
{
    return c > ' ' && c < 0x7f;
}

int digit_of(char c)
{
    constexpr int ten = 10;
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + ten;
    if (c >= 'A' && c <= 'F') return c - 'A' + ten;
    return -1;
}

// Nothing where a '%' has no two digits behind it, or stands for a control character.
std::optional<std::string> percent_decoded(std::string_view text)
{
    constexpr int base = 16;
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (text.size() - i < 3) return std::nullopt;
            const int high = digit_of(text[i + 1]);
            const int low = digit_of(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * base + low);
            i += 2;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (byte < ' ' || byte == 0x7f) return std::nullopt;
        out += c;
    }
    return out;
}

// "" or "/a/b", encoded anew.
Result<std::string> clean_path(std::string_view what, std::string_view text)
{
    const auto decoded = percent_decoded(text);
    if (!decoded) return unusable(what, "its path is not percent-encoded");
    std::string path;
    for (std::string_view rest = *decoded; !rest.empty();) {
        const auto slash = std::min(rest.find('/'), rest.size());
        const std::string_view part = rest.substr(0, slash);
        rest.remove_prefix(std::min(slash + 1, rest.size()));
        if (part == "." || part == "..") {
            return unusable(what, "its path has a part '" + std::string(part) + "'");
        }
        if (!part.empty()) path += '/' + encode_path(part);
    }
    return path;
}

Result<std::uint16_t> port_of(std::string_view what, std::string_view text)
{
    constexpr unsigned most = 65535;
    unsigned port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failed != std::errc{} || end != text.data() + text.size() || port == 0 || port > most) {
        return unusable(
            what,
            "its port is not a number from 1 to 65535 (a '/', '?', '#' or '@' in a password is "
            "written %2F, %3F, %23, %40)"
        );
    }
    return static_cast<std::uint16_t>(port);
}

Result<> read_host(std::string_view what, std::string_view text, engine::Endpoint& server)
{
    std::string_view port;
    bool has_port = false;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return unusable(what, "a '[' has no ']'");
        server.host = text.substr(1, end - 1);
        const auto hex = [](char c) { return digit_of(c) >= 0 || c == ':' || c == '.'; };
        if (server.host.find(':') == std::string::npos || !std::ranges::all_of(server.host, hex)) {
            return unusable(what, "there is no IPv6 address in its brackets");
        }
        const std::string_view after = text.substr(end + 1);
        has_port = after.starts_with(':');
        if (!has_port && !after.empty()) return unusable(what, "something follows the ']'");
        if (has_port) port = after.substr(1);
    } else {
        const auto colon = text.find(':');
        server.host = text.substr(0, colon);
        has_port = colon != std::string_view::npos;
        if (has_port) port = text.substr(colon + 1);
        const auto of_a_name = [](char c) {
            return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_';
        };
        if (server.host.empty()) return unusable(what, "it names no host");
        if (!std::ranges::all_of(server.host, of_a_name)) {
            return unusable(what, "its host has a character that no name has");
        }
    }
    if (has_port) {
        TRY(server.port, port_of(what, port));
    }
    return ok();
}

std::string show(const engine::Endpoint& server)
{
    const bool ipv6 = server.host.find(':') != std::string::npos;
    const bool usual = server.port == (server.tls ? https_port : http_port);
    return (server.tls ? "https://" : "http://") + (ipv6 ? '[' + server.host + ']' : server.host)
           + (usual ? "" : ":" + std::to_string(server.port));
}

// An address of HTTP or HTTPS; `what` names it in errors.
Result<Place>
parse_http(std::string_view what, std::string_view url, const std::filesystem::path& ca)
{
    Place place;
    const bool secure = url.starts_with("https://");
    if (!secure && !url.starts_with("http://")) {
        return unusable(what, "it does not begin with http:// or https://");
    }
    if (!std::ranges::all_of(url, is_graphic)) {
        return unusable(what, "it has a space, a control character or a letter beyond ASCII");
    }
    if (url.find_first_of("?#") != std::string_view::npos) {
        return unusable(what, "it has a '?' or '#'");
    }
    place.server.scheme = engine::Endpoint::Scheme::tcp;
    place.server.port = secure ? https_port : http_port;
    if (secure) {
        place.server.tls.emplace();
        place.server.tls->ca = ca;
    }
    std::string_view rest = url.substr(url.find("//") + 2);
    const auto slash = std::min(rest.find('/'), rest.size());
    std::string_view authority = rest.substr(0, slash);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        const std::string_view login = authority.substr(0, at);
        authority.remove_prefix(at + 1);
        const auto colon = std::min(login.find(':'), login.size());
        const auto user = percent_decoded(login.substr(0, colon));
        const auto password = percent_decoded(login.substr(std::min(colon + 1, login.size())));
        if (!user || !password) return unusable(what, "what is before '@' is not percent-encoded");
        if (user->empty() || user->find(':') != std::string::npos) {
            return unusable(what, "there is no name of a user before '@'");
        }
        place.has_user = true;
        place.user = *user;
        place.password = *password;
    }
    CHECK_OK(read_host(what, authority, place.server));
    TRY(place.path, clean_path(what, rest.substr(slash)));
    place.shown = show(place.server) + place.path;
    return place;
}

bool is_bucket(std::string_view name)
{
    constexpr std::size_t least = 3;
    constexpr std::size_t most = 63;
    const auto outer = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return name.size() >= least && name.size() <= most && outer(name.front()) && outer(name.back())
           && name.find("..") == std::string_view::npos
           && std::ranges::all_of(name, [&](char c) { return outer(c) || c == '-' || c == '.'; });
}

// The server of AWS: of the bucket, or for one whose name TLS takes for a deeper domain, of all.
void use_aws(Place& place, const std::string& bucket, const std::string& region)
{
    const std::string host = "s3." + region + ".amazonaws.com"
                             + (region.starts_with("cn-") ? std::string(".cn") : std::string());
    place.server.scheme = engine::Endpoint::Scheme::tcp;
    place.server.port = https_port;
    place.server.tls.emplace();
    if (bucket.find('.') == std::string::npos) {
        place.server.host = bucket + "." + host;
    } else {
        place.server.host = host;
        place.path = "/" + bucket + place.path;
    }
}

Result<Place> parse_s3(const SharedCacheOptions& options)
{
    constexpr std::string_view what = "the URL of the shared cache";
    const std::string_view rest = std::string_view(options.url).substr(5);
    const auto slash = std::min(rest.find('/'), rest.size());
    const std::string bucket(rest.substr(0, slash));
    if (!std::ranges::all_of(rest, is_graphic)
        || rest.find_first_of("?#@") != std::string_view::npos) {
        return unusable(
            what, "after s3:// stand a bucket and a path, and no '@', '?', '#' or space"
        );
    }
    if (!is_bucket(bucket)) {
        return unusable(
            what, "no bucket has such a name: 3 to 63 small letters, digits, '-' and '.'"
        );
    }
    const std::string region = options.s3_region.empty() ? "us-east-1" : options.s3_region;
    const auto of_a_region = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    if (!std::ranges::all_of(region, of_a_region)) {
        return unusable("the region of S3", "it has other characters than a-z, 0-9 and '-'");
    }
    Place place;
    TRY(const std::string prefix, clean_path(what, rest.substr(slash)));
    if (options.s3_endpoint.empty()) {
        place.path = prefix;
        use_aws(place, bucket, region);
        place.server.tls->ca = options.ca;
    } else {
        TRY(place, parse_http("the endpoint of S3", options.s3_endpoint, options.ca));
        if (place.has_user || !place.path.empty()) {
            return unusable("the endpoint of S3", "it is more than http[s]://HOST[:PORT]");
        }
        place.path = "/" + bucket + prefix;
    }
    place.s3 = true;
    place.shown = "s3://" + bucket + prefix
                  + (options.s3_endpoint.empty() ? std::string() : " at " + show(place.server));
    return place;
}

} // namespace

std::string encode_path(std::string_view text)
{
    static constexpr std::string_view kept = "-._~/";
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (is_letter_or_digit(c) || kept.find(c) != std::string_view::npos) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
    }
    return out;
}

Result<Place> parse_place(const SharedCacheOptions& options)
{
    constexpr std::string_view what = "the URL of the shared cache";
    if (options.url.empty()) return unusable(what, "it is empty");
    if (options.url.starts_with("s3://")) return parse_s3(options);
    if (!options.s3_endpoint.empty()) {
        return unusable(what, "there is an endpoint of S3, but it does not begin with s3://");
    }
    return parse_http(what, options.url, options.ca);
}

} // namespace slipway::core::cache
