#include "digest/below.hpp"

#include "unit/digest/tree.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

using namespace slipway;
using namespace slipway::test;
using core::Below;
namespace fs = std::filesystem;

namespace {

// The inode of what was opened, or the errno, negative.
std::int64_t told(const Fd& opened)
{
    if (!opened) return -errno;
    struct stat status {};
    REQUIRE(::fstat(opened.get(), &status) == 0);
    return static_cast<std::int64_t>(status.st_ino);
}

std::int64_t inode(const fs::path& path)
{
    return told(Fd(::open(path.c_str(), O_PATH)));
}

} // namespace

TEST_SUITE("core.input_digests.below")
{
    TEST_CASE("by openat2 and by hand it is the same")
    {
        const Tree tree;
        tree.write("a/b/c/file", "text");
        fs::create_directory(tree.outside() / "other");
        std::ofstream(tree.outside() / "other/file") << "outside";
        const auto link = [&](const char* text, const char* path) {
            fs::create_symlink(text, tree.root() / path);
        };
        link("a/b", "in");
        link("in", "twice");
        link("./b/../../a//b/", "a/around");
        link("../other", "out");
        link("../root/a", "out_and_in");
        link("/", "absolute");
        link("two", "one");
        link("one", "two");
        link("a/b/c/file", "to_file");
        link("gone", "dangling");
        std::string chain = "a";
        for (int i = 0; i < 45; ++i) {
            const std::string name = "chain" + std::to_string(i);
            link(chain.c_str(), name.c_str());
            chain = name;
        }
        const fs::path root = tree.root();
        const Fd top(::open(root.c_str(), O_PATH | O_DIRECTORY));
        for (const bool by_hand : {false, true}) {
            CAPTURE(by_hand);
            const Below below(top.get(), by_hand);
            const auto directory = [&](const char* path) { return told(below.directory(path)); };
            CHECK(directory("") == inode(root));
            CHECK(directory(".") == inode(root));
            CHECK(directory("a/b/c") == inode(root / "a/b/c"));
            CHECK(directory("a/../a/b") == inode(root / "a/b"));
            CHECK(directory("in/c") == inode(root / "a/b/c"));
            CHECK(directory("in") == inode(root / "a/b"));
            CHECK(directory("twice/c") == inode(root / "a/b/c"));
            CHECK(directory("a/around/c") == inode(root / "a/b/c"));
            CHECK(directory("chain30/b") == inode(root / "a/b"));
            CHECK(directory("chain44/b") == -ELOOP);
            CHECK(directory("one/x") == -ELOOP);
            CHECK(directory("none") == -ENOENT);
            CHECK(directory("dangling/x") == -ENOENT);
            CHECK(directory("a/b/c/file") == -ENOTDIR);
            CHECK(directory("a/b/c/file/x") == -ENOTDIR);
            CHECK(directory("to_file") == -ENOTDIR);
            CHECK(directory("..") == -EXDEV);
            CHECK(directory("a/../..") == -EXDEV);
            CHECK(directory("out") == -EXDEV);
            CHECK(directory("out_and_in") == -EXDEV);
            CHECK(directory("absolute/tmp") == -EXDEV);

            const auto file = [&](const char* path) { return told(below.file(path)); };
            CHECK(file("in/c/file") == inode(root / "a/b/c/file"));
            CHECK(file("to_file") == -ELOOP);
            CHECK(file("out/file") == -EXDEV);
            CHECK(file("a/none") == -ENOENT);
            CHECK(file("none/a") == -ENOENT);
        }
    }
}
