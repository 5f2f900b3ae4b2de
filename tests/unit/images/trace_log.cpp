#include "images/build_log.hpp"
#include "json_stream.hpp"
#include "progress_reader.hpp"
#include "support/fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace slipway;
using core::BuildLog;
using core::ImageEvent;
using engine::BuildTrace;
using engine::BuildVertex;

namespace {

using Lines = std::vector<std::string>;

/// What the events look like as lines: kind, place, text.
struct Heard {
    Lines lines;
    BuildLog log{[this](const ImageEvent& event) {
        static constexpr const char* kinds[] = {"step", "output", "note", "pull", "done", "failed"};
        lines.push_back(
            std::string(kinds[static_cast<int>(event.kind)]) + "|" + event.place + "|" + event.text
        );
    }};

    void add(BuildTrace trace)
    {
        engine::Progress message;
        message.trace = std::move(trace);
        log.add(message);
    }
    /// Messages of a recorded build, to its end or its failure.
    void replay(const std::string& file)
    {
        const std::string text = test::fixture("engine/" + file);
        std::string_view rest = text;
        engine::JsonSplitter splitter;
        engine::ProgressReader reader(engine::Goal::build);
        for (;;) {
            const auto object = splitter.next(rest);
            REQUIRE(object.has_value());
            if (!*object) return log.finish();
            const auto message = reader.message(**object);
            if (!message) return log.fail();
            log.add(*message);
        }
    }
    /// The lines that are not BuildKit's own.
    Lines of_steps() const
    {
        Lines out;
        for (const std::string& line : lines) {
            if (!line.starts_with("note||")) out.push_back(line);
        }
        return out;
    }
};

BuildVertex vertex(std::string digest, std::string name, int started = 0, int completed = 0)
{
    BuildVertex made;
    made.digest = std::move(digest);
    made.name = std::move(name);
    if (started != 0) made.started = engine::BuildTime(std::chrono::seconds(started));
    if (completed != 0) made.completed = engine::BuildTime(std::chrono::seconds(completed));
    return made;
}
BuildVertex failed(BuildVertex vertex, std::string error)
{
    vertex.error = std::move(error);
    return vertex;
}
engine::BuildOutput output(std::string vertex, std::string text, int stream = 1)
{
    engine::BuildOutput made;
    made.vertex = std::move(vertex);
    made.text = std::move(text);
    made.stream = stream;
    return made;
}

} // namespace

TEST_SUITE("core.images.trace_log")
{
    TEST_CASE("a build by BuildKit reads like one by the classic builder")
    {
        Heard old;
        old.replay("docker-20.10/buildkit-ok.jsonl");
        CHECK(old.of_steps() == Lines{
            "step|base 1/2|FROM docker.io/library/busybox:latest",
            "done|base 1/2|",
            "step|base 2/2|RUN echo hello; echo loud >&2",
            "output|base 2/2|loud",
            "output|base 2/2|hello",
            "done|base 2/2|",
            "step|stage-1 1/1|COPY --from=base /etc/group /x",
            "done|stage-1 1/1|",
        });
        Heard cached;
        cached.replay("docker-20.10/buildkit-cached.jsonl");
        CHECK(cached.of_steps() == Lines{
            "step|base 1/2|FROM docker.io/library/busybox:latest",
            "done|base 1/2|",
            "step|base 2/2|RUN echo hello; echo loud >&2",
            "note|base 2/2| ---> Using cache",
            "done|base 2/2|",
            "step|stage-1 1/1|COPY --from=base /etc/group /x",
            "note|stage-1 1/1| ---> Using cache",
            "done|stage-1 1/1|",
        });
    }

    TEST_CASE("a step that failed, on the oldest and the newest engine")
    {
        for (const char* engine : {"docker-20.10", "docker-28.5"}) {
            Heard heard;
            heard.replay(std::string(engine) + "/buildkit-failed-run.jsonl");
            const Lines lines = heard.of_steps();
            REQUIRE(lines.size() == 5);
            CHECK(lines[2] == "step|2/2|RUN echo oh no; exit 42");
            CHECK(lines[3] == "output|2/2|oh no");
            CHECK(lines[4] == "failed|2/2|RUN echo oh no; exit 42");
            REQUIRE(heard.log.step() != nullptr);
            CHECK(heard.log.step()->event.place == "2/2");
        }
        Heard syntax;
        syntax.replay("docker-20.10/buildkit-syntax.jsonl");
        CHECK(syntax.of_steps().empty());
        CHECK(syntax.log.step() == nullptr);
    }

    TEST_CASE("advice is a note")
    {
        Heard heard;
        heard.replay("docker-28.5/buildkit-warning.jsonl");
        bool found = false;
        for (const std::string& line : heard.lines) {
            found = found || line.starts_with("note||[Warning] MaintainerDeprecated: ");
        }
        CHECK(found);
    }

    TEST_CASE("steps come in the order in which they began, with what they wrote")
    {
        Heard heard;
        BuildTrace trace;
        trace.vertexes = {
            vertex("c", "[3/3] RUN c", 30),
            vertex("p", "[4/3] RUN planned"),
            vertex("b", "[2/3] RUN b", 20, 25),
            vertex("a", "[1/3] RUN a", 10)};
        trace.outputs = {output("c", "of c\n"), output("b", "of b\n"), output("x", "of none\n")};
        heard.add(trace);
        BuildTrace next;
        next.vertexes = {vertex("a", "[1/3] RUN a", 10, 40), vertex("d", "[1/1] RUN d", 41)};
        next.outputs = {output("a", "end of a"), output("d", "of d\n")};
        heard.add(next);
        CHECK(
            heard.lines
            == Lines{"step|1/3|RUN a", "step|2/3|RUN b", "output|2/3|of b", "done|2/3|", "step|3/3|RUN c", "output|3/3|of c", "output||of none", "output|1/3|end of a", "done|1/3|", "step|1/1|RUN d", "output|1/1|of d"}
        );
    }

    TEST_CASE("what is reported again is told once")
    {
        Heard heard;
        BuildTrace trace;
        trace.vertexes = {vertex("a", "[1/1] FROM a", 1, 2), vertex("a", "[1/1] FROM a", 1, 3)};
        heard.add(trace);
        trace.vertexes[0].cached = true;
        heard.add(trace);
        CHECK(heard.lines == Lines{"step|1/1|FROM a", "done|1/1|"});
    }

    TEST_CASE("the pieces of stdout and stderr are joined apart")
    {
        Heard heard;
        BuildTrace trace;
        trace.vertexes = {vertex("a", "[1/1] RUN a", 1)};
        trace.outputs = {
            output("a", "one "),
            output("a", "loud ", 2),
            output("a", "line\nlast"),
            output("a", "line\n", 2)};
        heard.add(trace);
        heard.log.finish();
        CHECK(
            heard.lines
            == Lines{"step|1/1|RUN a", "output|1/1|one line", "output|1/1|loud line", "output|1/1|last"}
        );
    }

    TEST_CASE("the step that failed first is named, not those that were stopped with it")
    {
        Heard heard;
        BuildTrace trace;
        trace.vertexes = {
            vertex("a", "[a 1/1] RUN a", 1),
            vertex("b", "[b 1/1] RUN b", 2),
            vertex("c", "[c 1/1] RUN c", 3)};
        heard.add(trace);
        CHECK(heard.log.step()->event.place == "c 1/1");
        BuildTrace end;
        end.vertexes = {
            failed(vertex("c", "[c 1/1] RUN c", 3, 4), "exit code: 137: context canceled"),
            failed(vertex("b", "[b 1/1] RUN b", 2, 4), "exit code: 1")};
        end.outputs = {output("b", "Could not resolve host: x\n")};
        heard.add(end);
        heard.log.fail();
        CHECK(heard.lines.back() == "failed|b 1/1|RUN b");
        CHECK(heard.log.step()->saw_no_network);
    }

    TEST_CASE("a last line without an end is told, and tells why the step failed")
    {
        Heard heard;
        BuildTrace trace;
        trace.vertexes = {vertex("a", "[1/1] RUN a", 1)};
        trace.outputs = {output("a", "Could not resolve"), output("a", " host: x", 1)};
        heard.add(trace);
        CHECK(heard.lines == Lines{"step|1/1|RUN a"});
        SUBCASE("at the end of its step")
        {
            BuildTrace end;
            end.vertexes = {failed(vertex("a", "[1/1] RUN a", 1, 2), "exit code: 1")};
            heard.add(end);
        }
        SUBCASE("at the end of a build that broke off") {}
        heard.log.fail();
        CHECK(
            heard.lines
            == Lines{"step|1/1|RUN a", "output|1/1|Could not resolve host: x", "failed|1/1|RUN a"}
        );
        CHECK(heard.log.step()->saw_no_network);
    }

    TEST_CASE("a trace of very many steps and lines")
    {
        // 10^10 comparisons, if each step looked at each line.
        constexpr int count = 100'000;
        Heard heard;
        BuildTrace trace;
        for (int i = 0; i < count; ++i) {
            const std::string digest = "sha256:" + std::to_string(i);
            trace.vertexes.push_back(vertex(digest, "[1/2] RUN x", 1 + i));
            trace.outputs.push_back(output(digest, digest + "\n"));
        }
        std::ranges::reverse(trace.outputs);
        heard.add(trace);
        REQUIRE(heard.lines.size() == std::size_t{2} * count);
        for (std::size_t i = 0; i < heard.lines.size(); i += 2) {
            REQUIRE(heard.lines[i] == "step|1/2|RUN x");
            REQUIRE(heard.lines[i + 1] == "output|1/2|sha256:" + std::to_string(i / 2));
        }
    }

    TEST_CASE("a failure that is of no step names none")
    {
        Heard heard;
        BuildTrace trace;
        trace.vertexes = {
            vertex("a", "[1/2] RUN a", 1),
            failed(vertex("m", "[internal] load metadata for x", 2, 3), "no such host")};
        heard.add(trace);
        heard.log.fail();
        CHECK(heard.log.step() == nullptr);
        CHECK(heard.lines == Lines{"step|1/2|RUN a", "note||[internal] load metadata for x"});
    }

    TEST_CASE("brackets without numbers are no step")
    {
        Heard heard;
        int second = 1;
        for (const char* name :
             {"[internal] x",
              "[auth] y",
              "[1/] z",
              "[/2] z",
              "[1/2]",
              "[] x",
              "copy /context /",
              "[a 1/2 b] x",
              "["}) {
            BuildTrace trace;
            trace.vertexes = {vertex(name, name, second++)};
            heard.add(trace);
            CHECK(heard.lines.back() == "note||" + std::string(name));
        }
    }

    TEST_CASE("parts of the work: bytes are a pull, all else is told once")
    {
        Heard heard;
        engine::BuildVertexStatus layer;
        layer.vertex = "v";
        layer.id = "sha256:ab";
        layer.name = "extracting";
        layer.current = 12'000'000;
        layer.total = 80'000'000;
        engine::BuildVertexStatus naming;
        naming.vertex = "v";
        naming.id = "naming to x";
        BuildTrace trace;
        trace.statuses = {layer, naming, naming};
        heard.add(trace);
        heard.add(trace);
        CHECK(
            heard.lines
            == Lines{"pull||extracting: 12 MB of 80 MB", "note||naming to x", "pull||extracting: 12 MB of 80 MB"}
        );
    }
}
