#include "progress_stream.hpp"
#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/images.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

struct Outcome {
    std::vector<Progress> messages;
    Result<std::string> result;
    std::optional<std::int64_t> code;
    bool closed = false;
};

/// Reads a scripted stream of messages to its end.
Outcome read_all(
    Goal goal,
    std::vector<std::string> chunks,
    std::size_t max_read = 1000,
    std::optional<Error> end = std::nullopt
)
{
    FakeTransport engine;
    engine.max_read = max_read;
    engine.stream(200, std::move(chunks), {}, std::move(end));
    auto stream =
        run(open_progress(engine, Request("POST", "/build"), goal, "fallback", "building it"));
    REQUIRE(stream.has_value());
    Outcome outcome;
    for (;;) {
        auto message = run(stream->next());
        if (!message || !*message) break;
        outcome.messages.push_back(**std::move(message));
    }
    outcome.closed = engine.witness->closed;
    outcome.result = run(stream->result());
    outcome.code = stream->failure_code();
    return outcome;
}

Error error_of(Goal goal, std::string text, std::optional<Error> end = std::nullopt)
{
    const Outcome outcome = read_all(goal, {std::move(text)}, 1000, std::move(end));
    REQUIRE(!outcome.result.has_value());
    CHECK(outcome.closed);
    return outcome.result.error();
}

} // namespace

TEST_SUITE("engine.progress")
{
    TEST_CASE("a build recorded from each engine gives its output and the id, at any read size")
    {
        for (const std::string& recorded :
             {docker_reply("build-ok.jsonl"), podman_reply("build-ok.jsonl")}) {
            for (const std::size_t max_read :
                 {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
                const Outcome outcome = read_all(Goal::build, {recorded}, max_read);
                REQUIRE(outcome.result.has_value());
                CHECK(outcome.result->size() == 71);
                CHECK(
                    recorded.find("{\"aux\":{\"ID\":\"" + *outcome.result + "\"}}")
                    != std::string::npos
                );
                CHECK(std::ranges::any_of(outcome.messages, [](const Progress& message) {
                    return message.stream == "hello\n";
                }));
            }
        }
    }

    TEST_CASE("a quiet build has its id from the bare line, and a loud one has not")
    {
        for (const std::string& recorded :
             {docker_reply("build-quiet.jsonl"), podman_reply("build-quiet.jsonl")}) {
            const Outcome quiet = read_all(Goal::quiet_build, {recorded});
            REQUIRE(quiet.result.has_value());
            CHECK(bare_id(*quiet.result).size() == 64);
            CHECK(error_of(Goal::build, recorded).code == Errc::truncated);
        }
    }

    TEST_CASE("without aux the text of the builder gives the id")
    {
        const Outcome outcome =
            read_all(Goal::build, {R"({"stream":"Successfully built 0123456789ab\n"})"});
        REQUIRE(outcome.result.has_value());
        CHECK(*outcome.result == "0123456789ab");
        CHECK(
            error_of(Goal::build, R"({"stream":"Successfully built a wheel\n"})").code
            == Errc::truncated
        );
    }

    TEST_CASE("a build by BuildKit has traces, and its id wherever it stands between them")
    {
        for (const std::string& recorded :
             {docker_reply("buildkit-ok.jsonl"),
              docker_reply("buildkit-cached.jsonl"),
              fixture("engine/docker-28.5/buildkit-ok.jsonl")}) {
            const Outcome outcome = read_all(Goal::build, {recorded}, 7);
            REQUIRE(outcome.result.has_value());
            CHECK(outcome.result->starts_with("sha256:"));
            CHECK(
                std::ranges::count_if(
                    outcome.messages,
                    [](const Progress& message) { return message.trace.has_value(); }
                )
                > 5
            );
        }
        const Outcome other = read_all(
            Goal::build,
            {R"({"id":"x","aux":"CpYB"}{"id":"moby.image.id","aux":{"ID":"sha256:ab"}})"}
        );
        REQUIRE(other.result.has_value());
        CHECK(*other.result == "sha256:ab");
        CHECK(!other.messages.front().trace.has_value());
    }

    TEST_CASE("a trace that is none is a protocol error")
    {
        const Error cut = error_of(Goal::build, R"({"id":"moby.buildkit.trace","aux":"CpYB"})");
        CHECK(cut.code == Errc::protocol);
        CHECK(describe(cut).find("reading BuildKit's trace: malformed") != std::string::npos);
        const Error foreign = error_of(Goal::build, R"({"id":"moby.buildkit.trace","aux":"%"})");
        CHECK(foreign.code == Errc::protocol);
        CHECK(foreign.message == "BuildKit's trace is not base64");
    }

    TEST_CASE("a step that failed in BuildKit has its exit code in the text alone")
    {
        for (const std::string& recorded :
             {docker_reply("buildkit-failed-run.jsonl"),
              fixture("engine/docker-28.5/buildkit-failed-run.jsonl")}) {
            const Outcome outcome = read_all(Goal::build, {recorded});
            REQUIRE(!outcome.result.has_value());
            CHECK(outcome.result.error().code == Errc::engine);
            CHECK(outcome.code == 42);
        }
        const Outcome stopped =
            read_all(Goal::build, {R"({"errorDetail":{"message":"exit code: 137: canceled"}})"});
        CHECK(!stopped.code.has_value());
        CHECK(error_of(Goal::build, docker_reply("buildkit-syntax.jsonl")).code == Errc::engine);
    }

    TEST_CASE("a failed step is an engine error with its exit code")
    {
        const Outcome docker = read_all(Goal::build, {docker_reply("build-failed-run.jsonl")});
        REQUIRE(!docker.result.has_value());
        CHECK(docker.result.error().code == Errc::engine);
        CHECK(
            docker.result.error().message
            == "The command '/bin/sh -c echo oh no; exit 42' returned a non-zero code: 42"
        );
        CHECK(docker.code == 42);
        CHECK(docker.messages.back().stream == "oh no\n");

        const Outcome podman = read_all(Goal::build, {podman_reply("build-failed-run.jsonl")});
        REQUIRE(!podman.result.has_value());
        CHECK(podman.result.error().message.ends_with("while running runtime: exit status 42"));
        CHECK(podman.code == 42);
    }

    TEST_CASE("an error names what was done and which answer it was")
    {
        const Error error = error_of(Goal::build, R"({"error":"no"})");
        CHECK(describe(error) == "building it: no");
        REQUIRE(error.answer.has_value());
        CHECK(error.answer->status == 200);
        CHECK(error.answer->route == "/v1.41/build");
    }

    TEST_CASE("either form of an error is enough, and empty ones are none [fault 44]")
    {
        CHECK(error_of(Goal::build, R"({"error":"old"})").message == "old");
        CHECK(error_of(Goal::build, R"({"errorDetail":{"message":"new"}})").message == "new");
        CHECK(
            error_of(Goal::build, R"({"errorDetail":{"code":3},"error":"text"})").message == "text"
        );
        CHECK(error_of(Goal::build, R"({"errorDetail":{"code":3}})").code == Errc::engine);
        const Outcome fine = read_all(
            Goal::build, {R"({"error":"","errorDetail":null}{"errorDetail":{},"aux":{"ID":"i"}})"}
        );
        CHECK(fine.result.has_value());
    }

    TEST_CASE("an error is final, whatever comes before and after it [fault 42]")
    {
        const Outcome outcome = read_all(
            Goal::build,
            {R"({"aux":{"ID":"sha256:ab"}}{"error":"tagging failed"}{"stream":"later"}{"aux":{"ID":"i"}})"}
        );
        CHECK(outcome.messages.size() == 1);
        REQUIRE(!outcome.result.has_value());
        CHECK(outcome.result.error().message == "tagging failed");
    }

    TEST_CASE("an end without a result is truncated, at every byte [fault 43]")
    {
        const std::string text = R"({"stream":"a"}{"stream":"b"}{"aux":{"ID":"i"}})";
        for (std::size_t cut = 0; cut < text.size(); ++cut) {
            CAPTURE(cut);
            CHECK(error_of(Goal::build, text.substr(0, cut)).code == Errc::truncated);
        }
        CHECK(read_all(Goal::build, {text}).result.has_value());
    }

    TEST_CASE("a broken connection is what the transport calls it")
    {
        const Error error =
            error_of(Goal::build, R"({"stream":"a"}{"aux":{)", Error(Errc::truncated, "reset"));
        CHECK(error.code == Errc::truncated);
        CHECK(error.message == "reset");
    }

    TEST_CASE("wrong types name their path, and what is no JSON is shown")
    {
        const std::pair<const char*, const char*> table[] = {
            {R"({"stream":1})", "$.stream "},
            {R"({"status":[]})", "$.status "},
            {R"({"id":{}})", "$.id "},
            {R"({"progressDetail":[]})", "$.progressDetail "},
            {R"({"progressDetail":{"current":"1"}})", "$.progressDetail.current "},
            {R"({"progressDetail":{"total":1.5}})", "$.progressDetail.total "},
            {R"({"aux":{"ID":4}})", "$.aux.ID "},
            {R"({"errorDetail":"x"})", "$.errorDetail "},
            {R"({"errorDetail":{"code":"x"}})", "$.errorDetail.code "},
            {R"({"error":{}})", "$.error "},
            {"<html>", "<html>"},
            {R"({"stream":"\ud800"})", "not JSON"},
            {R"({"a":]})", "not JSON"}};
        for (const auto& [line, said] : table) {
            const std::string text = line;
            CAPTURE(text);
            const Error error = error_of(Goal::build, text);
            CHECK(error.code == Errc::protocol);
            CHECK(error.message.find(said) != std::string::npos);
        }
    }

    TEST_CASE("null stands for nothing in every member")
    {
        const Outcome outcome = read_all(
            Goal::build,
            {R"({"stream":null,"status":null,"id":null,"progressDetail":null,"aux":null,)"
             R"("errorDetail":null,"error":null}{"progressDetail":{"current":null,"total":5}})"
             R"({"aux":{"ID":null}}{"aux":{"ID":"i"}})"}
        );
        REQUIRE(outcome.result.has_value());
        CHECK(outcome.messages.size() == 4);
        CHECK(!outcome.messages[1].current.has_value());
        CHECK(outcome.messages[1].total == 5);
    }

    TEST_CASE("an import has the id of the image as its last status")
    {
        for (const std::string& recorded :
             {docker_reply("image-import.jsonl"), podman_reply("image-import.jsonl")}) {
            const Outcome outcome = read_all(Goal::import, {recorded});
            REQUIRE(outcome.result.has_value());
            CHECK(outcome.result->starts_with("sha256:"));
        }
        CHECK(error_of(Goal::import, R"({"status":"Importing"})").code == Errc::truncated);
    }

    TEST_CASE("a pull from dockerd ends with a status, and gives the digest")
    {
        const std::string layers =
            R"({"status":"Pulling from library/x","id":"latest"}{"status":"Downloading",)"
            R"("progressDetail":{"current":10,"total":20},"progress":"[=> ]","id":"0a1b"})"
            R"({"status":"Pull complete","progressDetail":{},"id":"0a1b"})";
        const std::string digest = R"({"status":"Digest: sha256:dd"})";
        const std::string end = R"({"status":"Status: Image is up to date for x:latest"})";
        const Outcome outcome = read_all(Goal::pull, {layers, digest, end});
        REQUIRE(outcome.result.has_value());
        CHECK(*outcome.result == "sha256:dd");
        CHECK(outcome.messages[1].current == 10);
        CHECK(outcome.messages[1].total == 20);
        CHECK(outcome.messages[1].id == "0a1b");
        CHECK(*read_all(Goal::pull, {layers, end}).result == "fallback");
        CHECK(error_of(Goal::pull, layers + digest).code == Errc::truncated);
    }

    TEST_CASE("a pull from podman ends with the image, and not in the middle of a layer")
    {
        const std::string layer = R"({"status":"Downloading","id":"0a1b"})";
        const Outcome outcome = read_all(
            Goal::pull_ended_by_layer, {layer, R"({"status":"Download complete","id":"c0ffee"})"}
        );
        CHECK(*outcome.result == "fallback");
        CHECK(error_of(Goal::pull_ended_by_layer, layer).code == Errc::truncated);
    }

    TEST_CASE("a refusal inside a pull has its code from the registry's words")
    {
        const std::pair<const char*, Errc> table[] = {
            {"manifest for x not found: manifest unknown: manifest unknown", Errc::not_found},
            {"reading manifest latest in docker.io/x: requested access to the resource is denied",
             Errc::not_found},
            {"pull access denied for x, repository does not exist or may require 'docker login'",
             Errc::not_found},
            {"Head https://r/v2/: unauthorized: authentication required", Errc::unauthorized},
            {"dial tcp 127.0.0.1:1: connect: connection refused", Errc::engine}};
        for (const auto& [words, code] : table) {
            const std::string text = words;
            CAPTURE(text);
            const std::string message = R"({"errorDetail":{"message":")" + text + "\"}}";
            CHECK(error_of(Goal::pull, message).code == code);
            const bool login = code == Errc::unauthorized;
            CHECK(error_of(Goal::build, message).code == (login ? code : Errc::engine));
        }
        // What engines say of the FROM of a build, dockerd 20.10 and podman 4.3.
        for (const char* text :
             {"Head \\\"https://r:5000/v2/x/manifests/1\\\": no basic auth credentials",
              "unauthorized: authentication required",
              "creating build container: initializing source docker://r:5000/x:1: reading manifest "
              "1 in r:5000/x: unauthorized: authentication required\\n"}) {
            CAPTURE(text);
            const std::string message =
                R"({"errorDetail":{"message":")" + std::string(text) + "\"}}";
            CHECK(error_of(Goal::build, message).code == Errc::unauthorized);
            CHECK(error_of(Goal::pull, message).code == Errc::unauthorized);
        }
        // A step that prints such words has failed by itself.
        CHECK(
            error_of(
                Goal::build,
                R"({"errorDetail":{"code":1,"message":"unauthorized: authentication required"}})"
            )
                .code
            == Errc::engine
        );
        CHECK(
            error_of(Goal::pull_ended_by_layer, podman_reply("image-pull.refused.jsonl")).code
            == Errc::engine
        );
    }

    TEST_CASE("names of loaded images without end are a protocol error")
    {
        const std::string name(std::size_t{1} << 20U, 'n');
        const std::string line = R"({"stream":"Loaded image: )" + name + "\"}\n";
        std::vector<std::string> lines(3, line);
        CHECK(read_all(Goal::load, lines, 1U << 16U).result.has_value());
        lines.insert(lines.end(), 2, line);
        const Outcome many = read_all(Goal::load, std::move(lines), 1U << 16U);
        REQUIRE(!many.result.has_value());
        CHECK(many.result.error().code == Errc::protocol);
        CHECK(many.messages.size() == 3);
        CHECK(many.closed);
    }

    TEST_CASE("a message over 4 MiB is a protocol error")
    {
        const std::string text = R"({"stream":")" + std::string(std::size_t{5} << 20U, 'x');
        CHECK(error_of(Goal::build, text).code == Errc::protocol);
    }

    TEST_CASE("a stream that holds nothing is a bug that is reported as one")
    {
        ProgressStream nothing;
        const auto message = run(nothing.next());
        REQUIRE(!message.has_value());
        CHECK(message.error().code == Errc::internal);
        const auto result = run(nothing.result());
        REQUIRE(!result.has_value());
        CHECK(!nothing.failure_code().has_value());
        nothing.close();
    }

    TEST_CASE("a refusal before the stream has the answer's status")
    {
        FakeTransport engine;
        engine.reply(400, docker_reply("build-syntax.jsonl"));
        auto refused =
            run(open_progress(engine, Request("POST", "/build"), Goal::build, {}, "building it"));
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::invalid_argument);
        CHECK(
            describe(refused.error())
            == "building it: dockerfile parse error line 2: unknown instruction: BOGUS"
        );
        engine.reply(500, R"({"message":"unauthorized: authentication required"})");
        auto pull =
            run(open_progress(engine, Request("POST", "/images/create"), Goal::pull, {}, "pulling")
            );
        REQUIRE(!pull.has_value());
        CHECK(pull.error().code == Errc::unauthorized);
    }
}
