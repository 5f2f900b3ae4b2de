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
    auto repository = registry() + "/" + unique_image(what);
    const auto id = lab.import(repository, "one");
    lab.must(lab.images.tag(id, repository, "one"));
    engine::PushImage what_to_push;
    what_to_push.reference = repository + ":one";
    what_to_push.auth = credentials();
    auto pushing = lab.must(lab.images.push(what_to_push));
    lab.must(pushing.result());
    return repository;
}

} // namespace slipway::test
