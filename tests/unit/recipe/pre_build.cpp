#include <slipway/core/cross_config.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::core;

namespace {

ImageCatalog images()
{
    return *ImageCatalog::parse(
        "ARG BASE=b\nFROM $BASE AS host\nFROM host AS aarch64-unknown-linux-gnu\nRUN x\n\n"
        "FROM host AS another-one-below\nRUN y\n",
        "images"
    );
}

CrossConfig config_for(std::vector<std::string> commands)
{
    CrossConfig config;
    config.target = "aarch64-unknown-linux-gnu";
    config.pre_build = std::move(commands);
    config.pre_build_place = "Cross.toml:1:2";
    return config;
}

} // namespace

TEST_SUITE("core.recipe.pre_build")
{
    TEST_CASE("commands on top of our own image, without the stages below it")
    {
        const auto made = with_pre_build(
            config_for({"apt-get update", "echo \"$A\" \\ <<X\t\xc3\xa4"}), images()
        );
        REQUIRE(made.has_value());
        CHECK(
            made->text()
            == "ARG BASE=b\nFROM $BASE AS host\nFROM host AS aarch64-unknown-linux-gnu\nRUN x\n\n"
               "FROM aarch64-unknown-linux-gnu AS aarch64-unknown-linux-gnu-pre-build\n"
               "ARG CROSS_DEB_ARCH=arm64\n"
               "RUN [\"/bin/sh\", \"-ec\", \"apt-get update\\necho \\\"$A\\\" \\\\ "
               "\\u003c\\u003cX\\u0009\xc3\xa4\"]\n"
        );
        CHECK(made->has_target(pre_build_stage("aarch64-unknown-linux-gnu")));
        CHECK(made->default_base() == "b");
        CHECK(made->origin() == "pre-build at Cross.toml:1:2, unless it is one of images");
    }

    TEST_CASE("a script on top of another image")
    {
        CrossConfig config = config_for({});
        config.target = "my-own";
        config.image = "me/x:1";
        config.pre_build_script = "#!/bin/sh\necho $1\n";
        const auto made = with_pre_build(config, images());
        REQUIRE(made.has_value());
        CHECK(
            made->text().starts_with("FROM me/x:1 AS my-own-pre-build\nRUN [\"/bin/sh\", \"-ec\", ")
        );
        CHECK(made->text().ends_with(", \"my-own\", \"#!/bin/sh\\necho $1\\n\"]\n"));
        CHECK(made->default_base().empty());
        CHECK(made->origin() == "pre-build at Cross.toml:1:2");
    }

    TEST_CASE("other commands or another image make another image")
    {
        CrossConfig config = config_for({"x"});
        const auto name = [&] {
            return with_pre_build(config, images())->image_name(pre_build_stage(config.target));
        };
        const std::string first = name();
        config.pre_build = {"y"};
        CHECK(name() != first);
        config.pre_build = {"x"};
        CHECK(name() == first);
        config.image = "me/x";
        CHECK(name() != first);
    }

    TEST_CASE("Debian's names of architectures")
    {
        CrossConfig config = config_for({"x"});
        config.image = "me/x";
        const std::pair<const char*, const char*> rows[]{
            {"x86_64-unknown-linux-musl", "amd64"},
            {"i686-unknown-linux-gnu", "i386"},
            {"armv7-unknown-linux-gnueabihf", "armhf"},
            {"thumbv7neon-unknown-linux-gnueabihf", "armhf"},
            {"arm-unknown-linux-gnueabi", "armel"},
            {"armv5te-unknown-linux-musleabi", "armel"},
            {"powerpc64le-unknown-linux-gnu", "ppc64el"},
            {"powerpc64-unknown-linux-gnu", "ppc64"},
            {"mips64el-unknown-linux-gnuabi64", "mips64el"},
            {"riscv64gc-unknown-linux-gnu", "riscv64"},
            {"s390x-unknown-linux-gnu", "s390x"}};
        for (const auto& row : rows) {
            config.target = row.first;
            CAPTURE(config.target);
            const std::string line = std::string("\nARG CROSS_DEB_ARCH=") + row.second + "\n";
            CHECK(with_pre_build(config, images())->text().find(line) != std::string::npos);
        }
        config.target = "wasm32-unknown-emscripten";
        CHECK(with_pre_build(config, images())->text().find("ARG ") == std::string::npos);
    }

    TEST_CASE("what no image can be made of")
    {
        const auto refused = [](const CrossConfig& config) {
            const auto made = with_pre_build(config, images());
            REQUIRE_FALSE(made.has_value());
            CHECK(made.error().message.find("Cross.toml:1:2") == 0);
            CHECK_FALSE(made.error().hint.empty());
            return made.error().code;
        };
        CHECK(refused(config_for({std::string(60'000, 'x')})) == Errc::unsupported);
        for (const char* const bad :
             {"\xff", "\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf5\x80\x80\x80"}) {
            CHECK(refused(config_for({bad})) == Errc::invalid_argument);
        }
        CrossConfig config = config_for({"x"});
        for (const char* const target : {"./my.json", "A-B-C", "a b", ""}) {
            config.target = target;
            CHECK(refused(config) == Errc::unsupported);
        }
        config.target = "no-such-target";
        CHECK(with_pre_build(config, images()).error().code == Errc::invalid_argument);
    }
}
