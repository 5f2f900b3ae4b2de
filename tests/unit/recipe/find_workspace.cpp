#include "support/temp_directory.hpp"

#include <slipway/core/workspace.hpp>

#include <doctest/doctest.h>

#include <fstream>

using namespace slipway;
using namespace slipway::core;

namespace fs = std::filesystem;

TEST_SUITE("core.workspace.find")
{
    TEST_CASE("cargo's root, else git's, else the directory")
    {
        const test::TempDirectory directory;
        const fs::path top = fs::canonical(directory.path());
        fs::create_directories(top / "repo/.git");
        fs::create_directories(top / "repo/rust/member/src");
        fs::create_directories(top / "repo/docs");
        fs::create_directories(top / "plain");
        std::ofstream(top / "repo/rust/Cargo.toml") << "[workspace.package]\nversion = '1'\n";
        std::ofstream(top / "repo/rust/member/Cargo.toml") << "[package]\nname = 'x'\n";

        CHECK(*find_workspace(top / "repo/rust/member/src", {}) == top / "repo/rust");
        CHECK(*find_workspace(top / "repo/docs", {}) == top / "repo");
        CHECK(*find_workspace(top / "plain", {}) == top / "plain");
    }

    TEST_CASE("a package without a workspace; a manifest that is none")
    {
        const test::TempDirectory directory;
        const fs::path top = fs::canonical(directory.path());
        fs::create_directories(top / "src");
        std::ofstream(top / "Cargo.toml") << "= not toml\n# [workspace]\n";
        CHECK(*find_workspace(top / "src", {}) == top);
    }

    TEST_CASE("the home directory and the root of the disk are too wide")
    {
        const test::TempDirectory directory;
        const fs::path home = fs::canonical(directory.path());
        fs::create_directories(home / ".git");
        fs::create_directories(home / "notes");
        CHECK(*find_workspace(home / "notes", home) == home / "notes");
        for (const fs::path& wide : {home, fs::path("/")}) {
            const auto found = find_workspace(wide, home);
            REQUIRE_FALSE(found.has_value());
            CHECK(found.error().code == Errc::invalid_argument);
            CHECK(found.error().hint.find("--workspace") != std::string::npos);
        }
        CHECK(find_workspace(home / "absent", home).error().code == Errc::not_found);
    }

    TEST_CASE("directories of the system are refused, projects below them are not")
    {
        for (const char* path :
             {"/", "/etc", "/usr", "/usr/bin", "/var", "/dev/shm", "/proc/self"}) {
            CAPTURE(path);
            const auto checked = check_workspace(path);
            REQUIRE_FALSE(checked.has_value());
            CHECK(checked.error().code == Errc::invalid_argument);
            CHECK(checked.error().hint.find("--workspace") != std::string::npos);
        }
        for (const char* path :
             {"/home/me/x", "/usr/src/x", "/var/lib/x", "/etcetera", "/device"}) {
            CAPTURE(path);
            CHECK(check_workspace(path).has_value());
        }
        for (const char* path : {"/etc", "/bin", "/proc"}) {
            CAPTURE(path);
            const auto found = find_workspace(path, {});
            REQUIRE_FALSE(found.has_value());
            CHECK(found.error().code == Errc::invalid_argument);
        }
    }
}
