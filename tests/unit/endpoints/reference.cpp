#include <slipway/engine/reference.hpp>

#include <doctest/doctest.h>

#include <tuple>

using namespace slipway;
using namespace slipway::engine;

namespace {

const std::string hex(64, 'a');
const std::string digest = "sha256:" + hex;

} // namespace

TEST_SUITE("engine.reference")
{
    TEST_CASE("references come apart")
    {
        using Row = std::tuple<std::string, std::string, std::string, std::string>;
        const Row table[] = {
            {"debian", "debian", "", ""},
            {"debian:12", "debian", "12", ""},
            {"ghcr.io/cross-rs/a.b__c:v1.2-X", "ghcr.io/cross-rs/a.b__c", "v1.2-X", ""},
            {"localhost:5000/a", "localhost:5000/a", "", ""},
            {"localhost:5000/a:b", "localhost:5000/a", "b", ""},
            {"[::1]:5000/a", "[::1]:5000/a", "", ""},
            {"Host.Example/a", "Host.Example/a", "", ""},
            {"a@" + digest, "a", "", digest},
            {"a@sha512+b64u:" + hex, "a", "", "sha512+b64u:" + hex},
            {"r.io/a:t@" + digest, "r.io/a", "t", digest}};
        for (const auto& [written, name, tag, hash] : table) {
            const std::string text = written;
            CAPTURE(text);
            const auto got = parse_reference(text);
            REQUIRE(got.has_value());
            CHECK(got->name == name);
            CHECK(got->tag == tag);
            CHECK(got->digest == hash);
        }
    }

    TEST_CASE("what is no reference is refused")
    {
        const std::string bad[] = {
            "",
            ":",
            "a:",
            ":tag",
            "a@",
            "@" + digest,
            "a b",
            "a\n",
            "Upper",
            "a/Upper",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "a:b:c",
            "a:-t",
            "a:b c",
            "a@sha256:short",
            "a@nocolon",
            "a@:" + hex,
            "a@sha256\xBE:" + hex,
            "a@sha256 x:" + hex,
            "a@../sha256:" + hex,
            "a@sha256+:" + hex,
            "a@sha+.256:" + hex,
            "a@" + digest + "@" + digest,
            "-a",
            "a:" + std::string(129, 't'),
            "host.io/",
            "h o.st/a",
            "a?b",
            "a%2fb",
            "a&tag=b"};
        for (const std::string& text : bad) {
            CAPTURE(std::string(text));
            const auto got = parse_reference(text);
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::invalid_argument);
        }
    }

    TEST_CASE("spellings of one image are the same")
    {
        for (const char* text :
             {"x",
              "x:latest",
              "docker.io/x",
              "docker.io/library/x:latest",
              "localhost/x:latest",
              "library/x",
              "index.docker.io/library/x",
              "registry-1.docker.io/library/x",
              "registry-1.docker.io/x"}) {
            CAPTURE(std::string(text));
            CHECK(normalized(text) == "x:latest");
            CHECK(same_reference(text, "x"));
        }
        CHECK(normalized("localhost:5000/x") == "localhost:5000/x:latest");
        CHECK(normalized("docker.io/a/x:1") == "a/x:1");
        CHECK(normalized("x@" + digest) == "x@" + digest);
        CHECK(normalized("library/x@" + digest) == "x@" + digest);
        CHECK(normalized("library/a/x") == "library/a/x:latest");
        CHECK(normalized("docker.io/library/a/x") == "library/a/x:latest");
        CHECK(same_reference("library/debian", "debian"));
        CHECK(!same_reference("x:1", "x:2"));
        CHECK(!same_reference("ghcr.io/x", "x"));
        CHECK(!same_reference("docker.io/localhost/x", "x"));
        CHECK(!same_reference("localhost/library/x", "x"));
        CHECK(normalized("localhost/docker.io/x") == "docker.io/x:latest");
    }

    TEST_CASE("ids are compared without their algorithm")
    {
        CHECK(bare_id("sha256:abc") == "abc");
        CHECK(bare_id("abc") == "abc");
        CHECK(bare_id("") == "");
    }
}
