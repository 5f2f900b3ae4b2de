#include "conformance/web_server.hpp"

using namespace slipway;
using namespace slipway::test;

// Contexts that the engine fetches itself, by either builder.

namespace {

engine::BuildSpec remote_spec(const Lab& lab, engine::Builder builder)
{
    engine::BuildSpec spec;
    spec.builder = builder;
    spec.tags = {unique_image("remote") + ":latest"};
    spec.labels = lab.labels();
    return spec;
}

/// Builds from the URL, and tells what /made in the image has.
std::string made_from(Lab& lab, const std::string& url, const engine::BuildSpec& spec)
{
    auto stream = lab.must(lab.builds.build_remote(url, spec));
    const auto id = lab.must(stream.result());
    CHECK(engine::bare_id(lab.must(lab.images.inspect(spec.tags[0])).id) == engine::bare_id(id));
    auto use = lab.spec({"cat", "/made"});
    use.image = spec.tags[0];
    const auto container = lab.create(use);
    CHECK(lab.must(lab.containers.start(container)) == engine::Change::done);
    CHECK(lab.exit_code(container) == 0);
    auto out = lab.logs(container).out;
    lab.remove(container);
    lab.remove_image(spec.tags[0]);
    return out;
}

void check_fetched(Lab& lab, engine::Builder builder)
{
    const auto spec = remote_spec(lab, builder);
    const WebServer tar(
        "application/x-tar",
        make_tar({{"Dockerfile", "FROM busybox:latest\nCOPY file /made\n"}, {"file", "copied\n"}})
    );
    CHECK(made_from(lab, tar.url("/context.tar"), spec) == "copied\n");
    const WebServer dockerfile("text/plain", "FROM busybox:latest\nRUN echo ran > /made\n");
    CHECK(made_from(lab, dockerfile.url("/Dockerfile"), spec) == "ran\n");

    // Nobody listens there.
    auto none = run(lab.io, lab.builds.build_remote("http://127.0.0.1:1/c.tar?hunter2", spec));
    const Error error = none ? lab.refused(none->result()) : none.error();
    CHECK_MESSAGE(
        (error.code == Errc::engine || error.code == Errc::invalid_argument), describe(error)
    );
    CHECK_MESSAGE(contains(error.message, "127.0.0.1:1"), describe(error));
    CHECK(!contains(describe(error), "hunter2"));
    CHECK(lab.our_images().empty());
}

} // namespace

TEST_SUITE("Build")
{
    TEST_CASE("a context and a Dockerfile that the engine fetches, and one that it cannot")
    {
        Lab lab;
        if (lacks(lab, &engine::Traits::can_build_remote, "fetches nothing to build from")) {
            const auto spec = remote_spec(lab, engine::Builder::classic);
            const auto refused = lab.refused(lab.builds.build_remote("http://127.0.0.1:1/", spec));
            CHECK(refused.code == Errc::unsupported);
        } else {
            check_fetched(lab, engine::Builder::classic);
        }
    }
}

TEST_SUITE("BuildKit")
{
    TEST_CASE("it fetches contexts without a session")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        check_fetched(lab, engine::Builder::buildkit);
    }
}
