#include "digest/look.hpp"
#include "unit/digest/tree.hpp"

#include <slipway/core/input_digests.hpp>

#include <doctest/doctest.h>

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

using namespace slipway;
using namespace slipway::test;
using core::DigestedPath;
using core::InputDigests;
using Kind = DigestedPath::Kind;
using Paths = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

// Root may read everything: somebody else, as long as the object lives.
class AsNobody {
public:
    AsNobody()
    {
        if (::geteuid() == 0) changed_ = ::seteuid(65'534) == 0;
    }
    AsNobody(const AsNobody&) = delete;
    AsNobody& operator=(const AsNobody&) = delete;
    ~AsNobody()
    {
        if (changed_ && ::seteuid(0) != 0) std::abort();
    }

private:
    bool changed_ = false;
};

// Notes of a tree with nothing to read anew.
void note(const Tree& tree, const Paths& paths)
{
    wait_until_settled();
    auto digests = tree.open();
    REQUIRE(digests.look(paths));
    REQUIRE(digests.save());
    auto again = tree.open();
    REQUIRE(again.look(paths));
    REQUIRE(again.files_read() == 0);
}

} // namespace

TEST_SUITE("core.input_digests")
{
    TEST_CASE("what stands at a path")
    {
        const Tree tree;
        tree.write("a/file", "text");
        tree.write("a/run", "#!/bin/sh\n");
        fs::permissions(tree.root() / "a/run", fs::perms(0755));
        tree.write("empty", "");
        tree.write("odd\xff\n name", "x");
        fs::create_symlink("file", tree.root() / "a/link");
        fs::create_symlink("/nowhere", tree.root() / "dangling");
        REQUIRE(::mkfifo((tree.root() / "fifo").c_str(), 0644) == 0);

        auto digests = tree.open();
        const Paths paths{
            "a/file",
            "a/run",
            "none",
            "empty",
            "a",
            "a/link",
            "odd\xff\n name",
            "dangling",
            "fifo",
            "a/file/below",
            "none/below",
            "a/file"};
        CHECK(Tree::texts(digests, paths) == Paths{file_text("text"), "executable " + to_hex(core::sha256("#!/bin/sh\n")), "missing", file_text(""), "directory", "symlink " + to_hex(core::sha256("file")), file_text("x"), "symlink " + to_hex(core::sha256("/nowhere")), "other", "missing", "missing", file_text("text")});
        const auto found = digests.look(paths).value();
        const auto marks = digests.marks(paths);
        REQUIRE(marks.size() == paths.size());
        for (std::size_t i = 0; i < paths.size(); ++i) {
            CHECK(found[i].mark == marks[i]);
            CHECK((marks[i] == core::FileMark()) == (found[i].kind == Kind::missing));
        }
        CHECK(marks[0].size == 4);
        CHECK(digests.look({}).value().empty());
    }

    TEST_CASE("paths that are not clean never lead out")
    {
        const Tree tree;
        tree.write("a/file", "text");
        std::ofstream(tree.outside() / "secret") << "secret";
        const std::string zero("a/file\0x", 8);
        const Paths paths{
            "../secret",
            "a/../../secret",
            "..",
            "a/..",
            "a/../..",
            tree.outside() / "secret",
            "/",
            zero,
            "a/file/",
            "a/."};
        auto digests = tree.open();
        CHECK(Tree::texts(digests, paths) == Paths(paths.size(), "missing"));
        CHECK(Tree::texts(digests, {"", "."}) == Paths(2, "directory"));
    }

    TEST_CASE("symlinks on the way are followed where they stay below the root")
    {
        const Tree tree;
        tree.write("a/b/file", "inside");
        fs::create_directory(tree.outside() / "other");
        std::ofstream(tree.outside() / "other/file") << "outside";
        fs::create_symlink("a/b", tree.root() / "in");
        fs::create_symlink("../..", tree.root() / "a/b/up");
        fs::create_symlink("../other", tree.root() / "out");
        fs::create_symlink("../../../other", tree.root() / "a/b/out");
        fs::create_symlink(tree.root() / "a/b", tree.root() / "absolute");
        fs::create_symlink("loop", tree.root() / "loop");
        auto digests = tree.open();
        CHECK(
            Tree::texts(digests, {"in/file", "a/b/up/a/b/file", "in/up/in/file"})
            == Paths(3, file_text("inside"))
        );
        const Paths out{"out/file", "a/b/out/file", "in/out/file", "absolute/file", "loop/file"};
        CHECK(Tree::texts(digests, out) == Paths(out.size(), "missing"));

        // One that is turned later.
        note(tree, {"in/file"});
        fs::remove(tree.root() / "in");
        fs::create_symlink("../other", tree.root() / "in");
        CHECK(tree.text("in/file") == "missing");
    }

    TEST_CASE("a file is read once, also by the next process")
    {
        const Tree tree;
        Paths paths;
        for (int i = 0; i < 1'000; ++i) {
            paths.push_back("d" + std::to_string(i % 37) + "/f" + std::to_string(i));
            tree.write(paths.back(), std::to_string(i));
        }
        wait_until_settled();
        auto digests = tree.open();
        const auto first = digests.look(paths).value();
        CHECK(digests.files_read() == 1'000);
        CHECK(digests.look(paths).value().size() == 1'000);
        CHECK(digests.files_read() == 1'000);
        REQUIRE(digests.save());

        auto next = tree.open();
        std::reverse(paths.begin(), paths.end());
        const auto second = next.look(paths).value();
        CHECK(next.files_read() == 0);
        for (std::size_t i = 0; i < paths.size(); ++i) {
            REQUIRE(first[i].digest == second[999 - i].digest);
            REQUIRE(second[i].digest == core::sha256(std::to_string(999 - i)));
        }
        // Nothing has changed: the file stays.
        const auto before = mtime_of(tree.notes());
        REQUIRE(next.save());
        CHECK(mtime_of(tree.notes()).tv_nsec == before.tv_nsec);
        tree.write(paths[5], "new");
        wait_until_settled();
        CHECK(Tree::texts(next, paths)[5] == file_text("new"));
        CHECK(next.files_read() == 1);
        REQUIRE(next.save());
        auto last = tree.open();
        CHECK(Tree::texts(last, paths)[5] == file_text("new"));
        CHECK(last.files_read() == 0);
        // What is gone leaves the notes.
        const auto size = fs::file_size(tree.notes());
        fs::remove(tree.root() / paths[5]);
        CHECK(Tree::texts(last, paths)[5] == "missing");
        REQUIRE(last.save());
        CHECK(fs::file_size(tree.notes()) < size);
    }

    TEST_CASE("without notes nothing is kept")
    {
        const Tree tree;
        tree.write("a", "x");
        auto digests = InputDigests::open(tree.root(), {}).value();
        REQUIRE(digests.look({"a"}));
        REQUIRE(digests.save());
        CHECK_FALSE(fs::exists(tree.notes()));
    }

    TEST_CASE("touched, moved, copied back: the text stays")
    {
        const Tree tree;
        tree.write("a", "text");
        note(tree, {"a"});
        set_mtime(tree.root() / "a", {1'000, 5});
        auto digests = tree.open();
        CHECK(Tree::texts(digests, {"a"}) == Paths{file_text("text")});
        CHECK(digests.files_read() == 1);
        fs::rename(tree.root(), tree.outside() / "moved");
        auto moved = InputDigests::open(tree.outside() / "moved", tree.notes()).value();
        CHECK(Tree::texts(moved, {"a"}) == Paths{file_text("text")});
    }

    TEST_CASE("a change of the same size with the mtime set back is found")
    {
        const Tree tree;
        tree.write("a", "text");
        note(tree, {"a"});
        const auto time = mtime_of(tree.root() / "a");
        tree.write("a", "TEXT");
        set_mtime(tree.root() / "a", time);
        CHECK(tree.text("a") == file_text("TEXT"));
    }

    TEST_CASE("another file of that size and mtime in its place is found")
    {
        const Tree tree;
        tree.write("a", "text");
        tree.write("b", "TEXT");
        set_mtime(tree.root() / "b", mtime_of(tree.root() / "a"));
        note(tree, {"a", "b"});
        fs::rename(tree.root() / "b", tree.root() / "a");
        CHECK(tree.text("a") == file_text("TEXT"));
    }

    TEST_CASE("other kinds in the place of a file")
    {
        const Tree tree;
        const auto path = tree.root() / "a";
        tree.write("a", "text");
        note(tree, {"a"});
        fs::permissions(path, fs::perms(0744));
        CHECK(tree.text("a") == "executable " + to_hex(core::sha256("text")));
        fs::permissions(path, fs::perms(0655));
        CHECK(tree.text("a") == file_text("text"));
        fs::rename(path, tree.root() / "b");
        CHECK(tree.text("a") == "missing");
        fs::create_directory(path);
        CHECK(tree.text("a") == "directory");
        fs::remove(path);
        fs::create_symlink("b", path);
        CHECK(tree.text("a") == "symlink " + to_hex(core::sha256("b")));
        fs::remove(path);
        fs::rename(tree.root() / "b", path);
        CHECK(tree.text("a") == file_text("text"));
    }

    TEST_CASE("what may not be read is an error, the first in order")
    {
        const Tree tree;
        tree.write("a", "text");
        tree.write("b", "secret");
        tree.write("c/d", "secret");
        fs::permissions(tree.root() / "b", fs::perms(0));
        fs::permissions(tree.root() / "c", fs::perms(0));
        wait_until_settled();
        auto digests = tree.open();
        const auto error_of = [&](const Paths& paths) {
            const AsNobody nobody;
            const auto found = digests.look(paths);
            REQUIRE_FALSE(found);
            CHECK(found.error().code == Errc::permission_denied);
            return found.error().message;
        };
        CHECK(error_of({"a", "b", "c/d"}) == "cannot read b: Permission denied");
        CHECK(error_of({"a", "c/d", "b"}) == "cannot read c/d: Permission denied");
        {
            const AsNobody nobody;
            CHECK(Tree::texts(digests, {"a"}) == Paths{file_text("text")});
        }
        // What could not be read is not noted as something else: it has the mark that it had.
        if (::geteuid() == 0) {
            CHECK(Tree::texts(digests, {"b", "c/d"}) == Paths(2, file_text("secret")));
        }
        fs::permissions(tree.root() / "b", fs::perms(0644));
        fs::permissions(tree.root() / "c", fs::perms(0755));
        CHECK(Tree::texts(digests, {"b", "c/d"}) == Paths(2, file_text("secret")));
    }

    TEST_CASE("a look that is to stop ends with an error, and learns nothing of what it read")
    {
        const Tree tree;
        tree.write("a", "1");
        auto digests = tree.open();
        std::atomic<bool> stop = true;
        digests.stop_when(&stop);
        CHECK(!digests.look({"a"}));
        CHECK(digests.look({"nothing"}));
        stop = false;
        CHECK(Tree::texts(digests, {"a"}).front() == file_text("1"));
        stop = true;
        digests.stop_when(nullptr);
        tree.write("b", "2");
        CHECK(Tree::texts(digests, {"b"}).front() == file_text("2"));
    }

    TEST_CASE("a root that is none")
    {
        const Tree tree;
        tree.write("file", "");
        CHECK(InputDigests::open(tree.root() / "none", {}).error().code == Errc::not_found);
        CHECK(InputDigests::open(tree.root() / "file", {}).error().code == Errc::io);
        fs::permissions(tree.root(), fs::perms(0));
        const AsNobody nobody;
        const auto denied = InputDigests::open(tree.root() / "below", {});
        CHECK(denied.error().code == Errc::permission_denied);
    }

    TEST_CASE("a file that does not stay as it is")
    {
        const Tree tree;
        tree.write("a", std::string(std::size_t{16} << 20, 'x'));
        std::atomic<bool> stop = false;
        std::thread writer([&] {
            std::fstream file(tree.root() / "a", std::ios::binary | std::ios::in | std::ios::out);
            for (std::int64_t i = 0; !stop; ++i) {
                file.seekp(i % 1'000).put('y').flush();
                std::this_thread::sleep_for(std::chrono::microseconds(200));
            }
        });
        auto digests = tree.open();
        const auto found = digests.look({"a"});
        stop = true;
        writer.join();
        REQUIRE_FALSE(found);
        CHECK(found.error().code == Errc::io);
        CHECK(found.error().message == "a changes while it is read");
        CHECK(digests.look({"a"}));
    }

    TEST_CASE("a path that is longer than the system takes at once")
    {
        const Tree tree;
        const std::string name(200, 'n');
        std::string path;
        Fd at(::open(tree.root().c_str(), O_PATH | O_DIRECTORY));
        for (int i = 0; i < 25; ++i) {
            REQUIRE(::mkdirat(at.get(), name.c_str(), 0755) == 0);
            at = Fd(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY));
            path += name + "/";
        }
        Fd file(::openat(at.get(), "file", O_WRONLY | O_CREAT, 0644));
        REQUIRE(::write(file.get(), "text", 4) == 4);
        const Paths paths{path + "file", path + "none", std::string(300, 'x')};
        note(tree, paths);
        auto digests = tree.open();
        CHECK(Tree::texts(digests, paths) == Paths{file_text("text"), "missing", "missing"});
    }

    TEST_CASE("marks that tell nothing")
    {
        constexpr std::int64_t second = 1'000'000'000;
        constexpr std::int64_t now = 1'700'000'000 * second + 123;
        const auto settled = [](std::int64_t mtime, std::int64_t ctime) {
            core::FileMark mark;
            mark.mtime_ns = mtime;
            mark.ctime_ns = ctime;
            return core::is_settled(mark, now);
        };
        CHECK(settled(now - second / 10, now - second / 10));
        CHECK(settled(-5 * second, now - second / 10));
        CHECK_FALSE(settled(now - second / 100, now - second / 10));
        CHECK_FALSE(settled(now - second / 10, now - second / 100));
        CHECK_FALSE(settled(now, now));
        CHECK_FALSE(settled(now + 3'600 * second, now - second));
        CHECK_FALSE(settled(now - second, now + 3'600 * second));
        // A file system that has whole seconds, or every second of them.
        CHECK_FALSE(settled(now - now % second, now - now % second));
        CHECK_FALSE(settled(now - second - now % second, now - second - now % second));
        CHECK(settled(now - 3 * second - now % second, now - 3 * second - now % second));
    }

    TEST_CASE("files of the future are read each time")
    {
        const Tree tree;
        tree.write("a", "text");
        set_mtime(tree.root() / "a", {::time(nullptr) + 3'600, 0});
        wait_until_settled();
        auto digests = tree.open();
        for (std::uint64_t i = 1; i < 4; ++i) {
            CHECK(Tree::texts(digests, {"a"}) == Paths{file_text("text")});
            CHECK(digests.files_read() == i);
        }
        set_mtime(tree.root() / "a", {1'000, 0});
        wait_until_settled();
        CHECK(digests.look({"a"}));
        CHECK(digests.look({"a"}));
        CHECK(digests.files_read() == 4);
    }

    // Newer kernels give most file systems finer times once they were asked for; ramfs has those of
    // the clock's ticks.
    TEST_CASE("a change within one tick of the clock is found")
    {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            const Tree tree;
            const bool mounted = ::unshare(CLONE_NEWNS) == 0
                                 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
                                 && ::mount("none", tree.root().c_str(), "ramfs", 0, nullptr) == 0;
            if (!mounted) ::_exit(2);
            auto digests = InputDigests::open(tree.root(), {}).value();
            int stale = 0;
            for (int i = 0; i < 400; ++i) {
                const std::string bytes = std::to_string(1'000 + i);
                tree.write("a", bytes);
                if (Tree::texts(digests, {"a"}).front() != file_text(bytes)) ++stale;
            }
            ::umount2(tree.root().c_str(), MNT_DETACH);
            fs::remove_all(tree.outside());
            ::_exit(stale == 0 ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status));
        if (WEXITSTATUS(status) == 2) {
            MESSAGE("left out: ramfs cannot be mounted here");
        } else {
            CHECK(WEXITSTATUS(status) == 0);
        }
    }
}
