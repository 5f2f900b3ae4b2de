#include "base64.hpp"
#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/images.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

TEST_SUITE("engine.images.list")
{
    TEST_CASE("recorded lists of both engines, where tags can be null")
    {
        for (const bool podman : {false, true}) {
            FakeTransport engine;
            engine.reply(
                200, podman ? podman_reply("images-list.json") : docker_reply("images-list.json")
            );
            const ListImages options;
            const auto list = run(Images(engine).list(options));
            REQUIRE(list.has_value());
            CHECK(engine.calls[0].target == "/images/json");
            const auto found = std::ranges::find_if(*list, [](const ImageSummary& image) {
                return has_tag(image, "busybox");
            });
            REQUIRE(found != list->end());
            CHECK(found->id.starts_with("sha256:"));
            CHECK(found->size > 1'000'000);
            CHECK(found->created > 1'700'000'000);
        }
        FakeTransport engine;
        engine.reply(
            200, R"([{"Id":"sha256:ab","RepoTags":null,"RepoDigests":null,"Labels":null}])"
        );
        ListImages options;
        options.all = true;
        options.filters = {{"reference", {"x:*"}}};
        const auto list = run(Images(engine).list(options));
        REQUIRE(list.has_value());
        CHECK(list->front().repo_tags.empty());
        CHECK(
            engine.calls[0].target
            == "/images/json?all=1&filters=%7B%22reference%22:%5B%22x:%2A%22%5D%7D"
        );
    }

    TEST_CASE("a tag is found in any spelling, and a digest too")
    {
        ImageSummary image;
        image.repo_tags = {"docker.io/library/x:1", "localhost/y:latest"};
        image.repo_digests = {"docker.io/library/x@sha256:ab"};
        CHECK(has_tag(image, "x:1"));
        CHECK(has_tag(image, "y"));
        CHECK(has_tag(image, "x@sha256:ab"));
        CHECK(!has_tag(image, "x"));
        CHECK(!has_tag(image, "x:2"));
    }
}

TEST_SUITE("engine.images.inspect")
{
    TEST_CASE("recorded replies of both engines")
    {
        for (const bool podman : {false, true}) {
            FakeTransport engine;
            engine.reply(
                200,
                podman ? podman_reply("image-inspect.json") : docker_reply("image-inspect.json")
            );
            const auto image = run(Images(engine).inspect("busybox:latest"));
            REQUIRE(image.has_value());
            CHECK(engine.calls[0].target == "/images/busybox:latest/json");
            CHECK(image->id.starts_with("sha256:"));
            CHECK(image->architecture == "amd64");
            CHECK(image->os == "linux");
            CHECK(image->layers.size() == 1);
            CHECK(image->layers[0].starts_with("sha256:"));
            CHECK(image->config.cmd.empty());
            CHECK(same_reference(image->repo_tags.at(0), "busybox"));
        }
    }

    TEST_CASE("names keep their slashes and colons, and cannot reach another route")
    {
        FakeTransport engine;
        engine.reply(404, docker_reply("image-inspect.404.json"));
        const auto absent = run(Images(engine).inspect("localhost:5000/a/b:c@sha256:dd"));
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::not_found);
        CHECK(engine.calls[0].target == "/images/localhost:5000/a/b:c%40sha256:dd/json");
        for (const char* name : {"", "/a", "a//b", "a/../b", "..", "a/", "./a"}) {
            CAPTURE(std::string(name));
            const auto refused = run(Images(engine).inspect(name));
            REQUIRE(!refused.has_value());
            CHECK(refused.error().code == Errc::invalid_argument);
        }
        CHECK(engine.calls.size() == 1);
    }
}

TEST_SUITE("engine.images.change")
{
    TEST_CASE("import streams the tar and gives the id")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("image-import.jsonl"));
        ImportImage options;
        options.repository = "slipway/base";
        options.tag = "one";
        options.message = "made here";
        options.platform = "linux/arm64";
        options.changes = {"ENV A=b", "CMD [\"sh\"]"};
        auto stream = run(Images(engine).import(text_source("tar"), options));
        REQUIRE(stream.has_value());
        CHECK(engine.calls[0].kind == "open");
        CHECK(
            engine.calls[0].target
            == "/images/create?fromSrc=-&repo=slipway/base&tag=one&message=made%20here"
               "&platform=linux/arm64&changes=ENV%20A%3Db&changes=CMD%20%5B%22sh%22%5D"
        );
        CHECK(engine.calls[0].headers.get("content-type") == "application/x-tar");
        CHECK(engine.calls[0].body == "tar");
        const auto id = run(stream->result());
        REQUIRE(id.has_value());
        CHECK(docker_reply("image-import.jsonl").find(*id) != std::string::npos);
    }

    TEST_CASE("a wrong name is invalid on both engines")
    {
        FakeTransport engine;
        engine.reply(400, docker_reply("image-import.bad.json"));
        engine.reply(500, podman_reply("image-import.bad.json"));
        ImportImage options;
        options.repository = "UPPER";
        const auto docker = run(Images(engine).import(text_source("tar"), options));
        engine.known = FakeTransport::podman();
        const auto podman = run(Images(engine).import(text_source("tar"), options));
        REQUIRE(!docker.has_value());
        REQUIRE(!podman.has_value());
        CHECK(docker.error().code == Errc::invalid_argument);
        CHECK(podman.error().code == Errc::invalid_argument);
    }

    TEST_CASE("tag sends the new name")
    {
        FakeTransport engine;
        engine.reply(201);
        engine.reply(201, podman_reply("image-tag.201.json"));
        engine.reply(404, podman_reply("image-tag.404.json"));
        CHECK(run(Images(engine).tag("sha256:ab", "a/b", "c")).has_value());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/images/sha256:ab/tag?repo=a/b&tag=c");
        CHECK(run(Images(engine).tag("x", "a/b", "c")).has_value());
        const auto absent = run(Images(engine).tag("nope", "a/b", "c"));
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::not_found);
        CHECK(absent.error().context.back() == "tagging image nope as a/b:c");
    }

    TEST_CASE("remove tells what it did")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("image-remove.200.json"));
        engine.reply(200, R"([{"Deleted":"ab"},{"Untagged":"x:latest"}])");
        engine.reply(409, docker_reply("image-remove.in-use.json"));
        engine.reply(409, podman_reply("image-remove.in-use.json"));
        const auto one = run(Images(engine).remove("x"));
        REQUIRE(one.has_value());
        REQUIRE(one->size() == 1);
        CHECK(one->front().untagged == "slipway-rec-img:latest");
        CHECK(engine.calls[0].method == "DELETE");
        CHECK(engine.calls[0].target == "/images/x");
        RemoveImage options;
        options.force = true;
        options.no_prune = true;
        const auto two = run(Images(engine).remove("x", options));
        REQUIRE(two.has_value());
        CHECK(two->front().deleted == "ab");
        CHECK(engine.calls[1].target == "/images/x?force=1&noprune=1");
        for (int i = 0; i < 2; ++i) {
            const auto used = run(Images(engine).remove("x"));
            REQUIRE(!used.has_value());
            CHECK(used.error().code == Errc::conflict);
        }
    }
}

TEST_SUITE("engine.images.pull")
{
    TEST_CASE("a tag is always sent, so that nothing pulls them all")
    {
        const std::string digest = "sha256:" + std::string(64, 'd');
        const std::pair<std::string, std::string> table[] = {
            {"debian", "fromImage=debian&tag=latest"},
            {"debian:12", "fromImage=debian&tag=12"},
            {"localhost:5000/a/b", "fromImage=localhost:5000/a/b&tag=latest"},
            {"r.io/a@" + digest, "fromImage=r.io/a&tag=" + digest},
            {"r.io/a:t@" + digest, "fromImage=r.io/a&tag=" + digest}};
        for (const auto& [named, query] : table) {
            const std::string reference = named;
            CAPTURE(reference);
            FakeTransport engine;
            engine.reply(200, R"({"status":"Status: Image is up to date"})");
            PullImage what;
            what.reference = reference;
            auto stream = run(Images(engine).pull(what));
            REQUIRE(stream.has_value());
            CHECK(engine.calls[0].method == "POST");
            CHECK(engine.calls[0].target == "/images/create?" + query);
            CHECK(!engine.calls[0].headers.has("x-registry-auth"));
            CHECK(*run(stream->result()) == reference);
        }
    }

    TEST_CASE("credentials leave in their header and in no error")
    {
        FakeTransport engine;
        engine.reply(500, R"({"message":"unauthorized: authentication required"})");
        PullImage what;
        what.reference = "ghcr.io/a/b";
        what.platform = "linux/arm64/v8";
        what.auth = RegistryAuth{"me", "hunter2", "ghcr.io"};
        const auto refused = run(Images(engine).pull(what));
        CHECK(
            engine.calls[0].target
            == "/images/create?fromImage=ghcr.io/a/b&tag=latest&platform=linux/arm64/v8"
        );
        const std::string header(engine.calls[0].headers.get("X-Registry-Auth"));
        CHECK(
            from_base64(header)
            == R"({"username":"me","password":"hunter2","serveraddress":"ghcr.io"})"
        );
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::unauthorized);
        const Error& error = refused.error();
        const std::string all = describe(error) + error.hint + error.answer->route;
        CHECK(all.find("hunter2") == std::string::npos);
        CHECK(all.find(header) == std::string::npos);
    }

    TEST_CASE("a reference that is none is refused here")
    {
        FakeTransport engine;
        PullImage what;
        what.reference = "Not An Image";
        const auto refused = run(Images(engine).pull(what));
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::invalid_argument);
        CHECK(engine.calls.empty());
    }

    TEST_CASE("podman ends a pull by its last image, and puts refusals into the stream")
    {
        FakeTransport engine;
        engine.known = FakeTransport::podman();
        engine.reply(200, R"({"status":"Download complete","id":"ab"})");
        engine.reply(200, podman_reply("image-pull.refused.jsonl"));
        PullImage what;
        what.reference = "localhost:1/nope";
        auto fine = run(Images(engine).pull(what));
        REQUIRE(fine.has_value());
        CHECK(run(fine->result()).has_value());
        auto refused = run(Images(engine).pull(what));
        REQUIRE(refused.has_value());
        const auto result = run(refused->result());
        REQUIRE(!result.has_value());
        CHECK(result.error().code == Errc::engine);
        CHECK(result.error().message.find("connection refused") != std::string::npos);
        CHECK(result.error().context.back() == "pulling image localhost:1/nope");
        what.platform = "linux/arm64";
        engine.reply(200, podman_reply("image-pull.refused.jsonl"));
        auto other = run(Images(engine).pull(what));
        REQUIRE(other.has_value());
        const auto end = run(other->result());
        REQUIRE(!end.has_value());
        CHECK(end.error().context.back() == "pulling image localhost:1/nope for linux/arm64");
    }
}
