#include "archive/cache_tag.hpp"
#include "archive/content_hasher.hpp"
#include "sync/crew.hpp"
#include "unit/sync/trees.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <limits>
#include <thread>

using namespace slipway;
using namespace slipway::test;
using core::content_hash;
using core::ContentHash;
namespace fs = std::filesystem;

namespace {

void make_socket(const fs::path& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(socket);
}

} // namespace

TEST_SUITE("core.sync.tree_scan")
{
    TEST_CASE("everything that travels is found, each kind as what it is")
    {
        const Tree tree;
        tree.write("dir/file", "bytes");
        tree.write("\xff\n", "odd");
        fs::create_directory(tree.path("empty"));
        fs::create_symlink("nowhere", tree.path("link"));
        REQUIRE(::mkfifo(tree.path("fifo").c_str(), 0600) == 0);
        fs::create_hard_link(tree.path("dir/file"), tree.path("hard"));
        ::chmod(tree.path("dir/file").c_str(), 04751);
        make_socket(tree.path("socket"));
        const auto found = tree.entries();
        CHECK(found.size() == 7);
        const auto kind = [&](const char* path) {
            return static_cast<agent::EntryKind>(found.at(path).kind);
        };
        CHECK(kind("dir") == agent::EntryKind::directory);
        CHECK(kind("empty") == agent::EntryKind::directory);
        CHECK(kind("fifo") == agent::EntryKind::fifo);
        CHECK(kind("link") == agent::EntryKind::symlink);
        CHECK(found.at("link").link_target == "nowhere");
        CHECK(found.at("dir/file").digest == content_hash("bytes"));
        CHECK(found.at("dir/file").mode == 0751);
        CHECK(found.at("dir/file").size == 5);
        CHECK(found.at("\xff\n").digest == content_hash("odd"));
        CHECK(found.at("dir/file").same_as.empty());
        CHECK(found.at("hard").same_as == "dir/file");
        CHECK(tree.scan().sockets == std::vector<std::string>{"socket"});
    }

    TEST_CASE("the order is the same however many work")
    {
        const Tree tree;
        for (int i = 0; i < 300; ++i) {
            tree.write(
                "d" + std::to_string(i % 40) + "/s" + std::to_string(i % 7) + "/"
                    + std::to_string(i),
                std::to_string(i)
            );
        }
        const sync::Scan alone = tree.scan();
        CHECK(alone.tree.state.size() == 300 + 40 + 40 * 7);
        for (int i = 0; i < 20; ++i) {
            sync::Threads crew;
            sync::ScanOptions options;
            options.crew = &crew;
            const sync::Scan many = tree.scan(options);
            CHECK(many.tree.state == alone.tree.state);
            CHECK(many.tree.marks == alone.tree.marks);
        }
    }

    TEST_CASE("marked directories are left out, and told when asked for; ours at the top never")
    {
        const Tree tree;
        tree.write("target/CACHEDIR.TAG", std::string(core::cache_tag) + "\n");
        tree.write("target/debug/app", "x");
        tree.write("not/CACHEDIR.TAG", "Signature: something else");
        tree.write(".slipway/tree", "x");
        tree.write("sub/.slipway/file", "x");
        CHECK_FALSE(tree.entries().contains("target"));
        CHECK(tree.entries().contains("not/CACHEDIR.TAG"));
        CHECK_FALSE(tree.entries().contains(".slipway"));
        CHECK(tree.entries().contains("sub/.slipway/file"));
        sync::ScanOptions options;
        options.caches = true;
        const sync::Scan scan = tree.scan(options);
        CHECK(scan.tagged == std::vector<std::string>{"target"});
        std::vector<std::string> paths;
        CHECK(scan.caches.empty());
        for (const sync::StateEntry& entry : scan.fresh) {
            paths.push_back(entry.path);
            CHECK_FALSE(has_digest(entry));
        }
        CHECK(
            paths
            == std::vector<
                std::string>{"target", "target/CACHEDIR.TAG", "target/debug", "target/debug/app"}
        );
        options.since_ns = std::numeric_limits<std::int64_t>::max();
        CHECK(tree.scan(options).fresh.empty());
        CHECK(tree.scan(options).caches == scan.fresh);
    }

    TEST_CASE("a file that a memo knows is not read, and any change to it is seen")
    {
        const Tree tree;
        tree.write("file", "old");
        std::this_thread::sleep_for(std::chrono::milliseconds(80)); // so that it can be relied on
        sync::Scan first = tree.scan();
        sync::drop_young(first.tree, first.young_ns);
        REQUIRE(first.tree.marks.front().inode != 0);
        first.tree.state.front().digest.low = 42; // tells who said it
        const sync::Memo memo(first.tree);
        sync::ScanOptions options;
        options.memo = &memo;
        CHECK(tree.scan(options).tree.state.front().digest.low == 42);
        const auto time = fs::last_write_time(tree.path("file"));
        tree.write("file", "new"); // as long, and as old
        fs::last_write_time(tree.path("file"), time);
        CHECK(tree.scan(options).tree.state.front().digest == content_hash("new"));
    }

    TEST_CASE("the mark of a file that has just changed is not relied on")
    {
        const Tree tree;
        tree.write("file", "old");
        sync::Scan scan = tree.scan();
        CHECK(scan.tree.marks.front().inode != 0);
        sync::drop_young(scan.tree, scan.young_ns);
        CHECK(scan.tree.marks.front().inode == 0);
    }

    TEST_CASE("digests that were left out are added")
    {
        const Tree tree;
        tree.write("a", "one");
        tree.write("b", "two");
        sync::ScanOptions options;
        options.digests = false;
        sync::Scan scan = tree.scan(options);
        CHECK_FALSE(has_digest(scan.tree.state.at(1)));
        const int root = ::open(tree.path(".").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(sync::add_digests(root, scan.tree, {1}, options).empty());
        CHECK_FALSE(has_digest(scan.tree.state.at(0)));
        CHECK(scan.tree.state.at(1).digest == content_hash("two"));
        fs::remove(tree.path("a"));
        CHECK(sync::add_digests(root, scan.tree, {0}, options).empty()); // gone: no problem of ours
        CHECK_FALSE(has_digest(scan.tree.state.at(0)));
        ::close(root);
    }

    TEST_CASE("what cannot be read is told, and a stop ends it")
    {
        const Tree tree;
        tree.write("a/file", "x");
        std::atomic<bool> stop = true;
        sync::ScanOptions options;
        options.stop = &stop;
        const sync::Scan stopped = tree.scan(options);
        REQUIRE(stopped.problems.size() == 1);
        CHECK(stopped.problems.front().error == ECANCELED);
        if (::geteuid() == 0) return; // nothing is unreadable for root
        ::chmod(tree.path("a").c_str(), 0);
        const sync::Scan refused = tree.scan();
        REQUIRE(refused.problems.size() == 1);
        CHECK(refused.problems.front().error == EACCES);
        CHECK(refused.problems.front().path == "a");
        options.stop = nullptr;
        options.tolerant = true;
        const sync::Scan tolerated = tree.scan(options);
        CHECK(tolerated.problems.empty());
        CHECK(tolerated.tree.state.size() == 1);
        ::chmod(tree.path("a").c_str(), 0755);
    }

    TEST_CASE("a tree that is deeper than a path can be long")
    {
        const Tree tree;
        const std::string name(200, 'd');
        const int top = ::open(tree.path(".").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int at = ::dup(top);
        constexpr int depth = 60; // 12 000 bytes
        for (int i = 0; i < depth; ++i) {
            REQUIRE(::mkdirat(at, name.c_str(), 0755) == 0);
            const int below = ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            ::close(at);
            at = below;
        }
        ::close(::openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        ::close(at);
        ::close(top);
        const sync::Scan scan = tree.scan();
        CHECK(scan.problems.empty());
        CHECK(scan.tree.state.size() == depth + 1);
        CHECK(scan.tree.state.back().path.size() == depth * 201U + 4);
    }
}
