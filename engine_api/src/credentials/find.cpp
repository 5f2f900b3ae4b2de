#include "credentials/auth_file.hpp"
#include "credentials/helper.hpp"

#include <slipway/engine/credentials.hpp>

#include <algorithm>

namespace slipway::engine {

namespace {

using namespace credentials;

/// Asks the helper that a store names for a place, if it names one.
Task<std::optional<RegistryAuth>> ask_named_helper(
    Environment environment,
    std::optional<NamedHelper> helper,
    Store store,
    std::string registry,
    std::chrono::milliseconds deadline
)
{
    if (!helper) co_return std::nullopt;
    // Each wrote the Hub's name down in its own way.
    const bool docker = store.key_path == KeyPath::of_url;
    std::string server = docker ? docker_key(registry) : registry;
    std::string doing =
        "docker-credential-" + helper->name + " (" + helper->member + " in " + store.name + ")";
    auto answer =
        co_await ask_helper(std::move(environment), helper->name, std::move(server), deadline);
    if (answer && *answer) (*answer)->server_address = docker_key(registry);
    co_return during(std::move(answer), std::move(doing));
}

Task<Credentials> search(Environment environment, Place place, std::chrono::milliseconds deadline)
{
    Credentials found;
    found.registry = place.registry;
    for (const Store& store : stores(environment)) {
        auto file = read_store(store);
        if (!file) {
            found.searched.push_back(store.name);
            found.problems.push_back(std::move(file).error());
            continue;
        }
        if (!*file) {
            found.searched.push_back(store.name + " (no such file)");
            continue;
        }
        const auto helper = helper_for(**file, place, store.key_path);
        if (helper) found.searched.push_back("docker-credential-" + helper->name);
        auto said = co_await ask_named_helper(environment, helper, store, place.registry, deadline);
        found.source = helper ? found.searched.back() : store.name;
        if (!said) {
            if (said.error().code == Errc::cancelled) co_return fail(said.error());
            found.problems.push_back(said.error());
        }
        if (!said || !*said) { // a helper that fails says nothing of what stands in the file
            found.searched.push_back(store.name);
            found.source = store.name;
            said = during(entry_for(**file, place, store.key_path), "reading " + store.name);
            if (!said) found.problems.push_back(said.error());
        }
        if (said && *said) {
            found.auth = *std::move(said);
            co_return found;
        }
    }
    found.source.clear();
    co_return found;
}

/// Words for a hint: "a, b and c".
std::string listed(const std::vector<std::string>& names)
{
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
        text += names[i];
    }
    return text;
}

} // namespace

Task<Credentials>
find_credentials(Environment environment, std::string image, std::chrono::milliseconds deadline)
{
    CO_TRY(const Reference reference, parse_reference(image));
    Place place = place_of(reference);
    co_return co_await search(std::move(environment), std::move(place), deadline);
}

Task<std::vector<Credentials>> find_all_credentials(
    Environment environment, std::vector<std::string> images, std::chrono::milliseconds deadline
)
{
    std::vector<Credentials> all;
    for (const std::string& image : images) {
        CO_TRY(const Reference reference, parse_reference(image));
        Place place = place_of(reference);
        if (std::ranges::find(all, place.registry, &Credentials::registry) != all.end()) continue;
        CO_TRY(Credentials one, co_await search(environment, std::move(place), deadline));
        all.push_back(std::move(one));
    }
    co_return all;
}

std::map<std::string, RegistryAuth> for_build(const std::vector<Credentials>& found)
{
    std::map<std::string, RegistryAuth> registries;
    for (const Credentials& one : found) {
        if (one.auth) registries.emplace(docker_key(one.registry), *one.auth);
    }
    return registries;
}

std::string how_to_log_in(const Credentials& found)
{
    const std::string key = docker_key(found.registry);
    const std::string login =
        "`docker login " + found.registry + "` or `podman login " + found.registry + "`";
    std::string hint;
    for (const Error& problem : found.problems) {
        hint += describe(problem) + "; ";
    }
    if (found.auth) {
        hint += found.registry + " does not take the credentials from " + found.source
                + ", or they do not reach this image: renew them with " + login;
    } else {
        hint += "no credentials for " + found.registry + " are in " + listed(found.searched)
                + ": write them with " + login + ", or put {\"auths\":{\"" + key
                + "\":{\"auth\":\"BASE64 OF user:password\"}}} into docker's config.json";
    }
    return hint;
}

} // namespace slipway::engine
