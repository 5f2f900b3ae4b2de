#include "discovery/config_file.hpp"
#include "discovery/contexts.hpp"
#include "http/custom_headers.hpp"
#include "json.hpp"

#include <slipway/engine/http_headers.hpp>

namespace slipway {

namespace engine {

namespace {

struct HeaderFile {
    std::map<std::string, std::string> headers;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::HeaderFile> {
    static constexpr auto list =
        std::tuple{json::optional("HttpHeaders", &engine::HeaderFile::headers)};
};

namespace engine {

Result<Headers> read_http_headers(const Environment& environment)
{
    Headers all;
    const std::filesystem::path directory = discovery::docker_config_directory(environment);
    if (directory.empty()) return all;
    const std::filesystem::path path = directory / "config.json";
    TRY(auto file, discovery::read_json<HeaderFile>(path));
    if (!file) return all;
    for (const auto& [name, value] : file->headers) {
        all.add(name, value);
    }
    auto sent = custom_headers(all);
    if (!sent) {
        const std::string place = "$.HttpHeaders: " + sent.error().message;
        return fail(Errc::invalid_argument, discovery::about_file(path, place));
    }
    return sent;
}

} // namespace engine

} // namespace slipway
