#include "credentials/auth_file.hpp"
#include "credentials/helper.hpp"
#include "fuzz.hpp"
#include "secrets.hpp"
#include "unit/discovery/home.hpp"

#include <slipway/engine/http_headers.hpp>
#include <slipway/engine/proxies.hpp>

// What docker and podman keep about registries, what a helper answers, and that no error repeats a
// secret.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::engine::credentials;
using namespace slipway::fuzz;

namespace {

constexpr std::size_t least_secret = 8;

void require_hidden(const Error& error, std::string_view secret)
{
    if (secret.size() < least_secret) return;
    require(describe(error).find(secret) == std::string::npos, "an error repeats a secret");
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
        if (entry) continue;
        check_error(entry.error());
        for (const auto& [key, auth] : (*file)->auths) {
            if (key.find(auth.auth) == std::string::npos) require_hidden(entry.error(), auth.auth);
        }
    }
}

void check_answer(std::string_view text)
{
    const auto answer = read_answer(text, "registry.example");
    if (answer) return;
    check_error(answer.error());
    require_hidden(answer.error(), text);
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
    switch (take_choice(text, 4)) {
    case 0:
        check_file(text);
        break;
    case 1:
        check_answer(text);
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
