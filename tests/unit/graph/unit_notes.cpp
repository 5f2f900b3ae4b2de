#include "graph/unit_notes.hpp"

#include "support/temp_directory.hpp"
#include "unit_files.hpp"

#include <slipway/core/unit_file.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;

namespace {

constexpr std::string_view units = R"(build.default = ["b"]
[toolchain.cc]
image = "debian"
platform = "linux/amd64"
[unit.a]
command = ["cc", "-x"]
inputs = ["src/*.c", "x"]
discover = ["include/*.h"]
inputs_from = ["list"]
outputs = ["gen/", "{target}.o"]
scratch = ["tmp"]
depfile = "x.d"
env = { A = "1", B = "2" }
pass_env = ["C"]
network = "engine"
caches = [{ name = "c", path = "/c", locked = true }]
cpus = 1.5
memory = "512m"
deadline = "10m"
[unit.b]
script = "b"
inputs = ["gen/x"]
)";

void write(const fs::path& file, std::string_view text)
{
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

std::string contents(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

ino_t inode(const fs::path& file)
{
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status.st_ino;
}

struct Project {
    TempDirectory directory;
    fs::path file = directory.path() / "slipway.toml";
    fs::path notes = directory.path() / ".slipway" / "units";

    Result<UnitFile> read(const UnitVariables& variables = {"arm64", "debug"}) const
    {
        return read_unit_file(file, variables, notes);
    }
};

/// A note that no reading would give: it shows that the note was taken.
void plant(const Project& project, const UnitVariables& variables, std::string_view name)
{
    auto other =
        parsed("toolchain.cc.image = 'x'\nunit." + std::string(name) + ".command = ['p']\n");
    REQUIRE(other.has_value());
    write(project.notes, encode_unit_notes(*other, contents(project.file), variables));
}

} // namespace

TEST_SUITE("core.graph.unit_notes")
{
    TEST_CASE("what was noted is what was read")
    {
        const auto file = parsed(units);
        REQUIRE_MESSAGE(file.has_value(), refusal(file));
        const UnitVariables variables{"arm64", "debug"};
        const std::string notes = encode_unit_notes(*file, units, variables);
        const auto again = decode_unit_notes(notes, units, "elsewhere/slipway.toml", variables);
        REQUIRE(again.has_value());
        CHECK(again->path == "elsewhere/slipway.toml");
        UnitFile expected = *file;
        expected.path = again->path;
        CHECK(*again == expected);
    }

    TEST_CASE("another text, other variables, each cut and each flipped bit are no notes")
    {
        const auto file = parsed(units);
        REQUIRE(file.has_value());
        const UnitVariables variables{"arm64", "debug"};
        const std::string notes = encode_unit_notes(*file, units, variables);
        const auto is_taken = [&](std::string_view bytes) {
            return decode_unit_notes(bytes, units, "slipway.toml", variables).has_value();
        };
        CHECK(is_taken(notes));
        const std::string text = std::string(units) + "\n";
        CHECK_FALSE(decode_unit_notes(notes, text, "slipway.toml", variables));
        CHECK_FALSE(decode_unit_notes(notes, units, "slipway.toml", {"arm64", "release"}));
        CHECK_FALSE(decode_unit_notes(notes, units, "slipway.toml", {"arm64debug", ""}));
        CHECK_FALSE(decode_unit_notes(notes, units, "slipway.toml", {"arm6", "4debug"}));
        for (std::size_t size = 0; size < notes.size(); ++size) {
            CHECK_FALSE(is_taken(std::string_view(notes).substr(0, size)));
        }
        CHECK_FALSE(is_taken(notes + "x"));
        for (std::size_t at = 0; at < notes.size(); ++at) {
            std::string flipped = notes;
            flipped[at] = static_cast<char>(flipped[at] ^ 1);
            CHECK_FALSE(is_taken(flipped));
        }
    }

    TEST_CASE("the second reading takes the notes, until the file or a variable is another one")
    {
        const Project project;
        write(project.file, units);
        auto file = project.read();
        REQUIRE_MESSAGE(file.has_value(), refusal(file));
        REQUIRE(fs::exists(project.notes));
        const ino_t first = inode(project.notes);
        CHECK(project.read() == *file);
        CHECK(inode(project.notes) == first); // not written again

        plant(project, {"arm64", "debug"}, "planted");
        file = project.read();
        REQUIRE(file.has_value());
        CHECK(file->units[0].name == "planted");

        file = project.read({"amd64", "debug"});
        REQUIRE(file.has_value());
        CHECK(file->units[0].outputs[1].text == "amd64.o");

        write(project.file, std::string(units) + "# more\n");
        file = project.read({"amd64", "debug"});
        REQUIRE(file.has_value());
        CHECK(file->units[0].name == "a");
    }

    TEST_CASE("a damaged note is as if it were not there, and a mistake leaves none")
    {
        const Project project;
        write(project.file, units);
        fs::create_directories(project.notes.parent_path());
        write(project.notes, "damaged");
        REQUIRE(project.read().has_value());
        CHECK(contents(project.notes) != "damaged");

        fs::remove(project.notes);
        write(project.file, "unit.a.comand = ['a']\n");
        CHECK_FALSE(project.read().has_value());
        CHECK_FALSE(fs::exists(project.notes));

        // No place for notes is no reason not to build.
        write(project.file, units);
        fs::create_directories(project.notes);
        CHECK(project.read().has_value());
        CHECK(fs::is_directory(project.notes));
        CHECK(std::distance(fs::directory_iterator(project.notes.parent_path()), {}) == 1);
    }
}
