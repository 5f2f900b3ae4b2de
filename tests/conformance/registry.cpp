#include "conformance/registry.hpp"

using namespace slipway;
using namespace slipway::test;

// Against a registry with TLS and a password: see tests/engines. SLIPWAY_TEST_LEAVE_OUT=registry
// leaves these rows out, and they are then not among the results.

namespace {

engine::RegistryAuth wrong_credentials()
{
    auto auth = credentials();
    auth.password = "hunter2";
    return auth;
}

/// The error of a transfer, wherever it comes; or none.
std::optional<Error> failure_of(Lab& lab, Task<engine::ProgressStream> transfer)
{
    auto stream = run(lab.io, std::move(transfer));
    if (!stream) return std::move(stream).error();
    auto result = run(lab.io, stream->result());
    if (!result) return std::move(result).error();
    return std::nullopt;
}

std::optional<Error>
push(Lab& lab, const std::string& reference, std::optional<engine::RegistryAuth> auth)
{
    engine::PushImage what;
    what.reference = reference;
    what.auth = std::move(auth);
    return failure_of(lab, lab.images.push(what));
}

std::optional<Error>
pull(Lab& lab, const std::string& reference, std::optional<engine::RegistryAuth> auth)
{
    engine::PullImage what;
    what.reference = reference;
    what.auth = std::move(auth);
    return failure_of(lab, lab.images.pull(what));
}

} // namespace

TEST_SUITE("Registry")
{
    TEST_CASE("push, and pull by name")
    {
        Lab lab;
        const auto repository = pushed_image(lab, "push");
        const auto name = repository + ":one";
        const auto id = lab.must(lab.images.inspect(name)).id;
        lab.remove_image(id);
        CHECK(lab.refused(lab.images.inspect(name)).code == Errc::not_found);
        const auto failed = pull(lab, name, credentials());
        REQUIRE_MESSAGE(!failed, describe(*failed));
        CHECK(engine::bare_id(lab.must(lab.images.inspect(name)).id) == engine::bare_id(id));
        lab.remove_image(id);
    }

    TEST_CASE("the digest of a push, and pull by digest")
    {
        Lab lab;
        const auto repository = pushed_image(lab, "digest");
        engine::PushImage what;
        what.reference = repository + ":one";
        const auto auth = credentials();
        what.auth = auth;
        auto stream = lab.must(lab.images.push(what));
        auto digest = run(lab.io, stream.result());
        const auto id = lab.must(lab.images.inspect(what.reference)).id;
        REQUIRE_MESSAGE(digest.has_value(), describe(digest.error()));
        const std::string by_digest = repository + "@" + *digest;
        if (!lacks(
                lab, &engine::Traits::can_inspect_distribution, "asks no registry for a digest"
            )) {
            const auto info = lab.must(lab.images.distribution(what.reference, auth));
            CHECK(repository + "@" + info.digest == by_digest);
            CHECK(info.size > 0);
        }
        if (differs(
                lab, &engine::Traits::push_digest_is_local, "knows its own digest of what it pushed"
            )) {
            CHECK(lab.refused(lab.images.inspect(by_digest)).code == Errc::not_found);
        } else {
            const auto known = lab.must(lab.images.inspect(by_digest)).id;
            CHECK(engine::bare_id(known) == engine::bare_id(id));
        }
        lab.remove_image(id);
        const auto failed = pull(lab, by_digest, credentials());
        REQUIRE_MESSAGE(!failed, describe(*failed));
        const auto pulled = lab.must(lab.images.inspect(by_digest)).id;
        CHECK(engine::bare_id(pulled) == engine::bare_id(id));
        lab.remove_image(pulled);
    }

    TEST_CASE("a wrong password, and none")
    {
        Lab lab;
        const auto repository = pushed_image(lab, "auth");
        const auto name = repository + ":one";
        for (const auto& auth :
             {std::optional<engine::RegistryAuth>(wrong_credentials()),
              std::optional<engine::RegistryAuth>()}) {
            CAPTURE(auth.has_value());
            for (const auto& failed : {push(lab, name, auth), pull(lab, name, auth)}) {
                REQUIRE(failed.has_value());
                CHECK_MESSAGE(failed->code == Errc::unauthorized, describe(*failed));
                CHECK(!contains(describe(*failed), "hunter2"));
            }
        }
        lab.remove_image(name);
    }

    TEST_CASE("what the registry has not, and what the engine has not")
    {
        Lab lab;
        const auto absent = registry() + "/" + unique_image("absent") + ":none";
        const auto pulled = pull(lab, absent, credentials());
        REQUIRE(pulled.has_value());
        CHECK_MESSAGE(pulled->code == Errc::not_found, describe(*pulled));
        const auto pushed = push(lab, absent, credentials());
        REQUIRE(pushed.has_value());
        CHECK_MESSAGE(pushed->code == Errc::not_found, describe(*pushed));
    }

    TEST_CASE("a registry whose certificate nobody signed")
    {
        Lab lab;
        const auto name = from_environment("SLIPWAY_TEST_REGISTRY_UNTRUSTED") + "/"
                          + unique_image("untrusted") + ":one";
        const auto failed = pull(lab, name, credentials());
        REQUIRE(failed.has_value());
        CHECK_MESSAGE(contains(failed->message, "certificate"), describe(*failed));
    }

    TEST_CASE("a login, and one with a wrong password")
    {
        Lab lab;
        const auto right = credentials();
        CHECK(!lab.must(lab.system.login(right)).status.empty());
        const auto wrong = wrong_credentials();
        const auto refused = lab.refused(lab.system.login(wrong));
        CHECK_MESSAGE(refused.code == Errc::unauthorized, describe(refused));
        CHECK(!contains(describe(refused), "hunter2"));
    }

    TEST_CASE("a build from a base that needs a password")
    {
        Lab lab;
        const auto repository = pushed_image(lab, "base");
        lab.remove_image(repository + ":one");
        engine::BuildSpec spec;
        const auto tag = unique_image("from-registry") + ":latest";
        spec.tags = {tag};
        spec.labels = lab.labels();
        spec.registries[registry()] = credentials();
        const auto context =
            make_tar({{"Dockerfile", "FROM " + repository + ":one\nCOPY Dockerfile /copied\n"}});
        auto progress = lab.must(lab.builds.build(engine::text_source(context), spec));
        lab.must(progress.result());
        CHECK(lab.must(lab.images.inspect(tag)).layers.size() == 2);
        lab.remove_image(tag);
        lab.remove_image(repository + ":one");
    }
}

TEST_SUITE("Images")
{
    TEST_CASE("a pull from where there is no registry")
    {
        Lab lab;
        engine::PullImage what;
        what.reference = "127.0.0.1:1/slipway-test/none:latest";
        auto progress = run(lab.io, lab.images.pull(what));
        const Error error =
            progress ? lab.refused(progress->result()) : std::move(progress).error();
        CHECK_MESSAGE(
            (error.code == Errc::engine || error.code == Errc::not_found), describe(error)
        );
    }

    TEST_CASE("a push to where there is no registry, and of what is not there")
    {
        Lab lab;
        const auto name = "127.0.0.1:1/" + unique_image("push");
        lab.must(lab.images.tag("busybox:latest", name, "one"));
        const auto push = [&](const std::string& reference) {
            engine::PushImage what;
            what.reference = reference;
            auto stream = run(lab.io, lab.images.push(what));
            return stream ? lab.refused(stream->result()) : std::move(stream).error();
        };
        const Error refused = push(name + ":one");
        CHECK_MESSAGE(refused.code == Errc::engine, describe(refused));
        CHECK(contains(refused.message, "connection refused"));
        const Error absent = push(name + ":two");
        CHECK(!absent.message.empty());
        CHECK(!lab.must(lab.images.remove(name + ":one")).empty());
    }

    TEST_CASE("a registry that is not there")
    {
        Lab lab;
        engine::SearchImages what;
        what.term = "127.0.0.1:1/x";
        const Error search = lab.refused(lab.images.search(what));
        CHECK_MESSAGE(
            (search.code == Errc::engine || search.code == Errc::not_found
             || search.code == Errc::invalid_argument), // dockerd 26
            describe(search)
        );
        const Error distribution = lab.refused(lab.images.distribution("127.0.0.1:1/x:y"));
        const bool never =
            lacks(lab, &engine::Traits::can_inspect_distribution, "asks no registry for a digest");
        CHECK_MESSAGE(
            distribution.code == (never ? Errc::unsupported : Errc::engine), describe(distribution)
        );
    }
}
