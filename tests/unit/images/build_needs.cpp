#include "images/build_needs.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace slipway;
using core::BuildArgs;
using core::needs_of;

namespace {

using Names = std::vector<std::string>;

/// The images as "reference" or "reference platform".
Names images(const std::string& dockerfile, const std::string& target = {}, BuildArgs args = {})
{
    Names names;
    for (const auto& image : needs_of(dockerfile, target, args).images) {
        names.push_back(image.reference + (image.platform.empty() ? "" : " " + image.platform));
    }
    return names;
}

Names only_in_buildkit(const std::string& instructions)
{
    return needs_of("FROM x\n" + instructions, {}, {}).buildkit_only;
}

} // namespace

TEST_SUITE("core.images.build_needs")
{
    TEST_CASE("the image of a FROM, with variables as the builder expands them")
    {
        CHECK(images("FROM busybox\n") == Names{"busybox"});
        CHECK(images("from \\\n  busybox:1 as a\nFROM a\n") == Names{"busybox:1"});
        const std::string with = "ARG BASE=debian:12\nARG ALL=\"r/${BASE}\" T\nFROM ";
        CHECK(images(with + "${BASE}") == Names{"debian:12"});
        CHECK(images(with + "$BASE AS x") == Names{"debian:12"});
        CHECK(images(with + "$ALL") == Names{"r/debian:12"});
        CHECK(images(with + "$ALL", {}, {{"BASE", "x"}}) == Names{"r/x"});
        CHECK(images(with + "$BASE", {}, {{"BASE", std::nullopt}}) == Names{"debian:12"});
        CHECK(images(with + "$BASE", {}, {{"OTHER", "x"}}) == Names{"debian:12"});
        CHECK(images(with + "x${T:-:1}") == Names{"x:1"});
        CHECK(images(with + "x${T:-${U:-:2}}") == Names{"x:2"});
        CHECK(images(with + "x${T:+no}:3${BASE:+4}") == Names{"x:34"});
        CHECK(images(with + "x${T-:5}", {}, {{"T", ""}}) == Names{"x"});
        CHECK(images(with + "x${T", {}, {{"T", ":6"}}) == Names{"x"});
        CHECK(images(with + "\"$BASE\"") == Names{"debian:12"});
    }

    TEST_CASE("what names no image is left out")
    {
        CHECK(images("").empty());
        CHECK(images("RUN x\n").empty());
        CHECK(images("FROM scratch\n").empty());
        CHECK(images("FROM $NOTHING\n").empty());
        CHECK(images("FROM\n").empty());
        CHECK(images("FROM --platform=x\n").empty());
        CHECK(images("FROM a\nFROM b\n", "no-such-stage").empty());
    }

    TEST_CASE("variables that hold one another twice do not grow without measure")
    {
        std::string dockerfile = "ARG A0=0123456789\n";
        for (int i = 0; i < 60; ++i) {
            const std::string before = "$A" + std::to_string(i);
            dockerfile += "ARG A" + std::to_string(i + 1) + "=" + before + before + "\n";
        }
        CHECK(images(dockerfile + "FROM x$A60\n") == Names{"x"});
    }

    TEST_CASE("only the stages that the target needs")
    {
        const std::string all = "FROM one AS a\nFROM two AS b\nFROM three\nCOPY --from=A /x /y\n"
                                "FROM b AS last\nCOPY --link --from=2 /x /y\n";
        CHECK(images(all) == Names{"three", "one", "two"});
        CHECK(images(all, "last") == Names{"three", "one", "two"});
        CHECK(images(all, "B") == Names{"two"});
        CHECK(images(all, "2") == Names{"three", "one"});
        CHECK(images("FROM x AS x\nFROM x\n") == Names{"x"}); // the second is the stage
        CHECK(images("FROM 0 AS zero\nFROM 0\n") == Names{"0"});
        CHECK(images("FROM a AS b\nCOPY --from=b /x /y\n") == Names{"a"});
        std::string chain = "FROM busybox AS s0\n";
        for (int i = 1; i < 20'000; ++i) {
            chain += "FROM s" + std::to_string(i - 1) + " AS s" + std::to_string(i) + "\n";
        }
        CHECK(images(chain) == Names{"busybox"});
    }

    TEST_CASE("images that are copied from or mounted, each once")
    {
        CHECK(
            images("FROM a\nCOPY --from=b:1 / /\nCOPY --chown=1 --from=b:1 x y\nRUN x --from=c\n")
            == Names{"a", "b:1"}
        );
        CHECK(
            images("FROM a\nRUN --mount=type=bind,from=m,target=/m --mount=from=n true\n")
            == Names{"a", "m", "n"}
        );
        CHECK(images("FROM a\nCOPY --from=$b / /\n") == Names{"a"});
    }

    TEST_CASE("platforms")
    {
        CHECK(images("FROM --platform=linux/arm64 a\n") == Names{"a linux/arm64"});
        CHECK(images("ARG P=linux/arm64\nFROM --platform=$P a\n") == Names{"a linux/arm64"});
        CHECK(
            images("FROM --platform=$BUILDPLATFORM a AS b\nFROM a\nCOPY --from=b / /\n")
            == Names{"a"}
        );
        CHECK(
            images("FROM --platform=linux/s390x a AS b\nFROM a\nCOPY --from=b / /\n")
            == Names{"a", "a linux/s390x"}
        );
    }

    TEST_CASE("the syntax line, where it is a directive")
    {
        const auto syntax = [](const std::string& text) { return needs_of(text, {}, {}).syntax; };
        CHECK(syntax("# syntax=docker/dockerfile:1\nFROM x\n") == "docker/dockerfile:1");
        CHECK(syntax("#  Syntax = a/b  words \r\nFROM x\n") == "a/b");
        CHECK(syntax("# escape=`\n#syntax=a\nFROM x\n") == "a");
        CHECK(syntax("# about this file\n# syntax=a\nFROM x\n").empty());
        CHECK(syntax("\n# syntax=a\nFROM x\n").empty());
        CHECK(syntax("FROM x\n# syntax=a\n").empty());
        CHECK(syntax("# syntax=\nFROM x\n").empty());
        CHECK(syntax("FROM x\n").empty());
    }

    TEST_CASE("what only BuildKit has")
    {
        CHECK(only_in_buildkit("RUN x --mount=y\nCOPY --from=a --chown=1 b c\nADD d e\n").empty());
        CHECK(only_in_buildkit("RUN --mount=type=cache,target=/c x\n") == Names{"RUN --mount"});
        CHECK(only_in_buildkit("RUN --network=none x\n") == Names{"RUN --network"});
        CHECK(
            only_in_buildkit("COPY --chmod=1 a b\nCOPY --chmod=2 a b\n") == Names{"COPY --chmod"}
        );
        CHECK(only_in_buildkit("ADD --link a b\n") == Names{"ADD --link"});
        CHECK(only_in_buildkit("RUN <<EOF\nx\nEOF\n") == Names{"here-documents"});
        const auto needs = needs_of(
            "FROM x\nRUN --mount=a b\nCOPY --link <<A /x\n1\nA\nCOPY --chmod=1 a b", {}, {}
        );
        CHECK(needs.newer_buildkit_only == Names{"COPY --link", "here-documents"});
    }

    TEST_CASE("lines of here-documents are no instructions")
    {
        const std::string start = "FROM a\n";
        CHECK(images(start + "RUN <<EOF\nFROM b\nEOF\n") == Names{"a"});
        CHECK(images(start + "RUN <<-'EOF' cat\n\tFROM b\n\tEOF\nFROM c\n") == Names{"c"});
        CHECK(images(start + "COPY <<\"A\" <<B /x/\nFROM b\nA\nFROM c\nB\nFROM d\n") == Names{"d"});
        CHECK(images(start + "RUN cat 3<<X\r\nFROM b\r\nX\r\nFROM e\r\n") == Names{"e"});
        // No end, no word, or not of a kind that can have one.
        CHECK(images(start + "RUN <<EOF\nFROM b\n") == Names{"b"});
        CHECK(images(start + "RUN echo $((1 << 2))\nFROM b\n2\n") == Names{"b"});
        CHECK(images(start + "ENV x=<<EOF\nFROM b\nEOF\n") == Names{"b"});
        CHECK(images(start + "RUN <<EOF\nx\n EOF\nFROM b\n") == Names{"b"});
    }
}
