#include "workspace/build_place.hpp"

#include "support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::core;
namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

namespace {

/// A workspace with the build directory `target`, and what a build leaves there. What has "deps" in
/// its path is no result.
class Project {
public:
    BuildPlace place() const
    {
        auto prepared = BuildPlace::prepare(root, directory());
        REQUIRE_MESSAGE(prepared.has_value(), describe(prepared.error()));
        return *std::move(prepared);
    }
    BuildDirectory directory() const
    {
        BuildDirectory directory;
        directory.path = target;
        directory.variable = "TARGET_DIR";
        directory.is_result = [](std::string_view path, EntryType) {
            return path.find("deps") == std::string_view::npos;
        };
        return directory;
    }
    fs::path inside(const std::string& path) const { return target / ".slipway/cafe" / path; }
    void
    build(const std::string& path, const std::string& text, const std::string& image = "cafe") const
    {
        const fs::path file = target / ".slipway" / image / path;
        fs::create_directories(file.parent_path());
        fs::remove(file); // as cargo does
        std::ofstream(file) << text;
    }
    Uplifted uplift(const std::string& image = "cafe") const
    {
        auto done = place().uplift(image);
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        return *std::move(done);
    }
    std::string text(const std::string& path) const
    {
        std::stringstream all;
        all << std::ifstream(target / path).rdbuf();
        return all.str();
    }

    test::TempDirectory temporary;
    fs::path root = fs::canonical(temporary.path());
    fs::path target = root / "target";
};

ino_t inode(const fs::path& path)
{
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_ino;
}

} // namespace

TEST_SUITE("core.workspace.build_place")
{
    TEST_CASE("a new build directory is marked as one, an old one is left as it is")
    {
        const Project project;
        CHECK(project.place().inside("cafe") == project.inside("").parent_path().string());
        CHECK(
            project.text("CACHEDIR.TAG").starts_with("Signature: 8a477f597d28d172789f06886806bc55")
        );
        CHECK_FALSE(fs::exists(project.inside(""))); // what builds makes it
        fs::remove(project.target / "CACHEDIR.TAG");
        project.place();
        CHECK_FALSE(fs::exists(project.target / "CACHEDIR.TAG"));
    }

    TEST_CASE("results get a name where people look, the rest does not")
    {
        const Project project;
        const BuildPlace place = project.place();
        project.build("t/debug/program", "one");
        project.build("t/debug/deps/program-1", "one");
        project.build("t/debug/examples/e", "example");
        fs::create_symlink("program", project.inside("t/debug/link"));
        fs::create_directories(project.inside("t/debug/empty"));
        ::chmod(project.inside("t/debug/program").c_str(), 0751);
        const Uplifted done = project.uplift();
        CHECK(done.written == Paths{"t/debug/examples/e", "t/debug/link", "t/debug/program"});
        CHECK(done.removed.empty());
        CHECK(project.text("t/debug/program") == "one");
        CHECK(
            (fs::status(project.target / "t/debug/program").permissions() & fs::perms::mask)
            == fs::perms(0751)
        );
        CHECK(fs::read_symlink(project.target / "t/debug/link") == "program");
        CHECK(
            fs::last_write_time(project.target / "t/debug/program")
            == fs::last_write_time(project.inside("t/debug/program"))
        );
        CHECK_FALSE(fs::exists(project.target / "t/debug/deps"));
        CHECK_FALSE(fs::exists(project.target / "t/debug/empty"));
    }

    TEST_CASE("what is there already is left alone")
    {
        const Project project;
        project.build("program", "one");
        project.uplift();
        const ino_t before = inode(project.target / "program");
        CHECK(project.uplift().written.empty());
        CHECK(inode(project.target / "program") == before);
    }

    TEST_CASE("what was built anew, or removed or changed here, is put there again")
    {
        const Project project;
        project.build("program", "one");
        project.build("other", "other");
        project.uplift();
        project.build("program", "two");
        CHECK(project.uplift().written == Paths{"program"});
        CHECK(project.text("program") == "two");
        fs::remove(project.target / "program");
        CHECK(project.uplift().written == Paths{"program"});
        fs::remove(project.target / "other");
        std::ofstream(project.target / "other") << "of somebody else";
        CHECK(project.uplift().written == Paths{"other"});
        CHECK(project.text("other") == "other");
    }

    TEST_CASE("what is no result any more goes, with the directories that are empty then")
    {
        const Project project;
        project.build("t/debug/a", "a");
        project.build("t/debug/b", "b");
        project.build("t/release/c", "c");
        project.uplift();
        fs::remove(project.target / "t/debug/b");
        std::ofstream(project.target / "t/debug/b") << "of somebody else";
        std::ofstream(project.target / "t/debug/mine") << "mine";
        fs::remove_all(project.inside("t"));
        const Uplifted done = project.uplift();
        CHECK(done.removed == Paths{"t/debug/a", "t/release/c"});
        CHECK(done.written.empty());
        CHECK(project.text("t/debug/b") == "of somebody else");
        CHECK(project.text("t/debug/mine") == "mine");
        CHECK_FALSE(fs::exists(project.target / "t/release"));
        CHECK(project.uplift().removed.empty());
    }

    TEST_CASE("all of it goes when the place does, as after `cargo clean`")
    {
        const Project project;
        project.build("t/debug/a", "a");
        project.uplift();
        fs::remove_all(project.inside(""));
        CHECK(project.uplift().removed == Paths{"t/debug/a"});
        CHECK_FALSE(fs::exists(project.target / "t"));
    }

    TEST_CASE("each image has a place, and only its own results")
    {
        const Project project;
        project.build("t/a", "a");
        project.uplift();
        const std::string other = "beef";
        project.build("t/a", "of the other", other);
        CHECK(project.uplift(other).written == Paths{"t/a"});
        CHECK(project.text("t/a") == "of the other");
        fs::remove_all(project.target / ".slipway/beef");
        CHECK(project.uplift(other).removed == Paths{"t/a"});
        CHECK(project.uplift().written == Paths{"t/a"});
    }

    TEST_CASE("what all images have built is cleaned, with the results")
    {
        const Project project;
        project.build("t/debug/a", "a");
        project.uplift();
        const std::string other = "beef";
        project.build("t/debug/b", "b", other);
        project.build("t/debug/deps/b", "b", other);
        project.uplift(other);
        std::ofstream(project.target / "t/mine") << "mine";
        auto done = project.place().clear();
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(done->removed == Paths{"t/debug/b", "t/debug/a"});
        CHECK(project.text("t/mine") == "mine");
        CHECK_FALSE(fs::exists(project.target / ".slipway"));
        CHECK_FALSE(fs::exists(project.target / "t/debug"));
        fs::remove_all(project.target / "t");
        REQUIRE(project.place().clear().has_value());
        CHECK_FALSE(fs::exists(project.target));
    }

    TEST_CASE("something else in the way is an error, and stays")
    {
        const Project project;
        const BuildPlace place = project.place();
        project.build("a", "a");
        fs::create_directories(project.target / "a/mine");
        auto done = place.uplift("cafe");
        REQUIRE_FALSE(done.has_value());
        CHECK(done.error().code == Errc::conflict);
        CHECK(done.error().message.find("target/a") != std::string::npos);
        CHECK(fs::exists(project.target / "a/mine"));
        fs::remove_all(project.target / "a");
        fs::remove(project.inside("a"));
        project.build("d/a", "a");
        std::ofstream(project.target / "d") << "mine";
        done = place.uplift("cafe");
        REQUIRE_FALSE(done.has_value());
        CHECK(done.error().code == Errc::conflict);
        CHECK(project.text("d") == "mine");
    }

    TEST_CASE("no symlink of the job's leads an uplift out of the build directory")
    {
        const Project project;
        const test::TempDirectory outside;
        const BuildPlace place = project.place();
        project.build("t/evil", "evil");
        fs::create_directory_symlink(outside.path(), project.target / "t");
        const auto done = place.uplift("cafe");
        REQUIRE_FALSE(done.has_value());
        CHECK(done.error().code == Errc::conflict);
        CHECK(fs::is_empty(outside.path()));
        // Nor one in the place of the whole directory.
        fs::remove(project.target / "t");
        fs::rename(project.target, project.root / "moved");
        fs::create_directory_symlink(outside.path(), project.target);
        CHECK(place.uplift("cafe").has_value());
        CHECK(fs::is_empty(outside.path()));
        CHECK_FALSE(fs::exists(project.root / "moved/t"));
        // And before it, it is refused.
        const auto refused = BuildPlace::prepare(project.root, project.directory());
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == Errc::unsupported);
        CHECK(fs::is_empty(outside.path()));
    }

    TEST_CASE("nor does a record that the job has written")
    {
        const Project project;
        const test::TempDirectory outside;
        std::ofstream(outside.path() / "precious") << "x";
        const BuildPlace place = project.place();
        fs::create_directory_symlink(outside.path(), project.target / "link");
        struct stat status {};
        REQUIRE(::stat((outside.path() / "precious").c_str(), &status) == 0);
        const std::string mark =
            std::to_string(status.st_ino) + " "
            + std::to_string(status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec) + " ";
        std::string record;
        for (const std::string path :
             {"link/precious", "../precious", "/precious", "", "..", ".", "a//b", "link/../../x"}) {
            record += mark + path + '\0';
        }
        record += "1 ";
        std::ofstream(project.target / ".slipway/cafe.results", std::ios::binary) << record;
        CHECK(project.uplift().removed.empty());
        CHECK(fs::exists(outside.path() / "precious"));
    }

    TEST_CASE("a fifo that is no result keeps nobody waiting")
    {
        const Project project;
        const BuildPlace place = project.place();
        fs::create_directories(project.inside(""));
        REQUIRE(::mkfifo(project.inside("fifo").c_str(), 0600) == 0);
        REQUIRE(::mkfifo((project.target / ".slipway/cafe.results").c_str(), 0600) == 0);
        CHECK(project.uplift().written.empty());
    }

    TEST_CASE("a build directory that cannot be made")
    {
        const Project project;
        std::ofstream(project.target) << "a file";
        const auto refused = BuildPlace::prepare(project.root, project.directory());
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().message.find("target") != std::string::npos);
    }
}
