#include "session.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

// Jobs that try to stay, and clients that break the protocol.

using namespace slipway;
using namespace slipway::test;
using agent::Type;

namespace fs = std::filesystem;

namespace {

bool lives(const std::string& pid)
{
    std::ifstream stat("/proc/" + pid + "/stat");
    std::string text;
    std::getline(stat, text);
    return !text.empty() && text.find(") Z ") == std::string::npos;
}

} // namespace

TEST_SUITE("agent.hostile")
{
    TEST_CASE("what forks twice and leaves its session is killed with the job")
    {
        SocketSession sandbox;
        const Outcome outcome =
            sandbox.client.run(shell("(setsid sh -c 'trap \"\" TERM HUP; sleep 1000 & echo $! $$; "
                                     "wait' &) ; sleep 0.3; exit 2"));
        CHECK(outcome.exited(2));
        CHECK((outcome.exit.flags & agent::Exit::left_processes) != 0);
        const std::size_t blank = outcome.out.find(' ');
        REQUIRE(blank != std::string::npos);
        CHECK(!lives(outcome.out.substr(0, blank)));
        CHECK(!lives(std::to_string(std::stoi(outcome.out.substr(blank + 1)))));
        CHECK(sandbox.client.run(shell("true & wait")).exit.flags == 0);
    }

    TEST_CASE("a fork bomb comes to its end")
    {
        SocketSession sandbox(true);
        agent::Run bomb =
            shell("f() { while :; do f & done; }; f & echo lit; wait; while :; do :; done");
        bomb.has_ids = ::geteuid() == 0;
        bomb.uid = bomb.gid = 64'321; // nobody else's, so that the limit is this bomb's alone
        bomb.limits = {{RLIMIT_NPROC, 120, 120}};
        bomb.deadline_ms = 1500;
        const Outcome outcome = sandbox.client.run(bomb);
        CHECK(!outcome.failed);
        const agent::ResetDone reset = sandbox.client.reset();
        CHECK(reset.clean);
        CHECK(reset.reason.empty());
        CHECK(sandbox.client.run(shell("ps -e | wc -l")).exited(0));
    }

    TEST_CASE("a fork bomb of new sessions is gone after a reset, and after its session")
    {
        if (::geteuid() != 0) return; // its limit would count whatever else the user runs
        const TempDirectory place;
        fs::permissions(place.path(), fs::perms(0755));
        const std::string script = place.path() / "bomb";
        std::ofstream(script) << "#!/bin/sh\nwhile :; do setsid \"$0\" & done 2>/dev/null\n";
        fs::permissions(script, fs::perms(0755));
        SocketSession sandbox(true);
        // No fork of its own while it waits for many.
        agent::Run bomb = shell(
            script + " & " + script
            + " & while set -- /proc/[0-9]*; [ $# -lt 60 ]; do :; done; echo lit; wait; sleep 1000"
        );
        bomb.has_ids = true;
        bomb.uid = bomb.gid = 64'322;
        bomb.limits = {{RLIMIT_NPROC, 100, 100}};
        const auto light = [&](AgentClient& client, std::uint32_t channel) {
            client.send(Type::run, channel, bomb);
            for (Said said = client.next(); said.type != Type::out; said = client.next()) {
            }
        };
        const auto everybody = [](AgentClient& client) {
            agent::Run count = program({"sh", "-c", "cd /proc; echo [0-9]*"});
            return client.run(count).out;
        };
        light(sandbox.client, 1);
        const agent::ResetDone reset = sandbox.client.reset();
        CHECK(reset.clean);
        CHECK(reset.reason.empty());
        sandbox.client.last_channel = 1;
        const std::string after = everybody(sandbox.client); // the agent, the supervisor, the shell
        CHECK(std::count(after.begin(), after.end(), ' ') == 2);

        light(sandbox.client, 100);
        sandbox.client.close();
        AgentClient next(sandbox.socket());
        const Said answer = next.begin();
        REQUIRE(answer.type == Type::welcome);
        CHECK(!agent::decode<agent::Welcome>(answer.payload)->unclean);
        const std::string later = everybody(next);
        CHECK(std::count(later.begin(), later.end(), ' ') == 2);
    }

    TEST_CASE("who came in from outside outlives a reset; what jobs left does not")
    {
        if (::geteuid() != 0) return; // into a user namespace one has to be let
        SocketSession sandbox(true);
        const Outcome agent = sandbox.client.run(program({"true"}));
        REQUIRE(agent.exited(0));
        const std::string inner = std::to_string(sandbox.process.inner_pid());
        const pid_t visitor = ::fork();
        if (visitor == 0) {
            const char* const its_child = "sleep 1000 & wait";
            ::execlp(
                "nsenter", "nsenter", "-t", inner.c_str(), "--pid", "sh", "-c", its_child, nullptr
            );
            ::_exit(127);
        }
        const std::string see = "cat /proc/[0-9]*/comm | sort | tr '\\n' ' '";
        const auto seen = [&] { return sandbox.client.run(shell(see)).out; };
        CHECK(eventually([&] { return seen().find("sleep") != std::string::npos; }));
        sandbox.client.send(Type::run, 500, shell("setsid tail -f /dev/null & echo x; wait"));
        for (Said said = sandbox.client.next(); said.type != Type::out;) {
            said = sandbox.client.next();
        }
        CHECK(sandbox.client.reset().clean);
        sandbox.client.last_channel = 500;
        const std::string left = seen();
        CHECK(left.find("sleep") != std::string::npos);
        CHECK(left.find("tail") == std::string::npos);
        ::kill(visitor, SIGKILL);
        ::waitpid(visitor, nullptr, 0);
    }

    TEST_CASE("a job of root can neither stop nor kill the bridge, nor pass for one")
    {
        if (::geteuid() != 0) return;
        const TempDirectory place;
        const std::string socket = place.path() / "s";
        AgentProcess process({{"--socket", socket, "--bridge", "--idle-ms", "60000"}, true, false});
        AgentClient outside(socket);
        REQUIRE(outside.begin().type == Type::welcome);
        outside.send_bytes(Type::bye, 0, {});
        const std::string inner = std::to_string(process.inner_pid());
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        const pid_t bridge = ::fork();
        if (bridge == 0) {
            ::dup2(ends[1], 0);
            ::dup2(ends[1], 1);
            ::execlp(
                "nsenter",
                "nsenter",
                "-t",
                inner.c_str(),
                "--pid",
                SLIPWAY_AGENT,
                "bridge",
                socket.c_str(),
                nullptr
            );
            ::_exit(127);
        }
        ::close(ends[1]);
        {
            AgentClient client(ends[0], 8);
            REQUIRE(eventually([&] { return client.begin().type == Type::welcome; }));
            const Outcome tried = client.run(
                shell("for at in /proc/[0-9]*; do\n"
                      "  set -- $(tr '\\0' ' ' <$at/cmdline)\n"
                      "  [ \"$2\" = bridge ] || continue\n"
                      "  echo found; kill -STOP ${at#/proc/}; kill -9 ${at#/proc/}; kill -9 -1\n"
                      "done")
            );
            CHECK(tried.died_of(SIGKILL));
            CHECK(tried.out == "found\n");
            CHECK(tried.err.find("not permitted") != std::string::npos);
            CHECK(client.run(program({"true"})).exited(0));
            const Outcome passing =
                client.run(program({SLIPWAY_AGENT, "bridge", socket}), outside.hello());
            CHECK(passing.out == "");
            CHECK(passing.exited(0));
        }
        ::close(ends[0]);
        ::waitpid(bridge, nullptr, 0);
    }

    TEST_CASE("a process that cannot be killed is told, and what else there was is gone")
    {
        if (::geteuid() != 0) return;
        const TempDirectory place;
        const std::string socket = place.path() / "s";
        AgentProcess::Options options{{"--socket", socket, "--idle-ms", "60000"}, true, false};
        options.before = {"setpriv", "--bounding-set=-kill", "--inh-caps=-all"};
        AgentProcess process(options);
        AgentClient client(socket);
        REQUIRE(client.begin().type == Type::welcome);
        agent::Run held = program({"sleep", "1000"});
        held.has_ids = true;
        held.uid = held.gid = 64'323; // not the agent's, which lacks the right to kill it
        client.send(Type::run, 1, held);
        client.send(Type::run, 2, program({"tail", "-f", "/dev/null"}));
        for (int started = 0; started < 2;) {
            if (client.next().type == Type::started) ++started;
        }
        const agent::ResetDone reset = client.reset();
        CHECK(!reset.clean);
        CHECK(reset.reason.find("(sleep) is left") != std::string::npos);
        client.last_channel = 2;
        const std::string left = client.run(shell("cat /proc/[0-9]*/comm")).out;
        CHECK(left.find("tail") == std::string::npos);
    }

    TEST_CASE("a job that kills everybody it can ends only itself")
    {
        SocketSession sandbox(true);
        const Outcome outcome = sandbox.client.run(shell("echo begun; kill -9 -1; sleep 1000"));
        CHECK(outcome.died_of(SIGKILL));
        CHECK(sandbox.client.reset().clean);
        CHECK(sandbox.client.run(program({"true"})).exited(0));
    }

    TEST_CASE("a job that kills or stops its supervisor is not lost")
    {
        SocketSession sandbox;
        const Outcome killed =
            sandbox.client.run(shell("kill -9 $PPID; setsid sleep 1000 & echo $!; sleep 1000"));
        CHECK(killed.died_of(SIGKILL));
        const Outcome stopped = sandbox.client.run(shell("kill -STOP $PPID; sleep 0.1; exit 7"));
        CHECK(stopped.exited(7));
        CHECK(sandbox.client.run(program({"true"})).exited(0));
    }

    TEST_CASE("whoever sends more than was granted has no session any more")
    {
        SocketSession sandbox;
        agent::Run run = program({"sleep", "1000"});
        sandbox.client.send(Type::run, 1, run);
        const auto send_too_much = [&] {
            for (int i = 0; i < 64; ++i) {
                sandbox.client.send_bytes(Type::in, 1, std::string(65'536, 'x'));
            }
        };
        CHECK_THROWS(send_too_much());
        CHECK(sandbox.client.is_closed());
    }

    TEST_CASE(
        "bytes that are no frame, a channel twice, a message of the agent's: no session any more"
    )
    {
        for (const int what : {0, 1, 2, 3}) {
            CAPTURE(what);
            SocketSession sandbox;
            sandbox.client.send(Type::run, 1, program({"sleep", "1000"}));
            if (what == 0) sandbox.client.send_raw("no frame at all");
            if (what == 1) sandbox.client.send(Type::run, 1, program({"true"}));
            if (what == 2) sandbox.client.send_bytes(Type::started, 1, "1234");
            if (what == 3) sandbox.client.send_bytes(Type::cancel, 1, "x");
            CHECK(sandbox.client.is_closed());
            AgentClient next(sandbox.socket());
            CHECK(next.begin().type == Type::welcome);
        }
    }

    TEST_CASE("a client that has left takes its jobs with it, and its scratch")
    {
        const TempDirectory scratch;
        const TempDirectory place;
        const std::string socket = place.path() / "s";
        AgentProcess process(
            {{"--socket", socket, "--idle-ms", "60000", "--scratch", scratch.path()}, false, false}
        );
        std::string pid;
        {
            AgentClient client(socket);
            REQUIRE(client.begin().type == Type::welcome);
            agent::Run run = shell(
                "mkdir -p a/b; echo x >a/b/c; ln -s / a/root; mkdir -m 0 shut; mkdir shut2; touch "
                "shut2/f; chmod 0 shut2; setsid sleep 1000 & echo $!; wait"
            );
            run.cwd = scratch.path();
            client.send(Type::run, 1, run);
            for (Said said = client.next(); said.type != Type::out; said = client.next()) {
            }
            CHECK(!fs::is_empty(scratch.path()));
        }
        AgentClient next(socket);
        const Said answer = next.begin();
        REQUIRE(answer.type == Type::welcome);
        CHECK(!agent::decode<agent::Welcome>(answer.payload)->unclean);
        CHECK(agent::decode<agent::Welcome>(answer.payload)->jobs == 1);
        CHECK(fs::is_empty(scratch.path()));
        CHECK(fs::exists("/usr"));
    }
}
