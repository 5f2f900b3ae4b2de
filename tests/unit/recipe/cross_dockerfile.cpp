#include "cross_project.hpp"

#include <slipway/core/dockerfile_image.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::core;
using slipway::test::CrossProject;

namespace {

using Args = std::map<std::string, std::string>;

struct DockerfileProject : CrossProject {
    DockerfileProject()
    {
        write("Dockerfile", "FROM a\n");
        write("ci/Dockerfile", "FROM b\n");
    }

    CrossDockerfile of(std::string_view text) const
    {
        const auto config = read(text);
        REQUIRE_MESSAGE(config.has_value(), (config ? "" : describe(config.error())));
        REQUIRE(config->dockerfile.has_value());
        return *config->dockerfile;
    }
};

} // namespace

TEST_SUITE("core.recipe.cross_dockerfile")
{
    TEST_CASE("a path, or a table")
    {
        const DockerfileProject project;
        const auto plain = project.of("[build]\ndockerfile = './ci/Dockerfile'\n");
        CHECK(plain.text == "FROM b\n");
        CHECK(plain.file == project.root() / "ci/Dockerfile");
        CHECK(plain.context == project.root());
        CHECK(plain.build_args.empty());
        CHECK(plain.place == project.at("Cross.toml:2:14"));
        const auto table = project.of("[target.a-b-c.dockerfile]\nfile = 'Dockerfile'\n"
                                      "context = 'ci'\nbuild-args = {A = '1', B = ''}\n"
                                      "[build]\ndockerfile = 'none'\n");
        CHECK(table.text == "FROM a\n");
        CHECK(table.context == project.root() / "ci");
        CHECK(table.build_args == Args{{"A", "1"}, {"B", ""}});
        CHECK(table.place == project.at("Cross.toml:2:8"));
        CHECK_FALSE(project.read("[target.d-e-f]\ndockerfile = 'none'\n")->dockerfile.has_value());
    }

    TEST_CASE("variables, each key for itself")
    {
        DockerfileProject project;
        auto& environment = project.question.environment;
        environment["CROSS_BUILD_DOCKERFILE"] = "ci/Dockerfile";
        CHECK(project.of("").text == "FROM b\n");
        CHECK(project.of("").place == "the variable CROSS_BUILD_DOCKERFILE");
        CHECK(project.of("[target.a-b-c]\ndockerfile = 'Dockerfile'\n").text == "FROM a\n");
        environment["CROSS_TARGET_A_B_C_DOCKERFILE_CONTEXT"] = "ci";
        const auto mixed = project.of("[build.dockerfile]\nfile = 'none'\ncontext = 'none'\n"
                                      "build-args.A = '1'\n");
        CHECK(mixed.text == "FROM b\n");
        CHECK(mixed.context == project.root() / "ci");
        CHECK(mixed.build_args == Args{{"A", "1"}});
        environment.erase("CROSS_BUILD_DOCKERFILE");
        CHECK_FALSE(project.read("")->dockerfile.has_value());
    }

    TEST_CASE("what is wrong is named with its place")
    {
        const DockerfileProject project;
        project.write("empty", " \n");
        project.write("binary", std::string_view("F\0", 2));
        project.write("../outside/Dockerfile", "FROM x\n");
        std::filesystem::create_symlink("../outside/Dockerfile", project.root() / "leads-out");
        const std::string outside = (project.root().parent_path() / "outside").string();
        const std::pair<std::string, std::string> rows[]{
            {"dockerfile = 'none'",
             "2:14: the Dockerfile " + project.at("none") + ": No such file"},
            {"dockerfile = ''", "2:14: the path of the Dockerfile is empty"},
            {"dockerfile = 'ci'", "2:14: the Dockerfile: "},
            {"dockerfile = 'empty'", "2:14: the Dockerfile " + project.at("empty") + " is empty"},
            {"dockerfile = 'binary'",
             "2:14: the Dockerfile " + project.at("binary") + " is no text"},
            {"dockerfile = '../outside/Dockerfile'",
             "2:14: the Dockerfile " + outside + "/Dockerfile is not inside the workspace"},
            {"dockerfile = 'leads-out'",
             "2:14: the Dockerfile " + outside + "/Dockerfile is not inside the workspace"},
            {"dockerfile = 3", "2:14: build.dockerfile is an integer"},
            {"dockerfile = ['x']", "2:14: build.dockerfile is an array"},
            {"dockerfile = {context = '.'}", "2:14: build.dockerfile has no key file"},
            {"dockerfile = {file = true}", "2:22: build.dockerfile.file is a boolean"},
            {"dockerfile = {file = 'Dockerfile', context = 'none'}",
             "2:46: the context of the Dockerfile " + project.at("none") + ": No such file"},
            {"dockerfile = {file = 'Dockerfile', context = '..'}",
             "2:46: the context of the Dockerfile " + project.root().parent_path().string()
                 + " is not inside"},
            {"dockerfile = {file = 'Dockerfile', context = 'Dockerfile'}",
             "2:46: the context of the Dockerfile, " + project.at("Dockerfile")
                 + ", is no directory"},
            {"dockerfile = {file = 'Dockerfile', build-args = {A = 1}}",
             "2:54: build.dockerfile.build-args.A is an integer"},
            {"dockerfile = {file = 'Dockerfile', build-args = {'A=B' = '1'}}",
             "2:50: 'A=B' is no name of a build argument"}};
        for (const auto& [row, message] : rows) {
            const auto& text = row;
            const std::string wanted = message;
            CAPTURE(text);
            const auto config = project.read("[build]\n" + text + "\n");
            REQUIRE_FALSE(config.has_value());
            CHECK(config.error().code == Errc::invalid_argument);
            CHECK(
                config.error().message.substr(0, project.at("Cross.toml:" + wanted).size())
                == project.at("Cross.toml:" + wanted)
            );
            CHECK_FALSE(config.error().hint.empty());
        }
    }

    TEST_CASE("whose runner it is")
    {
        DockerfileProject project;
        const std::string target = "aarch64-unknown-linux-gnu";
        project.question.target = target;
        const std::string text = "[target." + target
                                 + "]\ndockerfile = 'Dockerfile'\n"
                                   "runner = 'qemu-system'\n";
        const auto of_another = project.read(text);
        REQUIRE(of_another.has_value());
        CHECK(of_another->env.at("CROSS_RUNNER") == "qemu-system");
        CHECK_FALSE(starts_from_own_image(*of_another));
        project.write("Dockerfile", "ARG CROSS_BASE_IMAGE\nFROM $CROSS_BASE_IMAGE\n");
        CHECK(project.read(text).error().code == Errc::unsupported);
        CHECK(starts_from_own_image(*project.read("[build]\ndockerfile = 'Dockerfile'\n")));
    }
}
