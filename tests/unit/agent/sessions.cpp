#include "client.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace slipway;
using namespace slipway::test;
using agent::Type;

namespace fs = std::filesystem;

namespace {

struct Place {
    TempDirectory directory;
    std::string socket = directory.path() / "s";
};

AgentProcess::Options at(const Place& place, const char* idle_ms = "60000")
{
    return {{"--socket", place.socket, "--idle-ms", idle_ms}, false, false};
}

} // namespace

TEST_SUITE("agent.sessions")
{
    TEST_CASE("one has the sandbox, the others hear that it is busy, and for how long")
    {
        const Place place;
        AgentProcess process(at(place));
        AgentClient first(place.socket);
        REQUIRE(first.begin(50'000).type == Type::welcome);
        struct stat status {};
        REQUIRE(::stat(place.socket.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
        AgentClient second(place.socket, 8);
        const Said answer = second.begin();
        REQUIRE(answer.type == Type::busy);
        const auto left = agent::decode<agent::Busy>(answer.payload)->left_ms;
        CHECK(left > 0);
        CHECK(left <= 50'000);
        first.send_bytes(Type::bye, 0, {});
        CHECK(eventually([&] { return second.begin().type == Type::welcome; }));
        CHECK(second.run(program({"true"})).exited(0));
    }

    TEST_CASE("a client of another version is refused and told ours")
    {
        const Place place;
        AgentProcess process(at(place));
        AgentClient client(place.socket);
        client.send_raw(client.hello(60'000, agent::protocol_version + 1));
        const Said answer = client.next();
        REQUIRE(answer.type == Type::refused);
        CHECK(agent::decode<agent::Refused>(answer.payload)->highest == agent::protocol_version);
        REQUIRE(client.begin().type == Type::welcome); // it had not begun a session
    }

    TEST_CASE("a lease that is not renewed ends the session and its jobs")
    {
        const Place place;
        AgentProcess process(at(place));
        const std::string mark = place.directory.path() / "mark";
        AgentClient first(place.socket);
        REQUIRE(first.begin(400).type == Type::welcome);
        first.send(Type::run, 1, shell("trap '' TERM HUP; echo $$ >" + mark + "; sleep 1000"));
        CHECK(first.is_closed());
        AgentClient second(place.socket);
        REQUIRE(second.begin().type == Type::welcome);
        std::ifstream in(mark);
        int pid = 0;
        in >> pid;
        REQUIRE(pid > 0);
        CHECK(::kill(pid, 0) != 0);
    }

    TEST_CASE("each renewal has an answer, and who does not read them takes no memory")
    {
        const Place place;
        AgentProcess process(at(place));
        AgentClient client(place.socket);
        REQUIRE(client.begin().type == Type::welcome);
        client.send_bytes(Type::renew, 0, {});
        const Said answer = client.next();
        CHECK(answer.type == Type::renewed);
        CHECK(answer.channel == 0);
        CHECK(answer.payload.empty());

        std::string many;
        for (int i = 0; i < 4096; ++i) {
            agent::append_message(many, Type::renew, 0, {}, 7);
        }
        for (int i = 0; i < 500; ++i) { // 32 MiB of answers
            client.send_raw(many);
        }
        client.send(Type::run, 1, program({"true"}));
        Type last = Type::renewed;
        while (last == Type::renewed || last == Type::started || last == Type::window) {
            last = client.next().type;
        }
        CHECK(last == Type::exit);
        CHECK(peak_kib(process.pid()) > 0);
        CHECK(peak_kib(process.pid()) < 16'384);
    }

    TEST_CASE("it ends by itself when nobody wants it, and when it is told to")
    {
        const Place place;
        AgentProcess idle(at(place, "100"));
        CHECK(idle.exit_code() == 0);
        CHECK(!fs::exists(place.socket));
        for (const int number : {SIGTERM, SIGINT}) {
            AgentProcess told(at(place));
            AgentClient client(place.socket);
            REQUIRE(client.begin().type == Type::welcome);
            client.send(Type::run, 1, shell("trap '' TERM INT HUP; sleep 1000"));
            CHECK(client.next().type == Type::started);
            told.signal(number);
            CHECK(told.exit_code() == 0);
        }
    }

    TEST_CASE("a socket that a dead agent left is taken over")
    {
        const Place place;
        {
            AgentProcess dead(at(place));
            const AgentClient client(place.socket);
            dead.signal(SIGKILL);
            dead.exit_code();
        }
        CHECK(fs::exists(place.socket));
        AgentProcess process(at(place));
        CHECK(eventually([&] {
            try {
                AgentClient client(place.socket);
                return client.begin().type == Type::welcome;
            } catch (const std::exception&) {
                return false;
            }
        }));
    }

    TEST_CASE("on one stream, clients that leave in the middle of a frame do not disturb the next")
    {
        AgentProcess process({{"--idle-ms", "60000"}, false, true});
        std::string cut;
        agent::append_message(cut, Type::in, 1, std::string(1000, '\x53'), 100);
        const std::string zeros(agent::preamble_size, '\0');
        std::uint32_t tag = 100;
        for (const std::size_t size :
             {0U, 1U, 5U, 11U, 12U, 13U, 500U, 1011U, 1012U, 1015U, 1016U}) {
            CAPTURE(size);
            AgentClient client(process.stream(), tag);
            client.send_raw(zeros + client.hello());
            REQUIRE(client.next().type == Type::welcome);
            agent::Run run = shell("yes");
            run.window = 1 << 30;
            client.send(Type::run, 1, run);
            CHECK(client.next().type == Type::started);
            std::string part;
            agent::append_message(part, Type::in, 1, std::string(1000, '\x53'), tag);
            client.send_raw(part.substr(0, size));
            ++tag;
        }
        AgentClient last(process.stream(), tag);
        last.send_raw(zeros + last.hello());
        const Said answer = last.next();
        REQUIRE(answer.type == Type::welcome);
        CHECK(agent::decode<agent::Welcome>(answer.payload)->jobs == 11);
        CHECK(last.run(shell("echo clear")).out == "clear\n");
    }

    TEST_CASE("the end of stdin lets the jobs end, and then it is over")
    {
        const Place place;
        const std::string mark = place.directory.path() / "mark";
        AgentProcess process({{"--idle-ms", "60000"}, false, true});
        {
            AgentClient client(process.stream());
            REQUIRE(client.begin().type == Type::welcome);
            client.send(Type::run, 1, shell("sleep 0.2; echo done >" + mark));
            CHECK(client.next().type == Type::started);
        }
        process.close_stream();
        CHECK(process.exit_code() == 0);
        CHECK(fs::exists(mark));
    }

    TEST_CASE("reset kills, empties the scratch, and says so; what cannot be removed is named")
    {
        const Place place;
        const fs::path scratch = place.directory.path() / "scratch";
        fs::create_directory(scratch);
        auto options = at(place);
        options.words.insert(options.words.end(), {"--scratch", scratch});
        options.own_namespace = true;
        AgentProcess process(options);
        AgentClient client(place.socket);
        REQUIRE(client.begin().type == Type::welcome);
        agent::Run run = shell(
            "mkdir -p d/e; touch d/e/f; chmod 0 d .; (setsid sleep 1000 &); echo x; sleep 1000"
        );
        run.cwd = scratch;
        client.send(Type::run, 1, run);
        for (Said said = client.next(); said.type != Type::out; said = client.next()) {
        }
        const agent::ResetDone done = client.reset();
        CHECK(done.clean);
        CHECK(done.reason.empty());
        CHECK(fs::is_empty(scratch));
        CHECK((fs::status(scratch).permissions() & fs::perms::owner_all) == fs::perms::owner_all);
        client.last_channel = 1;
        CHECK(client.run(shell("ls /proc | grep -c '^[0-9]'")).exited(0));
        fs::rename(scratch, place.directory.path() / "moved");
        fs::create_directory(scratch);
        const agent::ResetDone moved = client.reset();
        CHECK(!moved.clean);
        CHECK(moved.reason.find("scratch") != std::string::npos);
    }
}
