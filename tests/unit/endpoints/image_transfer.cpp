#include "base64.hpp"
#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"
#include "support/tar.hpp"

#include <slipway/engine/images.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

PushImage push_of(const std::string& reference)
{
    PushImage what;
    what.reference = reference;
    return what;
}

const std::string digest = "sha256:" + std::string(64, 'd');

/// What dockerd sends: the status for people, then the same as values.
std::string docker_push()
{
    return R"({"status":"The push refers to repository [r.io/a]"}{"status":"Preparing",)"
           R"("progressDetail":{},"id":"0a1b"}{"status":"Pushed","progressDetail":{},"id":"0a1b"})"
           R"({"status":"one: digest: )"
           + digest + R"( size: 528"}{"progressDetail":{},"aux":{"Tag":"one","Digest":")" + digest
           + R"(","Size":528}})";
}
std::string podman_push()
{
    return R"({"status":"The push refers to repository [r.io/a:one]"}{"status":"Pushed",)"
           R"("id":"0a1b2c3d4e5f"}{"status":"one: digest: )"
           + digest + R"( size: 528"})";
}

} // namespace

TEST_SUITE("engine.images.push")
{
    TEST_CASE("a tag and the header are always sent")
    {
        const std::pair<std::string, std::string> table[] = {
            {"debian", "/images/debian/push?tag=latest"},
            {"localhost:5000/a/b:c", "/images/localhost:5000/a/b/push?tag=c"}};
        for (const auto& [reference, target] : table) {
            FakeTransport engine;
            engine.reply(200);
            const PushImage what = push_of(reference);
            REQUIRE(run(Images(engine).push(what)).has_value());
            CHECK(engine.calls[0].kind == "open");
            CHECK(engine.calls[0].method == "POST");
            CHECK(engine.calls[0].target == target);
            CHECK(engine.calls[0].headers.get("x-registry-auth") == "e30=");
            CHECK(engine.calls[0].body.empty());
        }
    }

    TEST_CASE("the result is the digest, with tag and size, on both engines")
    {
        for (const std::string& body : {docker_push(), podman_push()}) {
            FakeTransport engine;
            engine.reply(200, body);
            const PushImage what = push_of("r.io/a:one");
            auto stream = run(Images(engine).push(what));
            REQUIRE(stream.has_value());
            std::optional<PushedImage> pushed;
            while (auto message = *run(stream->next())) {
                if (message->pushed) pushed = message->pushed;
            }
            REQUIRE(pushed.has_value());
            CHECK(pushed->tag == "one");
            CHECK(pushed->digest == digest);
            CHECK(pushed->size == 528);
            CHECK(run(stream->result()) == digest);
            CHECK(run(stream->results()) == std::vector<std::string>{digest});
        }
    }

    TEST_CASE("a push that ends without its digest is truncated")
    {
        for (const std::string& body :
             {std::string(),
              docker_push().substr(0, 200),
              podman_push().substr(0, 60),
              std::string(R"({"status":"one: digest: nonsense size: 5"})"),
              std::string(R"({"status":" size: 5: digest: sha256:dd"})"),
              std::string(R"({"aux":{"manifestPushedInsteadOfIndex":true}})")}) {
            CAPTURE(body);
            FakeTransport engine;
            engine.reply(200, body);
            const PushImage what = push_of("r.io/a:one");
            auto stream = run(Images(engine).push(what));
            REQUIRE(stream.has_value());
            const auto result = run(stream->result());
            REQUIRE(!result.has_value());
            CHECK(result.error().code == Errc::truncated);
        }
    }

    TEST_CASE("refusals, recorded and of a registry that knows better")
    {
        const std::pair<std::string, Errc> table[] = {
            {docker_reply("image-push.refused.jsonl"), Errc::engine},
            {podman_reply("image-push.refused.jsonl"), Errc::engine},
            {R"({"errorDetail":{"message":"denied: requested access to the resource is denied"}})",
             Errc::not_found},
            {R"({"errorDetail":{"message":"unauthorized: authentication required"}})",
             Errc::unauthorized}};
        for (const auto& [body, code] : table) {
            FakeTransport engine;
            engine.reply(200, body);
            PushImage what = push_of("127.0.0.1:1/x:one");
            what.auth = RegistryAuth{"me", "hunter2", "127.0.0.1:1"};
            auto stream = run(Images(engine).push(what));
            REQUIRE(stream.has_value());
            const auto result = run(stream->result());
            REQUIRE(!result.has_value());
            CHECK(result.error().code == code);
            CHECK(result.error().context.back() == "pushing image 127.0.0.1:1/x:one");
            CHECK(describe(result.error()).find("hunter2") == std::string::npos);
            CHECK(
                from_base64(engine.calls[0].headers.get("X-Registry-Auth"))
                == R"({"username":"me","password":"hunter2","serveraddress":"127.0.0.1:1"})"
            );
        }
        FakeTransport engine;
        engine.reply(400, docker_reply("image-push.no-auth.json"));
        const PushImage what = push_of("x");
        CHECK(run(Images(engine).push(what)).error().code == Errc::invalid_argument);
    }

    TEST_CASE("what cannot be pushed is refused here")
    {
        FakeTransport engine;
        for (const std::string& reference : {std::string("Not An Image"), "a@" + digest}) {
            const PushImage what = push_of(reference);
            const auto refused = run(Images(engine).push(what));
            REQUIRE(!refused.has_value());
            CHECK(refused.error().code == Errc::invalid_argument);
        }
        CHECK(engine.calls.empty());
    }
}

TEST_SUITE("engine.images.load")
{
    TEST_CASE("recorded results of both engines, by name and by id")
    {
        for (const std::string& body :
             {docker_reply("image-load.jsonl"), podman_reply("image-load.jsonl")}) {
            FakeTransport engine;
            engine.reply(200, body);
            auto stream = run(Images(engine).load(text_source("tar")));
            REQUIRE(stream.has_value());
            CHECK(engine.calls[0].kind == "open");
            CHECK(engine.calls[0].method == "POST");
            CHECK(engine.calls[0].target == "/images/load?quiet=0");
            CHECK(engine.calls[0].headers.get("content-type") == "application/x-tar");
            CHECK(engine.calls[0].body == "tar");
            const auto names = run(stream->results());
            REQUIRE(names.has_value());
            REQUIRE(names->size() == 2);
            CHECK(same_reference((*names)[0], "busybox"));
            CHECK(same_reference((*names)[1], "slipway-rec-img:one"));
        }
        for (const std::string& body :
             {docker_reply("image-load.by-id.jsonl"), podman_reply("image-load.by-id.jsonl")}) {
            FakeTransport engine;
            engine.reply(200, body);
            LoadImages options;
            options.quiet = true;
            auto stream = run(Images(engine).load(text_source("tar"), options));
            REQUIRE(stream.has_value());
            CHECK(engine.calls[0].target == "/images/load?quiet=1");
            const auto id = run(stream->result());
            REQUIRE(id.has_value());
            CHECK(id->starts_with("sha256:"));
            CHECK(bare_id(*id).size() == 64);
        }
    }

    TEST_CASE("progress comes before the result, and an error may come after a success")
    {
        FakeTransport engine;
        engine.reply(
            200,
            R"({"status":"Loading layer","progressDetail":{"current":5,"total":9},"id":"0a"})"
            R"({"stream":"Loaded image: a:b\n"}{"errorDetail":{"message":"no space left"}})"
        );
        auto stream = run(Images(engine).load(text_source("")));
        REQUIRE(stream.has_value());
        const auto first = run(stream->next());
        REQUIRE(first->has_value());
        CHECK((*first)->current == 5);
        const auto result = run(stream->results());
        REQUIRE(!result.has_value());
        CHECK(result.error().code == Errc::engine);
        CHECK(describe(result.error()) == "loading images: no space left");
    }

    TEST_CASE(
        "an answer that names no image is truncated, and a broken archive is the engine's error"
    )
    {
        FakeTransport engine;
        engine.reply(200, R"({"stream":"Loading\n"})");
        engine.reply(200, R"({"stream":"Loaded image: ,\n"})");
        engine.reply(
            500, R"({"cause":"payload does not match","message":"failed","response":500})"
        );
        for (int i = 0; i < 2; ++i) {
            auto stream = run(Images(engine).load(text_source("")));
            REQUIRE(stream.has_value());
            CHECK(run(stream->result()).error().code == Errc::truncated);
        }
        CHECK(run(Images(engine).load(text_source(""))).error().code == Errc::engine);
    }

    TEST_CASE("a source that fails makes the call fail with its error")
    {
        FakeTransport engine;
        auto source = std::make_shared<ScriptedSource>(
            std::vector<std::string>{"half"}, 100, Error(Errc::io, "unreadable")
        );
        const auto failed = run(Images(engine).load(source));
        REQUIRE(!failed.has_value());
        CHECK(failed.error().code == Errc::io);
        CHECK(!engine.calls[0].body_was_whole);
    }
}

TEST_SUITE("engine.images.save")
{
    TEST_CASE("one image by its own route, several by the other")
    {
        const std::string tar = make_tar({{"manifest.json", "[]"}});
        FakeTransport engine;
        engine.reply(200, tar);
        engine.reply(200, tar);
        SaveImages what;
        what.images = {"localhost:5000/a:b"};
        auto one = run(Images(engine).save(what));
        REQUIRE(one.has_value());
        CHECK(engine.calls[0].kind == "open");
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/images/localhost:5000/a:b/get");
        std::string bytes;
        StringSink sink(bytes);
        CHECK(run(copy(**one, sink)).has_value());
        CHECK(bytes == tar);
        what.images = {"a:b", "c/d"};
        REQUIRE(run(Images(engine).save(what)).has_value());
        CHECK(engine.calls[1].target == "/images/get?names=a:b&names=c/d");
    }

    TEST_CASE("an archive that is cut short is an error, with the engine's reason behind it")
    {
        const std::string tar = make_tar({{"layer.tar", "content"}});
        FakeTransport engine;
        engine.reply(200, tar.substr(0, 700));
        engine.reply(
            200,
            tar.substr(0, 700)
                + R"({"errorDetail":{"message":"disk"},"error":"disk"})"
                  "\r\n"
        );
        SaveImages what;
        what.images = {"a", "b"};
        for (const Errc code : {Errc::truncated, Errc::engine}) {
            auto stream = run(Images(engine).save(what));
            REQUIRE(stream.has_value());
            std::string bytes;
            StringSink sink(bytes);
            const auto result = run(copy(**stream, sink));
            REQUIRE(!result.has_value());
            CHECK(result.error().code == code);
            CHECK(result.error().context.back() == "saving 2 images");
        }
    }

    TEST_CASE("an image that is not there is not found on both engines; none at all is refused here"
    )
    {
        FakeTransport engine;
        engine.reply(404, docker_reply("image-save.404.json"));
        engine.reply(500, podman_reply("image-save.404.json"));
        SaveImages what;
        what.images = {"busybox", "nope"};
        for (int i = 0; i < 2; ++i) {
            CHECK(run(Images(engine).save(what)).error().code == Errc::not_found);
        }
        for (const std::vector<std::string>& images :
             {std::vector<std::string>{}, {""}, {"a", ""}, {"a", "../b"}}) {
            what.images = images;
            CHECK(run(Images(engine).save(what)).error().code == Errc::invalid_argument);
        }
        CHECK(engine.calls.size() == 2);
    }
}

TEST_SUITE("engine.images.platform")
{
    TEST_CASE("push, load and save take a platform as JSON from their version on")
    {
        PushImage push = push_of("x");
        push.platform = "linux/arm64";
        LoadImages load;
        load.platform = "linux/arm/v7";
        SaveImages save;
        save.images = {"x"};
        save.platform = "linux/arm64";
        FakeTransport engine;
        for (const int minor : {45, 46, 47, 48}) {
            CAPTURE(minor);
            engine.known.api = {1, minor};
            engine.calls.clear();
            for (int i = 0; i < 3; ++i)
                engine.reply(200);
            const auto pushed = run(Images(engine).push(push));
            const auto loaded = run(Images(engine).load(text_source(""), load));
            const auto saved = run(Images(engine).save(save));
            CHECK(pushed.has_value() == (minor >= 46));
            CHECK(loaded.has_value() == (minor >= 48));
            CHECK(saved.has_value() == (minor >= 48));
            if (!loaded) CHECK(loaded.error().code == Errc::unsupported);
        }
        REQUIRE(engine.calls.size() == 3);
        const std::string arm64 =
            "platform=%7B%22os%22:%22linux%22,%22architecture%22:%22arm64%22%7D";
        CHECK(engine.calls[0].target == "/images/x/push?tag=latest&" + arm64);
        CHECK(
            engine.calls[1].target
            == "/images/load?quiet=0&platform=%7B%22os%22:%22linux%22,%22architecture%22:%22arm%22,"
               "%22variant%22:%22v7%22%7D"
        );
        CHECK(engine.calls[2].target == "/images/x/get?" + arm64);
    }

    TEST_CASE("inspect and history take one from their version on")
    {
        const std::string arm64 =
            "platform=%7B%22os%22:%22linux%22,%22architecture%22:%22arm64%22%7D";
        for (const int minor : {47, 48, 49}) {
            CAPTURE(minor);
            FakeTransport asked;
            asked.known.api = {1, minor};
            asked.reply(200, "[]");
            const auto history = run(Images(asked).history("x", "linux/arm64"));
            REQUIRE(history.has_value() == (minor >= 48));
            if (history) CHECK(asked.calls[0].target == "/images/x/history?" + arm64);
            if (!history) CHECK(history.error().code == Errc::unsupported);

            FakeTransport engine;
            engine.known.api = {1, minor};
            engine.reply(200, R"({"Id":"sha256:1"})");
            const auto image = run(Images(engine).inspect("x", "linux/arm64"));
            REQUIRE(image.has_value() == (minor >= 49));
            if (image) CHECK(engine.calls[0].target == "/images/x/json?" + arm64);
            if (!image) CHECK(image.error().code == Errc::unsupported);
            CHECK(run(Images(engine).inspect("x", "arm64")).error().code == Errc::invalid_argument);
            CHECK(run(Images(engine).history("x", "arm64")).error().code == Errc::invalid_argument);
            CHECK(engine.calls.size() == (image ? 1 : 0));
        }
    }

    TEST_CASE("what is no platform is refused here")
    {
        FakeTransport engine;
        engine.known.api = {1, 51};
        for (const char* text :
             {"linux", "linux/", "/arm64", "linux//v7", "a/b/c/d", "a/b/", "/"}) {
            CAPTURE(std::string(text));
            PushImage what = push_of("x");
            what.platform = text;
            CHECK(run(Images(engine).push(what)).error().code == Errc::invalid_argument);
        }
        CHECK(engine.calls.empty());
    }
}
