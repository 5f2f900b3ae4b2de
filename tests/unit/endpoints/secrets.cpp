#include "secrets.hpp"

#include "base64.hpp"
#include "json.hpp"
#include "support/run.hpp"
#include "unit/endpoints/every_endpoint.hpp"

#include <slipway/engine/archive.hpp>
#include <slipway/engine/build.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/images.hpp>
#include <slipway/engine/system.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

/// All of an Error that anybody may print.
std::string all_of(const Error& error)
{
    std::string text = describe(error) + "\n" + error.hint + "\n" + error.cause.message();
    if (error.answer) text += "\n" + error.answer->route + "\n" + error.answer->engine;
    return text;
}

/// The header with credentials of the last call, if it had one.
std::vector<std::string> auth_headers(const FakeTransport& engine)
{
    std::vector<std::string> values;
    for (const auto& [name, value] : engine.calls.back().headers.all()) {
        if (name.starts_with("X-Registry-")) values.push_back(value);
    }
    return values;
}

void check_silent(const Error& error, const FakeTransport& engine, bool build_arg_too = true)
{
    const std::string text = all_of(error);
    CAPTURE(text);
    for (const char* secret :
         {canary::password,
          canary::identity_token,
          canary::registry_token,
          canary::proxy_password}) {
        CHECK(text.find(secret) == std::string::npos);
    }
    if (build_arg_too) CHECK(text.find(canary::build_arg) == std::string::npos);
    if (engine.calls.empty()) return;
    for (const std::string& header : auth_headers(engine)) {
        CHECK(text.find(header) == std::string::npos);
    }
}

/// What an engine that repeats all it was given would say. Build arguments are not masked: see
/// BuildSpec::build_args.
std::string echo(const std::vector<std::string>& headers)
{
    std::string text = std::string("bad request: password ") + canary::password + ", tokens "
                       + canary::identity_token + " and " + canary::registry_token
                       + ", proxyconnect " + canary::proxy;
    for (const std::string& header : headers) {
        text += ", X-Registry-Auth: " + header;
    }
    return text;
}

std::vector<std::string> headers_of(const NamedCall& endpoint)
{
    FakeTransport engine;
    engine.reply(500, R"({"message":"no"})");
    REQUIRE(!run(endpoint.call(engine)).has_value());
    return auth_headers(engine);
}

bool carries_credentials(const NamedCall& endpoint)
{
    const std::string_view name = endpoint.name;
    static constexpr std::string_view with_header[] = {
        "pull",
        "push",
        "search",
        "distribution",
        "build",
        "build remote",
        "service create",
        "service update"};
    return std::ranges::find(with_header, name) != std::end(with_header);
}

} // namespace

TEST_SUITE("engine.secrets")
{
    TEST_CASE("the canaries fly: the requests do carry them")
    {
        for (const NamedCall& endpoint : every_endpoint()) {
            CAPTURE(std::string(endpoint.name));
            const auto headers = headers_of(endpoint);
            REQUIRE(headers.size() == (carries_credentials(endpoint) ? 1 : 0));
            for (const std::string& header : headers) {
                const std::string json = from_base64(header).value();
                CHECK(json.find(canary::password) != std::string::npos);
                CHECK(json.find(canary::identity_token) != std::string::npos);
                CHECK(json.find(canary::registry_token) != std::string::npos);
            }
            FakeTransport engine;
            engine.reply(500, "{}");
            static_cast<void>(run(endpoint.call(engine)).has_value());
            const RecordedCall& call = engine.calls.back();
            const std::string all = call.body + call.target;
            const std::string_view name = endpoint.name;
            if (name == "login") CHECK(all.find(canary::password) != std::string::npos);
            if (name.starts_with("build")) CHECK(all.find(canary::build_arg) != std::string::npos);
            if (name == "create" || name == "exec create" || name.starts_with("build")) {
                CHECK(all.find(canary::proxy_password) != std::string::npos);
            }
        }
    }

    TEST_CASE("no failure of any endpoint shows a secret")
    {
        for (const NamedCall& endpoint : every_endpoint()) {
            CAPTURE(std::string(endpoint.name));
            for (const int status : {301, 400, 401, 403, 404, 409, 500, 501, 503}) {
                for (const char* body : {"", R"({"message":"no"})", "<html>", "{", "Not Found"}) {
                    FakeTransport engine;
                    engine.reply(status, body);
                    const auto result = run(endpoint.call(engine));
                    if (!result) check_silent(result.error(), engine);
                }
            }
            FakeTransport broken;
            broken.fail_at(0, Error(Errc::unreachable, "injected"));
            const auto result = run(endpoint.call(broken));
            REQUIRE(!result.has_value());
            check_silent(result.error(), broken);
            for (const char* body : {"", "[", R"({"Id":7,"Descriptor":[],"ID":{}})", "\"x\""}) {
                FakeTransport engine;
                engine.reply(200, body);
                const auto odd = run(endpoint.call(engine));
                if (!odd) check_silent(odd.error(), engine);
            }
        }
    }

    TEST_CASE("an engine that repeats what it was given is not passed on")
    {
        for (const NamedCall& endpoint : every_endpoint()) {
            CAPTURE(std::string(endpoint.name));
            if (!carries_credentials(endpoint) && std::string_view(endpoint.name) != "login")
                continue;
            const std::string text = echo(headers_of(endpoint));
            for (const int status : {301, 400, 401, 403, 404, 409, 500, 501, 503}) {
                for (const bool json : {true, false}) {
                    FakeTransport engine;
                    engine.reply(status, json ? R"({"message":")" + text + "\"}" : text);
                    const auto result = run(endpoint.call(engine));
                    REQUIRE(!result.has_value());
                    // Of a redirect to a stream nobody reads the body.
                    if (status >= 400) {
                        CHECK(
                            result.error().message.find("bad request: password ***")
                            != std::string::npos
                        );
                    }
                    check_silent(result.error(), engine, false);
                }
            }
        }
    }

    TEST_CASE("neither is one that does so in its messages")
    {
        const RegistryAuth auth{
            "me", canary::password, "ghcr.io", canary::identity_token, canary::registry_token};
        PullImage pull;
        pull.reference = "ghcr.io/a/b";
        pull.auth = auth;
        BuildSpec build;
        build.registries = {{"ghcr.io", auth}};
        const auto say = [](FakeTransport& engine, const std::string& text) {
            engine.stream(
                200,
                {R"({"status":"Pulling with )" + text + "\"}",
                 R"({"stream":"Building with )" + text + "\"}",
                 R"({"errorDetail":{"message":"failed with )" + text + R"("},"error":"x"})"}
            );
        };
        for (const bool is_build : {true, false}) {
            FakeTransport engine;
            say(engine, echo({}));
            auto stream = is_build ? run(Builds(engine).build(text_source("t"), build))
                                   : run(Images(engine).pull(pull));
            REQUIRE(stream.has_value());
            for (int i = 0; i < 2; ++i) {
                const auto message = run(stream->next());
                REQUIRE(message.has_value());
                REQUIRE(message->has_value());
                const std::string shown = (*message)->status + (*message)->stream;
                CHECK(
                    shown.find("with bad request: password ***, tokens *** and ***")
                    != std::string::npos
                );
                CHECK(shown.find(canary::password) == std::string::npos);
            }
            for (int i = 0; i < 2; ++i) { // an error stays
                const auto end = run(stream->next());
                REQUIRE(!end.has_value());
                CHECK(end.error().message.starts_with("failed with bad request: password ***"));
                check_silent(end.error(), engine);
            }
        }
    }

    TEST_CASE("what all requests carry shows in no error of any of them")
    {
        const std::string value = "canary-of-the-header";
        for (const NamedCall& endpoint : every_endpoint()) {
            CAPTURE(std::string(endpoint.name));
            for (const int status : {400, 401, 404, 409, 500, 501, 503}) {
                FakeTransport engine;
                engine.carried = {value};
                engine.reply(status, R"({"message":"who sent )" + value + "?\"}");
                const auto result = run(endpoint.call(engine));
                REQUIRE(!result.has_value());
                CHECK(result.error().message.find("who sent ***?") != std::string::npos);
                CHECK(all_of(result.error()).find(value) == std::string::npos);
            }
        }
        FakeTransport engine;
        engine.carried = {value};
        engine.stream(200, {R"({"stream":"hears )" + value + "\"}"});
        engine.stream(200, {R"({"error":"hears )" + value + "\"}"});
        const BuildSpec spec;
        auto told = run(Builds(engine).build(text_source("t"), spec));
        REQUIRE(told.has_value());
        CHECK(run(told->next()).value().value().stream == "hears ***");
        auto failed = run(Builds(engine).build(text_source("t"), spec));
        REQUIRE(failed.has_value());
        CHECK(run(failed->next()).error().message == "hears ***");
    }

    TEST_CASE("nor in what is read after the header of an answer")
    {
        const std::string value = "canary-of-the-header";
        const std::string said = "who sent " + value + "?";
        const auto check = [&](const auto& result) {
            REQUIRE(!result.has_value());
            CHECK(result.error().message.find("who sent ***?") != std::string::npos);
            CHECK(all_of(result.error()).find(value) == std::string::npos);
        };
        FakeTransport engine;
        engine.carried = {value};
        Containers containers(engine);
        Archives files(engine);

        engine.reply(200, said);
        auto proxied = run(containers.wait("x"));
        check(run(proxied.value().result()));
        engine.stream(200, {"{"}, {}, Error(Errc::io, said));
        auto broken = run(containers.wait("x"));
        check(run(broken.value().result()));

        for (const auto& [chunk, end] : std::vector<std::pair<std::string, std::optional<Error>>>{
                 {R"({"message":")" + said + "\"}", std::nullopt},
                 {R"({"message":")" + said + "\"}" + std::string(600, ' '), std::nullopt},
                 {"", Error(Errc::io, said)}}) {
            engine.stream(200, {chunk}, {}, end);
            auto tar = run(containers.export_files("x"));
            std::string bytes;
            StringSink sink(bytes);
            check(run(copy(*tar.value(), sink)));
        }

        engine.reply(200, R"({"message":")" + said + "\"}");
        check(run(containers.stats("x")));

        engine.stream(200, {}, {}, Error(Errc::io, said));
        check(run(files.put("x", "/", text_source("tar"))));
        engine.fail_at(engine.calls.size(), Error(Errc::io, said));
        check(run(files.stat("x", "/")));
    }

    TEST_CASE("a text is masked wherever it stands, the longest first")
    {
        std::string text = "abcdef abcd abcde abc";
        hide(text, {"abcd", "abcdef", "abc", ""});
        CHECK(text == "*** *** ***e abc");
        std::string mask = "***";
        hide(mask, {"****", "***"});
        CHECK(mask == "***");
        std::string nothing;
        hide(nothing, {"abcd"});
        CHECK(nothing.empty());
    }

    TEST_CASE("passwords of URLs are masked")
    {
        const std::pair<const char*, const char*> table[] = {
            {"dial http://me:hunter2@p:1: refused", "dial http://me:***@p:1: refused"},
            {"a://u:p@h b://u:p:q@h/x", "a://u:***@h b://u:***@h/x"},
            {"\"https://u:p@q@h\"", "\"https://u:***@h\""},
            {"http://:p@h", "http://:***@h"},
            {"dial http://me:hun/te?r#2@p:1: refused", "dial http://me:***@p:1: refused"},
            {"https://TOKEN@h/r.git", "https://***@h/r.git"},
            {"https://TOKEN@h:80/a@b", "https://***@b"},
            {"https://TOKEN@h/a@b", "https://***@h/a@b"},
            {"http://h:80/a@b", "http://h:***@b"}, // or a password "80/a"
            {"http://h/a@b", "http://h/a@b"},
            {"ssh://me@h:22/p git+ssh://git@h", "ssh://me@h:22/p git+ssh://git@h"},
            {"ssh://me:pass@h ssh://me@corp:pass@h", "ssh://me:***@h ssh://me@corp:***@h"},
            {"unix://@name unix:///run/me@1", "unix://@name unix:///run/me@1"},
            {"docker://ghcr.io/a/b@sha256:12", "docker://ghcr.io/a/b@sha256:12"},
            {"docker://TOKEN@@sha256:12", "docker://***@@sha256:12"},
            {"docker://h:5000/a@sha256:12", "docker://h:5000/a@sha256:12"},
            {"docker://u:p@h/a@sha256:12", "docker://u:***@h/a@sha256:12"},
            {"://", "://"},
            {"me:pass@h", "me:pass@h"},
            {"", ""}};
        for (const auto& [said, shown] : table) {
            CHECK(without_passwords(said) == std::string(shown));
            CHECK(without_passwords(shown) == std::string(shown));
        }
        CHECK(without_password("me:pa/ss@h:1") == "me:***@h:1");
        CHECK(without_password("me@h:1") == "me@h:1");
        CHECK(without_password("tcp://TOKEN@h") == "tcp://***@h");
    }

    TEST_CASE("a URL that is cut does not lose its '@' before its password")
    {
        FakeTransport engine;
        const std::string before(8192 - 18, 'x');
        engine.reply(500, R"({"message":")" + before + R"( http://me:hunter2@proxy.example"})");
        const auto result = run(System(engine).info());
        REQUIRE(!result.has_value());
        CHECK(result.error().message.size() > 8000);
        CHECK(result.error().message.find("hunter") == std::string::npos);
    }

    TEST_CASE("a secret is known in quotes, in one line, and where it was cut")
    {
        struct Row {
            const char* secret;
            const char* said;
            const char* shown;
        };
        const Row table[] = {
            {"pass  word", "no: pass word!", "no: ***!"},
            {"pass\tword", "no: pass word!", "no: ***!"},
            {"pass\tword", R"(no: "pass\tword"!)", R"(no: "***"!)"},
            {"pass \tword", R"(no: "pass \tword"!)", R"(no: "***"!)"},
            {"password ", "no: password", "no: ***"},
            {"pass\"word", R"(no: "pass\"word")", R"(no: "***")"},
            {"pass\"word", R"(no: \"pass\\\"word\")", R"(no: \"***\")"},
            {"pass\\word", R"(no: "pass\\word")", R"(no: "***")"},
            {"password\\", R"(no: "password\\" no)", R"(no: "***" no)"},
            {"\"password", R"(no: \"password)", R"(no: ***)"},
            {"p<a>s&s", R"(no: p\u003ca\u003es\u0026s)", "no: ***"},
            {"<pass", R"(no: \u003cpass)", "no: ***"},
            {"pass\x1bword", R"(no: pass\x1bword pass\u001bword)", "no: *** ***"},
            {"password", "no: passwo...", "no: ***..."},
            {"pass\nword", "no: pass...", "no: ***..."},
            {"pass<word", R"(no: pass\u00...)", "no: ***..."},
            {"password", "no: pas...", "no: pas..."},
            {"password", "passwor pas\tsword passw ord", "passwor pas\tsword passw ord"},
            {"a    b", "a b", "***"},
            {"  ab", "ab", "ab"},
            {"  ab", "  ab", "***"},
            {R"(\\ab)", R"(\\\ab)", R"(\***)"}};
        for (const auto& [secret, said, shown] : table) {
            const std::string hidden = secret;
            CAPTURE(hidden);
            std::string text = said;
            hide(text, {hidden});
            CHECK(text == shown);
        }
    }

    TEST_CASE("backslashes without end are looked at once")
    {
        std::string text(std::size_t{1} << 20U, '\\');
        const std::string before = text;
        hide(text, {"password", "\\password"});
        CHECK(text == before);
    }

    TEST_CASE("an error's secrets are masked however the engine spells them")
    {
        for (const char* password :
             {"two  spaces", "a\ttabulator", "at the end ", "a\"quoted", "a\\slashed"}) {
            const RegistryAuth auth{"me", password, "ghcr.io"};
            FakeTransport engine;
            const std::string text = json::encode(std::string("no: ") + password).value();
            engine.reply(500, R"({"message":)" + text + "}");
            const std::string quoted = json::encode("no: " + text).value();
            engine.reply(500, R"({"message":)" + quoted + "}");
            const std::string late = json::encode(std::string(8185, 'x') + password).value();
            engine.reply(500, R"({"message":)" + late + "}");
            CAPTURE(std::string(password));
            CHECK(run(System(engine).login(auth)).error().message.find("no: ***") == 0);
            CHECK(run(System(engine).login(auth)).error().message == R"(no: "no: ***")");
            CHECK(run(System(engine).login(auth)).error().message.ends_with("x***..."));
        }
    }

    TEST_CASE("a build that says a secret in two messages is not passed on")
    {
        BuildSpec spec;
        spec.registries = {{"ghcr.io", RegistryAuth{"me", "hunter2!", "ghcr.io"}}};
        const auto shown_of = [&](const std::string& last) {
            FakeTransport engine;
            engine.stream(
                200,
                {R"({"stream":"login hun"})",
                 R"({"status":"between"})",
                 R"({"stream":"ter2!\nend hunte"})",
                 last}
            );
            auto stream = run(Builds(engine).build(text_source("t"), spec));
            REQUIRE(stream.has_value());
            std::string shown;
            for (;;) {
                const auto message = run(stream->next());
                if (message && *message) {
                    shown += (*message)->stream + (*message)->status + "|";
                    continue;
                }
                if (!message) shown += message.error().message;
                break;
            }
            return shown;
        };
        CHECK(shown_of(R"({"aux":{"ID":"sha256:1"}})") == "login |between|***\nend ||***|");
        CHECK(shown_of(R"({"error":"it failed"})") == "login |between|***\nend |***|it failed");
    }

    TEST_CASE("nor is one that BuildKit tells in two outputs of a step")
    {
        const auto field = [](char tag, const std::string& bytes) {
            return std::string{tag, static_cast<char>(bytes.size())} + bytes;
        };
        const auto output = [&](const std::string& vertex, char stream, const std::string& text) {
            const std::string log =
                field('\x0a', vertex) + std::string{'\x18', stream} + field('\x22', text);
            return R"({"id":"moby.buildkit.trace","aux":")" + base64_url(field('\x1a', log))
                   + "\"}";
        };
        BuildSpec spec;
        spec.registries = {{"ghcr.io", RegistryAuth{"me", "hunter2!", "ghcr.io"}}};
        FakeTransport engine;
        engine.stream(
            200,
            {output("v1", 1, "one hun"),
             output("v2", 1, "ter2! two"),
             output("v1", 2, "ter2! err"),
             output("v1", 1, "ter2! end"),
             output("v2", 1, " hu"),
             R"({"aux":{"ID":"sha256:1"}})"}
        );
        auto stream = run(Builds(engine).build(text_source("t"), spec));
        REQUIRE(stream.has_value());
        std::string shown;
        for (auto message = run(stream->next()); message && *message;
             message = run(stream->next())) {
            if (!(*message)->trace) continue;
            for (const BuildOutput& part : (*message)->trace->outputs) {
                shown += part.vertex + std::to_string(part.stream) + ":" + part.text + "|";
            }
        }
        CHECK(shown == "v11:one |v21:ter2! two|v12:ter2! err|v11:*** end|v21: |v21:hu|");
    }

    TEST_CASE("outputs that wait for their end do not pile up")
    {
        const auto field = [](char tag, const std::string& bytes) {
            return std::string{tag, static_cast<char>(bytes.size())} + bytes;
        };
        BuildSpec spec;
        spec.registries = {{"ghcr.io", RegistryAuth{"me", "hunter2!", "ghcr.io"}}};
        constexpr std::size_t most = 1024;
        std::vector<std::string> messages;
        const auto say = [&](std::size_t vertex, const std::string& text) {
            const std::string log =
                field('\x0a', "v" + std::to_string(vertex)) + "\x18\x01" + field('\x22', text);
            messages.push_back(
                R"({"id":"moby.buildkit.trace","aux":")" + base64_url(field('\x1a', log)) + "\"}"
            );
        };
        for (std::size_t i = 0; i < 2 * most; ++i) {
            say(i, "nothing waits");
            say(i, "hunte");
        }
        say(0, "r2!, and on");
        say(3 * most, "hunte"); // there is room again
        messages.emplace_back(R"({"aux":{"ID":"sha256:1"}})");
        FakeTransport engine;
        engine.stream(200, messages);
        auto stream = run(Builds(engine).build(text_source("t"), spec));
        REQUIRE(stream.has_value());
        const auto next_text = [&] {
            return run(stream->next()).value().value().trace.value().outputs.at(0).text;
        };
        for (std::size_t i = 0; i < 2 * most; ++i) {
            CAPTURE(i);
            REQUIRE(next_text() == "nothing waits");
            REQUIRE(next_text() == (i < most ? "" : "***"));
        }
        CHECK(next_text() == "***, and on");
        CHECK(next_text().empty());
    }

    TEST_CASE("every text of a message is masked")
    {
        const std::string s = canary::password;
        const std::string digest = "\x0a" + std::string(1, static_cast<char>(s.size())) + s;
        const std::string vertex = digest + "\x12" + digest.substr(1) + "\x1a" + digest.substr(1);
        const auto message = [](char field, const std::string& bytes) {
            return std::string{field, static_cast<char>(bytes.size())} + bytes;
        };
        const std::string log = digest + "\x22" + digest.substr(1);
        const std::string trace = message('\x0a', vertex) + message('\x1a', log);
        PushImage push;
        push.reference = "ghcr.io/a/b";
        push.auth = RegistryAuth{"me", s, "ghcr.io"};
        FakeTransport engine;
        engine.stream(
            200,
            {R"({"id":")" + s + R"(","aux":{"ID":")" + s + R"(","Tag":")" + s + R"(","Digest":")"
                 + s + "\"}}",
             R"({"id":"moby.buildkit.trace","aux":")" + base64_url(trace) + "\"}"}
        );
        auto stream = run(Images(engine).push(push));
        REQUIRE(stream.has_value());
        const auto first = run(stream->next()).value().value();
        CHECK(first.id == "***");
        CHECK(first.aux_id == "***");
        REQUIRE(first.pushed);
        CHECK(first.pushed->tag == "***");
        CHECK(first.pushed->digest == "***");
        const auto second = run(stream->next()).value().value();
        REQUIRE(second.trace);
        REQUIRE(second.trace->vertexes.size() == 1);
        CHECK(second.trace->vertexes[0].digest == "***");
        CHECK(second.trace->vertexes[0].inputs == std::vector<std::string>{"***"});
        CHECK(second.trace->vertexes[0].name == "***");
        REQUIRE(second.trace->outputs.size() == 1);
        CHECK(second.trace->outputs[0].text == "***");
    }
}
