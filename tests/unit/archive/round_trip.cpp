#include "support/run.hpp"
#include "tools.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <limits>

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
    TEST_CASE("a tree with everything comes back the same [fault 62]")
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

    TEST_CASE("a time in whole seconds counts as the sent one when the bytes are the same")
    {
        const TempDir dir;
        fs::create_directory(dir / "w");
        write_file(dir / "w/f", "1");
        set_mtime(dir / "w/f", 1'500'000'000'900'000'000);
        const Packed sent = packed_with_manifest({{dir / "w", "w"}});
        core::UnpackOptions options;
        options.sent = sent.manifest;
        options.sent_root = "w";
        const auto unchanged = [&](std::int64_t seconds, const std::string& bytes) {
            const std::string tar =
                raw_pax({{"mtime", std::to_string(seconds)}}) + raw_file("f", bytes) + raw_end();
            fs::create_directory(dir / "out");
            const auto done = unpacked(tar, dir / "out", options);
            fs::remove_all(dir / "out");
            REQUIRE(done.has_value());
            return done->unchanged;
        };
        CHECK(unchanged(1'500'000'000, "1") == 1);
        CHECK(unchanged(1'500'000'001, "1") == 1);
        CHECK(unchanged(1'500'000'002, "1") == 0);
        CHECK(unchanged(1'499'999'999, "1") == 0);
        CHECK(unchanged(1'500'000'000, "2") == 0);

        std::int64_t& before = sent.manifest->entries.at("w/f").mtime_ns;
        before = std::numeric_limits<std::int64_t>::min();
        CHECK(unchanged(-9'223'372'036, "1") == 1);
        CHECK(unchanged(9'223'372'036, "1") == 0);
        before = std::numeric_limits<std::int64_t>::max();
        CHECK(unchanged(9'223'372'036, "1") == 1);
        CHECK(unchanged(-9'223'372'036, "1") == 0);
    }

    TEST_CASE("other bytes with the same size and time come back")
    {
        constexpr std::size_t large = (std::size_t{1} << 20) + 1; // too large to be held
        const TempDir dir;
        fs::create_directory(dir / "w");
        const std::string holed = std::string(70'000, '\0') + 'x' + std::string(70'000, '\0');
        const std::map<std::string, std::string> before{
            {"empty", ""},
            {"holed", holed},
            {"large", std::string(large, 'a')},
            {"other", std::string(large, '\0')},
            {"same", "same"},
            {"small", "one"}};
        for (const auto& [name, bytes] : before) {
            write_file(dir / "w" / name, bytes);
            set_mtime(dir / "w" / name, 1'000'000'000'000'000'000);
        }
        const Packed sent = packed_with_manifest({{dir / "w", "w"}});
        fs::create_directory(dir / "inside");
        REQUIRE(unpacked(sent.tar, dir / "inside"));
        std::map<std::string, std::string> after = before;
        after["small"] = "two";
        after["holed"][69'999] = 'y';
        after["large"].back() = 'b';
        for (const auto& [name, bytes] : after) {
            write_file(dir / "inside/w" / name, bytes);
            set_mtime(dir / "inside/w" / name, 1'000'000'000'000'000'000);
        }
        fs::create_hard_link(dir / "inside/w/large", dir / "inside/w/linked");
        fs::create_hard_link(dir / "inside/w/small", dir / "inside/w/z");
        core::UnpackOptions options;
        options.strip = "w";
        options.sent = sent.manifest;
        options.sent_root = "w";
        const auto done = unpacked(packed({{dir / "inside/w", "w"}}), dir / "w", options);
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(done->written == std::vector<std::string>{"holed", "small", "z"});
        CHECK(done->unchanged == 3);
        CHECK(done->kept.empty());
        REQUIRE(done->unresolved.size() == 2);
        CHECK(done->unresolved[0].path == "large");
        CHECK(done->unresolved[1].path == "linked");
        after["large"] = before.at("large");
        after["z"] = "two";
        for (const auto& [name, bytes] : after) {
            const std::string which = name;
            CAPTURE(which);
            CHECK((read_file(dir / "w" / name) == bytes));
        }
    }

    TEST_CASE("what changed on both sides stays as it is here, and nothing else does")
    {
        const TempDir dir;
        constexpr std::int64_t then = 1'000'000'000'000'000'000;
        fs::create_directories(dir / "w/dir to file");
        fs::create_directories(dir / "w/full dir to file");
        fs::create_directories(dir / "w/parent");
        fs::create_directories(dir / "w/target");
        write_file(dir / "w/target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
        write_file(dir / "w/target/result", "old");
        for (const char* name :
             {"changed",
              "dir to file/f",
              "edited alone",
              "lost",
              "other mode",
              "reset",
              "retouched",
              "same change",
              "to dir",
              "touched inside"}) {
            write_file(dir / "w" / name, "1");
            set_mtime(dir / "w" / name, then);
        }
        fs::create_symlink("a", dir / "w/relinked");
        core::PackOptions pack_options;
        pack_options.skip_tagged_caches = true;
        const Packed sent = packed_with_manifest({{dir / "w", "w"}}, pack_options);
        fs::create_directory(dir / "inside");
        REQUIRE(unpacked(sent.tar, dir / "inside"));

        const fs::path in = dir / "inside/w";
        const fs::path here = dir / "w";
        write_file(in / "changed", "inside");
        write_file(here / "changed", "here");
        fs::remove_all(in / "dir to file");
        write_file(in / "dir to file", "inside");
        write_file(here / "dir to file/f", "here");
        fs::remove_all(in / "full dir to file");
        write_file(in / "full dir to file", "inside");
        write_file(here / "full dir to file/mine", "here");
        write_file(here / "edited alone", "here");
        write_file(in / "lost", "inside");
        fs::remove(here / "lost");
        ::chmod((in / "other mode").c_str(), 0700);
        write_file(here / "other mode", "here");
        write_file(in / "made twice", "inside");
        write_file(here / "made twice", "here");
        write_file(in / "parent/new", "inside");
        fs::remove_all(here / "parent");
        write_file(here / "parent", "here");
        fs::remove(in / "relinked");
        fs::create_symlink("inside", in / "relinked");
        fs::remove(here / "relinked");
        fs::create_symlink("here", here / "relinked");
        write_file(in / "reset", "inside");
        write_file(here / "reset", "2"); // and its time set back
        set_mtime(here / "reset", then);
        write_file(in / "retouched", "inside");
        ::chmod((here / "retouched").c_str(), 0600); // a new ctime, but all as it was
        ::chmod((here / "retouched").c_str(), 0644);
        write_file(in / "same change", "22");
        write_file(here / "same change", "22");
        fs::create_directories(in / "target");
        write_file(in / "target/result", "inside");
        fs::remove(in / "to dir");
        fs::create_directory(in / "to dir");
        write_file(in / "to dir/f", "inside");
        write_file(here / "to dir", "here");
        set_mtime(in / "touched inside", then + 1);
        write_file(here / "touched inside", "here");

        core::UnpackOptions options;
        options.strip = "w";
        options.sent = sent.manifest;
        options.sent_root = "w";
        const auto done = unpacked(packed({{in, "w"}}), here, options);
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        const std::string both = ": changed on both sides";
        CHECK(
            lines(done->kept)
            == std::vector<
                std::
                    string>{"changed" + both, "dir to file" + both, "full dir to file" + both, "made twice" + both, "other mode" + both, "parent/new" + both, "relinked" + both, "reset" + both, "to dir/f" + both, "to dir" + both}
        );
        CHECK(done->written == std::vector<std::string>{"lost", "retouched", "target/result"});
        for (const char* name :
             {"changed",
              "dir to file/f",
              "edited alone",
              "full dir to file/mine",
              "made twice",
              "other mode",
              "parent",
              "to dir",
              "touched inside"}) {
            CAPTURE(name);
            CHECK(read_file(here / name) == "here");
        }
        CHECK(read_file(here / "reset") == "2");
        CHECK(fs::read_symlink(here / "relinked") == "here");
        for (const char* name : {"lost", "retouched", "target/result"}) {
            CAPTURE(name);
            CHECK(read_file(here / name) == "inside");
        }
        std::size_t count = 0; // no temporary name is left
        for ([[maybe_unused]] const auto& entry : fs::directory_iterator(here)) {
            ++count;
        }
        CHECK(count == 15);

        // A second try at what came in already has nothing to say of it.
        const auto again = unpacked(packed({{in, "w"}}), here, options);
        REQUIRE(again.has_value());
        CHECK(again->written == std::vector<std::string>{"target/result"}); // nobody looks there
        CHECK(lines(again->kept) == lines(done->kept));
    }

    TEST_CASE("what stood in the container before is no change, what became of it is")
    {
        const TempDir dir;
        fs::create_directories(dir / "image/w/lib");
        for (const char* name : {"changed", "lib/same", "rewritten", "same"}) {
            write_file(dir / "image/w" / name, "image");
            set_mtime(dir / "image/w" / name, 1'000'000'000'000'000'000);
        }
        fs::create_hard_link(dir / "image/w/same", dir / "image/w/same too");
        fs::create_symlink("same", dir / "image/w/symlink");
        const auto listed = run(core::list_tar(pieces(packed({{dir / "image/w", "w"}})), "w"));
        REQUIRE_MESSAGE(listed.has_value(), describe(listed.error()));
        CHECK(listed->entries.size() == 7);

        write_file(dir / "image/w/changed", "inside");
        write_file(dir / "image/w/rewritten", "INSID");
        set_mtime(dir / "image/w/rewritten", 1'000'000'000'000'000'000);
        write_file(dir / "image/w/new", "inside");
        fs::create_directory(dir / "w");
        core::UnpackOptions options;
        options.strip = "w";
        options.sent = std::make_shared<core::Manifest>();
        options.stood = std::make_shared<core::Manifest>(*listed);
        const auto done = unpacked(packed({{dir / "image/w", "w"}}), dir / "w", options);
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(done->written == std::vector<std::string>{"changed", "new", "rewritten"});
        CHECK(read_file(dir / "w/rewritten") == "INSID");
    }

    TEST_CASE("the mode of a directory that changed on this side only stays")
    {
        const TempDir dir;
        fs::create_directories(dir / "w/d");
        ::chmod((dir / "w/d").c_str(), 0755);
        const Packed sent = packed_with_manifest({{dir / "w", "w"}});
        fs::create_directory(dir / "inside");
        REQUIRE(unpacked(sent.tar, dir / "inside"));
        write_file(dir / "inside/w/d/new", "1");
        ::chmod((dir / "w/d").c_str(), 0700);
        core::UnpackOptions options;
        options.strip = "w";
        options.sent = sent.manifest;
        options.sent_root = "w";
        REQUIRE(unpacked(packed({{dir / "inside/w", "w"}}), dir / "w", options));
        CHECK(read_file(dir / "w/d/new") == "1");
        CHECK((fs::status(dir / "w/d").permissions() & fs::perms::mask) == fs::perms(0700));
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
