#include "trees.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

using namespace slipway;
using namespace slipway::test;
using agent::Type;

namespace fs = std::filesystem;

namespace {

agent::Run writing(const fs::path& path)
{
    agent::Run run = TreeSession::order(agent::What::write_file, path);
    run.tree.mode = 0640;
    return run;
}

/// 1 MiB, which only this process and its children see.
class SmallDisk {
public:
    explicit SmallDisk(fs::path at) : at_(std::move(at))
    {
        REQUIRE(::unshare(CLONE_NEWNS) == 0);
        REQUIRE(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
        REQUIRE(::mount("none", at_.c_str(), "tmpfs", 0, "size=1m") == 0);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() { ::umount2(at_.c_str(), MNT_DETACH); }

private:
    fs::path at_;
};

bool is_alone(const fs::path& file)
{
    const fs::directory_iterator entries(file.parent_path());
    return std::distance(begin(entries), end(entries)) == 1;
}

} // namespace

TEST_SUITE("agent.files")
{
    TEST_CASE("a file is put with its mode and its time, and comes back")
    {
        const TempDirectory top;
        const fs::path file = top.path() / "new" / "place" / std::string(255, 'f');
        const std::string bytes = std::string("\0\xff\n", 3) + std::string(3'000'000, 'b');
        TreeSession session;
        agent::Run run = writing(file);
        run.tree.has_mtime = true;
        run.tree.mtime_ns = -1'500'000'000;
        const Outcome put = session.client.run(run, bytes);
        CHECK(put.err == "");
        REQUIRE(put.exited(0));
        CHECK((read(file) == bytes));
        CHECK(is_alone(file));
        const struct stat status = status_of(file);
        CHECK((status.st_mode & 07777) == 0640);
        CHECK(status.st_mtim.tv_sec == -2);
        CHECK(status.st_mtim.tv_nsec == 500'000'000);
        const Outcome got = session.client.run(TreeSession::order(agent::What::read_file, file));
        REQUIRE(got.exited(0));
        CHECK((got.out == bytes));
    }

    TEST_CASE("it takes the place of a file or a link, and other names keep what they had")
    {
        const TempDirectory top;
        write(top.path() / "f", "old");
        fs::create_hard_link(top.path() / "f", top.path() / "kept");
        fs::create_symlink("kept", top.path() / "link");
        TreeSession session;
        REQUIRE(session.client.run(writing(top.path() / "f"), "new").exited(0));
        REQUIRE(session.client.run(writing(top.path() / "link"), "").exited(0));
        CHECK(read(top.path() / "f") == "new");
        CHECK(read(top.path() / "kept") == "old");
        CHECK(S_ISREG(status_of(top.path() / "link").st_mode));
        CHECK(read(top.path() / "link") == "");
    }

    TEST_CASE("where a directory is, or a file is above, nothing is put")
    {
        const TempDirectory top;
        fs::create_directory(top.path() / "d");
        write(top.path() / "f", "f");
        TreeSession session;
        const Outcome directory = session.client.run(writing(top.path() / "d"), "x");
        CHECK(directory.exited(1));
        CHECK(directory.err.find("Is a directory") != std::string::npos);
        CHECK(session.client.run(writing(top.path() / "f" / "x"), "x").exited(1));
        CHECK(session.client.run(writing(top.path() / "d" / ""), "x").exited(4));
        CHECK(session.client.run(writing(""), "x").exited(4));
        CHECK(session.client.run(writing(top.path() / std::string(256, 'n')), "x").exited(1));
        CHECK(fs::is_empty(top.path() / "d"));
        CHECK(read(top.path() / "f") == "f");
    }

    TEST_CASE("what is no regular file is not read")
    {
        const TempDirectory top;
        REQUIRE(::mkfifo((top.path() / "fifo").c_str(), 0600) == 0);
        write(top.path() / "f", "f");
        fs::create_symlink("f", top.path() / "link");
        TreeSession session;
        const auto get = [&](const fs::path& path) {
            return session.client.run(TreeSession::order(agent::What::read_file, path));
        };
        CHECK(get(top.path() / "fifo").exited(1));
        CHECK(get(top.path()).exited(1));
        CHECK(get("/dev/null").exited(1));
        const Outcome missing = get(top.path() / "missing");
        CHECK(missing.exited(2));
        CHECK(missing.err.find("missing") != std::string::npos);
        CHECK(get(top.path() / "link").out == "f");
    }

    TEST_CASE("a file that changes while it is read is an error, whole as it may look")
    {
        const TempDirectory top;
        const fs::path file = top.path() / "file";
        TreeSession session;
        for (const agent::What what : {agent::What::read_file, agent::What::pack}) {
            for (const bool grows : {true, false}) {
                // More than all buffers on the way hold: the reader is in its middle when the first
                // of it has come.
                write(file, std::string(8 << 20, 'x'));
                agent::Run run = what == agent::What::pack
                                     ? TreeSession::order(what, top.path(), {path("file")})
                                     : TreeSession::order(what, file);
                run.window = 65'536;
                bool done = false;
                const Outcome outcome = session.client.run(run, {}, [&](const Said& said) {
                    if (said.type != Type::out || done) return;
                    done = true;
                    std::ofstream more(file, std::ios::app);
                    more << "more";
                    more.close();
                    if (!grows) fs::resize_file(file, 1 << 20);
                });
                CHECK(outcome.exited(1));
                CHECK(outcome.err.find("while it was read") != std::string::npos);
                CHECK(outcome.err.find("file") != std::string::npos);
            }
        }
    }

    TEST_CASE("what the system makes up is read to its end, whatever size it tells")
    {
        TreeSession session;
        int told_wrong = 0;
        for (const char* const name :
             {"/proc/version",
              "/proc/filesystems",
              "/proc/self/mountinfo",
              "/proc/kallsyms",
              "/sys/devices/system/cpu/online",
              "/sys/kernel/mm/transparent_hugepage/enabled"}) {
            CAPTURE(std::string(name));
            const std::string wanted = read(name);
            if (wanted.empty()) continue; // not on this machine
            if (static_cast<std::size_t>(status_of(name).st_size) != wanted.size()) ++told_wrong;
            const Outcome got =
                session.client.run(TreeSession::order(agent::What::read_file, name));
            CHECK(got.err == "");
            CHECK(got.exited(0));
            CHECK((got.out == wanted));
        }
        CHECK(told_wrong > 2);
    }

    TEST_CASE("a full disk is an error with words, and leaves nothing half")
    {
        if (::geteuid() != 0) return; // only root can mount one
        const TempDirectory top;
        const SmallDisk disk(top.path());
        TreeSession session;
        AgentClient& client = session.client;
        const Outcome file = client.run(writing(top.path() / "f"), std::string(3 << 20, 'f'));
        CHECK(file.exited(1));
        CHECK(file.err.find("No space left on device") != std::string::npos);
        CHECK(fs::is_empty(top.path()));
        REQUIRE(client.run(writing(top.path() / "f"), "small").exited(0));

        const TempDirectory from;
        write(from.path() / "big", std::string(3 << 20, 'b'));
        const Outcome tar =
            client.run(TreeSession::order(agent::What::pack, from.path(), {path("big")}));
        REQUIRE(tar.exited(0));
        const Outcome full =
            client.run(TreeSession::order(agent::What::unpack, top.path()), tar.out);
        CHECK(full.exited(1));
        CHECK(full.err.find("No space left on device") != std::string::npos);
        CHECK(full.err.find("big") != std::string::npos);
        CHECK(client.run(program({"true"})).exited(0));
    }
}
