#include "every_endpoint.hpp"
#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/containers.hpp>

#include <doctest/doctest.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

// What holds for all endpoints alike.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

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
        for (const NamedCall& endpoint : every_endpoint()) {
            for (const auto& [replied, code] : statuses) {
                const int status = replied;
                CAPTURE(std::string(endpoint.name));
                CAPTURE(status);
                FakeTransport engine;
                engine.reply(status, R"({"message":"the engine's words"})");
                const auto result = run(endpoint.call(engine));
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
        for (const NamedCall& endpoint : every_endpoint()) {
            CAPTURE(std::string(endpoint.name));
            FakeTransport engine;
            engine.fail_at(0, Error(Errc::unreachable, "injected"));
            const auto result = run(endpoint.call(engine));
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
        for (const NamedReply& reply : every_json_reply()) {
            for (const char* body : {"", "<html></html>", "\"text\"", "7", "{", "[{]"}) {
                CAPTURE(std::string(reply.endpoint));
                CAPTURE(std::string(body));
                FakeTransport engine;
                engine.reply(200, body);
                const auto result = run(call_named(reply.endpoint)(engine));
                REQUIRE(!result.has_value());
                const bool empty = std::string_view(body).empty();
                CHECK(result.error().code == (empty ? reply.empty : Errc::protocol));
                CHECK(result.error().answer->status == 200);
            }
        }
    }

    TEST_CASE("null in place of each value in turn is empty, or a missing id [fault 38]")
    {
        for (const NamedReply& reply : every_json_reply()) {
            for (const std::string& recorded : recorded_replies(reply)) {
                const EndpointCall call = call_named(reply.endpoint);
                replace_each(recorded, "null", [&](const std::string& path, std::string body) {
                    CAPTURE(std::string(reply.endpoint));
                    CAPTURE(path);
                    FakeTransport engine;
                    engine.reply(200, std::move(body));
                    const auto result = run(call(engine));
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

    TEST_CASE(
        "a wrong type in place of each value in turn is ignored, or named with its path [fault 39]"
    )
    {
        for (const NamedReply& reply : every_json_reply()) {
            for (const std::string& recorded : recorded_replies(reply)) {
                const EndpointCall call = call_named(reply.endpoint);
                std::size_t named = 0;
                replace_each(
                    recorded,
                    R"([{"x":1.5}])",
                    [&](const std::string& path, std::string body) {
                        CAPTURE(std::string(reply.endpoint));
                        CAPTURE(path);
                        FakeTransport engine;
                        engine.reply(200, std::move(body));
                        const auto result = run(call(engine));
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
