#include "support/run.hpp"
#include "tools.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace slipway;
using namespace slipway::test;
namespace fs = std::filesystem;

namespace {

/// A tree with one of everything that travels. Names use `letters`, which a test can vary.
void make_tree(const fs::path& top, const std::string& letters)
{
    fs::create_directories(top / "empty");
    fs::create_directories(top / "deep" / std::string(200, 'd') / std::string(200, 'e'));
    write_file(
        top / "deep" / std::string(200, 'd') / std::string(200, 'e') / std::string(255, 'f'), "deep"
    );
    write_file(top / "plain", "plain text\n");
    write_file(top / "nothing", "");
    write_file(top / letters, letters);
    write_file(top / "block", std::string(512, 'b'));
    write_file(top / "program", "#!/bin/sh\n");
    REQUIRE(::chmod((top / "program").c_str(), 0755) == 0);
    REQUIRE(::chmod((top / "plain").c_str(), 0600) == 0);
    fs::create_hard_link(top / "plain", top / "other name");
    fs::create_symlink("plain", top / "relative");
    fs::create_symlink("/absolute/" + letters, top / "absolute");
    fs::create_symlink(std::string(300, 'l'), top / "dangling");
    REQUIRE(::mkfifo((top / "pipe").c_str(), 0640) == 0);
    write_file(top / "sparse", "head");
    fs::resize_file(top / "sparse", 3'000'000);
    set_mtime(top / "plain", 1'111'111'111'222'333'444);
    set_mtime(top / "program", -86'400'500'000'000); // in 1969, with a fraction
    set_mtime(top / "block", -1'000'000'000);
    set_mtime(top / "relative", 999'999'999'000'000'001);
    REQUIRE(::chmod((top / "empty").c_str(), 0500) == 0);
    set_mtime(top / "empty", 5'000'000'000'000'000'005);
    set_mtime(top / "deep", 6'000'000'000'000'000'006);
    set_mtime(top, 7'000'000'000'000'000'007);
}

std::string every_byte()
{
    std::string out = "all\n\t\"\\";
    for (int byte = 0x80; byte <= 0xff; ++byte) {
        out.push_back(static_cast<char>(byte));
    }
    return out;
}

long peak_kib()
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
    }
    return -1;
}

Task<core::Unpacked> pump(std::shared_ptr<engine::ByteSource> from, fs::path into)
{
    co_return co_await core::unpack(from, into);
}

} // namespace

TEST_SUITE("core.archive.round_trip")
{
    TEST_CASE("a tree with everything comes back the same")
    {
        const TempDir dir;
        make_tree(dir / "from/w", every_byte());
        fs::create_directory(dir / "to");
        const auto before = snapshot(dir / "from");
        for (const std::size_t step : {1000U, 65536U}) {
            const auto tar = drain(core::pack({{dir / "from/w", "w"}}), step);
            REQUIRE_MESSAGE(tar.has_value(), describe(tar.error()));
            const auto done = run(core::unpack(pieces(*tar, step), dir / "to"));
            REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
            CHECK(differences(snapshot(dir / "to"), before) == "");
        }
    }

    TEST_CASE("tar reads what we write")
    {
        const TempDir dir;
        make_tree(dir / "from/w", every_byte());
        fs::create_directory(dir / "to");
        write_file(dir / "t.tar", packed({{dir / "from/w", "w"}}));
        shell(
            "tar -xpf " + (dir / "t.tar").native() + " -C " + (dir / "to").native() + " 2>/dev/null"
        );
        CHECK(differences(snapshot(dir / "to"), snapshot(dir / "from")) == "");
    }

    TEST_CASE("we read what tar writes, in each of its formats")
    {
        for (const std::string format : {"gnu", "pax", "pax --sparse", "gnu --sparse"}) {
            CAPTURE(format);
            const TempDir dir;
            make_tree(dir / "from/w", every_byte());
            fs::create_directory(dir / "to");
            shell(
                "tar -C " + (dir / "from").native() + " -cf " + (dir / "t.tar").native()
                + " --format=" + format + " w"
            );
            const auto done = unpacked(read_file(dir / "t.tar"), dir / "to");
            REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
            auto expected = snapshot(dir / "from");
            if (format.starts_with("gnu")) {
                // That format has whole seconds; tar cuts them towards the past.
                for (auto* side : {&expected}) {
                    for (auto& [name, text] : *side) {
                        const std::size_t dot = text.find('.');
                        const std::size_t end = text.find(' ', dot);
                        text.replace(
                            dot, (end == std::string::npos ? text.size() : end) - dot, ".0"
                        );
                    }
                }
            }
            CHECK(differences(snapshot(dir / "to"), expected) == "");
        }
    }

    TEST_CASE("what comes back as it went is not written")
    {
        const TempDir dir;
        make_tree(dir / "w", every_byte());
        const Packed sent = packed_with_manifest({{dir / "w", "home/w"}});
        fs::create_directory(dir / "empty place");
        core::UnpackOptions options;
        options.strip = "home/w";
        options.sent = sent.manifest;
        options.sent_root = "home/w";
        const auto done = unpacked(sent.tar, dir / "empty place", options);
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(done->written.empty());
        CHECK(done->unchanged == sent.manifest->entries.size() - 1); // the top is not counted
        CHECK(fs::is_empty(dir / "empty place"));
    }

    TEST_CASE("each kind of change is written, and only that")
    {
        const TempDir dir;
        fs::create_directory(dir / "w");
        for (const char* name : {"bytes", "mode", "time", "same", "link source"}) {
            write_file(dir / "w" / name, "1");
            set_mtime(dir / "w" / name, 1'000'000'000'000'000'000);
        }
        fs::create_symlink("a", dir / "w/symlink");
        fs::create_hard_link(dir / "w/link source", dir / "w/hard");
        const Packed sent = packed_with_manifest({{dir / "w", "w"}});

        // The container's side.
        fs::create_directory(dir / "inside");
        REQUIRE(unpacked(sent.tar, dir / "inside"));
        write_file(dir / "inside/w/bytes", "22");
        ::chmod((dir / "inside/w/mode").c_str(), 0700);
        set_mtime(dir / "inside/w/time", 1'000'000'000'000'000'001);
        fs::remove(dir / "inside/w/symlink");
        fs::create_symlink("b", dir / "inside/w/symlink");
        write_file(dir / "inside/w/new", "n");
        fs::create_hard_link(dir / "inside/w/same", dir / "inside/w/same too");
        core::UnpackOptions options;
        options.strip = "w";
        options.sent = sent.manifest;
        options.sent_root = "w";
        const auto done = unpacked(packed({{dir / "inside/w", "w"}}), dir / "w", options);
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(
            done->written
            == std::vector<std::string>{"bytes", "mode", "new", "same too", "symlink", "time"}
        );
        CHECK(done->unchanged == 3);
        auto ours = snapshot(dir / "w");
        auto theirs = snapshot(dir / "inside/w");
        CHECK(differences(ours, theirs) == "");
    }

    TEST_CASE("a time in whole seconds counts as the sent one only when that was old enough")
    {
        const TempDir dir;
        fs::create_directory(dir / "w");
        write_file(dir / "w/f", "1");
        set_mtime(dir / "w/f", 1'500'000'000'900'000'000);
        const Packed sent = packed_with_manifest({{dir / "w", "w"}});
        core::UnpackOptions options;
        options.sent_root = "w";
        const auto unchanged = [&](std::int64_t seconds, std::int64_t begun) {
            core::Manifest manifest = *sent.manifest;
            manifest.begun_ns = begun;
            options.sent = std::make_shared<core::Manifest>(manifest);
            const std::string tar =
                raw_pax({{"mtime", std::to_string(seconds)}}) + raw_file("f", "2") + raw_end();
            fs::create_directory(dir / "out");
            const auto done = unpacked(tar, dir / "out", options);
            fs::remove_all(dir / "out");
            REQUIRE(done.has_value());
            return done->unchanged;
        };
        const std::int64_t later = 1'500'000'100'000'000'000;
        CHECK(unchanged(1'500'000'000, later) == 1);
        CHECK(unchanged(1'500'000'001, later) == 1);
        CHECK(unchanged(1'500'000'002, later) == 0);
        CHECK(unchanged(1'499'999'999, later) == 0);
        CHECK(unchanged(1'500'000'000, 1'500'000'002'000'000'000) == 0);
        CHECK(unchanged(1'500'000'000, 0) == 0);
    }

    TEST_CASE("a hard link to a sent file that changed on this side is reported, not guessed")
    {
        const TempDir dir;
        fs::create_directory(dir / "w");
        write_file(dir / "w/a", "1");
        set_mtime(dir / "w/a", 1'000'000'000'000'000'000);
        const Packed sent = packed_with_manifest({{dir / "w", "w"}});
        fs::create_directory(dir / "inside");
        REQUIRE(unpacked(sent.tar, dir / "inside"));
        fs::create_hard_link(dir / "inside/w/a", dir / "inside/w/b");
        write_file(dir / "w/a", "edited meanwhile");
        core::UnpackOptions options;
        options.strip = "w";
        options.sent = sent.manifest;
        options.sent_root = "w";
        const auto done = unpacked(packed({{dir / "inside/w", "w"}}), dir / "w", options);
        REQUIRE(done.has_value());
        REQUIRE(done->unresolved.size() == 1);
        CHECK(done->unresolved[0].path == "b");
        CHECK(done->unresolved[0].target == "a");
        CHECK(read_file(dir / "w/a") == "edited meanwhile");
    }

    TEST_CASE("memory stays flat, whatever the size")
    {
        const TempDir dir;
        fs::create_directory(dir / "to");
        {
            std::ofstream big(dir / "big", std::ios::binary);
            const std::string megabyte(1 << 20U, 'm');
            for (int i = 0; i < 100; ++i) {
                big << megabyte;
            }
        }
        write_file(dir / "hole", "");
        fs::resize_file(dir / "hole", std::uintmax_t{256} << 20U);
        {
            // Warm up, so that one-time costs are not in the figure.
            write_file(dir / "small", "x");
            REQUIRE(run(pump(core::pack({{dir / "small", "small"}}), dir / "to")).has_value());
        }
        const long before = peak_kib();
        const auto source = core::pack({{dir / "big", "big"}, {dir / "hole", "hole"}});
        const auto done = run(pump(source, dir / "to"));
        const long after = peak_kib();
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(done->written_bytes == (std::uint64_t{100} << 20U) + (std::uint64_t{256} << 20U));
        CHECK(fs::file_size(dir / "to/hole") == std::uintmax_t{256} << 20U);
        struct stat status {};
        REQUIRE(::stat((dir / "to/hole").c_str(), &status) == 0);
        CHECK(status.st_blocks == 0);
        REQUIRE(before > 0);
        CHECK(after - before < 32 * 1024); // the sanitizers' own memory is in it
        shell("cmp " + (dir / "big").native() + " " + (dir / "to/big").native());
    }
}
