#include "credentials/auth_file.hpp"
#include "credentials/helper.hpp"
#include "fuzz.hpp"
#include "secrets.hpp"
#include "unit/discovery/home.hpp"

#include <slipway/engine/http_headers.hpp>
#include <slipway/engine/proxies.hpp>

#include <algorithm>

// What docker and podman keep about registries, what a helper answers, and that no error repeats a
// secret.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::engine::credentials;
using namespace slipway::fuzz;

namespace {

// Words that no message of ours has, unlike what an input calls its secret.
constexpr std::string_view secret = "Tr0ub4dor";
constexpr std::string_view secret_in_base64 = "VHIwdWI0ZG9y";

bool has_secret(std::string_view text)
{
    return text.find(secret) != std::string_view::npos
           || text.find(secret_in_base64) != std::string_view::npos;
}

void check_hidden(const Error& error)
{
    check_error(error);
    require(!has_secret(describe(error) + error.hint), "an error repeats a secret");
}

/// The same with the secret in every `auth`, which stays base64 where it was.
AuthFile with_secret(AuthFile file)
{
    for (auto& [key, entry] : file.auths) {
        entry.auth.insert(entry.auth.size() / 2 / 4 * 4, secret_in_base64);
        entry.password = secret;
    }
    return file;
}

void check_file(std::string_view text)
{
    Store store;
    store.name = "the file";
    store.text = text;
    const auto file = read_store(store);
    if (!file) {
        check_error(file.error());
        return;
    }
    if (!*file) return;
    Place place;
    place.registry = "registry.example:5000";
    place.path = "team/tool";
    for (const KeyPath meaning : {KeyPath::of_images, KeyPath::of_url}) {
        static_cast<void>(helper_for(**file, place, meaning));
        const auto entry = entry_for(**file, place, meaning);
        if (!entry) check_error(entry.error());
        const bool is_named = std::ranges::any_of((*file)->auths, [](const auto& row) {
            return has_secret(row.first);
        });
        const auto hidden = entry_for(with_secret(**file), place, meaning);
        if (!hidden && !is_named) check_hidden(hidden.error());
    }
}

/// The answer, and once more with the secret behind `part` of 64 parts of it.
void check_answer(const std::string& text, std::size_t part)
{
    const auto answer = read_answer(text, "registry.example");
    if (!answer) check_error(answer.error());
    std::string changed = text;
    changed.insert(text.size() * part / 64, secret);
    const auto hidden = read_answer(changed, "registry.example");
    if (!hidden) check_hidden(hidden.error());
}

void check_headers(const Environment& environment)
{
    const auto headers = read_http_headers(environment);
    if (!headers) {
        check_error(headers.error());
        return;
    }
    for (const auto& [name, value] : headers->all()) {
        require((name + value).find_first_of("\r\n") == std::string::npos, "a header of two lines");
    }
}

void check_config(std::string_view text)
{
    static const test::Home home;
    home.write(".docker/config.json", text);
    check_headers(home.environment);
    const auto proxies = read_proxies(home.environment);
    if (!proxies) {
        check_error(proxies.error());
        return;
    }
    std::vector<std::string> env{"http_proxy="};
    const auto variables = proxy_variables(*proxies, parse_endpoint("tcp://h:2375").value());
    add_proxies(env, variables);
    require(env.size() <= 1 + variables.size(), "more variables than there are");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::string_view text = text_of(data, size);
    const std::size_t choice = take_choice(text, 256);
    switch (choice % 4) {
    case 0:
        check_file(text);
        break;
    case 1:
        check_answer(std::string(text), choice / 4);
        break;
    case 2:
        check_config(text);
        break;
    default: {
        const std::string clean = without_passwords(std::string(text));
        require(without_passwords(clean) == clean, "a password is left");
        break;
    }
    }
    return 0;
}
