#include "images/step_places.hpp"

#include "images/build_log.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace slipway;
using core::BuildLog;
using core::ImageEvent;
using core::StepPlaces;

namespace {

constexpr const char* two_stages = "ARG BASE=busybox\n"
                                   "FROM $BASE AS Tools\n"
                                   "ENV A=b\n"
                                   "RUN one\n"
                                   "FROM Tools AS a-b-c\n"
                                   "COPY --from=x /a /b\n"
                                   "LABEL d=e\n"
                                   "WORKDIR /f\n"
                                   "FROM scratch AS other\n"
                                   "ADD g h\n";

/// The steps that a log tells of, "place|text".
std::vector<std::string> steps(const StepPlaces& places, const std::vector<std::string>& lines)
{
    std::vector<std::string> told;
    const auto on_event = [&](const ImageEvent& event) {
        if (event.kind == ImageEvent::Kind::step) told.push_back(event.place + "|" + event.text);
    };
    BuildLog log(on_event, places);
    for (const std::string& line : lines) {
        engine::Progress message;
        message.stream = line + "\n";
        log.add(message);
    }
    return told;
}

} // namespace

TEST_SUITE("core.images.step_places")
{
    TEST_CASE("dockerd and podman count alike, and what makes no layer is no step")
    {
        const StepPlaces places(two_stages, "a-b-c");
        const std::vector<std::string> counted{
            "tools 1/2|FROM busybox AS Tools",
            "tools 2/2|RUN one",
            "a-b-c 1/2|COPY --from=x /a /b",
            "a-b-c 2/2|WORKDIR /f",
        };
        const std::vector<std::string> dockerd{
            "Step 1/9 : ARG BASE=busybox",
            "Step 2/9 : FROM busybox AS Tools",
            "Step 3/9 : ENV A=b",
            "Step 4/9 : RUN one",
            "Step 5/9 : FROM Tools AS a-b-c",
            "Step 6/9 : COPY --from=x /a /b",
            "Step 7/9 : LABEL d=e",
            "Step 8/9 : WORKDIR /f",
            "Step 9/9 : LABEL org.slipway.target=a-b-c",
        };
        const std::vector<std::string> podman{
            "[1/2] STEP 1/3: FROM busybox AS Tools",
            "[1/2] STEP 2/3: ENV A=b",
            "[1/2] STEP 3/3: RUN one",
            "[2/2] STEP 1/5: FROM Tools AS a-b-c",
            "[2/2] STEP 2/5: COPY --from=x /a /b",
            "[2/2] STEP 3/5: LABEL d=e",
            "[2/2] STEP 4/5: WORKDIR /f",
            "[2/2] STEP 5/5: LABEL \"org.slipway.target\"=\"a-b-c\"",
        };
        CHECK(steps(places, dockerd) == counted);
        CHECK(steps(places, podman) == counted);
    }

    TEST_CASE("the one stage needs no name, whoever builds; others without one are numbered")
    {
        const StepPlaces one("FROM scratch AS a-b-c\nRUN x\n", "a-b-c");
        CHECK(one.one_stage());
        CHECK(one.in_stage(1, 1, "FROM scratch AS a-b-c") == "");
        CHECK(one.in_stage(1, 2, "RUN x") == "1/1");
        CHECK(one.in_file(2, "run x") == "1/1");
        CHECK(StepPlaces("FROM x AS a\nNONSENSE y\n", "a").in_stage(1, 2, "NONSENSE y") == "2/2");
        std::string told;
        BuildLog log([&](const ImageEvent& event) { told = event.place; }, one);
        engine::BuildVertex vertex;
        vertex.digest = "sha256:1";
        vertex.name = "[a-b-c 1/1] RUN x";
        vertex.started.emplace();
        engine::Progress message;
        message.trace.emplace().vertexes.push_back(vertex);
        log.add(message);
        CHECK(told == "1/1");

        const StepPlaces two("FROM x\nRUN y\nFROM z AS a-b-c\nRUN y\n", "a-b-c");
        CHECK(!two.one_stage());
        CHECK(two.in_stage(1, 2, "RUN y") == "stage-0 2/2");
        CHECK(two.in_file(4, "RUN y") == "a-b-c 2/2");
        CHECK(!StepPlaces("FROM z AS a-b-c\nRUN y\nFROM x\n", "a-b-c").one_stage());
    }

    TEST_CASE("what the file has not keeps the builder's number")
    {
        const StepPlaces places("FROM busybox AS a-b-c\nCOPY x y\n", "a-b-c");
        CHECK(!places.in_stage(1, 3, "RUN x"));
        for (const char* text : {"RUN of a trigger", "COPYING", ""}) {
            CHECK(!places.in_stage(1, 2, text));
        }
        CHECK(!places.in_stage(2, 1, "FROM busybox"));
        CHECK(!places.in_stage(0, 1, "FROM busybox"));
        CHECK(!places.in_file(0, "FROM busybox"));
        CHECK(!places.in_file(99, "RUN x"));
        CHECK(!StepPlaces().in_file(1, "FROM x"));
        CHECK(
            steps(places, {"STEP 2/3: RUN of a trigger"})
            == std::vector<std::string>{"2/3|RUN of a trigger"}
        );
    }
}
