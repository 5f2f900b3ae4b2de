#include "support/tar.hpp"

#include "trees.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace slipway;
using namespace slipway::test;
using agent::Type;

namespace fs = std::filesystem;

TEST_SUITE("agent.tar")
{
    TEST_CASE("a tree comes back as it was")
    {
        const TempDirectory from;
        const TempDirectory to;
        const fs::path tree = from.path() / "tree";
        const std::string odd = "odd \xff\n\xc3\xa4";
        fs::create_directories(tree / "empty");
        fs::create_directories(tree / "sub");
        write(tree / odd, "odd");
        write(tree / std::string(200, 'n'), "long");
        write(tree / "sub" / "script", "#!/bin/sh\n");
        fs::permissions(tree / "sub" / "script", fs::perms(0750));
        fs::create_symlink("../nowhere \xfe", tree / "sub" / "link");
        fs::create_hard_link(tree / "sub" / "script", tree / "same");
        write(tree / "big", std::string(1'000'000, 'b'));
        write(tree / "sparse", "");
        REQUIRE(::truncate((tree / "sparse").c_str(), 4 << 20) == 0);
        {
            std::fstream sparse(tree / "sparse", std::ios::in | std::ios::out | std::ios::binary);
            sparse.seekp(2 << 20);
            sparse << "in the middle";
        }
        write(tree / "hole", "");
        REQUIRE(::truncate((tree / "hole").c_str(), 2 << 20) == 0);
        set_time(tree / "sub" / "script", 1'700'000'000, 123'456'789);
        set_time(tree / "sub" / "link", 1'600'000'000, 1);
        set_time(tree / "big", -1'000, 500'000'000);
        set_time(tree / "sub", 1'500'000'000, 999'999'999);

        TreeSession session;
        const Outcome packed = session.pack(from.path(), {path("tree"), maybe("not-there")});
        REQUIRE(packed.exited(0));
        CHECK(packed.err.empty());
        CHECK(packed.out.size() < (4 << 20));
        CHECK(session.pack(from.path(), {path("tree")}).out == packed.out);
        const Outcome unpacked = session.unpack(to.path() / "new" / "place", packed.out);
        CHECK(unpacked.err == "");
        REQUIRE(unpacked.exited(0));

        const fs::path copy = to.path() / "new" / "place" / "tree";
        int entries = 0;
        for (const auto& entry : fs::recursive_directory_iterator(tree)) {
            ++entries;
            const fs::path other = copy / fs::relative(entry.path(), tree);
            CAPTURE(other);
            const struct stat a = status_of(entry.path());
            const struct stat b = status_of(other);
            CHECK(a.st_mode == b.st_mode);
            CHECK(a.st_uid == b.st_uid);
            CHECK(a.st_mtim.tv_sec == b.st_mtim.tv_sec);
            CHECK(a.st_mtim.tv_nsec == b.st_mtim.tv_nsec);
            if (S_ISREG(a.st_mode)) CHECK((read(entry.path()) == read(other)));
            if (S_ISLNK(a.st_mode))
                CHECK(fs::read_symlink(entry.path()) == fs::read_symlink(other));
        }
        CHECK(entries == 10);
        CHECK(status_of(copy / "same").st_ino == status_of(copy / "sub" / "script").st_ino);
        CHECK(status_of(copy / "sparse").st_blocks < 1024);
        CHECK(status_of(copy / "hole").st_blocks < 1024);
    }

    TEST_CASE("a path that must be there and is not is an error that names it")
    {
        const TempDirectory from;
        write(from.path() / "here", "x");
        TreeSession session;
        const Outcome missing = session.pack(from.path(), {path("here"), path("gone")});
        CHECK(missing.exited(2));
        CHECK(missing.err.find("gone") != std::string::npos);
        const Outcome optional = session.pack(from.path(), {path("here"), maybe("gone")});
        CHECK(optional.exited(0));
        for (const char* outside : {"../etc", "/etc", "a/../..", ""}) {
            CHECK(session.pack(from.path(), {path(outside)}).exited(4));
        }
        CHECK(session.pack(from.path() / "nowhere", {maybe("x")}).exited(2));
    }

    TEST_CASE("a tar that is cut anywhere is an error with words")
    {
        const TempDirectory from;
        const TempDirectory to;
        write(from.path() / "a", std::string(2000, 'a'));
        write(from.path() / "b", "b");
        TreeSession session;
        const std::string tar = session.pack(from.path(), {path("a"), path("b")}).out;
        REQUIRE(session.unpack(to.path(), tar).exited(0));
        for (std::size_t size = 0; size < tar.size(); size += 171) {
            CAPTURE(size);
            const Outcome cut = session.unpack(to.path(), std::string_view(tar).substr(0, size));
            CHECK(cut.exited(3));
            CHECK(!cut.err.empty());
        }
        CHECK(session.unpack(to.path(), "this is no tar at all").exited(3));
    }

    TEST_CASE("zeros of the last file are no end mark, and nothing stands behind the mark")
    {
        const TempDirectory from;
        const TempDirectory to;
        TreeSession session;
        for (const std::size_t zeros :
             {std::size_t{1024}, std::size_t{1500}, std::size_t{70'000}}) {
            CAPTURE(zeros);
            write(from.path() / "last", "x" + std::string(zeros, '\0'));
            const std::string tar = session.pack(from.path(), {path("last")}).out;
            REQUIRE(session.unpack(to.path(), tar).exited(0));
            const std::size_t mark = tar.find_last_not_of('\0') + (zeros + 512) / 512 * 512;
            for (const std::size_t of_the_mark : {0U, 1U, 511U, 512U, 1000U, 1023U}) {
                CAPTURE(of_the_mark);
                const Outcome cut =
                    session.unpack(to.path(), std::string_view(tar).substr(0, mark + of_the_mark));
                CHECK(cut.exited(3));
                CHECK(!cut.err.empty());
            }
            CHECK(session.unpack(to.path(), tar.substr(0, mark + 1024)).exited(0));
            CHECK(session.unpack(to.path(), tar + std::string(10'240, '\0')).exited(0));
            const Outcome more = session.unpack(to.path(), tar + tar);
            CHECK(more.exited(3));
            CHECK(more.err.find("behind its end mark") != std::string::npos);
        }
    }

    TEST_CASE("no entry leads out of the directory")
    {
        const TempDirectory from;
        const TempDirectory to;
        const fs::path target = to.path() / "in";
        // A link that leads out, and then a file behind it under the same name.
        fs::create_directories(from.path() / "1");
        fs::create_directories(from.path() / "2" / "way");
        fs::create_symlink("..", from.path() / "1" / "way");
        write(from.path() / "2" / "way" / "escaped", "x");
        TreeSession session;
        const std::string link = session.pack(from.path() / "1", {path("way")}).out;
        const std::string file = session.pack(from.path() / "2", {path("way/escaped")}).out;
        REQUIRE(session.unpack(target, link).exited(0));
        CHECK(session.unpack(target, file).exited(1));
        CHECK(!fs::exists(to.path() / "escaped"));

        for (const std::string& name :
             {std::string("../escaped"),
              (to.path() / "escaped").string(),
              std::string("a/../../escaped")}) {
            const Outcome outside = session.unpack(target, make_tar({{name, "x"}}));
            CHECK(outside.exited(1));
            CHECK(outside.err.find(name) != std::string::npos);
        }
        CHECK(!fs::exists(to.path() / "escaped"));
    }

    TEST_CASE("unpacking over what is there replaces it, and leaves other names of it alone")
    {
        const TempDirectory from;
        const TempDirectory to;
        write(from.path() / "f", "new");
        write(to.path() / "f", "old");
        fs::create_hard_link(to.path() / "f", to.path() / "kept");
        TreeSession session;
        REQUIRE(session.unpack(to.path(), session.pack(from.path(), {path("f")}).out).exited(0));
        CHECK(read(to.path() / "f") == "new");
        CHECK(read(to.path() / "kept") == "old");
    }
}
