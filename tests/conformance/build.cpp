#include "conformance/lab.hpp"
#include "conformance/tar_entries.hpp"

#include <algorithm>

using namespace slipway;
using namespace slipway::test;

// The classic builder, or podman's.

namespace {

std::string context_tar(const std::string& dockerfile)
{
    return make_tar({{"Dockerfile", dockerfile}, {"file", "content\n"}});
}

std::shared_ptr<engine::ByteSource> context(const std::string& dockerfile)
{
    return engine::text_source(context_tar(dockerfile));
}

engine::BuildSpec build_spec(const Lab& lab, const std::string& what)
{
    engine::BuildSpec spec;
    spec.tags = {unique_image(what) + ":latest"};
    spec.labels = lab.labels();
    return spec;
}

std::string build(Lab& lab, const std::string& dockerfile, const engine::BuildSpec& spec)
{
    auto progress = lab.must(lab.builds.build(context(dockerfile), spec));
    return lab.must(progress.result());
}

/// What a container of the image writes.
std::string output_of(Lab& lab, const std::string& image, std::vector<std::string> cmd)
{
    auto spec = lab.spec(std::move(cmd));
    spec.image = image;
    const auto id = lab.create(spec);
    CHECK(lab.must(lab.containers.start(id)) == engine::Change::done);
    CHECK(lab.exit_code(id) == 0);
    auto out = lab.logs(id).out;
    lab.remove(id);
    return out;
}

/// The messages of the steps, to the end.
std::string messages_of(Lab& lab, engine::ProgressStream& progress)
{
    std::string text;
    while (const auto message = lab.must(progress.next())) {
        text += message->stream;
    }
    return text;
}

// Reads a build to its failure, wherever it comes.
Error failure_of_build(
    Lab& lab, const std::string& dockerfile, std::optional<std::int64_t>* code = nullptr
)
{
    const auto spec = build_spec(lab, "broken");
    auto started = run(lab.io, lab.builds.build(context(dockerfile), spec));
    if (!started) return std::move(started).error();
    auto error = lab.refused(started->result());
    if (code != nullptr) *code = started->failure_code();
    return error;
}

} // namespace

TEST_SUITE("Build")
{
    TEST_CASE("arguments, labels, files and steps")
    {
        Lab lab;
        auto spec = build_spec(lab, "built");
        spec.build_args["GREETING"] = "good day";
        const auto id = build(
            lab,
            "FROM busybox:latest\nARG GREETING\nCOPY file /file\nRUN echo \"$GREETING\" > /made\n",
            spec
        );
        CHECK(
            engine::bare_id(lab.must(lab.images.inspect(spec.tags[0])).id) == engine::bare_id(id)
        );
        CHECK(
            lab.must(lab.images.inspect(spec.tags[0])).config.labels.at("slipway.test")
            == lab.labels().at("slipway.test")
        );
        CHECK(output_of(lab, spec.tags[0], {"cat", "/file", "/made"}) == "content\ngood day\n");
        lab.remove_image(spec.tags[0]);
    }

    TEST_CASE("a step that fails")
    {
        Lab lab;
        std::optional<std::int64_t> code;
        const auto failing = failure_of_build(lab, "FROM busybox:latest\nRUN exit 42\n", &code);
        CHECK_MESSAGE(failing.code == Errc::engine, describe(failing));
        CHECK(contains(failing.message, "42"));
        CHECK(code == 42);
        CHECK(lab.refused(lab.images.inspect(unique_image("broken"))).code == Errc::not_found);
    }

    TEST_CASE("a Dockerfile that does not parse, one that is not there, a stage that is not there")
    {
        Lab lab;
        const bool late = differs(
            lab,
            &engine::Traits::build_checks_in_stream,
            "finds wrong Dockerfiles after its answer began"
        );
        const auto wrong = late ? Errc::engine : Errc::invalid_argument;
        const auto syntax = failure_of_build(lab, "FROM busybox:latest\nNONSENSE here\n");
        CHECK_MESSAGE(syntax.code == wrong, describe(syntax));
        CHECK_MESSAGE(contains(syntax.message, "NONSENSE"), describe(syntax));
        auto spec = build_spec(lab, "broken");
        spec.dockerfile = "none";
        auto absent = run(lab.io, lab.builds.build(context("FROM busybox:latest\n"), spec));
        CHECK((!absent || !run(lab.io, absent->result())));
        spec.dockerfile.clear();
        spec.target = "none";
        auto stage = run(lab.io, lab.builds.build(context("FROM busybox:latest AS one\n"), spec));
        CHECK((!stage || !run(lab.io, stage->result())));
        CHECK(lab.our_images().empty());
    }

    TEST_CASE("a file of another name, and a stage to stop at")
    {
        Lab lab;
        auto spec = build_spec(lab, "target");
        spec.dockerfile = "sub/Other";
        spec.target = "one";
        const auto tar = make_tar(
            {{"sub/Other",
              "FROM busybox:latest AS one\nRUN echo one > /made\nFROM one AS two\nRUN echo two > "
              "/made\n"}}
        );
        auto progress = lab.must(lab.builds.build(engine::text_source(tar), spec));
        lab.must(progress.result());
        CHECK(output_of(lab, spec.tags[0], {"cat", "/made"}) == "one\n");
        lab.remove_image(spec.tags[0]);
    }

    TEST_CASE("limits and hosts of the steps")
    {
        Lab lab;
        auto spec = build_spec(lab, "limits");
        engine::Ulimit files;
        files.name = "nofile";
        files.soft = 100;
        files.hard = 200;
        spec.ulimits = {files};
        spec.extra_hosts = {"one.example:10.9.8.7", "two.example:10.9.8.6"};
        build(
            lab,
            "FROM busybox:latest\nRUN ulimit -n > /made && grep -c 'one.example\\|two.example' "
            "/etc/hosts >> /made\n",
            spec
        );
        CHECK(output_of(lab, spec.tags[0], {"cat", "/made"}) == "100\n2\n");
        lab.remove_image(spec.tags[0]);
    }

    TEST_CASE("a context packed by gzip")
    {
        Lab lab;
        const auto spec = build_spec(lab, "packed");
        TarEntry dockerfile;
        dockerfile.path = "Dockerfile";
        dockerfile.content = "FROM busybox:latest\nCOPY Dockerfile /copied\n";
        const auto tar = write_tar({dockerfile}, Packing::gzip);
        auto progress = lab.must(lab.builds.build(engine::text_source(tar), spec));
        lab.must(progress.result());
        CHECK(output_of(lab, spec.tags[0], {"cat", "/copied"}) == dockerfile.content);
        lab.remove_image(spec.tags[0]);
    }

    TEST_CASE("a context whose ignore file was not applied")
    {
        Lab lab;
        const auto spec = build_spec(lab, "ignore");
        const auto tar = make_tar(
            {{".dockerignore", "secret\n"},
             {"Dockerfile", "FROM busybox:latest\nCOPY . /all\n"},
             {"secret", "x"},
             {"file", "y"}}
        );
        auto progress = lab.must(lab.builds.build(engine::text_source(tar), spec));
        lab.must(progress.result());
        const auto listed = output_of(lab, spec.tags[0], {"ls", "/all"});
        CHECK(contains(listed, "file"));
        const bool applied = differs(
            lab, &engine::Traits::build_applies_ignore_file, "applies the ignore file of a context"
        );
        CHECK(contains(listed, "secret") == !applied);
        lab.remove_image(spec.tags[0]);
    }

    TEST_CASE("a platform: the engine's own, and one that is none")
    {
        Lab lab;
        const auto version = lab.must(lab.system.version());
        auto spec = build_spec(lab, "platform");
        spec.platform = "linux/" + version.architecture;
        build(lab, "FROM scratch\nCOPY file /file\n", spec);
        const auto info = lab.must(lab.images.inspect(spec.tags[0]));
        CHECK(info.os == "linux");
        CHECK(info.architecture == version.architecture);
        lab.remove_image(spec.tags[0]);
        spec.platform = "linux/amd64/v1/v2/v3";
        auto started = run(lab.io, lab.builds.build(context("FROM scratch\n"), spec));
        CHECK((!started || !run(lab.io, started->result())));
    }

    TEST_CASE("squash: one layer, or a refusal")
    {
        Lab lab;
        auto spec = build_spec(lab, "squash");
        spec.squash = true;
        auto started =
            run(lab.io,
                lab.builds.build(context("FROM scratch\nCOPY file /one\nCOPY file /two\n"), spec));
        if (lacks(lab, &engine::Traits::can_squash, "squashes only as an experiment")) {
            REQUIRE(!started);
            CHECK(started.error().code == Errc::invalid_argument);
            CHECK(contains(started.error().message, "squash"));
        } else {
            REQUIRE_MESSAGE(started.has_value(), describe(started.error()));
            lab.must(started->result());
            CHECK(lab.must(lab.images.inspect(spec.tags[0])).layers.size() == 1);
            lab.remove_image(spec.tags[0]);
        }
    }

    TEST_CASE("quiet: the id and no more")
    {
        Lab lab;
        auto spec = build_spec(lab, "quiet");
        spec.quiet = true;
        const auto id = build(lab, "FROM busybox:latest\nRUN echo loud\n", spec);
        CHECK(
            engine::bare_id(lab.must(lab.images.inspect(spec.tags[0])).id) == engine::bare_id(id)
        );
        auto progress =
            lab.must(lab.builds.build(context("FROM busybox:latest\nRUN echo loud\n"), spec));
        CHECK(!contains(messages_of(lab, progress), "echo loud"));
        lab.remove_image(spec.tags[0]);
    }

    TEST_CASE("steps from the cache, and anew")
    {
        Lab lab;
        auto spec = build_spec(lab, "cache");
        const std::string dockerfile =
            "FROM busybox:latest\nRUN cat /proc/sys/kernel/random/uuid > /made\n";
        build(lab, dockerfile, spec);
        const auto first = output_of(lab, spec.tags[0], {"cat", "/made"});
        const auto other = spec.tags[0] + "-again";
        auto again = spec;
        again.tags = {other};
        build(lab, dockerfile, again);
        CHECK(output_of(lab, other, {"cat", "/made"}) == first);
        lab.remove_image(other);
        again.no_cache = true;
        build(lab, dockerfile, again);
        CHECK(output_of(lab, other, {"cat", "/made"}) != first);
        lab.remove_image(other);
        lab.remove_image(spec.tags[0]);
    }

    TEST_CASE("a large context, in flat memory")
    {
        Lab lab;
        const auto spec = build_spec(lab, "large");
        const std::uint64_t size = sized(std::uint64_t{64} << 20U, std::uint64_t{2} << 30U);
        TarHeader header;
        header.name = "Dockerfile";
        std::vector<std::shared_ptr<engine::ByteSource>> parts;
        parts.push_back(engine::text_source(tar_entry(header, "FROM scratch\nCOPY Dockerfile /\n"))
        );
        parts.push_back(tar_of_one("large", pattern(1'000'003), size));
        const MemoryGrowth growth;
        auto progress =
            lab.must(lab.builds.build(std::make_shared<JoinedSource>(std::move(parts)), spec));
        lab.must(progress.result());
        CHECK(growth.peak_bytes() < stream_memory);
        lab.remove_image(spec.tags[0]);
    }

    TEST_CASE("the build cache, and the end of a build by its id")
    {
        Lab lab;
        engine::PruneBuildCache options;
        options.filters["until"] = {"87600h"};
        if (lacks(lab, &engine::Traits::can_prune_build_cache, "has no build cache to prune")) {
            CHECK(lab.refused(lab.builds.prune(options)).code == Errc::unsupported);
            CHECK(lab.refused(lab.builds.cancel("x")).code == Errc::unsupported);
        } else {
            CHECK(lab.must(lab.builds.prune(options)).removed.empty());
            lab.must(lab.builds.cancel("slipway-no-such-build"));
        }
    }
}
