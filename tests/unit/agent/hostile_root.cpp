#include "trees.hpp"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

// Jobs of the agent's own user, who may do to its processes what the system does not forbid.

using namespace slipway;
using namespace slipway::test;
using agent::Type;

namespace fs = std::filesystem;

namespace {

pid_t parent_of(std::uint32_t pid)
{
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string word;
    pid_t parent = 0;
    stat >> word >> word >> word >> parent;
    return parent;
}

// A /dev of its own, with what stands in one.
constexpr const char* own_dev = R"(set -e
dev=$1
shift
mount -t tmpfs none "$dev"
for name in null zero urandom; do
  touch "$dev/$name"
  mount --bind "/dev/$name" "$dev/$name"
done
ln -s /proc/self/fd/1 "$dev/stdout"
mount --rbind "$dev" /dev
exec "$@"
)";

} // namespace

TEST_SUITE("agent.hostile_root")
{
    TEST_CASE("a job that kills its supervisor and writes without end comes to its end")
    {
        SocketSession sandbox;
        agent::Run run = shell("read line; kill -9 $PPID; exec yes");
        run.has_in = true;
        run.window = 0; // what it has written waits
        sandbox.client.send(Type::run, 1, run);
        const Said said = sandbox.client.next();
        REQUIRE(said.type == Type::started);
        const auto pid = static_cast<pid_t>(agent::decode<agent::Started>(said.payload)->pid);
        sandbox.client.send_bytes(Type::in, 1, "\n");
        CHECK(eventually([&] { return ::kill(pid, 0) != 0; }));
        sandbox.client.grant(1, agent::Stream::out, 1 << 30);
        CHECK(sandbox.client.finish(1).died_of(SIGKILL));
        sandbox.client.last_channel = 1;
        CHECK(sandbox.client.run(program({"true"})).exited(0));
    }

    TEST_CASE("a worker whose supervisor was killed ends as well")
    {
        const TempDirectory top;
        SocketSession sandbox;
        const agent::Run run = TreeSession::order(agent::What::write_file, top.path() / "f");
        sandbox.client.send(Type::run, 1, run);
        const Said said = sandbox.client.next();
        REQUIRE(said.type == Type::started);
        const pid_t supervisor = parent_of(agent::decode<agent::Started>(said.payload)->pid);
        REQUIRE(supervisor > 1);
        ::kill(supervisor, SIGKILL);
        for (Said next = sandbox.client.next(); next.type != Type::exit;) {
            next = sandbox.client.next();
        }
        sandbox.client.last_channel = 1;
        CHECK(!fs::exists(top.path() / "f"));
        CHECK(sandbox.client.run(program({"true"})).exited(0));
    }

    TEST_CASE("a job that reads its own output takes nobody else's")
    {
        SocketSession sandbox;
        for (int round = 0; round < 5; ++round) {
            const Outcome outcome = sandbox.client.run(
                shell("exec 3</proc/self/fd/1; cat <&3 >/dev/null & head -c 20000000 /dev/zero")
            );
            CHECK(outcome.exited(0));
        }
        const Outcome after = sandbox.client.run(shell("echo whole"));
        CHECK(after.out == "whole\n");
    }

    TEST_CASE("the limits of the agent are not a job's to change")
    {
        if (::geteuid() != 0) return;
        SocketSession sandbox(true);
        const Outcome tried = sandbox.client.run(
            shell("prlimit --pid 1 --nofile=9:9; prlimit --pid $PPID --fsize=0:0; true")
        );
        CHECK(tried.exited(0));
        CHECK(tried.err.find("not permitted") != std::string::npos);
        CHECK(sandbox.client.run(shell("ulimit -n; echo x > f; rm f")).exited(0));
        CHECK(sandbox.client.reset().clean);
        CHECK(sandbox.client.run(shell("echo 500 > /proc/1/oom_score_adj")).exited(0));
        const agent::ResetDone reset = sandbox.client.reset();
        CHECK(!reset.clean);
        CHECK(reset.reason.find("oom_score_adj") != std::string::npos);
    }

    TEST_CASE("a /dev in which a link leads elsewhere, or that nobody may enter, is told")
    {
        if (::geteuid() != 0) return;
        for (const char* const change : {"ln -sfn /tmp /dev/stdout", "chmod 700 /dev"}) {
            const TempDirectory dev;
            SocketSession sandbox(true, {"sh", "-c", own_dev, "sh", dev.path()});
            CHECK(sandbox.client.reset().clean);
            CHECK(sandbox.client.run(shell(change)).exited(0));
            const agent::ResetDone reset = sandbox.client.reset();
            CHECK(!reset.clean);
            CHECK(reset.reason.find("is not what it was") != std::string::npos);
        }
    }

    TEST_CASE("a socket that a job has removed is there again for the next client")
    {
        SocketSession sandbox;
        const std::string path = sandbox.socket();
        CHECK(sandbox.client.run(shell("rm " + path + " && : > " + path)).exited(0));
        sandbox.client.close();
        AgentClient next(path);
        CHECK(next.begin().type == Type::welcome);
    }

    TEST_CASE("a job whose end and a signal cross has its true end")
    {
        SocketSession sandbox;
        for (int round = 0; round < 300; ++round) {
            const auto channel = ++sandbox.client.last_channel;
            sandbox.client.send(Type::run, channel, program({"true"}));
            bool told = false;
            const Outcome outcome = sandbox.client.finish(channel, {}, [&](const Said& said) {
                if (said.type != Type::started || told) return;
                told = true;
                for (int i = 0; i < 20; ++i) {
                    sandbox.client.send(Type::signal, channel, agent::Signal{SIGWINCH});
                }
            });
            REQUIRE(outcome.exited(0));
        }
    }
}
