#include "conformance/lab.hpp"

#include <algorithm>

using namespace slipway;
using namespace slipway::test;

// BuildKit over POST /build without a session. An engine without it refuses at once; that is the
// first case, and the only one there.
namespace {

using engine::BuildSpec;

BuildSpec by_buildkit(const std::string& tag = {})
{
    BuildSpec spec;
    spec.builder = engine::Builder::buildkit;
    if (!tag.empty()) spec.tags = {tag};
    return spec;
}

std::shared_ptr<engine::ByteSource> context_with(const std::string& dockerfile)
{
    return engine::text_source(make_tar(
        {{"Dockerfile", dockerfile},
         {".dockerignore", "ignored\n"},
         {"file", "content\n"},
         {"ignored", "all the same\n"}}
    ));
}

/// What a build told, and what came of it.
struct Told {
    std::string out;                ///< of all steps
    std::vector<std::string> steps; ///< names of the vertexes that began
    std::vector<std::string> cached;
    std::optional<std::string> id;
    std::optional<Error> error;
    std::optional<std::int64_t> code;
    std::size_t traces = 0;

    bool has_step(const std::string& part) const { return any(steps, part); }
    bool has_cached(const std::string& part) const { return any(cached, part); }

private:
    static bool any(const std::vector<std::string>& names, const std::string& part)
    {
        return std::ranges::any_of(names, [&](const auto& name) { return contains(name, part); });
    }
};

void note(Told& told, const engine::BuildTrace& trace)
{
    ++told.traces;
    for (const engine::BuildVertex& vertex : trace.vertexes) {
        if (vertex.started) told.steps.push_back(vertex.name);
        if (vertex.cached) told.cached.push_back(vertex.name);
    }
    for (const engine::BuildOutput& output : trace.outputs) {
        told.out += output.text;
    }
}

Told build(Lab& lab, const std::string& dockerfile, const BuildSpec& spec)
{
    Told told;
    auto stream = run(lab.io, lab.builds.build(context_with(dockerfile), spec));
    if (!stream) {
        told.error = std::move(stream).error();
        return told;
    }
    for (;;) {
        auto message = run(lab.io, stream->next());
        if (!message) {
            told.error = std::move(message).error();
            told.code = stream->failure_code();
            return told;
        }
        if (!*message) break;
        if ((*message)->trace) note(told, *(*message)->trace);
    }
    told.id = lab.must(stream->result());
    if (!told.id->empty()) lab.remove_at_end(*told.id);
    return told;
}

Told succeed(Lab& lab, const std::string& dockerfile, const BuildSpec& spec)
{
    Told told = build(lab, dockerfile, spec);
    REQUIRE_MESSAGE(!told.error.has_value(), describe(*told.error));
    REQUIRE(told.id.has_value());
    return told;
}

Error fail_to(Lab& lab, const std::string& dockerfile, const BuildSpec& spec)
{
    Told told = build(lab, dockerfile, spec);
    REQUIRE(told.error.has_value());
    return *std::move(told.error);
}

/// What a command prints in a container of an image.
std::string printed(Lab& lab, const std::string& image, std::vector<std::string> command)
{
    auto use = lab.spec(std::move(command));
    use.image = image;
    const auto container = lab.create(use);
    CHECK(lab.must(lab.containers.start(container)) == engine::Change::done);
    CHECK(lab.exit_code(container) == 0);
    const auto output = lab.logs(container);
    lab.remove(container);
    return output.out;
}

/// Reads a build until a step has written `words`.
void read_until(Lab& lab, engine::ProgressStream& stream, const std::string& words)
{
    Told told;
    while (!contains(told.out, words)) {
        const auto message = lab.must(stream.next());
        REQUIRE(message.has_value());
        if (message->trace) note(told, *message->trace);
    }
}

const std::string base = "FROM busybox:latest\n";

} // namespace

TEST_SUITE("BuildKit")
{
    TEST_CASE("an engine has it, or says that it has not")
    {
        Lab lab;
        const Told told = build(lab, base, by_buildkit());
        if (!lacks(lab, &engine::Traits::can_buildkit, "has no BuildKit")) {
            REQUIRE_MESSAGE(!told.error.has_value(), describe(*told.error));
            CHECK(told.traces > 0);
        } else {
            REQUIRE(told.error.has_value());
            CHECK(told.error->code == Errc::unsupported);
        }
    }

    TEST_CASE("arguments, labels, a stage, a tag and the id")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        const auto tag = unique_image("buildkit-spec") + ":latest";
        BuildSpec spec = by_buildkit(tag);
        spec.build_args["GREETING"] = "good day";
        spec.build_args["NOT_GIVEN"] = std::nullopt;
        spec.labels["slipway.test"] = "buildkit";
        spec.target = "wanted";
        spec.no_cache = true;
        const std::string dockerfile =
            base
            + "RUN exit 1\n"
              "FROM busybox:latest AS wanted\nARG GREETING\nARG NOT_GIVEN=else\nCOPY file /file\n"
              "RUN echo \"$GREETING, $NOT_GIVEN\" | tee /made\nFROM wanted\nRUN exit 2\n";
        const Told told = succeed(lab, dockerfile, spec);
        CHECK(contains(told.out, "good day, else\n"));
        CHECK(told.has_step("COPY file /file"));
        CHECK(!told.has_step("RUN exit"));
        const auto info = lab.must(lab.images.inspect(tag));
        CHECK(engine::bare_id(info.id) == engine::bare_id(*told.id));
        CHECK(info.config.labels.at("slipway.test") == "buildkit");
        CHECK(printed(lab, tag, {"cat", "/file", "/made"}) == "content\ngood day, else\n");

        spec.no_cache = false;
        const Told again = succeed(lab, dockerfile, spec);
        CHECK(again.has_cached("tee /made"));
        CHECK(again.out.empty());
        CHECK(again.id == told.id);
        spec.no_cache = true;
        CHECK(!succeed(lab, dockerfile, spec).has_cached("tee /made"));
        lab.remove_image(tag);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("hosts, networks and limits")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        BuildSpec spec = by_buildkit();
        spec.no_cache = true;
        spec.extra_hosts = {"one.test:192.0.2.1"};
        spec.network_mode = "none";
        const std::string look = base + "RUN cat /etc/hosts; ls /sys/class/net | tr '\\n' ' '\n";
        const Told none = succeed(lab, look, spec);
        CHECK(contains(none.out, "192.0.2.1\tone.test"));
        CHECK(none.out.ends_with("\nlo "));
        spec.network_mode = "host";
        CHECK(contains(succeed(lab, look, spec).out, "docker0 "));
        spec.network_mode = "container:x";
        CHECK(contains(fail_to(lab, look, spec).message, "network mode"));

        BuildSpec limited = by_buildkit();
        limited.no_cache = true;
        limited.ulimits = {engine::Ulimit{"nofile", 77, 88}};
        limited.shm_size = std::int64_t{1} << 20U;
        const std::string show = base + "RUN ulimit -n; df -k /dev/shm | tail -1\n";
        const Told told = build(lab, show, limited);
        if (!lacks(lab, &engine::Traits::buildkit_has_limits, "refuses limits")) {
            CHECK(told.out.starts_with("77\n"));
            CHECK(contains(told.out, " 1024 "));
        } else {
            REQUIRE(told.error.has_value());
            CHECK(told.error->code == Errc::unsupported);
        }
    }

    TEST_CASE("a step that fails has its output, its exit code, and makes no image")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        const auto tag = unique_image("buildkit-failed") + ":latest";
        const Told told = build(lab, base + "RUN echo oh no; exit 42\n", by_buildkit(tag));
        REQUIRE(told.error.has_value());
        CHECK(told.error->code == Errc::engine);
        CHECK(told.code == 42);
        CHECK(told.out == "oh no\n");
        CHECK(lab.refused(lab.images.inspect(tag)).code == Errc::not_found);

        const Told absent = build(lab, base + "COPY nothing /x\n", by_buildkit(tag));
        REQUIRE(absent.error.has_value());
        CHECK(contains(absent.error->message, "\"/nothing\""));
        CHECK(!absent.code.has_value());
    }

    TEST_CASE("a Dockerfile that cannot be built fails in the stream")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        const Error syntax = fail_to(lab, base + "NONSENSE here\n", by_buildkit());
        CHECK(syntax.code == Errc::engine);
        CHECK(contains(syntax.message, "NONSENSE"));
        BuildSpec spec = by_buildkit();
        spec.target = "no-such-stage";
        CHECK(contains(fail_to(lab, base, spec).message, "no-such-stage"));
        BuildSpec elsewhere = by_buildkit();
        elsewhere.dockerfile = "no/such/file";
        CHECK(contains(fail_to(lab, base, elsewhere).message, "no/such/file"));
        CHECK(fail_to(lab, "", by_buildkit()).code == Errc::engine);
    }

    TEST_CASE("an image that is not here cannot be had, and a secret neither")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        for (const char* instruction :
             {"FROM registry.invalid/none:x\n",
              "FROM busybox:latest\nCOPY --from=registry.invalid/none:x /a /b\n",
              "# syntax=registry.invalid/none:x\nFROM busybox:latest\n"}) {
            const Error error = fail_to(lab, instruction, by_buildkit());
            CHECK(error.code == Errc::engine);
            CHECK(contains(error.message, "registry.invalid"));
        }
        const Error secret = fail_to(
            lab,
            base + "RUN --mount=type=secret,id=s,required=true cat /run/secrets/s\n",
            by_buildkit()
        );
        CHECK_MESSAGE(contains(secret.message, "session"), describe(secret));
    }

    TEST_CASE("an image here for another platform")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        const std::string name = unique_image("buildkit-s390x");
        engine::ImportImage import;
        import.repository = name;
        import.tag = "x";
        import.platform = "linux/s390x";
        auto stream =
            lab.must(lab.images.import(engine::text_source(make_tar({{"f", "x"}})), import));
        lab.must(stream.result());
        const Told told = build(lab, "FROM " + name + ":x\nCOPY file /x\n", by_buildkit());
        const bool minds = differs(
            lab, &engine::Traits::buildkit_minds_platform, "asks the registry for another platform"
        );
        CHECK(told.error.has_value() == minds);
        if (minds) {
            const std::string from = "FROM --platform=linux/s390x " + name + ":x\nCOPY file /x\n";
            succeed(lab, from, by_buildkit());
        }
        lab.remove_image(name + ":x");
    }

    TEST_CASE("without a base, and with what the classic builder has not")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        const auto tag = unique_image("buildkit-features") + ":latest";
        succeed(lab, "FROM scratch\nCOPY --chmod=640 file /file\n", by_buildkit(tag));
        CHECK(lab.must(lab.images.inspect(tag)).layers.size() == 1);
        succeed(lab, base + "COPY --from=" + tag + " /file /file\n", by_buildkit(tag));
        CHECK(printed(lab, tag, {"stat", "-c", "%a", "/file"}) == "640\n");

        // In one build: between two the engine may drop the cache to gain room.
        const std::string cache =
            "RUN --mount=type=cache,target=/c,id=slipway-" + lab.labels().at("slipway.test") + " ";
        const std::string bound = "RUN --mount=type=bind,target=/b cat /b/file\n";
        BuildSpec anew = by_buildkit();
        anew.no_cache = true;
        const Told kept = succeed(
            lab, base + cache + "echo kept >> /c/file\n" + cache + "cat /c/file\n" + bound, anew
        );
        CHECK(kept.out == "kept\ncontent\n");

        const std::string newer =
            base
            + "RUN <<EOF\necho one > /made\necho two >> /made\nEOF\nCOPY --link file /linked\n";
        if (!lacks(lab, &engine::Traits::buildkit_has_heredocs, "knows no here-documents")) {
            succeed(lab, newer, by_buildkit(tag));
            CHECK(printed(lab, tag, {"cat", "/made", "/linked"}) == "one\ntwo\ncontent\n");
        } else {
            CHECK(contains(fail_to(lab, newer, by_buildkit()).message, "ECHO"));
        }
        lab.remove_image(tag);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("an ignore file in the context is not applied")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        BuildSpec spec = by_buildkit();
        spec.no_cache = true;
        CHECK(succeed(lab, base + "COPY . /c\nRUN cat /c/ignored\n", spec).out == "all the same\n");
    }

    TEST_CASE("a quiet build has its id and nothing else")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        BuildSpec spec = by_buildkit();
        spec.quiet = true;
        spec.no_cache = true;
        const Told told = succeed(lab, base + "RUN echo unheard\n", spec);
        CHECK(told.traces == 0);
        CHECK(engine::bare_id(*told.id).size() == 64);
    }

    TEST_CASE("a build ends when it is cancelled, and when its connection is closed")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_buildkit, "has no BuildKit")) return;
        // Only one step at a time has this cache: who gets it knows that no other has it any more.
        const std::string locked =
            "RUN --mount=type=cache,sharing=locked,target=/c,id=slipway-lock-"
            + std::to_string(::getpid()) + " ";
        const std::string endless = base + locked + "echo begun; sleep 3000\n";
        const std::string after = base + locked + "echo free\n";
        BuildSpec spec = by_buildkit();
        spec.no_cache = true;
        spec.build_id = "slipway-test-" + std::to_string(::getpid());
        {
            auto stream = lab.must(lab.builds.build(context_with(endless), spec));
            read_until(lab, stream, "begun");
            lab.must(lab.builds.cancel(spec.build_id));
            const Error error = lab.refused(stream.result());
            CHECK(error.code == Errc::engine);
            CHECK(contains(error.message, "cancel"));
        }
        CHECK(succeed(lab, after, spec).out == "free\n");
        {
            auto stream = lab.must(lab.builds.build(context_with(endless), spec));
            read_until(lab, stream, "begun");
            stream.close();
        }
        CHECK(succeed(lab, after, spec).out == "free\n");
    }
}
