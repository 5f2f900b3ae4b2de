#include "base64.hpp"
#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"
#include "support/tar.hpp"

#include <slipway/engine/build.hpp>
#include <slipway/engine/reference.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

/// The query of a build, with the percent codes undone.
std::string query_of(const RecordedCall& call)
{
    const std::string& text = call.target;
    std::string plain;
    for (std::size_t i = text.find('?') + 1; i < text.size(); ++i) {
        if (text[i] == '%') {
            plain += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

} // namespace

TEST_SUITE("engine.build")
{
    TEST_CASE("a bare build streams the context and cleans up after failures")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("build-ok.jsonl"));
        const BuildSpec spec;
        auto stream = run(Builds(engine).build(text_source("tar"), spec));
        REQUIRE(stream.has_value());
        CHECK(engine.calls[0].kind == "open");
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/build?rm=1&forcerm=1");
        CHECK(engine.calls[0].headers.get("content-type") == "application/x-tar");
        CHECK(!engine.calls[0].headers.has("x-registry-config"));
        CHECK(engine.calls[0].body == "tar");
        const auto id = run(stream->result());
        REQUIRE(id.has_value());
        CHECK(bare_id(*id).size() == 64);
    }

    TEST_CASE("every member has its parameter")
    {
        BuildSpec spec;
        spec.tags = {"a:b", "c/d:e"};
        spec.dockerfile = "sub/Dockerfile.images";
        spec.target = "stage";
        spec.platform = "linux/arm64/v8";
        spec.build_args = {{"BASE", "debian:12"}, {"FROM_ENGINE", std::nullopt}};
        spec.labels = {{"k", "v&=\""}};
        spec.cache_from = {"x:1"};
        spec.extra_hosts = {"one:1.1.1.1", "two:2.2.2.2"};
        spec.ulimits = {Ulimit{"nofile", 10, 20}};
        spec.network_mode = "host";
        spec.no_cache = true;
        spec.pull = true;
        spec.keep_failed = true;
        spec.squash = true;
        spec.memory = 1;
        spec.memory_swap = -1;
        spec.cpu_shares = 2;
        spec.cpu_period = 3;
        spec.cpu_quota = 4;
        spec.cpuset_cpus = "0-2";
        spec.cpuset_mems = "0";
        spec.cgroup_parent = "/g";
        spec.shm_size = 5;
        const std::string start =
            "t=a:b&t=c/d:e&dockerfile=sub/Dockerfile.images&target=stage&platform=linux/arm64/v8"
            "&networkmode=host&nocache=1&pull=1&squash=1&rm=1&memory=1&memswap=-1&cpushares=2"
            "&cpuperiod=3&cpuquota=4&shmsize=5&cpusetcpus=0-2&cpusetmems=0&cgroupparent=/g"
            R"(&buildargs={"BASE":"debian:12","FROM_ENGINE":null}&labels={"k":"v&=\""})"
            R"(&cachefrom=["x:1"])";
        FakeTransport docker;
        docker.reply(200);
        REQUIRE(run(Builds(docker).build(text_source(""), spec)).has_value());
        CHECK(
            query_of(docker.calls[0])
            == start
                   + R"(&ulimits=[{"Name":"nofile","Soft":10,"Hard":20}])"
                     "&extrahosts=one:1.1.1.1&extrahosts=two:2.2.2.2"
        );
        FakeTransport podman;
        podman.known = FakeTransport::podman();
        podman.reply(200);
        REQUIRE(run(Builds(podman).build(text_source(""), spec)).has_value());
        CHECK(
            query_of(podman.calls[0])
            == start + R"(&ulimits=["nofile=10:20"]&extrahosts=["one:1.1.1.1","two:2.2.2.2"])"
        );
        CHECK(podman.calls[0].target.find("%22v%26%3D%5C%22%22") != std::string::npos);
    }

    TEST_CASE("BuildKit is asked for where it is")
    {
        FakeTransport engine;
        engine.known.can_buildkit = true;
        engine.reply(200, docker_reply("buildkit-ok.jsonl"));
        BuildSpec spec;
        spec.builder = Builder::buildkit;
        spec.build_id = "mine";
        auto stream = run(Builds(engine).build(text_source(""), spec));
        REQUIRE(stream.has_value());
        CHECK(engine.calls[0].target == "/build?version=2&buildid=mine&rm=1&forcerm=1");
        CHECK(run(stream->result()).has_value());

        engine.known = FakeTransport::podman();
        const auto refused = run(Builds(engine).build(text_source(""), spec));
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::unsupported);
        CHECK(engine.calls.size() == 1);
    }

    TEST_CASE("BuildKit gets a context that it takes for a tar")
    {
        const auto sent = [](Builder builder, const std::string& context, std::size_t at_once) {
            FakeTransport engine;
            engine.known.can_buildkit = true;
            engine.reply(200);
            BuildSpec spec;
            spec.builder = builder;
            std::vector<std::string> pieces;
            for (std::size_t i = 0; i < context.size(); i += at_once) {
                pieces.push_back(context.substr(i, at_once));
            }
            auto source = std::make_shared<ScriptedSource>(pieces);
            REQUIRE(run(Builds(engine).build(source, spec)).has_value());
            CHECK(engine.calls[0].body_was_whole);
            return engine.calls[0].body;
        };
        const std::string plain = make_tar({{"Dockerfile", "FROM scratch\n"}});
        TarHeader extended;
        extended.name = "PaxHeader/Dockerfile";
        extended.type = 'x';
        std::string record = "20 mtime=1700000000\n";
        const std::string header = tar_header(extended, record.size());
        record.resize(512);
        const std::string pax = header + record + plain;
        for (const std::size_t at_once : {std::size_t{100}, std::size_t{512}, pax.size()}) {
            CHECK(sent(Builder::classic, pax, at_once) == pax);
            CHECK(sent(Builder::buildkit, plain, at_once) == plain);
            const std::string changed = sent(Builder::buildkit, pax, at_once);
            REQUIRE(changed.size() == pax.size() + 512);
            CHECK(changed.substr(512) == pax);
            TarHeader root;
            root.name = "./";
            root.type = '5';
            // The same but for what nobody reads: mode and time.
            std::string expected = tar_header(root, 0);
            CHECK(changed.substr(0, 100) == expected.substr(0, 100));
            CHECK(changed.substr(100, 7) == "0000755");
            CHECK(changed.substr(156, 9) == expected.substr(156, 9));
            unsigned sum = 0;
            for (std::size_t i = 0; i < 512; ++i) {
                sum += static_cast<unsigned char>(i >= 148 && i < 156 ? ' ' : changed[i]);
            }
            CHECK(std::stoul(changed.substr(148, 7), nullptr, 8) == sum);
        }
        for (const std::string other : {"", "x", "\x1f\x8b..."}) {
            CHECK(sent(Builder::buildkit, other, 512) == other);
        }
        CHECK(sent(Builder::buildkit, std::string(5000, 'x'), 512) == std::string(5000, 'x'));
    }

    TEST_CASE("what BuildKit would pass over is refused")
    {
        FakeTransport engine;
        engine.known.can_buildkit = true;
        const auto words = [&](auto change) {
            BuildSpec spec;
            spec.builder = Builder::buildkit;
            change(spec);
            const auto done = run(Builds(engine).build(text_source(""), spec));
            if (done) return std::string();
            CHECK(done.error().code == Errc::unsupported);
            CHECK(!done.error().hint.empty());
            return done.error().message;
        };
        const std::string start = "this engine's BuildKit has no ";
        CHECK(words([](BuildSpec& s) { s.memory = 1; }) == start + "limits of memory");
        CHECK(words([](BuildSpec& s) { s.memory_swap = 1; }) == start + "limits of memory");
        CHECK(words([](BuildSpec& s) { s.cpu_shares = 1; }) == start + "limits of CPU time");
        CHECK(words([](BuildSpec& s) { s.cpu_period = 1; }) == start + "limits of CPU time");
        CHECK(words([](BuildSpec& s) { s.cpu_quota = 1; }) == start + "limits of CPU time");
        CHECK(words([](BuildSpec& s) { s.cpuset_cpus = "0"; }) == start + "sets of CPUs");
        CHECK(words([](BuildSpec& s) { s.cpuset_mems = "0"; }) == start + "sets of CPUs");
        CHECK(
            words([](BuildSpec& s) { s.cgroup_parent = "x"; })
            == start + "parent for control groups"
        );
        CHECK(words([](BuildSpec& s) { s.keep_failed = true; }) == start + "containers to keep");
        CHECK(
            words([](BuildSpec& s) {
                s.registries = {{"r", RegistryAuth{"me", "pw", "r"}}};
            })
            == start + "credentials in the request"
        );
        const auto ulimits = [](BuildSpec& s) { s.ulimits = {Ulimit{"nofile", 1, 2}}; };
        const auto shm = [](BuildSpec& s) { s.shm_size = 1; };
        CHECK(words(ulimits) == start + "ulimits");
        CHECK(words(shm) == start + "size for /dev/shm");
        CHECK(engine.calls.empty());
        engine.known.buildkit_has_limits = true;
        engine.reply(200);
        CHECK(words(ulimits).empty());
        engine.reply(200);
        CHECK(words(shm).empty());
    }

    TEST_CASE("a quiet build takes the bare id of either engine")
    {
        for (const std::string& recorded :
             {docker_reply("build-quiet.jsonl"), podman_reply("build-quiet.jsonl")}) {
            FakeTransport engine;
            engine.reply(200, recorded);
            BuildSpec spec;
            spec.quiet = true;
            auto stream = run(Builds(engine).build(text_source(""), spec));
            REQUIRE(stream.has_value());
            CHECK(engine.calls[0].target == "/build?q=1&rm=1&forcerm=1");
            CHECK(run(stream->result()).has_value());
        }
    }

    TEST_CASE("credentials and arguments are in the request and in no error")
    {
        FakeTransport engine;
        engine.reply(400, docker_reply("build-syntax.jsonl"));
        engine.reply(200, docker_reply("build-failed-run.jsonl"));
        BuildSpec spec;
        spec.tags = {"mine"};
        spec.build_args = {{"TOKEN", "hunter2"}};
        spec.registries = {{"ghcr.io", RegistryAuth{"me", "swordfish", "ghcr.io"}}};
        const auto secret = [&](const Error& error) {
            const std::string all =
                describe(error) + error.hint + (error.answer ? error.answer->route : "");
            return all.find("hunter2") != std::string::npos
                   || all.find("swordfish") != std::string::npos
                   || all.find('?') != std::string::npos
                   || all.find(engine.calls[0].headers.get("x-registry-config"))
                          != std::string::npos;
        };
        const auto refused = run(Builds(engine).build(text_source(""), spec));
        CHECK(
            query_of(engine.calls[0]).find(R"(buildargs={"TOKEN":"hunter2"})") != std::string::npos
        );
        CHECK(
            from_base64(engine.calls[0].headers.get("X-Registry-Config"))
            == R"({"ghcr.io":{"username":"me","password":"swordfish","serveraddress":"ghcr.io"}})"
        );
        REQUIRE(!refused.has_value());
        CHECK(describe(refused.error()).starts_with("building image mine: "));
        CHECK(!secret(refused.error()));
        auto stream = run(Builds(engine).build(text_source(""), spec));
        REQUIRE(stream.has_value());
        const auto failed = run(stream->result());
        REQUIRE(!failed.has_value());
        CHECK(!secret(failed.error()));
        CHECK(stream->failure_code() == 42);
        spec.build_args = {{"TOKEN", "hunter2\xff"}};
        const auto invalid = run(Builds(engine).build(text_source(""), spec));
        REQUIRE(!invalid.has_value());
        CHECK(invalid.error().code == Errc::invalid_argument);
        CHECK(!secret(invalid.error()));
        CHECK(engine.calls.size() == 2);
    }

    TEST_CASE("a Dockerfile that does not parse fails at once or in the stream")
    {
        FakeTransport engine;
        engine.reply(400, docker_reply("build-syntax.jsonl"));
        const BuildSpec spec;
        const auto docker = run(Builds(engine).build(text_source(""), spec));
        REQUIRE(!docker.has_value());
        CHECK(docker.error().code == Errc::invalid_argument);
        engine.known = FakeTransport::podman();
        engine.reply(200, podman_reply("build-syntax.jsonl"));
        auto podman = run(Builds(engine).build(text_source(""), spec));
        REQUIRE(podman.has_value());
        const auto result = run(podman->result());
        REQUIRE(!result.has_value());
        CHECK(result.error().code == Errc::engine);
        CHECK(result.error().message.find("Unknown instruction: \"BOGUS\"") != std::string::npos);
        CHECK(!podman->failure_code().has_value());
    }

    TEST_CASE("what the engine is to fetch goes in the query, and no body with it")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("build-ok.jsonl"));
        BuildSpec spec;
        spec.target = "stage";
        auto stream =
            run(Builds(engine).build_remote("https://h/r.git?token=hunter2#main:sub", spec));
        REQUIRE(stream.has_value());
        CHECK(engine.calls[0].kind == "open");
        CHECK(engine.calls[0].method == "POST");
        CHECK(
            query_of(engine.calls[0])
            == "target=stage&rm=1&forcerm=1&remote=https://h/r.git?token=hunter2#main:sub"
        );
        CHECK(engine.calls[0].body.empty());
        CHECK(!engine.calls[0].headers.has("content-type"));
        CHECK(run(stream->result()).has_value());

        engine.known.can_buildkit = true;
        engine.reply(200);
        spec.builder = Builder::buildkit;
        REQUIRE(run(Builds(engine).build_remote("http://h/c.tar", spec)).has_value());
        CHECK(
            engine.calls[1].target
            == "/build?version=2&target=stage&rm=1&forcerm=1&remote=http://h/c.tar"
        );
        CHECK(run(Builds(engine).build_remote("", spec)).error().code == Errc::invalid_argument);
        engine.known = FakeTransport::podman();
        spec.builder = Builder::classic;
        const auto podman = run(Builds(engine).build_remote("http://h/c.tar", spec));
        REQUIRE(!podman.has_value());
        CHECK(podman.error().code == Errc::unsupported);
        CHECK(!podman.error().hint.empty());
        CHECK(engine.calls.size() == 2);
    }

    TEST_CASE("an error of a build from a URL has the URL without what is secret in it")
    {
        FakeTransport engine;
        const std::string url = "https://me:pa?ss@h/c.tar?token=hunter2";
        engine.reply(400, R"({"message":"no )" + url + R"( with token=hunter2"})");
        const BuildSpec spec;
        const auto done = run(Builds(engine).build_remote(url, spec));
        REQUIRE(!done.has_value());
        CHECK(done.error().context.back() == "building an image from https://me:***@h/c.tar");
        CHECK(describe(done.error()).find("hunter2") == std::string::npos);
        CHECK(describe(done.error()).find("pa?ss") == std::string::npos);
    }

    TEST_CASE("a stage that is not there, and podman's empty 400")
    {
        FakeTransport engine;
        engine.reply(400, docker_reply("build-no-target.jsonl"));
        engine.reply(400, podman_reply("build-bad-ulimits.json"));
        BuildSpec spec;
        spec.target = "nope";
        const auto absent = run(Builds(engine).build(text_source(""), spec));
        REQUIRE(!absent.has_value());
        CHECK(
            describe(absent.error())
            == "building stage nope: failed to reach build target nope in Dockerfile"
        );
        engine.known = FakeTransport::podman();
        const auto empty = run(Builds(engine).build(text_source(""), spec));
        REQUIRE(!empty.has_value());
        CHECK(empty.error().code == Errc::invalid_argument);
        CHECK(empty.error().message == "HTTP 400 from POST /v1.41/build");
    }

    TEST_CASE("a context that fails makes the build fail with its error")
    {
        FakeTransport engine;
        auto source = std::make_shared<ScriptedSource>(
            std::vector<std::string>{"half"}, 100, Error(Errc::io, "unreadable")
        );
        const BuildSpec spec;
        const auto done = run(Builds(engine).build(source, spec));
        REQUIRE(!done.has_value());
        CHECK(done.error().code == Errc::io);
        CHECK(!engine.calls[0].body_was_whole);
    }
}
