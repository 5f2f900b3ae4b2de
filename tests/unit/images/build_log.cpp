#include "images/build_log.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using core::BuildLog;
using core::ImageEvent;

namespace {

/// What the events look like as lines: kind, place, text.
struct Heard {
    std::vector<std::string> lines;
    BuildLog log{[this](const ImageEvent& event) {
        static constexpr const char* kinds[] = {"step", "output", "note", "pull", "done", "failed"};
        lines.push_back(
            std::string(kinds[static_cast<int>(event.kind)]) + "|" + event.place + "|" + event.text
        );
    }};

    void stream(std::string text)
    {
        engine::Progress message;
        message.stream = std::move(text);
        log.add(message);
    }
};

using Lines = std::vector<std::string>;

} // namespace

TEST_SUITE("core.images.build_log")
{
    TEST_CASE("a failing build of dockerd 20.10")
    {
        Heard heard;
        heard.stream("Step 1/2 : FROM busybox:latest");
        heard.stream("\n");
        heard.stream(" ---> 5e6f05d066c3\n");
        heard.stream("Step 2/2 : RUN echo oh no; exit 42");
        heard.stream("\n");
        heard.stream(" ---> Running in c2a4e15cc6ba\n");
        heard.stream("oh no\n");
        CHECK(heard.lines == Lines{
            "step|1/2|FROM busybox:latest",
            "note|1/2| ---> 5e6f05d066c3",
            "done|1/2|",
            "step|2/2|RUN echo oh no; exit 42",
            "note|2/2| ---> Running in c2a4e15cc6ba",
            "output|2/2|oh no",
        });
        REQUIRE(heard.log.step() != nullptr);
        CHECK(heard.log.step()->event.text == "RUN echo oh no; exit 42");
        heard.log.fail();
        CHECK(heard.lines.back() == "failed|2/2|RUN echo oh no; exit 42");
    }

    TEST_CASE("a line of a million stages is output, and no deeper than any other")
    {
        std::string line;
        for (int i = 0; i < 1'000'000; ++i) {
            line += "[1/2] ";
        }
        Heard heard;
        heard.stream("STEP 1/1: RUN x\n");
        heard.stream(line + "\n");
        REQUIRE(heard.lines.size() == 2);
        CHECK(heard.lines[1] == "output|1/1|" + line);
    }

    TEST_CASE("a build of podman 4.3 with several stages")
    {
        Heard heard;
        heard.stream("[1/2] STEP 1/2: FROM busybox:latest AS host\n");
        heard.stream("[2/2] STEP 2/3: RUN echo hello\n");
        heard.stream("hello\n");
        heard.stream("[2/2] COMMIT docker.io/library/x\n");
        heard.stream("--> 2f51cf9f499\n");
        heard.stream("2f51cf9f499d60d9110ea8ed00869c471ed1ac70830c894a07df55bab2ae9557\n");
        CHECK(heard.lines == Lines{
            "step|1/2 1/2|FROM busybox:latest AS host",
            "done|1/2 1/2|",
            "step|2/2 2/3|RUN echo hello",
            "output|2/2 2/3|hello",
            "note|2/2 2/3|[2/2] COMMIT docker.io/library/x",
            "note|2/2 2/3|--> 2f51cf9f499",
            "note|2/2 2/3|2f51cf9f499d60d9110ea8ed00869c471ed1ac70830c894a07df55bab2ae9557",
        });
    }

    TEST_CASE("lines come out the same however they are cut")
    {
        const std::string all = "Step 1/1 : RUN x\nfirst\nsecond\n\nlast without an end";
        Lines whole;
        for (std::size_t cut = 0; cut <= all.size(); ++cut) {
            Heard heard;
            heard.stream(all.substr(0, cut));
            heard.stream(all.substr(cut));
            heard.log.finish();
            if (cut == 0) whole = heard.lines;
            CHECK(heard.lines == whole);
        }
        CHECK(whole.size() == 4);
        CHECK(whole.back() == "output|1/1|last without an end");
    }

    TEST_CASE("output that only looks like a step is output")
    {
        Heard heard;
        for (const char* line :
             {"Step by step\n",
              "Step 1/ : x\n",
              "Step /2 : x\n",
              "Step 1 : x\n",
              "STEP 1/2 x\n",
              "[1/2 STEP 1/2: x\n",
              "[x] y\n",
              "12/34\n"}) {
            heard.stream(line);
        }
        for (const std::string& line : heard.lines) {
            CHECK(line.starts_with("output||"));
        }
        CHECK(heard.lines.size() == 8);
        CHECK(heard.log.step() == nullptr);
        heard.log.fail();
        CHECK(heard.lines.size() == 8);
    }

    TEST_CASE("a line without an end does not grow without bound")
    {
        Heard heard;
        for (int i = 0; i < 100; ++i) {
            heard.stream(std::string(1000, 'x'));
        }
        CHECK(heard.lines.size() == 1);
    }

    TEST_CASE("a step without a network is noticed, and forgotten at the next step")
    {
        Heard heard;
        heard.stream("Step 1/2 : RUN apt-get update\n");
        REQUIRE(heard.log.step() != nullptr);
        CHECK(!heard.log.step()->saw_no_network);
        heard.stream("Temporary failure resolving 'deb.debian.org'\n");
        CHECK(heard.log.step()->saw_no_network);
        heard.stream("Step 2/2 : RUN false\n");
        CHECK(!heard.log.step()->saw_no_network);
    }

    TEST_CASE("the messages of a pull")
    {
        engine::Progress message;
        message.status = "Downloading";
        message.id = "3f4a1b";
        CHECK(core::pull_text(message) == "Downloading 3f4a1b");
        message.current = 12'400'000;
        message.total = 80'000'000;
        CHECK(core::pull_text(message) == "Downloading 3f4a1b: 12 MB of 80 MB");
        message.total = 0;
        CHECK(core::pull_text(message) == "Downloading 3f4a1b");
        CHECK(core::pull_text({}).empty());
    }
}
