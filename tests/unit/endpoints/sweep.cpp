#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/archive.hpp>
#include <slipway/engine/build.hpp>
#include <slipway/engine/exec.hpp>
#include <slipway/engine/images.hpp>
#include <slipway/engine/system.hpp>
#include <slipway/engine/volumes.hpp>

#include <doctest/doctest.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <functional>

// What holds for all endpoints alike.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

using Call = std::function<Result<>(FakeTransport&)>;

template <class T>
Result<> only_error(Result<T> result)
{
    if (!result) return fail(std::move(result).error());
    return ok();
}

struct Endpoint {
    const char* name;
    Call call;
};

std::vector<Endpoint> endpoints()
{
    static const ContainerSpec container = [] {
        ContainerSpec spec;
        spec.image = "i";
        return spec;
    }();
    static const ExecSpec exec = [] {
        ExecSpec spec;
        spec.cmd = {"true"};
        return spec;
    }();
    static const PullImage pull = [] {
        PullImage what;
        what.reference = "i";
        return what;
    }();
    static const ListContainers containers;
    static const LogOptions logs;
    static const AttachOptions attach;
    static const ListImages images;
    static const ImportImage import;
    static const BuildSpec build;
    static const VolumeSpec volume;
    return {
        {"version", [](auto& e) { return only_error(run(System(e).version())); }},
        {"info", [](auto& e) { return only_error(run(System(e).info())); }},
        {"create", [](auto& e) { return only_error(run(Containers(e).create(container))); }},
        {"inspect", [](auto& e) { return only_error(run(Containers(e).inspect("x"))); }},
        {"list", [](auto& e) { return only_error(run(Containers(e).list(containers))); }},
        {"start", [](auto& e) { return only_error(run(Containers(e).start("x"))); }},
        {"stop", [](auto& e) { return only_error(run(Containers(e).stop("x"))); }},
        {"kill", [](auto& e) { return run(Containers(e).kill("x")); }},
        {"wait", [](auto& e) { return only_error(run(Containers(e).wait("x"))); }},
        {"remove", [](auto& e) { return run(Containers(e).remove("x")); }},
        {"logs", [](auto& e) { return only_error(run(Containers(e).logs("x", logs))); }},
        {"attach", [](auto& e) { return only_error(run(Containers(e).attach("x", attach))); }},
        {"resize", [](auto& e) { return run(Containers(e).resize("x", TerminalSize{})); }},
        {"exec create", [](auto& e) { return only_error(run(Execs(e).create("x", exec))); }},
        {"exec start", [](auto& e) { return only_error(run(Execs(e).start("x"))); }},
        {"exec detached", [](auto& e) { return run(Execs(e).start_detached("x")); }},
        {"exec inspect", [](auto& e) { return only_error(run(Execs(e).inspect("x"))); }},
        {"exec resize", [](auto& e) { return run(Execs(e).resize("x", TerminalSize{})); }},
        {"put", [](auto& e) { return run(Archives(e).put("x", "/", text_source("t"))); }},
        {"get", [](auto& e) { return only_error(run(Archives(e).get("x", "/"))); }},
        {"stat", [](auto& e) { return only_error(run(Archives(e).stat("x", "/"))); }},
        {"images", [](auto& e) { return only_error(run(Images(e).list(images))); }},
        {"image", [](auto& e) { return only_error(run(Images(e).inspect("x"))); }},
        {"import",
         [](auto& e) { return only_error(run(Images(e).import(text_source("t"), import))); }},
        {"tag", [](auto& e) { return run(Images(e).tag("x", "y", "z")); }},
        {"rmi", [](auto& e) { return only_error(run(Images(e).remove("x"))); }},
        {"pull", [](auto& e) { return only_error(run(Images(e).pull(pull))); }},
        {"build",
         [](auto& e) { return only_error(run(Builds(e).build(text_source("t"), build))); }},
        {"volume create", [](auto& e) { return only_error(run(Volumes(e).create(volume))); }},
        {"volume", [](auto& e) { return only_error(run(Volumes(e).inspect("x"))); }},
        {"volumes", [](auto& e) { return only_error(run(Volumes(e).list())); }},
        {"volume remove", [](auto& e) { return run(Volumes(e).remove("x")); }},
    };
}

/// A value of a JSON document, and where it is.
struct Place {
    std::string path;
    rapidjson::Value* value;
};

void collect(rapidjson::Value& value, const std::string& path, std::vector<Place>& places)
{
    if (value.IsObject()) {
        for (auto& member : value.GetObject()) {
            const std::string inner = path + "." + member.name.GetString();
            places.push_back({inner, &member.value});
            collect(member.value, inner, places);
        }
    } else if (value.IsArray()) {
        for (rapidjson::SizeType i = 0; i < value.Size(); ++i) {
            const std::string inner = path + "[" + std::to_string(i) + "]";
            places.push_back({inner, &value[i]});
            collect(value[i], inner, places);
        }
    }
}

std::string text_of(const rapidjson::Value& value)
{
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    value.Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

/// Puts `other` in the place of each value in turn and gives the path and the text to `check`.
template <class Check>
void replace_each(const std::string& recorded, const char* other, Check check)
{
    for (std::size_t i = 0;; ++i) {
        rapidjson::Document document;
        document.Parse(recorded.data(), recorded.size());
        REQUIRE(!document.HasParseError());
        std::vector<Place> places;
        collect(document, "$", places);
        if (i == places.size()) return;
        rapidjson::Document replacement(&document.GetAllocator());
        replacement.Parse(other);
        places[i].value->CopyFrom(replacement, document.GetAllocator());
        check(places[i].path, text_of(document));
    }
}

struct Reply {
    const char* endpoint;
    const char* file;
    std::size_t read; ///< values whose type matters, at least
};

constexpr Reply replies[] = {
    {"version", "version.json", 10},
    {"info", "info.json", 15},
    {"create", "container-create.201.json", 2},
    {"inspect", "container-inspect.running.json", 25},
    {"list", "containers-list.json", 8},
    {"exec create", "exec-create.201.json", 1},
    {"exec inspect", "exec-inspect.ended.json", 6},
    {"images", "images-list.json", 10},
    {"image", "image-inspect.json", 10},
    {"rmi", "image-remove.200.json", 2},
    {"volume create", "volume-create.json", 6},
    {"volume", "volume-inspect.json", 6},
    {"volumes", "volumes-list.json", 8},
};

Call call_named(std::string_view name)
{
    for (Endpoint& endpoint : endpoints()) {
        if (endpoint.name == name) return endpoint.call;
    }
    throw std::logic_error("there is no such endpoint");
}

} // namespace

TEST_SUITE("engine.endpoints")
{
    TEST_CASE("every status of every endpoint has its code, its text and its answer")
    {
        const std::pair<int, Errc> statuses[] = {
            {400, Errc::invalid_argument},
            {401, Errc::unauthorized},
            {403, Errc::unauthorized},
            {404, Errc::not_found},
            {409, Errc::conflict},
            {500, Errc::engine},
            {501, Errc::unsupported},
            {503, Errc::engine}};
        for (const Endpoint& endpoint : endpoints()) {
            for (const auto& [status, code] : statuses) {
                CAPTURE(std::string(endpoint.name));
                CAPTURE(status);
                FakeTransport engine;
                engine.reply(status, R"({"message":"the engine's words"})");
                const auto result = endpoint.call(engine);
                REQUIRE(!result.has_value());
                const Error& error = result.error();
                CHECK(error.code == code);
                CHECK(error.message.ends_with("the engine's words"));
                CHECK(error.context.size() == 1);
                REQUIRE(error.answer.has_value());
                CHECK(error.answer->status == status);
                CHECK(error.answer->method == engine.calls[0].method);
                const std::string& target = engine.calls[0].target;
                CHECK(error.answer->route == "/v1.41" + target.substr(0, target.find('?')));
                CHECK(error.answer->engine == "docker");
            }
        }
    }

    TEST_CASE("a failed connection is passed on with what was being done")
    {
        for (const Endpoint& endpoint : endpoints()) {
            CAPTURE(std::string(endpoint.name));
            FakeTransport engine;
            engine.fail_at(0, Error(Errc::unreachable, "injected"));
            const auto result = endpoint.call(engine);
            REQUIRE(!result.has_value());
            CHECK(result.error().code == Errc::unreachable);
            CHECK(result.error().context.size() == 1);
            CHECK(!result.error().answer.has_value());
        }
    }

    TEST_CASE("a lifecycle fails where one of its calls fails, and nowhere else")
    {
        const std::size_t calls = fail_at_every_call([](FakeTransport& engine) -> Result<> {
            engine.reply(201, docker_reply("container-create.201.json"));
            engine.reply(200, docker_reply("container-wait.json"));
            engine.reply(204);
            engine.reply(204);
            ContainerSpec spec;
            spec.image = "busybox";
            TRY(const auto made, run(Containers(engine).create(spec)));
            TRY(auto wait, run(Containers(engine).wait(made.id, WaitCondition::next_exit)));
            TRY(const auto started, run(Containers(engine).start(made.id)));
            CHECK(started == Change::done);
            TRY(const auto status, run(wait.result()));
            CHECK(status.code == 137);
            return run(Containers(engine).remove(made.id));
        });
        CHECK(calls == 4);
    }

    TEST_CASE("what is no JSON in place of a reply is a protocol error")
    {
        for (const Reply& reply : replies) {
            for (const char* body : {"", "<html></html>", "\"text\"", "7", "{", "[{]"}) {
                CAPTURE(std::string(reply.endpoint));
                CAPTURE(std::string(body));
                FakeTransport engine;
                engine.reply(200, body);
                const auto result = call_named(reply.endpoint)(engine);
                REQUIRE(!result.has_value());
                CHECK(result.error().code == Errc::protocol);
                CHECK(result.error().answer->status == 200);
            }
        }
    }

    TEST_CASE("null in place of each value in turn is empty, or a missing id")
    {
        for (const Reply& reply : replies) {
            for (const std::string& recorded :
                 {docker_reply(reply.file), podman_reply(reply.file)}) {
                const Call call = call_named(reply.endpoint);
                replace_each(recorded, "null", [&](const std::string& path, std::string body) {
                    CAPTURE(std::string(reply.endpoint));
                    CAPTURE(path);
                    FakeTransport engine;
                    engine.reply(200, std::move(body));
                    const auto result = call(engine);
                    if (result) return;
                    CHECK(result.error().code == Errc::protocol);
                    CHECK(result.error().message.find(path) != std::string::npos);
                    CHECK(
                        (result.error().message.ends_with(" is missing")
                         || result.error().message.ends_with(" is not an object"))
                    );
                });
            }
        }
    }

    TEST_CASE("a wrong type in place of each value in turn is ignored, or named with its path")
    {
        for (const Reply& reply : replies) {
            for (const std::string& recorded :
                 {docker_reply(reply.file), podman_reply(reply.file)}) {
                const Call call = call_named(reply.endpoint);
                std::size_t named = 0;
                replace_each(
                    recorded,
                    R"([{"x":1.5}])",
                    [&](const std::string& path, std::string body) {
                        CAPTURE(std::string(reply.endpoint));
                        CAPTURE(path);
                        FakeTransport engine;
                        engine.reply(200, std::move(body));
                        const auto result = call(engine);
                        if (result) return;
                        ++named;
                        CHECK(result.error().code == Errc::protocol);
                        CHECK(result.error().message.find(path) != std::string::npos);
                    }
                );
                CAPTURE(std::string(reply.endpoint));
                CHECK(named >= reply.read);
            }
        }
    }
}
