#include "support/run.hpp"
#include "tools.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace slipway;
using namespace slipway::test;
namespace fs = std::filesystem;

TEST_SUITE("core.archive.unpack")
{
    TEST_CASE("plain entries are put below the destination with their modes and times")
    {
        const TempDir dir;
        const std::string tar =
            raw_dir("a/") + raw_file("a/b", "text", 0751) + raw_symlink("a/l", "/nowhere")
            + raw_pax({{"mtime", "1500000000.123456789"}}) + raw_file("c", "") + raw_end();
        const auto done = unpacked(tar, dir.path());
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(done->written == std::vector<std::string>{"a", "a/b", "a/l", "c"});
        CHECK(done->written_bytes == 4);
        CHECK(done->seen.size() == 4);
        CHECK(read_file(dir / "a/b") == "text");
        struct stat status {};
        REQUIRE(::stat((dir / "a/b").c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0751);
        CHECK(status.st_mtim.tv_sec == 1'600'000'000);
        REQUIRE(::stat((dir / "a").c_str(), &status) == 0);
        CHECK(status.st_mtim.tv_sec == 1'600'000'000);
        REQUIRE(::stat((dir / "c").c_str(), &status) == 0);
        CHECK(status.st_mtim.tv_sec == 1'500'000'000);
        CHECK(status.st_mtim.tv_nsec == 123'456'789);
        CHECK(fs::read_symlink(dir / "a/l") == "/nowhere");
    }

    TEST_CASE("a mtime before 1970 keeps its fraction [fault 62]")
    {
        const TempDir dir;
        const auto done = unpacked(
            raw_pax({{"mtime", "-1.5"}}) + raw_file("a", "") + raw_pax({{"mtime", "-86400"}})
                + raw_file("b", "") + raw_end(),
            dir.path()
        );
        REQUIRE(done.has_value());
        struct stat status {};
        REQUIRE(::stat((dir / "a").c_str(), &status) == 0);
        CHECK(status.st_mtim.tv_sec == -2);
        CHECK(status.st_mtim.tv_nsec == 500'000'000);
        REQUIRE(::stat((dir / "b").c_str(), &status) == 0);
        CHECK(status.st_mtim.tv_sec == -86400);
    }

    TEST_CASE("names that are not UTF-8, or not composed, come through as they are")
    {
        std::string odd = "odd\n";
        for (int byte = 0x80; byte <= 0xff; ++byte) {
            odd.push_back(static_cast<char>(byte));
        }
        const std::string decomposed = "e\xcc\x81"; // e and a combining accent
        const std::string composed = "\xc3\xa9";    // the same letter as one
        const std::string kelvin = "\xe2\x84\xaa";  // composes to a plain K
        for (const std::string& name : {odd, decomposed, composed, kelvin}) {
            const TempDir dir;
            // With hdrcharset and without, as Go writes it, and in a plain header.
            const auto done = unpacked(
                raw_pax({{"path", "x" + name}}) + raw_file("x", "1")
                    + raw_pax({{"hdrcharset", "BINARY"}, {"path", "y" + name}}) + raw_file("y", "2")
                    + raw_file("z" + name.substr(0, 50), "3") + raw_pax({{"linkpath", name}})
                    + raw_symlink("l", "x") + raw_end(),
                dir.path()
            );
            REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
            CHECK(read_file(dir / ("x" + name)) == "1");
            CHECK(read_file(dir / ("y" + name)) == "2");
            CHECK(read_file(dir / ("z" + name.substr(0, 50))) == "3");
            CHECK(fs::read_symlink(dir / "l").native() == name);
        }
    }

    TEST_CASE("leading parts are stripped and a name outside of them is an error")
    {
        const TempDir dir;
        core::UnpackOptions options;
        options.strip = "src/app";
        const auto done = unpacked(
            raw_dir("src/app/") + raw_file("src/app/f", "1") + raw_end(), dir.path(), options
        );
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(read_file(dir / "f") == "1");
        const auto bad = unpacked(raw_file("src/apple", "1") + raw_end(), dir.path(), options);
        REQUIRE(!bad.has_value());
        CHECK(bad.error().code == Errc::protocol);
        CHECK(bad.error().message == "an entry in the archive is outside of src/app: src/apple");
        const auto file = unpacked(raw_file("src/app", "1") + raw_end(), dir.path(), options);
        REQUIRE(!file.has_value());
        CHECK(file.error().code == Errc::protocol);
    }

    TEST_CASE("the filter decides path by path")
    {
        const TempDir dir;
        core::UnpackOptions options;
        options.keep = [](std::string_view path, core::EntryType) { return path != "no"; };
        const auto done = unpacked(
            raw_file("no", "1") + raw_file("yes", "2") + raw_hard_link("also", "no") + raw_end(),
            dir.path(),
            options
        );
        REQUIRE(done.has_value());
        CHECK(!fs::exists(dir / "no"));
        CHECK(read_file(dir / "yes") == "2");
        REQUIRE(done->skipped.size() == 1);
        CHECK(done->skipped[0].path == "no");
        CHECK(done->skipped[0].reason == core::SkipReason::filtered);
        // The bytes of `also` went with `no`.
        REQUIRE(done->unresolved.size() == 1);
        CHECK(done->unresolved[0].path == "also");
        CHECK(done->unresolved[0].target == "no");
        CHECK(done->seen.contains("no"));
    }

    TEST_CASE("type changes replace what stood there")
    {
        const TempDir dir;
        write_file(dir / "file-to-dir", "x");
        fs::create_directory(dir / "dir-to-file");
        fs::create_symlink("/etc/passwd", dir / "link-to-file");
        fs::create_directory(dir / "elsewhere");
        fs::create_symlink("elsewhere", dir / "link-to-dir");
        write_file(dir / "file-to-link", "x");
        fs::create_directory(dir / "dir-to-link");
        const auto done = unpacked(
            raw_dir("file-to-dir/") + raw_file("file-to-dir/in", "1") + raw_file("dir-to-file", "2")
                + raw_file("link-to-file", "3") + raw_dir("link-to-dir/")
                + raw_file("link-to-dir/in", "4") + raw_symlink("file-to-link", "t")
                + raw_symlink("dir-to-link", "t") + raw_end(),
            dir.path()
        );
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(read_file(dir / "file-to-dir/in") == "1");
        CHECK(read_file(dir / "dir-to-file") == "2");
        CHECK(fs::is_regular_file(fs::symlink_status(dir / "link-to-file")));
        CHECK(fs::is_directory(fs::symlink_status(dir / "link-to-dir")));
        CHECK(fs::is_empty(dir / "elsewhere"));
        CHECK(fs::is_symlink(fs::symlink_status(dir / "file-to-link")));
        CHECK(fs::is_symlink(fs::symlink_status(dir / "dir-to-link")));
    }

    TEST_CASE("a directory that holds more than was sent is not replaced")
    {
        const TempDir dir;
        fs::create_directory(dir / "d");
        write_file(dir / "d/mine", "x");
        const auto done = unpacked(raw_file("d", "1") + raw_end(), dir.path());
        REQUIRE(!done.has_value());
        CHECK(done.error().code == Errc::conflict);
        CHECK(done.error().message.find("mine") != std::string::npos);
        CHECK(read_file(dir / "d/mine") == "x");
    }

    TEST_CASE("a directory that holds only what was sent gives way")
    {
        const TempDir dir;
        fs::create_directories(dir / "w/d/sub");
        write_file(dir / "w/d/sub/f", "x");
        const Packed sent = packed_with_manifest({{dir / "w", "w"}});
        core::UnpackOptions options;
        options.sent = sent.manifest;
        options.sent_root = "w";
        const auto done = unpacked(raw_file("d", "1") + raw_end(), dir / "w", options);
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(read_file(dir / "w/d") == "1");
    }

    TEST_CASE("existing directories keep their contents and special bits")
    {
        const TempDir dir;
        fs::create_directory(dir / "d");
        write_file(dir / "d/mine", "x");
        REQUIRE(::chmod((dir / "d").c_str(), 02700) == 0);
        const auto done = unpacked(raw_dir("d/") + raw_file("d/new", "1") + raw_end(), dir.path());
        REQUIRE(done.has_value());
        CHECK(read_file(dir / "d/mine") == "x");
        struct stat status {};
        REQUIRE(::stat((dir / "d").c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 02755);
        CHECK(done->written == std::vector<std::string>{"d/new"});
    }

    TEST_CASE("a directory of someone else's keeps its mode and time, and the rest goes on")
    {
        if (::geteuid() != 0) return; // only root can be someone else
        const TempDir dir;
        ::chmod(dir.path().c_str(), 0777);
        fs::create_directory(dir / "theirs");
        ::chmod((dir / "theirs").c_str(), 0755);
        const std::string tar = raw_dir("a/") + raw_dir("theirs/") + raw_dir("z/") + raw_end();
        // In a child: ids cannot be put back once they are given up for good.
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            if (::setgid(1234) != 0 || ::setuid(1234) != 0) ::_exit(2);
            ::_exit(unpacked(tar, dir.path()).has_value() ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        struct stat a {};
        REQUIRE(::stat((dir / "a").c_str(), &a) == 0);
        CHECK((a.st_mode & 07777) == 0755);
        CHECK(a.st_mtim.tv_sec == 1'600'000'000);
    }

    TEST_CASE("blocks of zeros become holes and the size is right")
    {
        const TempDir dir;
        std::string bytes(1'000'000, '\0');
        bytes.replace(500'000, 5, "hello");
        const auto done = unpacked(
            raw_file("f", bytes) + raw_file("g", std::string(5000, '\0')) + raw_end(), dir.path()
        );
        REQUIRE(done.has_value());
        CHECK(read_file(dir / "f") == bytes);
        CHECK(read_file(dir / "g") == std::string(5000, '\0'));
        struct stat status {};
        REQUIRE(::stat((dir / "f").c_str(), &status) == 0);
        CHECK(status.st_blocks * 512 < 100'000);
    }

    TEST_CASE("type bits in the mode do no harm and special bits are dropped [fault 48]")
    {
        const TempDir dir;
        const auto done = unpacked(
            raw_file("f", "1", 0100644) + raw_file("s", "1", 06755) + raw_end(), dir.path()
        );
        REQUIRE(done.has_value());
        struct stat status {};
        REQUIRE(::stat((dir / "f").c_str(), &status) == 0);
        CHECK(status.st_mode == (S_IFREG | 0644U));
        REQUIRE(::stat((dir / "s").c_str(), &status) == 0);
        CHECK(status.st_mode == (S_IFREG | 0755U));
    }

    TEST_CASE("global headers may be the last, with the end mark behind them")
    {
        for (const std::size_t size : {900'000U, 600U, 0U}) {
            CAPTURE(size);
            const std::string header = raw_pax({{"comment", std::string(size, 'c')}}, 'g');
            const std::string global = header + header + header;
            const std::string block(512, '\0');
            for (const std::string& before : {std::string(), raw_file("f", block)}) {
                const TempDir dir;
                const auto done = unpacked(before + global + raw_end(), dir.path());
                REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
                CHECK(done->written.size() == (before.empty() ? 0 : 1));
                for (const std::string& end : {std::string(), block}) {
                    const TempDir other;
                    const auto cut = unpacked(before + global + end, other.path());
                    REQUIRE(!cut.has_value());
                    CHECK(cut.error().code == Errc::truncated);
                }
            }
        }
    }

    TEST_CASE("an absent destination is an error that names it")
    {
        const TempDir dir;
        const auto done = unpacked(raw_end(), dir / "absent");
        REQUIRE(!done.has_value());
        CHECK(done.error().code == Errc::not_found);
        CHECK(done.error().message.find((dir / "absent").native()) != std::string::npos);
    }

    TEST_CASE("the source's own error is what comes out")
    {
        const TempDir dir;
        const std::string tar =
            raw_file("a", "1") + raw_file("b", std::string(5000, 'b')) + raw_end();
        const Error lost(Errc::unreachable, "connection reset");
        const auto source = pieces_then(tar.substr(0, 3000), lost);
        const auto done = run(core::unpack(source, dir.path(), {}));
        REQUIRE(!done.has_value());
        CHECK(done.error().code == Errc::unreachable);
        CHECK(done.error().message == "connection reset");
        CHECK(!fs::exists(dir / "b"));
    }
}
