#include "cache/verdict.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace slipway::core::cache {

namespace {

using Said = Verdict::Said;

struct Meaning {
    std::string_view code;
    std::string_view text;
};

// The codes of S3's errors that a user can do something about.
constexpr auto s3_codes = std::to_array<Meaning>({
    {"AccessDenied", "access is denied"},
    {"AuthorizationHeaderMalformed", "the bucket is in another region: set AWS_REGION"},
    {"ExpiredToken", "the session token has expired"},
    {"InvalidAccessKeyId", "the access key is unknown"},
    {"InvalidToken", "the session token is not valid"},
    {"NoSuchBucket", "there is no such bucket"},
    {"PermanentRedirect", "the bucket is in another region: set AWS_REGION"},
    {"RequestTimeTooSkewed", "this machine's clock differs too much from the server's"},
    {"SignatureDoesNotMatch", "the secret key is not that of the access key"},
    {"SlowDown", "it gets too many requests"},
    {"TemporaryRedirect", "the bucket is in another region: set AWS_REGION"},
    {"TokenRefreshRequired", "the session token has expired"},
});

std::string_view s3_code(const engine::Response& answer)
{
    constexpr std::string_view begin = "<Code>";
    constexpr std::size_t enough = 4096;
    const std::string_view text = std::string_view(answer.body).substr(0, enough);
    const auto from = text.find(begin);
    if (from == std::string_view::npos) return {};
    const std::string_view rest = text.substr(from + begin.size());
    const std::string_view code = rest.substr(0, rest.find('<'));
    const auto known = std::ranges::find(s3_codes, code, &Meaning::code);
    return known == s3_codes.end() ? std::string_view() : known->code;
}

std::string_view meaning(const engine::Response& answer, bool s3)
{
    const std::string_view code = s3 ? s3_code(answer) : std::string_view();
    if (!code.empty()) return std::ranges::find(s3_codes, code, &Meaning::code)->text;
    if (answer.status >= 300 && answer.status < 400) return "it redirects, which is not followed";
    switch (answer.status) {
    case 401:
        return "it wants a user and a password that it knows";
    case 403:
        return "access is denied";
    case 405:
    case 501:
        return "it does not take files (WebDAV)";
    case 409:
        return "it does not make directories";
    case 413:
        return "the object is too large for it";
    case 507:
        return "its disk is full";
    default:
        return {};
    }
}

std::string text_of(const engine::Response& answer, bool s3)
{
    const std::string_view what = meaning(answer, s3);
    return "HTTP " + std::to_string(answer.status)
           + (what.empty() ? std::string() : ": " + std::string(what));
}

} // namespace

Verdict verdict_of_get(const engine::Response& answer, bool s3)
{
    const std::string_view code = s3 ? s3_code(answer) : std::string_view();
    if (answer.status == 200) return {Said::yes, {}};
    if ((answer.status == 404 || answer.status == 410) && code != "NoSuchBucket") {
        return {Said::no, {}};
    }
    // S3 does not tell what is missing to who may not list.
    if (answer.status == 403 && code == "AccessDenied") return {Said::no, {}};
    return {Said::failed, text_of(answer, s3)};
}

Verdict verdict_of_head(const engine::Response& answer)
{
    if (answer.status == 200) return {Said::yes, {}};
    // It has no body that would say more, and the PUT that follows tells.
    if (answer.status >= 400 && answer.status < 500 && answer.status != 408
        && answer.status != 429) {
        return {Said::no, {}};
    }
    if (answer.status == 501) return {Said::no, {}};
    return {Said::failed, text_of(answer, false)};
}

Verdict verdict_of_put(const engine::Response& answer, bool s3)
{
    const int status = answer.status;
    // 412: it is there, and the server replaces nothing.
    if ((status >= 200 && status < 300) || status == 412) return {Said::yes, {}};
    const std::string text = text_of(answer, s3);
    if (status == 405 || status == 409 || (status == 404 && !s3)) return {Said::conflict, text};
    if (status == 413) return {Said::too_large, text};
    if (status == 408 || status == 429) return {Said::failed, text};
    if ((status >= 400 && status < 500) || status == 501 || status == 507) {
        return {Said::refused, text};
    }
    return {Said::failed, text, status == 500};
}

} // namespace slipway::core::cache
