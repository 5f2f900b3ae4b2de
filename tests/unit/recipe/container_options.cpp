#include "recipe/container_options.hpp"

#include "support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace slipway;
using namespace slipway::core;
namespace fs = std::filesystem;

namespace {

Result<ContainerOptions> read(std::string_view text, const std::filesystem::path& directory = "/")
{
    return read_container_options(text, "the variable X", directory);
}

using Words = std::vector<std::string>;

} // namespace

TEST_SUITE("core.recipe.container_options")
{
    TEST_CASE("every way to write a value")
    {
        for (const std::string_view text :
             {"-e A=1 --network host -m 1g --cpus 1.5 --platform linux/arm64",
              "-eA=1 --network=host -m1g --cpus=1.5 --platform=linux/arm64",
              "--env=A=1 --net=host --memory=1g --cpus=1.5 --platform=linux/arm64",
              "--env A=1\t--net\n host -m=1g --cpus '1.5' \"--platform\" linux/arm64",
              "-ite A=1 --net host --net host -tm 1g --cpus 4 --cpus 1.5 --platform linux/arm64"}) {
            CAPTURE(text);
            const auto options = read(text);
            REQUIRE(options.has_value());
            CHECK(options->env == Words{"A=1"});
            CHECK(options->container.network == "host");
            CHECK(options->container.memory_bytes == std::int64_t{1} << 30U);
            CHECK(options->container.cpus == 1.5);
            CHECK(options->container.platform == "linux/arm64");
        }
    }

    TEST_CASE("quotes and backslashes as in a shell")
    {
        const std::pair<std::string_view, std::string> rows[]{
            {"-e 'A=1 2'", "A=1 2"},
            {"-e \"A=1 2\"", "A=1 2"},
            {"-e A=1\\ 2", "A=1 2"},
            {"-e A='1 '\"2\"", "A=1 2"},
            {"-e 'A=\\n\"'", "A=\\n\""},
            {"-e \"A=\\\"\\\\\\n\\$B\"", "A=\"\\\\n$B"},
            {"-e A=$B", "A=$B"},
            {"-e A=\\\n1", "A=1"},
            {"-e A=''", "A="},
            {"-e A=#", "A=#"},
            {"--env=A=B=C", "A=B=C"}};
        for (const auto& row : rows) {
            CAPTURE(row.first);
            const auto options = read(row.first);
            REQUIRE(options.has_value());
            CHECK(options->env == Words{row.second});
        }
        CHECK(read("-e A -e B=1 -eA=2")->env == Words{"A", "B=1", "A=2"});
    }

    TEST_CASE("what changes nothing here")
    {
        for (const std::string_view text :
             {"",
              "  \n",
              "--rm -i -t --init",
              "-it",
              "-ti --rm=true --tty=false",
              "--interactive -q",
              "--sig-proxy=false -i=true"}) {
            CAPTURE(text);
            const auto options = read(text);
            REQUIRE(options.has_value());
            CHECK(options->env.empty());
            CHECK(options->container.network.empty());
        }
    }

    TEST_CASE("a file of variables")
    {
        const test::TempDirectory directory;
        std::ofstream(directory.path() / "vars") << "# none\n\nA=1 2 # all\r\n  B\n\t#x\nC='q'";
        CHECK(
            read("--env-file vars -e D=1", directory.path())->env
            == Words{"A=1 2 # all", "B", "C='q'", "D=1"}
        );
        const auto none = read("--env-file=none", directory.path());
        REQUIRE_FALSE(none.has_value());
        CHECK(none.error().code == Errc::invalid_argument);
        CHECK(none.error().message.starts_with("the variable X: --env-file: "));
        CHECK(none.error().message.ends_with("none: No such file or directory"));
        CHECK_FALSE(read("--env-file .", directory.path()).has_value());
        std::ofstream(directory.path() / "binary") << std::string("A=\0", 3);
        CHECK_FALSE(read("--env-file binary", directory.path()).has_value());
    }

    TEST_CASE("what is wrong is named")
    {
        const std::pair<std::string_view, std::string> rows[]{
            {"-e 'A=1", "the quote ' at character 4 has no end"},
            {"-e \"A=1 '", "the quote \" at character 4 has no end"},
            {"-e A=1\\", "it ends with a backslash"},
            {"-e", "-e needs a value"},
            {"--env", "--env needs a value"},
            {"--network=", "--network needs a value"},
            {"--network ''", "--network needs a value"},
            {"-it -m", "-m needs a value"},
            {"--platform=arm64", "--platform arm64: no platform"},
            {"--rm=maybe", "--rm=maybe: neither true nor false"},
            {"-i=1", "-i=1: neither true nor false"},
            {"--netwrok=host", "Slipway does not know --netwrok"},
            {"-z", "Slipway does not know -z"},
            {"-iz", "Slipway does not know -z"},
            {"--=x", "Slipway does not know --"},
            {"image", "'image' is no flag of `docker run`"},
            {"-- -i", "'--' is no flag of `docker run`"},
            {"-", "'-' is no flag of `docker run`"},
            {"''", "'' is no flag of `docker run`"},
            {std::string_view("-\0", 2), std::string("Slipway does not know -\0", 24)}};
        for (const auto& row : rows) {
            CAPTURE(row.first);
            const auto options = read(row.first);
            REQUIRE_FALSE(options.has_value());
            CHECK(options.error().code == Errc::invalid_argument);
            CHECK(options.error().message == "the variable X: " + row.second);
            CHECK_FALSE(options.error().hint.empty());
        }
        CHECK(read("--netwrok=host").error().hint.starts_with("did you mean --network? "));
        for (const std::string_view text :
             {"-m 0", "-m big", "--memory=-1", "--cpus 0", "--cpus=x"}) {
            CAPTURE(text);
            const auto options = read(text);
            REQUIRE_FALSE(options.has_value());
            CHECK(options.error().code == Errc::invalid_argument);
            CHECK(describe(options.error()).find("the variable X") != std::string::npos);
        }
    }

    TEST_CASE("what docker knows and we cannot do")
    {
        const std::pair<std::string_view, std::string> rows[]{
            {"-v /a", "-v /a"},
            {"-vname:/b", "-v name:/b"},
            {"--volume=/tmp:/b", "--volume /tmp:/b"},
            {"-v /tmp:tmp", "-v /tmp:tmp"},
            {"-v /tmp:/tmp:shared", "-v /tmp:/tmp:shared"},
            {"-v /tmp:/tmp:ro:z", "-v /tmp:/tmp:ro:z"},
            {"--mount type=bind", "--mount type=bind"},
            {"--mount src=/tmp,dst=/tmp", "--mount src=/tmp,dst=/tmp"},
            {"--mount type=tmpfs,dst=/tmp", "--mount type=tmpfs,dst=/tmp"},
            {"--mount type=bind,src=/tmp,dst=/b", "--mount type=bind,src=/tmp,dst=/b"},
            {"--mount type=bind,src=/tmp,dst=/tmp,bind-propagation=shared",
             "--mount type=bind,src=/tmp,dst=/tmp,bind-propagation=shared"},
            {"-w /x", "-w"},
            {"-u 0", "-u"},
            {"--privileged", "--privileged"},
            {"--cap-add=ALL", "--cap-add"},
            {"--add-host a:1.2.3.4", "--add-host"},
            {"-itd", "-d"},
            {"--network=container:x", "--network container:x"},
            {"--net name=x,alias=y", "--net name=x,alias=y"},
            {"--network a --network b", "two networks, a and b"}};
        for (const auto& row : rows) {
            CAPTURE(row.first);
            const auto options = read(row.first);
            REQUIRE_FALSE(options.has_value());
            CHECK(options.error().code == Errc::unsupported);
            CHECK(options.error().message == "the variable X: Slipway cannot do " + row.second);
            CHECK(options.error().hint.starts_with("remove it: "));
        }
        CHECK(read("-v a:b").error().hint.find("name a directory") != std::string::npos);
        CHECK(read("-v /tmp:/b").error().hint.find("that it has here, /tmp") != std::string::npos);
    }

    TEST_CASE("directories at their own paths")
    {
        const test::TempDirectory there;
        const fs::path real = fs::canonical(there.path());
        fs::create_directories(real / "data");
        fs::create_directory_symlink("data", real / "link");
        const std::string data = (real / "data").string();
        const std::pair<std::string, bool> rows[]{
            {"-v " + data + ":" + data, false},
            {"-v" + data + ":" + data + "/:ro", true},
            {"--volume=" + data + ":" + data + ":z,cached", false},
            {"-v ./data:" + data + ":Z,ro", true},
            {"-v ./link:" + data, false},
            {"--mount type=bind,source=" + data + ",target=" + data, false},
            {"--mount type=bind,readonly,src=./data,destination=" + data, true},
            {"--mount type=bind,ro=TRUE,src=./data,destination=" + data, true},
            {"--mount type=bind,ro=false,src=./data,destination=" + data, false}};
        for (const auto& [text, read_only] : rows) {
            CAPTURE(text);
            const auto options = read(text, real);
            REQUIRE_MESSAGE(options.has_value(), describe(options.error()));
            REQUIRE(options->volumes.size() == 1);
            CHECK(options->volumes.front().path == data);
            CHECK(options->volumes.front().read_only == read_only);
        }
        for (const std::string& text :
             {std::string("--mount type=bind,src=/tmp,dst=/tmp,readonly=yes"),
              std::string("-v /nowhere/at/all:/nowhere/at/all"),
              std::string("-v /etc:/etc"),
              std::string("-v /:/"),
              std::string("-v /etc/passwd:/etc/passwd")}) {
            CAPTURE(text);
            const auto options = read(text);
            REQUIRE_FALSE(options.has_value());
            CHECK(options.error().code == Errc::invalid_argument);
            CHECK(options.error().message.starts_with("the variable X: -"));
            CHECK_FALSE(options.error().hint.empty());
        }
    }
}
