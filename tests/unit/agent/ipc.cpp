#include "client.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

// What jobs leave in the kernel, and not in a file.

using namespace slipway;
using namespace slipway::test;
using agent::Type;

namespace {

// In a mount namespace of its own: a /dev with message queues, where the machine may have none.
// Then what $1 says, and the agent.
constexpr const char* with_queues = R"(set -e
dev=$1
shift
mount -t tmpfs none "$dev"
for name in null zero urandom ptmx; do
  touch "$dev/$name"
  mount --bind "/dev/$name" "$dev/$name"
done
mkdir "$dev/mqueue"
mount -t mqueue none "$dev/mqueue"
mount --rbind "$dev" /dev
exec "$@"
)";

// What an agent in a container has, and no more.
const std::vector<std::string> confined = {
    "setpriv",
    "--bounding-set=-all,+chown,+dac_override,+fowner,+kill,+setgid,+setpcap,+setuid",
    "--inh-caps=-all",
};

AgentProcess::Options sandbox(const std::string& socket, std::vector<std::string> before)
{
    AgentProcess::Options options;
    options.words = {"--socket", socket, "--idle-ms", "60000", "--ipc"};
    options.own_namespace = true;
    options.own_ipc = true;
    options.before = std::move(before);
    return options;
}

agent::Run as(std::uint32_t uid, const std::string& script)
{
    agent::Run run = shell(script);
    run.has_ids = true;
    run.uid = run.gid = uid;
    return run;
}

constexpr const char* all_there_is =
    "tail -qn +2 /proc/sysvipc/shm /proc/sysvipc/msg /proc/sysvipc/sem; ls -A /dev/mqueue";

} // namespace

TEST_SUITE("agent.ipc")
{
    TEST_CASE("what jobs of any user leave in IPC is removed by a reset and with the session")
    {
        if (::geteuid() != 0) return; // nobody else to become
        const TempDirectory place;
        const TempDirectory dev;
        const std::string socket = place.path() / "s";
        std::vector<std::string> before = {"sh", "-c", with_queues, "sh", dev.path()};
        before.insert(before.end(), confined.begin(), confined.end());
        AgentProcess process(sandbox(socket, before));
        AgentClient client(socket);
        REQUIRE(client.begin().type == Type::welcome);
        const auto leave = [&](AgentClient& by) {
            for (const std::uint32_t uid : {0U, 4321U, 5432U}) {
                const std::string queue = "/dev/mqueue/q" + std::to_string(uid);
                const Outcome made = by.run(
                    as(uid, "ipcmk -M 5000 -p 0 && ipcmk -Q -p 0 && ipcmk -S 3 -p 0 && : >" + queue)
                );
                CHECK(made.err == "");
                REQUIRE(made.exited(0));
            }
            const std::string left = by.run(shell(all_there_is)).out;
            CHECK(std::count(left.begin(), left.end(), '\n') == 12);
        };
        leave(client);
        const agent::ResetDone reset = client.reset();
        CHECK(reset.clean);
        CHECK(reset.reason == "");
        CHECK(client.run(shell(all_there_is)).out == "");

        leave(client);
        client.close();
        AgentClient next(socket);
        const Said answer = next.begin();
        REQUIRE(answer.type == Type::welcome);
        CHECK(!agent::decode<agent::Welcome>(answer.payload)->unclean);
        CHECK(next.run(shell(all_there_is)).out == "");
    }

    TEST_CASE("where message queues are not mounted no job can make one")
    {
        if (::geteuid() != 0) return;
        const TempDirectory place;
        const std::string socket = place.path() / "s";
        AgentProcess process(sandbox(
            socket,
            {"sh",
             "-c",
             "[ ! -d /dev/mqueue ] || mount -t tmpfs none /dev/mqueue && exec \"$@\"",
             "sh"}
        ));
        AgentClient client(socket);
        REQUIRE(client.begin().type == Type::welcome);
        const Outcome made = client.run(program(
            {"python3",
             "-c",
             "import ctypes, errno, os\n"
             "c = ctypes.CDLL(None, use_errno=True)\n"
             "made = c.mq_open(b'/left', os.O_CREAT | os.O_RDWR, 0o600, None)\n"
             "print(made, errno.errorcode.get(ctypes.get_errno()))"}
        ));
        CHECK(made.err == "");
        CHECK(made.out == "-1 EMFILE\n");
        CHECK(client.reset().clean);
    }

    TEST_CASE("what cannot be removed makes the sandbox unclean, and is named")
    {
        if (::geteuid() != 0) return;
        const TempDirectory place;
        const std::string socket = place.path() / "s";
        AgentProcess process(sandbox(
            socket,
            {"sh",
             "-c",
             "setpriv --reuid 4321 --clear-groups ipcmk -M 5000 >/dev/null && exec \"$@\"",
             "sh",
             "setpriv",
             "--bounding-set=-setuid,-sys_admin",
             "--inh-caps=-all"}
        ));
        AgentClient client(socket);
        REQUIRE(client.begin().type == Type::welcome);
        const agent::ResetDone reset = client.reset();
        CHECK(!reset.clean);
        CHECK(reset.reason.find("shared memory") != std::string::npos);
        CHECK(reset.reason.find("uid 4321") != std::string::npos);
        const Said answer = client.begin();
        REQUIRE(answer.type == Type::welcome);
        CHECK(agent::decode<agent::Welcome>(answer.payload)->unclean);
    }

    TEST_CASE("in the IPC namespace of the machine itself it does not begin")
    {
        struct stat status {};
        REQUIRE(::stat("/proc/self/ns/ipc", &status) == 0);
        if (status.st_ino != 0xEFFFFFFF) return; // in a container there is no way to it
        const TempDirectory place;
        const std::string socket = place.path() / "s";
        AgentProcess process({{"--socket", socket, "--idle-ms", "0", "--ipc"}, false, false});
        CHECK(process.exit_code() == 1);
    }
}
