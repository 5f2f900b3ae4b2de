#include "error_reply.hpp"

#include "support/fixture.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

Error docker_error(int status, std::string body)
{
    const Response reply{status, {}, std::move(body)};
    return error_from(reply, "POST", "/v1.41/build", EngineKind::docker);
}
Error podman_error(int status, std::string body)
{
    const Response reply{status, {}, std::move(body)};
    return error_from(reply, "POST", "/v1.41/build", EngineKind::podman);
}

} // namespace

TEST_SUITE("engine.error_reply")
{
    TEST_CASE("the message comes from docker's form and from podman's")
    {
        CHECK(
            docker_error(404, docker_reply("container-inspect.404.json")).message
            == "No such container: nope"
        );
        CHECK(
            podman_error(404, podman_reply("container-inspect.404.json")).message
            == "no container with name or ID \"nope\" found: no such container"
        );
        CHECK(podman_error(500, R"({"message":"only this"})").message == "only this");
    }

    TEST_CASE("each status has its code")
    {
        const std::pair<int, Errc> table[] = {
            {301, Errc::protocol},
            {400, Errc::invalid_argument},
            {401, Errc::unauthorized},
            {403, Errc::unauthorized},
            {404, Errc::not_found},
            {405, Errc::unsupported},
            {409, Errc::conflict},
            {413, Errc::invalid_argument},
            {499, Errc::invalid_argument},
            {500, Errc::engine},
            {501, Errc::unsupported},
            {502, Errc::engine},
            {503, Errc::engine}};
        for (const auto& [replied, code] : table) {
            const int status = replied;
            CAPTURE(status);
            CHECK(docker_error(status, R"({"message":"m"})").code == code);
            CHECK(podman_error(status, R"({"cause":"c","message":"m"})").code == code);
        }
    }

    TEST_CASE("the answer is kept")
    {
        const Error error = podman_error(409, R"({"message":"m"})");
        REQUIRE(error.answer.has_value());
        CHECK(error.answer->status == 409);
        CHECK(error.answer->method == "POST");
        CHECK(error.answer->route == "/v1.41/build");
        CHECK(error.answer->engine == "podman");
    }

    TEST_CASE("without a text the status and the route have to do")
    {
        for (const char* body : {"", " \r\n", "{}", R"({"message":""})", R"({"message":null})"}) {
            CAPTURE(std::string(body));
            CHECK(podman_error(400, body).message == "HTTP 400 from POST /v1.41/build");
        }
        CHECK(podman_reply("build-bad-ulimits.json").empty());
    }

    TEST_CASE("text that is not JSON is shown as one line, whatever is in it")
    {
        CHECK(docker_error(400, "bad\r\n  request\x1b[31m\n").message == "bad request [31m");
        CHECK(
            docker_error(502, "<html>\n<h1>502</h1></html>").message == "<html> <h1>502</h1></html>"
        );
        CHECK(docker_error(500, R"({"message":)").message == R"({"message":)");
        CHECK(docker_error(500, "a\xff\xfe").message == "a\xEF\xBF\xBD\xEF\xBF\xBD");
        CHECK(docker_error(500, R"({"message":7})").message == R"({"message":7})");
        CHECK(docker_error(500, "[\"a\"]").message == "[\"a\"]");
    }

    TEST_CASE("a text of 2 MiB is cut")
    {
        const Error error = docker_error(500, std::string(std::size_t{2} << 20U, 'x'));
        CHECK(error.message.size() < 10'000);
        CHECK(error.message.ends_with("..."));
    }

    TEST_CASE("podman's status 500 is told apart by its cause")
    {
        const std::pair<const char*, Errc> table[] = {
            {"container-create.409.json", Errc::conflict},
            {"container-kill.stopped.json", Errc::conflict},
            {"container-kill.not-running.json", Errc::conflict},
            {"container-remove.running.json", Errc::conflict},
            {"exec-create.stopped.json", Errc::conflict},
            {"exec-start.again.bin", Errc::conflict},
            {"exec-create.no-cmd.json", Errc::invalid_argument},
            {"image-import.bad.json", Errc::invalid_argument},
            {"container-start.no-command.json", Errc::invalid_argument},
            {"container-pause.stopped.json", Errc::conflict},
            {"container-changes.404.json", Errc::not_found},
            {"image-save.404.json", Errc::not_found},
            {"network-create.again.json", Errc::conflict},
            {"network-connect.again.json", Errc::conflict},
            {"network-remove.in-use.json", Errc::conflict},
            {"container-create.bad-json.json", Errc::engine}};
        for (const auto& [recorded, code] : table) {
            const std::string file = recorded;
            CAPTURE(file);
            const std::string body = podman_reply(file);
            REQUIRE(body.find("\"response\":500") != std::string::npos);
            CHECK(podman_error(500, body).code == code);
        }
        CHECK(
            docker_error(500, docker_reply("container-unpause.running.json")).code == Errc::engine
        );
    }

    TEST_CASE("podman's routes for what it does not have are unsupported, and dockerd's 503 is not")
    {
        const Error podman = podman_error(503, podman_reply("service-create.refused.json"));
        CHECK(podman.code == Errc::unsupported);
        const Error docker = docker_error(503, docker_reply("service-create.refused.json"));
        CHECK(docker.code == Errc::engine);
        CHECK(docker.message.starts_with("This node is not a swarm manager."));
    }

    TEST_CASE("a route the engine does not have is unsupported, and not an object that is not found"
    )
    {
        const Error docker = docker_error(404, R"({"message":"page not found"})");
        CHECK(docker.code == Errc::unsupported);
        CHECK(docker.message == "HTTP 404 from POST /v1.41/build: page not found");
        CHECK(podman_error(404, "Not Found\n").code == Errc::unsupported);
        CHECK(podman_error(405, "Method Not Allowed\n").code == Errc::unsupported);
        CHECK(podman_error(404, R"({"message":"Not Found"})").code == Errc::not_found);
    }
}
