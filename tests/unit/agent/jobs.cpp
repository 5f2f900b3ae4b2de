#include "session.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

using namespace slipway;
using namespace slipway::test;
using agent::Step;
using agent::Type;

namespace fs = std::filesystem;

namespace {

bool failed_at(const Outcome& outcome, Step step, std::uint32_t error)
{
    return outcome.failed && outcome.failed->step == static_cast<std::uint8_t>(step)
           && outcome.failed->error == error;
}

} // namespace

TEST_SUITE("agent.jobs")
{
    TEST_CASE("streams, exit codes and signals come as they are")
    {
        Session session;
        const Outcome told = session.client.run(shell("echo out; echo err >&2; exit 3"));
        CHECK(told.exited(3));
        CHECK(told.out == "out\n");
        CHECK(told.err == "err\n");
        CHECK(told.exit.flags == 0);
        CHECK(told.exit.memory_kib > 0);
        CHECK(session.client.run(shell("kill -TERM $$")).died_of(SIGTERM));
        CHECK(session.client.run(program({"cat"}), "through").out == "through");
        agent::Run deaf = program({"cat"});
        deaf.has_in = false;
        CHECK(session.client.run(deaf).exited(0));
    }

    TEST_CASE("words and variables travel as bytes, and only they are there")
    {
        Session session;
        std::string all;
        for (int byte = 1; byte < 256; ++byte) {
            all += static_cast<char>(byte);
        }
        CHECK(session.client.run(program({"printf", "%s", all})).out == all);
        agent::Run run = program({"/usr/bin/env", "-0"});
        run.env = {"A=1\n2=3", "B=="};
        CHECK(session.client.run(run).out == std::string("A=1\n2=3\0B==\0", 12));
    }

    TEST_CASE("what cannot be started says at which step and why")
    {
        Session session;
        auto& client = session.client;
        CHECK(failed_at(client.run(program({"no-such-program"})), Step::find, ENOENT));
        CHECK(failed_at(client.run(program({"/no/such"})), Step::find, ENOENT));
        CHECK(failed_at(client.run(program({"/etc/passwd"})), Step::execute, EACCES));
        CHECK(failed_at(client.run(program({"/"})), Step::execute, EACCES));
        agent::Run pathless = program({"true"});
        pathless.env.clear();
        CHECK(failed_at(client.run(pathless), Step::find, ENOENT));
        agent::Run lost = program({"true"});
        lost.cwd = "/no/such";
        CHECK(failed_at(client.run(lost), Step::directory, ENOENT));
        agent::Run limited = program({"true"});
        limited.limits = {{200, 1, 1}};
        CHECK(failed_at(client.run(limited), Step::limits, EINVAL));
        CHECK(failed_at(client.run(program({})), Step::message, EINVAL));
        CHECK(failed_at(client.run(program({std::string("a\0b", 3)})), Step::message, EINVAL));
        client.send_bytes(Type::run, 500, "no such message");
        CHECK(failed_at(client.finish(500), Step::message, 0));

        const TempDirectory directory;
        const fs::path script = directory.path() / "script";
        std::ofstream(script) << "#!/no/such/interpreter\n";
        fs::permissions(script, fs::perms::owner_all);
        CHECK(failed_at(client.run(program({script})), Step::execute, ENOENT));
        CHECK(client.run(program({"true"})).exited(0)); // and the next one is not disturbed
    }

    TEST_CASE("directory, umask, limits and a path relative to the directory are the job's")
    {
        Session session;
        const TempDirectory directory;
        agent::Run run = shell("pwd; umask; ulimit -n; ulimit -Hn");
        run.cwd = fs::canonical(directory.path());
        run.umask = 077;
        run.limits = {{RLIMIT_NOFILE, 40, 50}};
        CHECK(session.client.run(run).out == run.cwd + "\n0077\n40\n50\n");
        CHECK(session.client.run(shell("umask; pwd")).out == "0022\n/\n");
        std::ofstream(directory.path() / "here") << "#!/bin/sh\necho found\n";
        fs::permissions(directory.path() / "here", fs::perms::owner_all);
        run = program({"here"});
        run.cwd = directory.path();
        run.env = {"PATH=/no/such:"};
        CHECK(session.client.run(run).out == "found\n");
    }

    TEST_CASE("ids are set, or it is said that they may not")
    {
        Session session;
        agent::Run run = shell("id -u; id -g; id -G; echo through >/dev/stderr");
        run.has_ids = true;
        run.uid = 1234;
        run.gid = 2345;
        run.groups = {2345, 3456};
        const Outcome outcome = session.client.run(run);
        if (::geteuid() != 0) {
            CHECK(failed_at(outcome, Step::ids, EPERM));
            return;
        }
        CHECK(outcome.out == "1234\n2345\n2345 3456\n");
        CHECK(outcome.err == "through\n");
    }

    TEST_CASE("a job begins with plain signals and with no descriptors but three")
    {
        Session session;
        auto& client = session.client;
        client.send(Type::run, 900, program({"sleep", "1000"})); // its pipes are nobody else's
        const Outcome outcome =
            client.run(shell("grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; ls /proc/self/fd"));
        CHECK(outcome.out.find("SigBlk:\t0000000000000000") != std::string::npos);
        CHECK(outcome.out.find("SigIgn:\t0000000000000000") != std::string::npos);
        CHECK(outcome.out.ends_with("\n0\n1\n2\n3\n"));
    }

    TEST_CASE("a terminal has a size, a group in front, and an end of input")
    {
        Session session;
        auto& client = session.client;
        agent::Run run =
            shell("stty size; trap 'stty size; exit 5' WINCH; echo ready; read x; echo no");
        run.terminal = true;
        run.rows = 11;
        run.columns = 22;
        client.send(Type::run, 1, run);
        std::string out;
        while (out.find("ready") == std::string::npos) {
            const Said said = client.next();
            if (said.type == Type::out) out += said.payload;
        }
        CHECK(out.starts_with("11 22\r\n"));
        client.send(Type::resize, 1, agent::Resize{33, 44});
        for (;;) {
            const Said said = client.next();
            if (said.type == Type::out) out += said.payload;
            if (said.type == Type::exit) break;
        }
        CHECK(out.find("33 44") != std::string::npos);

        run = shell("cat; echo after");
        run.terminal = true;
        client.last_channel = 1;
        CHECK(client.run(run, "line\n").out == "line\r\nline\r\nafter\r\n");

        run = shell("trap 'echo caught; exit 0' INT; echo ready; while :; do sleep 1; done");
        run.terminal = true;
        const Outcome caught = client.run(run, {}, [&](const Said& said) {
            if (said.type != Type::out || !said.payload.starts_with("ready")) return;
            client.send(Type::signal, said.channel, agent::Signal{SIGINT});
        });
        CHECK(caught.out.find("caught") != std::string::npos);
    }

    TEST_CASE("signals reach the whole group; cancel gives grace and then takes all")
    {
        Session session;
        auto& client = session.client;
        const Outcome caught = client.run(
            shell("trap 'echo caught; exit 9' USR1; echo ready; while :; do sleep 0.01; done"),
            {},
            [&](const Said& said) {
                if (said.type != Type::out || said.payload != "ready\n") return;
                client.send(Type::signal, said.channel, agent::Signal{SIGUSR1});
            }
        );
        CHECK(caught.out == "ready\ncaught\n");

        const auto cancel = [&](std::uint32_t grace_ms) {
            return [&client, grace_ms](const Said& said) {
                if (said.type != Type::out) return;
                client.send(Type::cancel, said.channel, agent::Cancel{SIGTERM, grace_ms});
            };
        };
        const Outcome polite = client.run(
            shell("trap 'exit 4' TERM; echo x; while :; do sleep 0.01; done"), {}, cancel(60'000)
        );
        CHECK(polite.exited(4));
        CHECK((polite.exit.flags & agent::Exit::cancelled) != 0);
        const Outcome stubborn =
            client.run(shell("trap '' TERM; echo x; while :; do sleep 1; done"), {}, cancel(10));
        CHECK(stubborn.died_of(SIGKILL));
        CHECK((stubborn.exit.flags & agent::Exit::cancelled) != 0);
    }

    TEST_CASE("a deadline ends the job and all that it started")
    {
        Session session;
        agent::Run run = shell("setsid sleep 1000 & echo $!; sleep 1000");
        run.deadline_ms = 200;
        const Outcome outcome = session.client.run(run);
        CHECK(outcome.died_of(SIGKILL));
        CHECK((outcome.exit.flags & agent::Exit::timed_out) != 0);
        CHECK(::kill(std::stoi(outcome.out), 0) != 0);
    }

    TEST_CASE("jobs run side by side, and each one's bytes come in order")
    {
        Session session;
        auto& client = session.client;
        const Outcome first = client.run(program({"true"}));
        CHECK(first.exited(0));
        constexpr std::uint32_t count = 8;
        agent::Run run = shell("seq 1 20000");
        run.has_in = false;
        run.window = 1 << 30;
        for (std::uint32_t i = 0; i < count; ++i) {
            client.send(Type::run, 100 + i, run);
        }
        std::vector<std::string> out(count);
        for (std::uint32_t ended = 0; ended < count;) {
            const Said said = client.next();
            if (said.type == Type::out) out[said.channel - 100] += said.payload;
            if (said.type == Type::exit) ++ended;
        }
        std::string expected;
        for (int i = 1; i <= 20'000; ++i) {
            expected += std::to_string(i) + "\n";
        }
        for (const std::string& text : out) {
            CHECK(text == expected);
        }
    }

    TEST_CASE("output waits for its window, and exit for all output")
    {
        Session session;
        auto& client = session.client;
        agent::Run run = shell("printf 1234567890; printf abc >&2");
        run.window = 4;
        client.send(Type::run, 1, run);
        std::string out;
        std::string err;
        const auto take = [&](std::size_t size) {
            while (out.size() + err.size() < size) {
                const Said said = client.next();
                REQUIRE(said.type != Type::exit);
                if (said.type == Type::out) out += said.payload;
                if (said.type == Type::err) err += said.payload;
            }
        };
        take(7);
        CHECK(out == "1234");
        CHECK(err == "abc");
        client.grant(1, agent::Stream::out, 5);
        take(12);
        CHECK(out == "123456789");
        client.grant(1, agent::Stream::out, 1);
        take(13);
        CHECK(client.next().type == Type::exit);
    }

    TEST_CASE("a job goes on when what held it up was another one's output, read at last")
    {
        for (int round = 0; round < 30; ++round) {
            CAPTURE(round);
            Session session;
            auto& client = session.client;
            constexpr std::uint32_t count = 4;
            agent::Run run = program({"head", "-c", "1500000", "/dev/zero"});
            run.has_in = false;
            run.window = 1 << 30; // so that no other message wakes it
            for (std::uint32_t i = 0; i < count; ++i) {
                client.send(Type::run, 100 + i, run);
            }
            std::uint64_t got = 0;
            for (std::uint32_t ended = 0; ended < count;) {
                const Said said = client.next();
                if (said.type == Type::out) got += said.payload.size();
                if (said.type == Type::exit) ++ended;
            }
            CHECK(got == std::uint64_t{count} * 1'500'000);
        }
    }

    TEST_CASE("a gigabyte of output needs little memory")
    {
        Session session;
        auto& client = session.client;
        agent::Run run = program({"head", "-c", "1073741824", "/dev/zero"});
        run.has_in = false;
        client.send(Type::run, 1, run);
        std::uint64_t got = 0;
        for (;;) {
            const Said said = client.next();
            if (said.type == Type::exit) break;
            if (said.type != Type::out) continue;
            got += said.payload.size();
            client.grant(1, agent::Stream::out, static_cast<std::uint32_t>(said.payload.size()));
        }
        CHECK(got == std::uint64_t{1} << 30);
        CHECK(peak_kib(session.process.pid()) > 0);
        CHECK(peak_kib(session.process.pid()) < 16'384);
    }

    TEST_CASE("a job that always has more on stdin than it has read needs little memory")
    {
        Session session;
        const std::string in(std::size_t{32} << 20, 'i');
        const Outcome outcome = session.client.run(
            shell("while [ $(dd bs=65536 count=1 2>/dev/null | wc -c) -gt 0 ]; do :; done"), in
        );
        CHECK(outcome.exited(0));
        CHECK(peak_kib(session.process.pid()) > 0);
        CHECK(peak_kib(session.process.pid()) < 16'384);
    }

    TEST_CASE("a job that closes its streams goes on; one that nobody listens to is not lost")
    {
        Session session;
        const TempDirectory directory;
        const std::string file = directory.path() / "written";
        const Outcome outcome = session.client.run(
            shell("exec <&- >&- 2>&-; sleep 0.1; echo x >" + file + "; exit 6"),
            std::string(3 << 20, 'x')
        );
        CHECK(outcome.exited(6));
        CHECK(fs::exists(file));
    }
}
