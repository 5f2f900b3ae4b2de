#include "images/dockerfile.hpp"

#include <slipway/core/image_catalog.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace slipway;
using core::ImageCatalog;

namespace {

constexpr const char* sample = R"(# a comment
ARG BASE="debian:bookworm-slim"
FROM ${BASE} AS host
RUN true \
# FROM x AS not-a-stage
    && echo FROM x AS also-not-one
from --platform=linux/amd64 host as x86_64-unknown-linux-gnu
FROM host \
  AS aarch64-unknown-linux-gnu
)";

ImageCatalog parsed(std::string text)
{
    auto catalog = ImageCatalog::parse(std::move(text), "Dockerfile.test");
    REQUIRE(catalog.has_value());
    return *std::move(catalog);
}

Error refused(std::string text)
{
    auto catalog = ImageCatalog::parse(std::move(text), "Dockerfile.test");
    REQUIRE(!catalog.has_value());
    return std::move(catalog).error();
}

} // namespace

TEST_SUITE("core.images.catalog")
{
    TEST_CASE("stages named like a triple are targets")
    {
        const ImageCatalog catalog = parsed(sample);
        CHECK(
            catalog.targets()
            == std::vector<std::string>{"x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"}
        );
        CHECK(catalog.default_base() == "debian:bookworm-slim");
        CHECK(catalog.has_target("aarch64-unknown-linux-gnu"));
        CHECK(!catalog.has_target("host"));
        CHECK(!catalog.is_built_in());
    }

    TEST_CASE("a last instruction that goes on is not lost")
    {
        for (const char* end : {"\\", "\\\n", "\\\n\n", "\\\n# the end", "\\\n  \\\n"}) {
            CAPTURE(end);
            const auto all = core::instructions_of(std::string("FROM a\nFROM b AS c ") + end);
            REQUIRE(all.size() == 2);
            CHECK(all[1].arguments == "b AS c");
        }
    }

    TEST_CASE("the escape directive stands before all else")
    {
        const auto count = [](const std::string& head) {
            return core::instructions_of(head + "RUN a `\n b\n").size();
        };
        CHECK(count("# escape=`\n") == 1);
        CHECK(count("# syntax=x\n#Escape = `\n") == 1);
        CHECK(count("# a comment\n# escape=`\n") == 2);
        CHECK(count("\n# escape=`\n") == 2);
    }

    TEST_CASE("the image that a FROM names")
    {
        using core::image_of_from;
        CHECK(image_of_from("busybox", "debian") == "busybox");
        CHECK(image_of_from("busybox:latest AS x-y-z", "debian") == "busybox:latest");
        CHECK(image_of_from("--platform=linux/amd64 ${BASE} AS host", "debian") == "debian");
        CHECK(image_of_from("$BASE", "debian") == "debian");
        CHECK(image_of_from("${OTHER}", "debian") == "${OTHER}");
        CHECK(image_of_from("", "debian").empty());
    }

    TEST_CASE("line ends of another system and other escapes")
    {
        CHECK(
            parsed("FROM a AS x-y-z\r\nRUN b\r\n").targets() == std::vector<std::string>{"x-y-z"}
        );
        CHECK(
            parsed("# escape=`\nFROM a `\n AS x-y-z").targets() == std::vector<std::string>{"x-y-z"}
        );
        CHECK(parsed("FROM a\\\n AS x-y-z").targets().empty() == false);
    }

    TEST_CASE("an ARG after the first stage is no base")
    {
        CHECK(parsed("FROM a AS x-y-z\nARG BASE=b\n").default_base().empty());
    }

    TEST_CASE("the languages of a target are its label's, or those of the stage it begins with")
    {
        using Words = std::vector<std::string>;
        const auto languages = [](const std::string& label, std::string_view target = "x-y-z") {
            return parsed("FROM a AS x-y-z\n" + label + "\nFROM x-y-z AS x-y-z-more\n")
                .languages(target);
        };
        CHECK(languages("LABEL org.slipway.languages=c") == Words{"c"});
        CHECK(languages("LABEL org.slipway.languages=c", "x-y-z-more") == Words{"c"});
        CHECK(
            languages("LABEL a=\"b c\" 'org.slipway.languages'=\"c  c++\" d=e") == Words{"c", "c++"}
        );
        CHECK(languages("label a=b \\\n  org.slipway.languages='c rust'") == Words{"c", "rust"});
        CHECK(languages("LABEL a=\"org.slipway.languages=c\"").empty());
        CHECK(languages("LABEL org.slipway.languages").empty());
        CHECK(languages("LABEL org.slipway.languages=").empty());
        CHECK(languages("LABEL \"org.slipway.languages=c").size() == 1); // the builder refuses it
        CHECK(languages("LABEL org.slipway.languages2=c").empty());
        CHECK(languages("RUN org.slipway.languages=c").empty());
        CHECK(languages("", "no-such-target").empty());
        CHECK(parsed("LABEL org.slipway.languages=c\nFROM a AS x-y-z\n").languages("x-y-z").empty()
        );
        CHECK(parsed("FROM a AS x\nLABEL org.slipway.languages=c\nFROM a AS x-y-z\n")
                  .languages("x-y-z")
                  .empty());
    }

    TEST_CASE("a target is for the languages that it names, and for all when it names none")
    {
        const ImageCatalog catalog =
            parsed("FROM a AS c-and-more\nLABEL org.slipway.languages=\"c c++\"\n"
                   "FROM a AS all-three-words\nLABEL org.slipway.languages=\"c c++ rust\"\n"
                   "FROM a AS says-no-word\n");
        CHECK(catalog.check_language("c-and-more", "c++").has_value());
        CHECK(catalog.check_language("all-three-words", "rust").has_value());
        CHECK(catalog.check_language("says-no-word", "rust").has_value());
        CHECK(catalog.check_language("no-such-target", "rust").has_value()); // another's error
        const auto refused = catalog.check_language("c-and-more", "rust");
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::unsupported);
        CHECK(refused.error().message == "the image for c-and-more has no rust: it is for c, c++");
        CHECK(refused.error().hint == "those with rust are all-three-words");
    }

    TEST_CASE("a file without targets is refused")
    {
        CHECK(refused("FROM a AS host\n").code == Errc::invalid_argument);
        CHECK(refused("").message == "Dockerfile.test: no stage is named after a target");
        CHECK(refused("FROM a\nFROM b AS\n").code == Errc::invalid_argument);
    }

    TEST_CASE("two stages of one name are refused")
    {
        CHECK(
            refused("FROM a AS x-y-z\nFROM b AS x-y-z\n").message
            == "Dockerfile.test: two stages have the name 'x-y-z'"
        );
    }

    TEST_CASE("the built-in catalogue is Dockerfile.images")
    {
        const ImageCatalog& catalog = ImageCatalog::built_in();
        CHECK(catalog.is_built_in());
        CHECK(catalog.has_target("aarch64-unknown-linux-gnu"));
        CHECK(catalog.has_target("x86_64-unknown-linux-gnu"));
        CHECK(catalog.default_base() == "debian:bookworm-slim");
        for (const std::string& target : catalog.targets()) {
            CAPTURE(target);
            REQUIRE(!catalog.languages(target).empty());
            CHECK(catalog.languages(target).front() == "c");
            const std::string label = "LABEL org.slipway.target=" + target + " ";
            CHECK(catalog.text().find(label) != std::string::npos);
        }
    }

    TEST_CASE("loading files")
    {
        const auto path = std::filesystem::temp_directory_path()
                          / ("slipway-catalog-" + std::to_string(::getpid()));
        std::ofstream(path) << sample;
        const auto catalog = ImageCatalog::load(path);
        std::filesystem::remove(path);
        REQUIRE(catalog.has_value());
        CHECK(catalog->text() == sample);
        CHECK(catalog->origin() == path.string());
        const auto missing = ImageCatalog::load(path);
        REQUIRE(!missing.has_value());
        CHECK(missing.error().code == Errc::not_found);
        const auto endless = ImageCatalog::load("/dev/zero");
        REQUIRE(!endless.has_value());
        CHECK(endless.error().code == Errc::invalid_argument);
        CHECK(endless.error().message == "/dev/zero is no Dockerfile: it has more than 4 MiB");
        const auto directory = ImageCatalog::load(std::filesystem::temp_directory_path());
        REQUIRE(!directory.has_value());
        CHECK(directory.error().code == Errc::io);
    }
}

TEST_SUITE("core.images.image_name")
{
    TEST_CASE("the name is stable")
    {
        // XXH3-128 of "FROM a AS x-y-z\n", NUL, NUL, "x-y-z".
        CHECK(parsed("FROM a AS x-y-z\n").image_name("x-y-z") == "slipway/x-y-z:6f57a8ad3e0a");
    }

    TEST_CASE("the Dockerfile, the base and the target each change the name")
    {
        const ImageCatalog catalog = parsed(sample);
        const std::string target = "aarch64-unknown-linux-gnu";
        const std::string name = catalog.image_name(target);
        CHECK(name.size() == std::string("slipway/:").size() + target.size() + 12);
        CHECK(catalog.image_name(target, "debian:bookworm-slim") == name); // the default
        CHECK(catalog.image_name(target, "debian:trixie-slim") != name);
        CHECK(parsed(std::string(sample) + "\n").image_name(target) != name);
        const std::string other = catalog.image_name("x86_64-unknown-linux-gnu");
        CHECK(other.substr(other.find(':')) != name.substr(name.find(':')));
    }
}
