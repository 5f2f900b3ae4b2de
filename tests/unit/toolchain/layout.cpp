#include "toolchain/layout.hpp"

#include "made_rustup.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace slipway;
using namespace slipway::core;
using slipway::test::MadeRustup;
using slipway::test::TempDirectory;

namespace fs = std::filesystem;

namespace {

struct Unpacked {
    fs::path top() const { return directory.path(); }
    void write(const std::string& file, const std::string& text = "x") const
    {
        MadeRustup::write(top() / file, text);
    }
    bool has(const fs::path& path) const { return fs::exists(fs::symlink_status(path)); }

    TempDirectory directory;
};

} // namespace

TEST_SUITE("core.toolchain.layout")
{
    TEST_CASE("a toolchain at the top, or in a directory")
    {
        Unpacked unpacked;
        SUBCASE("at the top")
        {
            unpacked.write("bin/rustc");
            CHECK(toolchain_in(unpacked.top()).value() == unpacked.top());
        }
        SUBCASE("in a directory, beside others")
        {
            unpacked.write("a/readme");
            unpacked.write("stable/bin/rustc");
            CHECK(toolchain_in(unpacked.top()).value() == unpacked.top() / "stable");
        }
    }

    TEST_CASE("a release's components become one")
    {
        Unpacked unpacked;
        const std::string release = "rust-1.85.0-x86_64-unknown-linux-gnu/";
        for (const std::string component :
             {"rustc", "cargo", "rust-std-x86_64-unknown-linux-gnu"}) {
            unpacked.write(release + component + "/manifest.in", component);
        }
        unpacked.write(release + "components", "rustc\ncargo\n");
        unpacked.write(release + "install.sh");
        unpacked.write(release + "rustc/bin/rustc");
        unpacked.write(release + "rustc/lib/rustlib/etc/gdb.py");
        unpacked.write(release + "cargo/bin/cargo", "the cargo");
        unpacked.write(release + "rust-std-x86_64-unknown-linux-gnu/lib/rustlib/t/lib/libstd.rlib");
        const fs::path whole = toolchain_in(unpacked.top()).value();
        for (const char* const file :
             {"bin/rustc",
              "bin/cargo",
              "lib/rustlib/etc/gdb.py",
              "lib/rustlib/t/lib/libstd.rlib"}) {
            CAPTURE(file);
            CHECK(unpacked.has(whole / file));
        }
        CHECK_FALSE(unpacked.has(whole / "manifest.in"));
        CHECK_FALSE(unpacked.has(whole / "install.sh"));
    }

    TEST_CASE("two components with one file")
    {
        Unpacked unpacked;
        for (const std::string component : {"rustc", "cargo"}) {
            unpacked.write("r/" + component + "/manifest.in");
            unpacked.write("r/" + component + "/bin/rustc");
        }
        const auto found = toolchain_in(unpacked.top());
        REQUIRE_FALSE(found);
        CHECK(found.error().code == Errc::invalid_argument);
    }

    TEST_CASE("what links lead to is none of the archive's")
    {
        Unpacked unpacked;
        const TempDirectory other;
        MadeRustup::write(other.path() / "rustc/bin/rustc", "x");
        MadeRustup::write(other.path() / "rustc/manifest.in", "x");
        MadeRustup::write(other.path() / "bin/rustc", "x");
        SUBCASE("in place of the toolchain")
        {
            fs::create_directory_symlink(other.path(), unpacked.top() / "stable");
        }
        SUBCASE("in place of its programs")
        {
            fs::create_directory_symlink(other.path() / "bin", unpacked.top() / "bin");
        }
        SUBCASE("in place of a component")
        {
            unpacked.write("r/x");
            fs::create_directory_symlink(other.path() / "rustc", unpacked.top() / "r/rustc");
        }
        CHECK_FALSE(toolchain_in(unpacked.top()));
        CHECK(unpacked.has(other.path() / "rustc/manifest.in"));
        CHECK(unpacked.has(other.path() / "bin/rustc"));
    }

    TEST_CASE("a link among a release's components is left alone")
    {
        Unpacked unpacked;
        const TempDirectory other;
        MadeRustup::write(other.path() / "manifest.in", "x");
        MadeRustup::write(other.path() / "bin/cargo", "x");
        unpacked.write("r/rustc/manifest.in");
        unpacked.write("r/rustc/bin/rustc");
        fs::create_directory_symlink(other.path(), unpacked.top() / "r/cargo");
        const fs::path whole = toolchain_in(unpacked.top()).value();
        CHECK_FALSE(unpacked.has(whole / "bin/cargo"));
        CHECK(unpacked.has(other.path() / "bin/cargo"));
        CHECK(unpacked.has(other.path() / "manifest.in"));
    }

    TEST_CASE("an archive's own link in the place of the whole is not followed")
    {
        const Unpacked unpacked;
        const TempDirectory elsewhere;
        unpacked.write("r/rustc/manifest.in");
        unpacked.write("r/rustc/bin/rustc");
        unpacked.write("r/rustc/.config/autostart/x");
        fs::create_directory_symlink(elsewhere.path(), unpacked.top() / "r/.whole");
        const auto refused = toolchain_in(unpacked.top());
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == Errc::invalid_argument);
        CHECK(fs::is_empty(elsewhere.path()));
    }

    TEST_CASE("what is read-only becomes its owner's to write")
    {
        const Unpacked unpacked;
        unpacked.write("r/rustc/manifest.in");
        unpacked.write("r/rustc/bin/rustc");
        unpacked.write("r/rustc/lib/a");
        const auto read_only = fs::perms::owner_read | fs::perms::owner_exec;
        for (const char* const path : {"r/rustc/bin", "r/rustc/lib", "r/rustc", "r"}) {
            fs::permissions(unpacked.top() / path, read_only);
        }
        const auto made = toolchain_in(unpacked.top());
        REQUIRE(made.has_value());
        for (const fs::path& path : {*made, *made / "bin", *made / "lib"}) {
            const auto mode = fs::status(path).permissions();
            CHECK((mode & fs::perms::owner_write) != fs::perms::none);
        }
    }

    TEST_CASE("no toolchain")
    {
        Unpacked unpacked;
        unpacked.write("a/b/bin/rustc");
        unpacked.write("rustc");
        const auto found = toolchain_in(unpacked.top());
        REQUIRE_FALSE(found);
        CHECK(found.error().code == Errc::invalid_argument);
    }
}
