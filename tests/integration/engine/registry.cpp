#include "integration/engine/lab.hpp"

#include <slipway/engine/credentials.hpp>

#include <cstdlib>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

// The registry of tests/engines; it needs root, as the engines that trust it do.
namespace {

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

bool registry_left_out()
{
    return contains("," + variable("SLIPWAY_TEST_LEAVE_OUT") + ",", ",registry,");
}

struct PrivateRegistry {
    std::string host = variable("SLIPWAY_TEST_REGISTRY");
    RegistryAuth good{
        variable("SLIPWAY_TEST_REGISTRY_USER"), variable("SLIPWAY_TEST_REGISTRY_PASSWORD"), host};
    RegistryAuth wrong{variable("SLIPWAY_TEST_REGISTRY_USER"), "not-the-password", host};
};

Task<> pull_all(Images images, PullImage what)
{
    CO_TRY(ProgressStream stream, co_await images.pull(what));
    CO_CHECK(co_await stream.results());
    co_return ok();
}

Task<> push_all(Images images, PushImage what)
{
    CO_TRY(ProgressStream stream, co_await images.push(what));
    CO_CHECK(co_await stream.results());
    co_return ok();
}

Task<std::string> build_from(Builds builds, std::string base, BuildSpec spec)
{
    const std::string context = make_tar({{"Dockerfile", "FROM " + base + "\nLABEL a=b\n"}});
    CO_TRY(ProgressStream stream, co_await builds.build(text_source(context), spec));
    co_return co_await stream.result();
}

/// Errors speak in the engine's words, and never of the password.
void check_unauthorized(const Error& error)
{
    const std::string text = describe(error);
    CAPTURE(text);
    CHECK(error.code == Errc::unauthorized);
    CHECK(error.answer.has_value());
    CHECK(!contains(text, "not-the-password"));
}

} // namespace

TEST_SUITE("integration.registry" * doctest::skip(registry_left_out()))
{
    TEST_CASE("push and pull with credentials, with wrong ones and with none")
    {
        Lab lab;
        const PrivateRegistry registry;
        REQUIRE_MESSAGE(!registry.host.empty(), "SLIPWAY_TEST_REGISTRY names no registry");
        const std::string repository = registry.host + "/library-test/busybox";
        lab.must(lab.images.tag("busybox:latest", repository, "1"));

        PushImage push;
        push.reference = repository + ":1";
        check_unauthorized(lab.refused(push_all(lab.images, push)));
        push.auth = registry.wrong;
        check_unauthorized(lab.refused(push_all(lab.images, push)));
        push.auth = registry.good;
        lab.must(push_all(lab.images, push));
        lab.must(lab.images.remove(push.reference));

        PullImage pull;
        pull.reference = push.reference;
        check_unauthorized(lab.refused(pull_all(lab.images, pull)));
        pull.auth = registry.wrong;
        check_unauthorized(lab.refused(pull_all(lab.images, pull)));
        pull.auth = registry.good;
        lab.must(pull_all(lab.images, pull));
        lab.must(lab.images.remove(pull.reference));
        pull.reference = registry.host + "/library-test/nowhere:1";
        CHECK(lab.refused(pull_all(lab.images, pull)).code == Errc::not_found);
    }

    TEST_CASE("a build pulls its base with the registry's credentials")
    {
        Lab lab;
        const PrivateRegistry registry;
        REQUIRE(!registry.host.empty());
        const std::string repository = registry.host + "/library-test/base";
        lab.must(lab.images.tag("busybox:latest", repository, "1"));
        PushImage push;
        push.reference = repository + ":1";
        push.auth = registry.good;
        lab.must(push_all(lab.images, push));
        lab.must(lab.images.remove(push.reference));

        BuildSpec spec;
        spec.tags = {"slipway-registry-test:1"};
        spec.labels = lab.labels();
        check_unauthorized(lab.refused(build_from(lab.builds, push.reference, spec)));
        spec.registries = {{registry.host, registry.wrong}};
        check_unauthorized(lab.refused(build_from(lab.builds, push.reference, spec)));
        spec.registries = {{registry.host, registry.good}};
        CHECK(!lab.must(build_from(lab.builds, push.reference, spec)).empty());
        lab.must(lab.images.remove(spec.tags.front()));
        lab.must(lab.images.remove(push.reference));
    }

    TEST_CASE("logging in")
    {
        Lab lab;
        const PrivateRegistry registry;
        REQUIRE(!registry.host.empty());
        CHECK(!lab.must(lab.system.login(registry.good)).status.empty());
        check_unauthorized(lab.refused(lab.system.login(registry.wrong)));
    }
}
