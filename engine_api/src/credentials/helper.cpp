#include "credentials/helper.hpp"

#include "credentials/program.hpp"
#include "discovery/config_file.hpp"
#include "discovery/text.hpp"
#include "json.hpp"
#include "one_line.hpp"
#include "program_path.hpp"

#include <algorithm>
#include <filesystem>

namespace slipway {

namespace {

struct HelperAnswer {
    std::string username;
    std::string secret;
};

} // namespace

template <>
struct json::Fields<HelperAnswer> {
    static constexpr auto list = std::tuple{
        json::optional("Username", &HelperAnswer::username),
        json::optional("Secret", &HelperAnswer::secret)};
};

namespace engine::credentials {

namespace {

constexpr std::string_view has_none = "credentials not found in native keychain";
constexpr std::size_t max_words = 300;

/// A name is a part of a file name, so that no configuration can start anything else.
bool is_helper_name(std::string_view name)
{
    return !name.empty() && name.size() <= 200 && std::ranges::all_of(name, [](char c) {
        return discovery::is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '+';
    }) && name.find("..") == std::string_view::npos;
}

/// What a helper that failed said: helpers explain themselves on stdout. Something like an answer
/// is not shown, for it may hold the secret.
std::string words_of(const ProgramEnd& end)
{
    const std::string_view out = discovery::trim(end.out);
    std::string words = out.find_first_of("{}") == out.npos ? one_line(out, max_words) : "";
    const std::string more = one_line(end.err, max_words);
    if (!more.empty() && more != words) words += (words.empty() ? "" : "; ") + more;
    return words.empty() ? "it said no reason" : words;
}

} // namespace

Result<std::optional<RegistryAuth>> read_answer(std::string_view answer, const std::string& server)
{
    auto said = json::decode<HelperAnswer>(std::string(answer));
    if (!said) {
        return fail(Errc::protocol, discovery::about_file("its answer", said.error().message));
    }
    if (said->username.empty() && said->secret.empty()) return std::optional<RegistryAuth>{};
    RegistryAuth auth;
    auth.server_address = server;
    if (said->username == "<token>") {
        auth.identity_token = std::move(said->secret);
    } else {
        auth.username = std::move(said->username);
        auth.password = std::move(said->secret);
    }
    return std::optional<RegistryAuth>(std::move(auth));
}

Task<std::optional<RegistryAuth>> ask_helper(
    Environment environment,
    std::string name,
    std::string server,
    std::chrono::milliseconds deadline
)
{
    if (!is_helper_name(name)) {
        co_return fail(
            Errc::invalid_argument,
            discovery::quote(one_line(name, 200)) + " is not the name of a credential helper"
        );
    }
    const std::string program = "docker-credential-" + name;
    CO_TRY(const auto file, find_in_path(environment.get("PATH"), program));
    const std::string command = "get";
    const std::string line = server + "\n";
    CO_TRY(const ProgramEnd end, co_await run_program(file, command, line, deadline));
    if (end.out.find(has_none) != end.out.npos || end.err.find(has_none) != end.err.npos) {
        co_return std::nullopt;
    }
    if (end.exit_code != 0) {
        co_return fail(
            Errc::io,
            "it failed with exit code " + std::to_string(end.exit_code) + ": " + words_of(end)
        );
    }
    co_return read_answer(end.out, server);
}

} // namespace engine::credentials

} // namespace slipway
