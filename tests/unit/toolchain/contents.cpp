#include "toolchain/contents.hpp"

#include "made_rustup.hpp"
#include "toolchain/parts.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>

using namespace slipway;
using namespace slipway::core;
using slipway::test::MadeRustup;

namespace fs = std::filesystem;

namespace {

const std::string triple = MadeRustup::host;

struct Made {
    Made()
    {
        top = rustup.add("one-" + triple, {triple, "a-b-c", "d-e-f"});
        MadeRustup::write(top / "lib/librustc.so", "compiler");
        MadeRustup::write(top / "lib/rustlib/components", "rustc-" + triple + "\n");
        MadeRustup::write(top / "lib/rustlib/etc/gdb.py", "");
        MadeRustup::write(top / "lib/rustlib/src/rust/library/lib.rs", "");
        MadeRustup::write(top / "libexec/helper", "");
        MadeRustup::write(top / "share/doc/book", "");
        rustup.question.target = "a-b-c";
        toolchain = rustup.find("one").value();
    }

    Manifest contents() const
    {
        const std::atomic<bool> stop = false;
        return contents_of(toolchain, stop).value();
    }
    ContentHash digest() const { return digest_of_contents(contents()); }

    MadeRustup rustup;
    fs::path top;
    HostToolchain toolchain;
};

timespec read_at(const fs::path& file)
{
    struct stat status {};
    ::stat(file.c_str(), &status);
    return status.st_atim;
}

} // namespace

TEST_SUITE("core.toolchain.contents")
{
    TEST_CASE("what is needed, and nothing else")
    {
        Made made;
        auto has = [files = made.contents()](const std::string& path) {
            return files.entries.contains(path);
        };
        for (const char* const path :
             {"bin",
              "bin/cargo",
              "lib/librustc.so",
              "lib/rustlib/components",
              "lib/rustlib/etc/gdb.py",
              "lib/rustlib/a-b-c/lib/libstd.rlib",
              "libexec/helper"}) {
            CAPTURE(path);
            CHECK(has(path));
        }
        CHECK(has("lib/rustlib/" + triple + "/lib/libstd.rlib"));
        for (const char* const path : {"share", "lib/rustlib/d-e-f", "lib/rustlib/src"}) {
            CAPTURE(path);
            CHECK_FALSE(has(path));
        }
        made.toolchain.with_source = true;
        CHECK(made.contents().entries.contains("lib/rustlib/src/rust/library/lib.rs"));
        for (const char* const path :
             {"lib/rustlib/manifest-rust-std-x86_64-unknown-linux-gnu",
              "lib/rustlib/multirust-channel-manifest.toml",
              "lib/rustlib/rust-installer-version"}) {
            CHECK(is_needed(made.toolchain, path));
        }
    }

    TEST_CASE("the digest goes by names, modes and contents, and by nothing else")
    {
        Made made;
        const ContentHash first = made.digest();
        const fs::path file = made.top / "lib/librustc.so";
        fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1));
        MadeRustup::write(made.top / "share/doc/book", "other");
        MadeRustup::write(made.top / "lib/rustlib/d-e-f/lib/libstd.rlib", "other");
        CHECK(made.digest() == first);
        MadeRustup::write(file, "compileR");
        CHECK_FALSE(made.digest() == first);
        MadeRustup::write(file, "compiler");
        CHECK(made.digest() == first);
        fs::permissions(file, fs::perms(0600));
        CHECK_FALSE(made.digest() == first);
        fs::permissions(file, fs::perms(0644));
        fs::create_symlink("librustc.so", made.top / "lib/link.so");
        const ContentHash linked = made.digest();
        CHECK_FALSE(linked == first);
        fs::remove(made.top / "lib/link.so");
        fs::create_symlink("librustc.os", made.top / "lib/link.so");
        CHECK_FALSE(made.digest() == linked);
        fs::remove(made.top / "lib/link.so");
        CHECK(made.digest() == first);
    }

    TEST_CASE("another name of a file is as a copy of it")
    {
        Made made;
        const fs::path second = made.top / "lib/rustlib/a-b-c/lib/second";
        // The first name, by the order of names, is that of a target that is not needed.
        const fs::path first = made.top / "lib/rustlib/a-a-a/lib/first";
        MadeRustup::write(first, "text");
        fs::create_hard_link(first, second);
        const ContentHash linked = made.digest();
        fs::remove(second);
        MadeRustup::write(second, "text");
        CHECK(made.digest() == linked);
    }

    TEST_CASE("files are read once, where notes are kept")
    {
        Made made;
        made.toolchain.notes = made.rustup.top() / "notes";
        const fs::path file = made.top / "lib/librustc.so";
        // Of such a file each reading is noted, also where the system notes few of them.
        fs::last_write_time(file, fs::file_time_type::clock::now() + std::chrono::hours(1));
        std::this_thread::sleep_for(std::chrono::milliseconds(50)); // it is young no more
        const timespec before = read_at(file);
        const ContentHash first = made.digest();
        const timespec after = read_at(file);
        const auto same = [](const timespec& a, const timespec& b) {
            return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
        };
        if (same(before, after)) return; // this file system notes none
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        CHECK(made.digest() == first);
        CHECK(same(read_at(file), after));
        MadeRustup::write(file, "compileR");
        CHECK_FALSE(made.digest() == first);
    }

    TEST_CASE("what cannot be taken")
    {
        Made made;
        const std::atomic<bool> stop = false;
        fs::rename(made.top / "libexec", made.top / "elsewhere");
        CHECK(contents_of(made.toolchain, stop).has_value());
        fs::create_directory_symlink("elsewhere", made.top / "libexec");
        const auto linked = contents_of(made.toolchain, stop);
        REQUIRE_FALSE(linked.has_value());
        CHECK(linked.error().code == Errc::invalid_argument);
        const std::atomic<bool> stopped = true;
        fs::remove(made.top / "libexec");
        const auto interrupted = contents_of(made.toolchain, stopped);
        REQUIRE_FALSE(interrupted.has_value());
        CHECK(interrupted.error().code == Errc::cancelled);
    }
}
