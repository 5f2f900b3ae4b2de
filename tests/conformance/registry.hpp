#pragma once

#include "conformance/lab.hpp"

#include <cstdlib>

// The registry of tests/engines, with TLS and a password.
namespace slipway::test {

inline std::string from_environment(const char* name)
{
    const char* value = std::getenv(name);
    REQUIRE_MESSAGE(value != nullptr, name, " is not set: tests/engines starts a registry");
    return value;
}

inline std::string registry()
{
    return from_environment("SLIPWAY_TEST_REGISTRY");
}

inline engine::RegistryAuth credentials()
{
    engine::RegistryAuth auth;
    auth.username = from_environment("SLIPWAY_TEST_REGISTRY_USER");
    auth.password = from_environment("SLIPWAY_TEST_REGISTRY_PASSWORD");
    auth.server_address = registry();
    return auth;
}

/// A small image of one file, pushed under a name of this test alone; its name without the tag.
inline std::string pushed_image(Lab& lab, const std::string& what)
{
    engine::ImportImage options;
    options.repository = registry() + "/" + unique_image(what);
    options.tag = "one";
    for (const auto& [key, value] : lab.labels()) {
        options.changes.push_back("LABEL " + key + "=" + value);
    }
    auto imported =
        lab.must(lab.images.import(engine::text_source(make_tar({{"made-for", what}})), options));
    const auto id = lab.must(imported.result());
    lab.must(lab.images.tag(id, options.repository, "one"));
    engine::PushImage what_to_push;
    what_to_push.reference = options.repository + ":one";
    what_to_push.auth = credentials();
    auto pushing = lab.must(lab.images.push(what_to_push));
    lab.must(pushing.result());
    return options.repository;
}

} // namespace slipway::test
