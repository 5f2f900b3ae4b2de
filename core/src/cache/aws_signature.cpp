#include "cache/aws_signature.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace slipway::core::cache {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view service = "s3";

std::string lower_name(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

// Without white space at the ends, and with one space where there is more inside.
std::string folded(std::string_view value)
{
    std::string out;
    for (const char c : value) {
        const bool space = c == ' ' || c == '\t';
        if (!space) {
            out += c;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    if (out.ends_with(' ')) out.pop_back();
    return out;
}

std::string raw(const Sha256& digest)
{
    return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

std::string hex(std::string_view bytes)
{
    Sha256 digest;
    std::ranges::copy(bytes, digest.bytes.begin());
    return to_hex(digest);
}

} // namespace

std::string hmac_sha256(std::string_view key, std::string_view text)
{
    constexpr std::size_t block = 64;
    constexpr unsigned char inner = 0x36;
    constexpr unsigned char outer = 0x5c;
    std::string padded = key.size() > block ? raw(sha256(key)) : std::string(key);
    padded.resize(block, '\0');
    const auto mixed = [&](unsigned char with) {
        std::string out = padded;
        std::ranges::transform(out, out.begin(), [with](char c) {
            return static_cast<char>(static_cast<unsigned char>(c) ^ with);
        });
        return out;
    };
    Sha256Hasher hasher;
    hasher.add(mixed(inner));
    hasher.add(text);
    const std::string first = raw(hasher.finish());
    hasher.add(mixed(outer));
    hasher.add(first);
    return raw(hasher.finish());
}

std::string aws_date(std::chrono::system_clock::time_point time)
{
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
    return {text.data(), size};
}

AwsRequest::Fields aws_signature(
    const AwsRequest& request, const AwsKeys& keys, std::chrono::system_clock::time_point now
)
{
    constexpr std::size_t day_digits = 8;
    const std::string date = aws_date(now);
    const std::string day = date.substr(0, day_digits);
    const std::string body = to_hex(request.body);

    AwsRequest::Fields added{{"x-amz-content-sha256", body}, {"x-amz-date", date}};
    if (!keys.session_token.empty()) added.emplace_back("x-amz-security-token", keys.session_token);

    AwsRequest::Fields fields = request.headers;
    fields.insert(fields.end(), added.begin(), added.end());
    for (auto& [name, value] : fields) {
        name = lower_name(name);
        value = folded(value);
    }
    std::ranges::sort(fields);
    std::string canonical = request.method + "\n" + request.path + "\n" + request.query + "\n";
    std::string names;
    for (const auto& [name, value] : fields) {
        canonical += name + ":" + value + "\n";
        names += (names.empty() ? "" : ";") + name;
    }
    canonical += "\n" + names + "\n" + body;

    const std::string scope =
        day + "/" + keys.region + "/" + std::string(service) + "/aws4_request";
    const std::string to_sign =
        std::string(algorithm) + "\n" + date + "\n" + scope + "\n" + to_hex(sha256(canonical));
    std::string key = "AWS4" + keys.secret_key;
    for (const std::string_view part :
         {std::string_view(day),
          std::string_view(keys.region),
          service,
          std::string_view("aws4_request")}) {
        key = hmac_sha256(key, part);
    }
    added.emplace_back(
        "Authorization",
        std::string(algorithm) + " Credential=" + keys.access_key + "/" + scope
            + ",SignedHeaders=" + names + ",Signature=" + hex(hmac_sha256(key, to_sign))
    );
    return added;
}

} // namespace slipway::core::cache
