#include "support/tar.hpp"
#include "trees.hpp"

#include <sys/stat.h>

#include <string>

using namespace slipway;
using namespace slipway::test;
using agent::Type;
using agent::What;

namespace fs = std::filesystem;

namespace {

/// A job whose input comes in pieces, from its start to its end.
struct PieceSession : TreeSession {
    explicit PieceSession(const fs::path& of) : place(of) {}

    /// Starts it; where it wants its pieces.
    fs::path start(What what, const fs::path& target)
    {
        agent::Run run = order(what, target);
        run.tree.mode = 0640;
        run.tree.pieces = place;
        channel = ++client.last_channel;
        client.send(Type::run, channel, run);
        std::string said;
        while (!said.ends_with('\n')) {
            const Said next = client.next();
            if (next.type == Type::out) said += next.payload;
            REQUIRE(next.type != Type::exit);
        }
        said.pop_back();
        REQUIRE(fs::path(said).parent_path() == place);
        return said;
    }
    Outcome end(std::uint64_t count)
    {
        std::string bytes;
        for (unsigned shift = 0; shift < 64; shift += 8) {
            bytes += static_cast<char>(count >> shift & 0xFFU);
        }
        return client.finish(channel, bytes);
    }

    fs::path place;
    std::uint32_t channel = 0; ///< of the job
};

} // namespace

TEST_SUITE("agent.pieces")
{
    TEST_CASE("pieces become one stream, and none stays")
    {
        const TempDirectory top;
        const TempDirectory place;
        PieceSession session(place.path());
        const std::string tar = make_tar({{"a/b", "text"}, {"c", std::string(100'000, 'c')}});
        fs::path pieces = session.start(What::unpack, top.path() / "d");
        CHECK((status_of(pieces).st_mode & 07777) == 0700);
        write(pieces / "0", tar.substr(0, 1'000));
        write(pieces / "1", tar.substr(1'000, 1));
        CHECK(eventually([&] { return !fs::exists(pieces / "0"); }));
        write(pieces / "2", tar.substr(1'001));
        const Outcome unpacked = session.end(3);
        CHECK(unpacked.err == "");
        CHECK(unpacked.exited(0));
        CHECK(read(top.path() / "d" / "a" / "b") == "text");
        CHECK(read(top.path() / "d" / "c").size() == 100'000);
        CHECK(fs::is_empty(place.path()));

        pieces = session.start(What::write_file, top.path() / "f");
        write(pieces / "0", "all of it");
        CHECK(session.end(1).exited(0));
        CHECK(read(top.path() / "f") == "all of it");
        session.start(What::write_file, top.path() / "f");
        CHECK(session.end(0).exited(0));
        CHECK(read(top.path() / "f") == "");
        CHECK(fs::is_empty(place.path()));
    }

    TEST_CASE("a piece is not read before it is whole")
    {
        const TempDirectory top;
        const TempDirectory place;
        PieceSession session(place.path());
        const fs::path pieces = session.start(What::write_file, top.path() / "f");
        write(pieces / "0", "half");
        CHECK(session.client.run(shell("sleep 0.1")).exited(0));
        CHECK(fs::exists(pieces / "0"));
        std::ofstream(pieces / "0", std::ios::app) << " and half";
        CHECK(session.end(1).exited(0));
        CHECK(read(top.path() / "f") == "half and half");
    }

    TEST_CASE("without their number they are an input that is cut")
    {
        const TempDirectory top;
        const TempDirectory place;
        write(top.path() / "f", "old");
        PieceSession session(place.path());
        for (const std::size_t bytes : {std::size_t{0}, std::size_t{7}}) {
            CAPTURE(bytes);
            const fs::path pieces = session.start(What::write_file, top.path() / "f");
            write(pieces / "0", "new");
            write(pieces / "1", "er");
            const std::string count(bytes, '\0');
            const Outcome cut = session.client.finish(session.channel, count);
            CHECK(cut.exited(3));
            CHECK(cut.err.find("has left") != std::string::npos);
            CHECK(read(top.path() / "f") == "old");
            CHECK(fs::is_empty(place.path()));
        }
        agent::Run run = TreeSession::order(What::write_file, top.path() / "f");
        run.tree.pieces = place.path();
        run.has_in = false;
        CHECK(session.client.run(run).exited(3));
    }

    TEST_CASE("what is no piece is none")
    {
        const TempDirectory top;
        const TempDirectory place;
        write(top.path() / "secret", "secret");
        PieceSession session(place.path());
        const fs::path target = top.path() / "f";
        fs::path pieces = session.start(What::write_file, target);
        write(pieces / "0", "a");
        const Outcome missing = session.end(2);
        CHECK(missing.exited(1));
        CHECK(missing.err.find("No such file") != std::string::npos);

        pieces = session.start(What::write_file, target);
        fs::create_symlink(top.path() / "secret", pieces / "0");
        CHECK(session.end(1).exited(1));

        pieces = session.start(What::write_file, target);
        REQUIRE(::mkfifo((pieces / "0").c_str(), 0600) == 0);
        CHECK(session.end(1).exited(0)); // it has nothing to say, and nobody waits for it
        CHECK(read(target) == "");

        pieces = session.start(What::write_file, target);
        fs::create_directory(pieces / "0");
        CHECK(session.end(1).exited(1));
    }

    TEST_CASE("a place that is none")
    {
        const TempDirectory top;
        TreeSession session;
        agent::Run run = TreeSession::order(What::write_file, top.path() / "f");
        run.tree.pieces = top.path() / "none";
        const Outcome none = session.client.run(run);
        CHECK(none.exited(1));
        CHECK(none.err.find("No such file") != std::string::npos);
        run.tree.pieces = std::string(top.path()) + '\0' + "x";
        CHECK(session.client.run(run).failed.has_value());
        run.tree.pieces = std::string(5'000, 'x');
        CHECK(session.client.run(run).exited(1));
        CHECK(!fs::exists(top.path() / "f"));
    }
}
