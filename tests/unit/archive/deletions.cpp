#include "tools.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace slipway;
using namespace slipway::test;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> names(const core::Manifest& manifest)
{
    std::vector<std::string> out;
    for (const auto& [path, entry] : manifest.entries) {
        out.push_back(path);
    }
    return out;
}

} // namespace

TEST_SUITE("core.archive.deletions")
{
    TEST_CASE("what the container deleted goes, unless it changed on this side")
    {
        const TempDir dir;
        fs::create_directories(dir / "w/gone/sub");
        fs::create_directories(dir / "w/mixed");
        fs::create_directories(dir / "other");
        for (const char* name :
             {"w/keep",
              "w/gone/a",
              "w/gone/sub/b",
              "w/edited",
              "w/touched",
              "w/moded",
              "w/mixed/sent",
              "w/lost",
              "w/retyped",
              "other/x"}) {
            write_file(dir / name, "1");
            set_mtime(dir / name, 1'000'000'000'000'000'000);
        }
        fs::create_symlink("keep", dir / "w/link");
        fs::create_symlink("keep", dir / "w/relinked");
        const Packed sent =
            packed_with_manifest({{dir / "w", "home/w"}, {dir / "other", "home/w-other"}});

        core::UnpackOptions options;
        options.strip = "w";
        options.sent = sent.manifest;
        options.sent_root = "home/w";
        const auto done =
            unpacked(raw_dir("w/") + raw_file("w/keep", "1") + raw_end(), dir / "w", options);
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        const core::Manifest gone = core::deleted(*sent.manifest, *done);
        CHECK(
            names(gone)
            == std::vector<
                std::
                    string>{"edited", "gone", "gone/a", "gone/sub", "gone/sub/b", "link", "lost", "mixed", "mixed/sent", "moded", "relinked", "retyped", "touched"}
        );

        write_file(dir / "w/edited", "22");
        set_mtime(dir / "w/touched", 1'000'000'000'000'000'001);
        ::chmod((dir / "w/moded").c_str(), 0700);
        write_file(dir / "w/mixed/mine", "never sent");
        fs::remove(dir / "w/lost");
        fs::remove(dir / "w/relinked");
        fs::create_symlink("elsewhere", dir / "w/relinked");
        fs::remove(dir / "w/retyped");
        fs::create_directory(dir / "w/retyped");
        auto removed = core::remove_deleted(dir / "w", gone);
        REQUIRE_MESSAGE(removed.has_value(), describe(removed.error()));
        std::sort(removed->removed.begin(), removed->removed.end());
        CHECK(
            removed->removed
            == std::vector<
                std::string>{"gone", "gone/a", "gone/sub", "gone/sub/b", "link", "mixed/sent"}
        );
        CHECK(
            lines(removed->kept)
            == std::vector<
                std::
                    string>{"edited: deleted there, changed here", "mixed: deleted there, not empty here", "moded: deleted there, changed here", "relinked: deleted there, changed here", "retyped: deleted there, changed here", "touched: deleted there, changed here"}
        );
        CHECK(read_file(dir / "w/keep") == "1");
        CHECK(read_file(dir / "w/mixed/mine") == "never sent");
        CHECK(!fs::exists(dir / "w/gone"));
        CHECK(read_file(dir / "other/x") == "1");
    }

    TEST_CASE("nothing is removed through a symlink or outside")
    {
        const TempDir dir;
        fs::create_directories(dir / "w/d");
        fs::create_directory(dir / "outside");
        write_file(dir / "w/d/f", "1");
        set_mtime(dir / "w/d/f", 1'000'000'000'000'000'000);
        const Packed sent = packed_with_manifest({{dir / "w", ""}});
        fs::rename(dir / "w/d/f", dir / "outside/f");
        fs::remove(dir / "w/d");
        fs::create_directory_symlink(dir / "outside", dir / "w/d");
        const auto removed = core::remove_deleted(dir / "w", *sent.manifest);
        REQUIRE(removed.has_value());
        CHECK(removed->removed.empty());
        CHECK(lines(removed->kept) == std::vector<std::string>{"d: deleted there, changed here"});
        CHECK(read_file(dir / "outside/f") == "1");
        core::Manifest bad;
        bad.entries["../outside/f"] = sent.manifest->entries.at("d/f");
        const auto refused = core::remove_deleted(dir / "w", bad);
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == Errc::invalid_argument);
        CHECK(read_file(dir / "outside/f") == "1");
    }

    TEST_CASE("a file whose time was set back is not what was sent, a new link to it is")
    {
        const TempDir dir;
        fs::create_directory(dir / "w");
        for (const char* name : {"w/edited", "w/linked"}) {
            write_file(dir / name, "1");
            set_mtime(dir / name, 1'000'000'000'000'000'000);
        }
        const Packed sent = packed_with_manifest({{dir / "w", ""}});
        write_file(dir / "w/edited", "2");
        set_mtime(dir / "w/edited", 1'000'000'000'000'000'000);
        fs::create_hard_link(dir / "w/linked", dir / "other name");
        const auto removed = core::remove_deleted(dir / "w", *sent.manifest);
        REQUIRE(removed.has_value());
        CHECK(removed->removed == std::vector<std::string>{"linked"});
        CHECK(
            lines(removed->kept) == std::vector<std::string>{"edited: deleted there, changed here"}
        );
    }

    TEST_CASE("a directory that stays for what is below it is told once, where the reason is")
    {
        const TempDir dir;
        fs::create_directories(dir / "w/a/b/target");
        fs::create_directories(dir / "w/c/d");
        write_file(dir / "w/a/b/f", "1");
        write_file(
            dir / "w/a/b/target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"
        );
        write_file(dir / "w/c/d/edited", "1");
        core::PackOptions options;
        options.skip_tagged_caches = true;
        const Packed sent = packed_with_manifest({{dir / "w", ""}}, options);
        write_file(dir / "w/c/d/edited", "22");
        const auto removed = core::remove_deleted(dir / "w", *sent.manifest);
        REQUIRE(removed.has_value());
        CHECK(removed->removed == std::vector<std::string>{"a/b/f"});
        CHECK(
            lines(removed->kept)
            == std::vector<
                std::
                    string>{"a/b: deleted there, not empty here", "c/d/edited: deleted there, changed here"}
        );
    }

    TEST_CASE("what went with a directory that became a file is not said to stay")
    {
        const TempDir dir;
        fs::create_directories(dir / "w/d");
        write_file(dir / "w/d/f", "1");
        const Packed sent = packed_with_manifest({{dir / "w", "w"}});
        core::UnpackOptions options;
        options.sent = sent.manifest;
        options.sent_root = "w";
        const auto done = unpacked(raw_file("d", "2") + raw_end(), dir / "w", options);
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(read_file(dir / "w/d") == "2");
        const auto removed = core::remove_deleted(dir / "w", core::deleted(*sent.manifest, *done));
        REQUIRE(removed.has_value());
        CHECK(removed->removed.empty());
        CHECK(removed->kept.empty());
    }

    TEST_CASE("with everything seen nothing is deleted")
    {
        const TempDir dir;
        fs::create_directory(dir / "w");
        write_file(dir / "w/f", "1");
        const Packed sent = packed_with_manifest({{dir / "w", ""}});
        core::UnpackOptions options;
        options.sent = sent.manifest;
        const auto done = unpacked(sent.tar, dir / "w", options);
        REQUIRE(done.has_value());
        CHECK(core::deleted(*sent.manifest, *done).entries.empty());
    }
}
