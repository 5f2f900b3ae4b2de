#include "base64.hpp"
#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/build.hpp>
#include <slipway/engine/images.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

// A temporary would be destroyed twice by gcc 12 inside of a co_await expression.
template <class Auth>
concept asks_distribution_with = requires(Images images, Auth&& auth)
{
    images.distribution("x", std::forward<Auth>(auth));
};
static_assert(asks_distribution_with<const RegistryAuth&>);
static_assert(!asks_distribution_with<RegistryAuth>);

} // namespace

TEST_SUITE("engine.images.history")
{
    TEST_CASE("recorded histories of both engines")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("image-history.json"));
        engine.reply(200, podman_reply("image-history.json"));
        for (int i = 0; i < 2; ++i) {
            const auto history = run(Images(engine).history("slipway-rec-img:one"));
            REQUIRE(history.has_value());
            REQUIRE(history->size() == 2);
            CHECK(history->front().created > 1'700'000'000);
            CHECK(history->front().size < history->back().size);
            const bool podman = i == 1; // has null there
            REQUIRE(history->front().tags.size() == (podman ? 0 : 1));
            if (!podman) CHECK(history->front().tags[0] == "slipway-rec-img:one");
        }
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/images/slipway-rec-img:one/history");
    }
}

TEST_SUITE("engine.images.commit")
{
    TEST_CASE("everything goes in the query, with pause in any case and a body for podman")
    {
        FakeTransport engine;
        engine.reply(201, docker_reply("container-commit.201.json"));
        engine.reply(201, podman_reply("container-commit.201.json"));
        CommitContainer what;
        what.container = "box";
        what.repository = "slipway/made";
        what.tag = "one";
        what.comment = "a comment";
        what.author = "me";
        what.changes = {"ENV A=b", "CMD [\"sh\"]"};
        what.pause = false;
        const auto docker = run(Images(engine).commit(what));
        REQUIRE(docker.has_value());
        CHECK(bare_id(*docker).size() == 64);
        CHECK(engine.calls[0].method == "POST");
        CHECK(
            engine.calls[0].target
            == "/commit?container=box&repo=slipway/made&tag=one&comment=a%20comment&author=me"
               "&pause=0&changes=ENV%20A%3Db&changes=CMD%20%5B%22sh%22%5D"
        );
        CHECK(engine.calls[0].body == "{}");
        CHECK(engine.calls[0].headers.get("content-type") == "application/json");
        CHECK(engine.calls[0].deadline > 10min);
        CommitContainer bare;
        bare.container = "box";
        const auto podman = run(Images(engine).commit(bare));
        REQUIRE(podman.has_value());
        CHECK(bare_id(*podman).size() == 64);
        CHECK(engine.calls[1].target == "/commit?container=box&pause=1");
    }

    TEST_CASE("a bad change is the engine's to refuse, a bad name is refused here")
    {
        FakeTransport engine;
        engine.reply(400, docker_reply("container-commit.bad.json"));
        engine.reply(500, podman_reply("container-commit.bad.json"));
        CommitContainer what;
        what.container = "box";
        what.changes = {"NONSENSE"};
        const auto docker = run(Images(engine).commit(what));
        CHECK(docker.error().code == Errc::invalid_argument);
        CHECK(docker.error().context.back() == "making an image of container box");
        CHECK(run(Images(engine).commit(what)).error().code == Errc::engine);
        what.repository = "UPPER";
        CHECK(run(Images(engine).commit(what)).error().code == Errc::invalid_argument);
        what.repository.clear();
        what.container = "../x";
        CHECK(run(Images(engine).commit(what)).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 2);
    }
}

TEST_SUITE("engine.images.prune")
{
    TEST_CASE("images without a name, recorded from both engines")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("images-prune.json"));
        engine.reply(200, podman_reply("images-prune.json"));
        engine.reply(200, R"({"ImagesDeleted":null,"SpaceReclaimed":9})");
        PruneImages options;
        options.filters = {{"label", {"a=b"}}};
        for (int i = 0; i < 2; ++i) {
            const auto pruned = run(Images(engine).prune(options));
            REQUIRE(pruned.has_value());
            REQUIRE(pruned->removed.size() == 1);
            CHECK(bare_id(pruned->removed[0].deleted).size() == 64);
        }
        CHECK(engine.calls[0].method == "POST");
        CHECK(
            engine.calls[0].target == "/images/prune?filters=%7B%22label%22:%5B%22a%3Db%22%5D%7D"
        );
        CHECK(engine.calls[0].deadline > 10min);
        const PruneImages everything;
        CHECK(run(Images(engine).prune(everything))->reclaimed_bytes == 9);
        CHECK(engine.calls[2].target == "/images/prune");
    }

    TEST_CASE("images with a name are pruned as each engine can")
    {
        PruneImages options;
        options.named = true;
        FakeTransport docker;
        docker.reply(200, R"({"ImagesDeleted":[{"Untagged":"a:b"},{"Deleted":"sha256:c"}]})");
        CHECK(run(Images(docker).prune(options))->removed.size() == 2);
        const std::string named = "/images/prune?filters=%7B%22dangling%22:%5B%22false%22%5D%7D";
        CHECK(docker.calls[0].target == named);

        FakeTransport podman;
        podman.known = FakeTransport::podman();
        const auto refused = run(Images(podman).prune(options));
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::unsupported);
        CHECK(!refused.error().hint.empty());
        CHECK(podman.calls.empty());

        podman.known.prune_tagged = PruneTagged::alone;
        podman.reply(200, R"({"ImagesDeleted":[{"Deleted":"a"}],"SpaceReclaimed":3})");
        podman.reply(200, R"({"ImagesDeleted":[{"Deleted":"b"}],"SpaceReclaimed":4})");
        const auto twice = run(Images(podman).prune(options));
        REQUIRE(twice.has_value());
        CHECK(podman.calls[0].target == named);
        CHECK(podman.calls[1].target == "/images/prune");
        CHECK(twice->removed.size() == 2);
        CHECK(twice->reclaimed_bytes == 7);
        const std::size_t calls = fail_at_every_call([&](FakeTransport& engine) {
            engine.known.prune_tagged = PruneTagged::alone;
            engine.reply(200, "{}");
            engine.reply(200, "{}");
            return run(Images(engine).prune(options));
        });
        CHECK(calls == 2);
    }
}

TEST_SUITE("engine.images.registry")
{
    TEST_CASE("search reads what both engines call a result")
    {
        FakeTransport engine;
        engine.reply(
            200,
            R"([{"star_count":7,"is_official":true,"name":"busybox","is_automated":false,)"
            R"("description":"small"},{"name":"x"}])"
        );
        engine.reply(
            200,
            R"([{"Index":"docker.io","Name":"docker.io/library/busybox","Description":"small",)"
            R"("Stars":7,"Official":"[OK]","Automated":"","Tag":""},{"Name":"x","Official":""}])"
        );
        SearchImages what;
        what.term = "busybox";
        what.limit = 3;
        what.filters = {{"is-official", {"true"}}};
        what.auth = RegistryAuth{"me", "hunter2", "r.io"};
        for (int i = 0; i < 2; ++i) {
            const auto found = run(Images(engine).search(what));
            REQUIRE(found.has_value());
            REQUIRE(found->size() == 2);
            CHECK(same_reference(found->front().name, "busybox"));
            CHECK(found->front().description == "small");
            CHECK(found->front().stars == 7);
            CHECK(found->front().official);
            CHECK(!found->back().official);
        }
        CHECK(engine.calls[0].method == "GET");
        CHECK(
            engine.calls[0].target
            == "/images/"
               "search?term=busybox&limit=3&filters=%7B%22is-official%22:%5B%22true%22%5D%7D"
        );
        CHECK(
            from_base64(engine.calls[0].headers.get("x-registry-auth"))
            == R"({"username":"me","password":"hunter2","serveraddress":"r.io"})"
        );
    }

    TEST_CASE("a search that fails, recorded from both engines, and one for nothing")
    {
        FakeTransport engine;
        engine.reply(500, docker_reply("image-search.failed.json"));
        engine.reply(404, podman_reply("image-search.failed.json"));
        SearchImages what;
        what.term = "busybox";
        const auto docker = run(Images(engine).search(what));
        CHECK(docker.error().code == Errc::engine);
        CHECK(docker.error().context.back() == "searching for images busybox");
        CHECK(!engine.calls[0].headers.has("x-registry-auth"));
        CHECK(run(Images(engine).search(what)).error().code == Errc::not_found);
        what.term.clear();
        CHECK(run(Images(engine).search(what)).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 2);
    }

    TEST_CASE("a registry's digest and platforms")
    {
        FakeTransport engine;
        engine.reply(
            200,
            R"({"Descriptor":{"mediaType":"application/vnd.oci.image.index.v1+json",)"
            R"("digest":"sha256:dd","size":9},"Platforms":[{"architecture":"arm","os":"linux",)"
            R"("variant":"v7"},{"architecture":"amd64","os":"windows","os.version":"10"}]})"
        );
        const auto info = run(Images(engine).distribution("ghcr.io/a/b:c"));
        REQUIRE(info.has_value());
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/distribution/ghcr.io/a/b:c/json");
        CHECK(engine.calls[0].headers.get("x-registry-auth") == "e30=");
        CHECK(info->digest == "sha256:dd");
        CHECK(info->media_type == "application/vnd.oci.image.index.v1+json");
        CHECK(info->size == 9);
        REQUIRE(info->platforms.size() == 2);
        CHECK(info->platforms[0].variant == "v7");
        CHECK(info->platforms[1].os_version == "10");
    }

    TEST_CASE("what a registry or the engine refuses")
    {
        FakeTransport engine;
        engine.reply(500, docker_reply("distribution.failed.json"));
        engine.reply(404, podman_reply("distribution.failed.json"));
        engine.reply(500, R"({"message":"manifest unknown: manifest unknown"})");
        engine.reply(500, R"({"message":"unauthorized: authentication required"})");
        engine.reply(200, R"({"Descriptor":{"digest":""}})");
        engine.reply(200, R"({"Descriptor":{"digest":"d"},"Platforms":[{"os":1}]})");
        const RegistryAuth auth{"me", "hunter2", "127.0.0.1:1"};
        const Errc codes[] = {
            Errc::engine,
            Errc::unsupported,
            Errc::not_found,
            Errc::unauthorized,
            Errc::protocol,
            Errc::protocol};
        for (const Errc code : codes) {
            const auto info = run(Images(engine).distribution("127.0.0.1:1/x", auth));
            REQUIRE(!info.has_value());
            CHECK(info.error().code == code);
            CHECK(describe(info.error()).find("hunter2") == std::string::npos);
        }
    }
}

TEST_SUITE("engine.build.cache")
{
    TEST_CASE("prune sends the limits under the names of the API in use")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("build-prune.json"));
        engine.reply(200, R"({"CachesDeleted":["a","b"],"SpaceReclaimed":5})");
        engine.reply(404, podman_reply("build-prune.json"));
        PruneBuildCache options;
        options.all = true;
        options.filters = {{"until", {"1h"}}};
        options.keep_bytes = 7;
        const auto old = run(Builds(engine).prune(options));
        REQUIRE(old.has_value());
        CHECK(old->removed.empty());
        const std::string start = "/build/prune?filters=%7B%22until%22:%5B%221h%22%5D%7D&all=1";
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == start + "&keep-storage=7");
        options.max_used_bytes = 8;
        options.min_free_bytes = 9;
        CHECK(run(Builds(engine).prune(options)).error().code == Errc::unsupported);
        engine.known.api = {1, 48};
        const auto newer = run(Builds(engine).prune(options));
        REQUIRE(newer.has_value());
        CHECK(newer->removed.size() == 2);
        CHECK(newer->reclaimed_bytes == 5);
        CHECK(
            engine.calls[1].target == start + "&reserved-space=7&max-used-space=8&min-free-space=9"
        );
        CHECK(run(Builds(engine).prune(options)).error().code == Errc::unsupported);
    }

    TEST_CASE("a build is named, and cancelled by its name")
    {
        FakeTransport engine;
        engine.reply(200);
        engine.reply(200);
        BuildSpec spec;
        spec.build_id = "my build";
        REQUIRE(run(Builds(engine).build(text_source(""), spec)).has_value());
        CHECK(engine.calls[0].target == "/build?buildid=my%20build&rm=1&forcerm=1");
        CHECK(run(Builds(engine).cancel("my build")).has_value());
        CHECK(engine.calls[1].method == "POST");
        CHECK(engine.calls[1].target == "/build/cancel?id=my%20build");
        CHECK(run(Builds(engine).cancel("")).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 2);
    }
}
