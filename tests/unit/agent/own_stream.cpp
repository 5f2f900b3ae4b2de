#include "support/tar.hpp"
#include "trees.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <iterator>
#include <string>
#include <thread>

using namespace slipway;
using namespace slipway::test;
using agent::Type;
using agent::What;

namespace fs = std::filesystem;

namespace {

/// Two ends, of which one is sent away.
class Pair {
public:
    Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0); }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    ~Pair()
    {
        leave();
        forget_theirs();
    }

    int theirs() const { return ends_[1]; }
    void forget_theirs() { close(ends_[1]); }
    void leave() { close(ends_[0]); }
    void write(std::string_view bytes) const
    {
        while (!bytes.empty()) {
            const ssize_t put = ::send(ends_[0], bytes.data(), bytes.size(), MSG_NOSIGNAL);
            REQUIRE(put > 0);
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
    }
    void end() const { ::shutdown(ends_[0], SHUT_WR); }
    std::string read_all() const
    {
        std::string out;
        std::array<char, 65'536> buffer{};
        for (ssize_t got = 1; got > 0;) {
            got = ::read(ends_[0], buffer.data(), buffer.size());
            REQUIRE(got >= 0);
            out.append(buffer.data(), static_cast<std::size_t>(got));
        }
        return out;
    }

private:
    static void close(int& fd)
    {
        if (fd >= 0) ::close(std::exchange(fd, -1));
    }

    std::array<int, 2> ends_{-1, -1};
};

agent::Run own(What what, const fs::path& place)
{
    agent::Run run = TreeSession::order(what, place);
    run.has_in = false;
    run.own_stream = true;
    run.tree.mode = 0640;
    return run;
}

/// Starts it; the rest of its life is the caller's.
std::uint32_t start(AgentClient& client, Pair& pair, const agent::Run& run)
{
    client.send_with(pair.theirs(), Type::run, ++client.last_channel, run);
    pair.forget_theirs();
    return client.last_channel;
}

/// To its end, where nothing is sent on its channel.
Outcome finish(AgentClient& client, std::uint32_t channel, bool& others)
{
    Outcome outcome;
    for (;;) {
        const Said said = client.next();
        REQUIRE(said.channel == channel);
        if (said.type == Type::exit) {
            outcome.exit = *agent::decode<agent::Exit>(said.payload);
            return outcome;
        }
        if (said.type == Type::err) outcome.err += said.payload;
        if (said.type == Type::out || said.type == Type::window) others = true;
    }
}

std::size_t entries_in(const fs::path& directory)
{
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory), fs::directory_iterator())
    );
}

} // namespace

TEST_SUITE("agent.own_stream")
{
    TEST_CASE("files go in and out by a stream of their own, and nothing of it by the agent")
    {
        const TempDirectory top;
        const fs::path file = top.path() / "f";
        const std::string bytes = std::string("\0\xff\n", 3) + std::string(3'000'000, 'b');
        SocketSession session;
        bool others = false;
        Pair in;
        const auto put = start(session.client, in, own(What::write_file, file));
        in.write(bytes);
        in.end();
        const Outcome done = finish(session.client, put, others);
        CHECK(done.err == "");
        CHECK(done.exited(0));
        CHECK((read(file) == bytes));

        Pair tar;
        const auto unpacking = start(session.client, tar, own(What::unpack, top.path() / "d"));
        tar.write(make_tar({{"a/b", "text"}}));
        tar.end();
        CHECK(finish(session.client, unpacking, others).exited(0));
        CHECK(read(top.path() / "d" / "a" / "b") == "text");

        Pair out;
        const auto got = start(session.client, out, own(What::read_file, file));
        CHECK((out.read_all() == bytes));
        CHECK(finish(session.client, got, others).exited(0));
        CHECK(!others);
    }

    TEST_CASE("a sender that leaves without an end has sent nothing that counts")
    {
        const TempDirectory top;
        const fs::path file = top.path() / "f";
        write(file, "old");
        SocketSession session;
        bool others = false;
        Pair cut;
        const auto put = start(session.client, cut, own(What::write_file, file));
        cut.write("half of it");
        cut.leave();
        const Outcome half = finish(session.client, put, others);
        CHECK(half.exited(3));
        CHECK(half.err.find("has left") != std::string::npos);
        CHECK(read(file) == "old");
        Pair whole;
        const auto unpacking = start(session.client, whole, own(What::unpack, top.path() / "d"));
        whole.write(make_tar({{"a", "text"}}));
        whole.leave();
        CHECK(finish(session.client, unpacking, others).exited(3));
    }

    TEST_CASE("who stops reading ends the job, and the session goes on")
    {
        const TempDirectory top;
        write(top.path() / "f", std::string(5'000'000, 'x'));
        SocketSession session;
        bool others = false;
        Pair out;
        const auto got = start(session.client, out, own(What::read_file, top.path() / "f"));
        out.leave();
        CHECK(!finish(session.client, got, others).exited(0));
        CHECK(session.client.run(shell("exit 3")).exited(3));
    }

    TEST_CASE("a stream that did not come is a broken protocol")
    {
        const TempDirectory top;
        SocketSession session;
        session.client.send(Type::run, 1, own(What::read_file, top.path() / "f"));
        CHECK(session.client.is_closed());
    }

    TEST_CASE("a program has none")
    {
        SocketSession session;
        for (agent::Run run : {shell("true"), own(What::read_file, "/etc/passwd")}) {
            run.own_stream = true;
            run.terminal = run.what != 0;
            Pair pair;
            const auto channel = start(session.client, pair, run);
            const Said said = session.client.next();
            CHECK(said.channel == channel);
            REQUIRE(said.type == Type::failed);
            CHECK(
                agent::decode<agent::Failed>(said.payload)->step
                == static_cast<std::uint8_t>(agent::Step::message)
            );
            CHECK(pair.read_all() == ""); // the agent has not kept it
        }
        CHECK(session.client.run(shell("exit 3")).exited(3));
    }

    TEST_CASE("descriptors that nothing asks for are not hoarded")
    {
        SocketSession session;
        const std::string nothing;
        for (int i = 0; i < 16; ++i) {
            Pair pair;
            session.client.send_bytes_with(pair.theirs(), Type::renew, 0, nothing);
            REQUIRE(session.client.next().type == Type::renewed);
        }
        Pair last;
        session.client.send_bytes_with(last.theirs(), Type::renew, 0, nothing);
        REQUIRE(session.client.next().type == Type::renewed);
        last.forget_theirs();
        CHECK(last.read_all() == "");
    }

    TEST_CASE("one that the agent has no room for fails its job alone")
    {
        const TempDirectory top;
        write(top.path() / "f", "text");
        SocketSession session(false, {"sh", "-c", "ulimit -n 24 && exec \"$0\" \"$@\""});
        const fs::path open = "/proc/" + std::to_string(session.process.pid()) + "/fd";
        std::deque<AgentClient> others;
        while (!fs::exists(open / "23")) { // the last one that it may have
            const auto before = entries_in(open);
            others.emplace_back(session.socket());
            REQUIRE(eventually([&] { return entries_in(open) > before; }));
        }
        for (int turn = 0; turn < 3; ++turn) {
            Pair pair;
            const auto got = start(session.client, pair, own(What::read_file, top.path() / "f"));
            const Said said = session.client.next();
            CHECK(said.channel == got);
            REQUIRE(said.type == Type::failed);
            CHECK(agent::decode<agent::Failed>(said.payload)->error == EMFILE);
        }
        others.clear();
        REQUIRE(eventually([&] { return entries_in(open) < 16; }));
        Pair pair;
        const auto got = start(session.client, pair, own(What::read_file, top.path() / "f"));
        CHECK(pair.read_all() == "text");
        bool said = false;
        CHECK(finish(session.client, got, said).exited(0));
    }

    TEST_CASE("it goes with the session")
    {
        const TempDirectory top;
        SocketSession session;
        Pair pair;
        const auto put = start(session.client, pair, own(What::write_file, top.path() / "f"));
        CHECK(session.client.next().type == Type::started);
        session.client.close();
        CHECK(pair.read_all() == "");
        CHECK(put == 1);
        CHECK(!fs::exists(top.path() / "f"));
    }
}
