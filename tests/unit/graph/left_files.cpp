#include "graph/left_files.hpp"

#include "projects.hpp"

#include <sys/stat.h>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;
using graph::LeftFiles;
using graph::SentPath;
using graph::UnitRun;

namespace {

constexpr std::int64_t second = 1'000'000'000;

UnitPath path(const std::string& text)
{
    UnitPath out;
    out.text = text;
    return out;
}

// A unit that was sent in.c, link and the directory lib, and what it leaves.
class Left {
public:
    Left()
    {
        unit_.name = "u";
        unit_.outputs = {path("out/app"), path("gen/")};
        unit_.scratch = {path("tmp/**"), path("*.log")};
        unit_.depfile = path("app.d");
        order_.unit = &unit_;
        order_.place = "slipway.toml:7";
        project_.write("in.c", "12345");
        struct stat status {};
        REQUIRE(::stat(project_.path("in.c").c_str(), &status) == 0);
        mtime_ns_ = status.st_mtim.tv_sec * second + status.st_mtim.tv_nsec;
        send("in.c", EntryType::file);
        send("link", EntryType::symlink);
        order_.sent.back().link_target = "in.c";
        send("lib", EntryType::directory);
        send("lib/a.h", EntryType::file);
        order_.sent.back().local = project_.path("in.c");
    }

    Unit& unit() { return unit_; }
    UnitRun& order() { return order_; }
    std::int64_t mtime_ns() const { return mtime_ns_; }

    Left&
    leave(const std::string& at, EntryType type = EntryType::file, const std::string& target = {})
    {
        TreeEntry entry;
        entry.path = at;
        entry.meta.type = type;
        entry.meta.link_target = target;
        return leave(entry);
    }
    Left& leave(const TreeEntry& entry)
    {
        entries_.push_back(entry);
        return *this;
    }
    Left& leave_input(const std::string& at, std::uint64_t size, std::int64_t mtime_ns)
    {
        TreeEntry entry;
        entry.path = at;
        entry.meta.size = size;
        entry.meta.mtime_ns = mtime_ns;
        return leave(entry);
    }
    // What is sent, as it was, and the outputs.
    Left& leave_all()
    {
        leave(".", EntryType::directory).leave_input("in.c", 5, mtime_ns_);
        leave("link", EntryType::symlink, "in.c").leave("lib", EntryType::directory);
        leave_input("lib/a.h", 5, mtime_ns_);
        return leave("out", EntryType::directory)
            .leave("out/app")
            .leave("gen", EntryType::directory);
    }
    Result<LeftFiles> look() const
    {
        TRY(LeftFiles files, LeftFiles::expect(order_));
        for (const TreeEntry& entry : entries_) {
            files.add(entry);
        }
        return files;
    }
    std::string complaint() const
    {
        const auto files = look();
        REQUIRE(said(files) == "none");
        const std::string prefix = "slipway.toml:7: unit u ";
        std::string text = files->complaint();
        if (text.empty()) return "none";
        CHECK(text.starts_with(prefix));
        return text.substr(std::min(prefix.size(), text.size()));
    }

private:
    void send(const std::string& at, EntryType type)
    {
        SentPath sent;
        sent.path = at;
        sent.local = project_.path(at);
        sent.type = type;
        order_.sent.push_back(sent);
    }

    Project project_;
    Unit unit_;
    UnitRun order_;
    std::int64_t mtime_ns_ = 0;
    std::vector<TreeEntry> entries_;
};

} // namespace

TEST_SUITE("core.graph.left_files")
{
    TEST_CASE("outputs, scratch, the depfile and what was sent are as they should be")
    {
        Left left;
        left.leave_all().leave("gen/deep/x").leave("gen/link", EntryType::symlink, "x");
        left.leave("tmp/a/b").leave("x.log").leave("app.d").leave("empty", EntryType::directory);
        CHECK(left.complaint() == "none");
        CHECK(left.look()->hint().empty());
    }

    TEST_CASE("an output that was not made")
    {
        Left left;
        CHECK(left.complaint() == "did not make its output out/app, gen/");
        left.leave("out/app");
        CHECK(left.complaint() == "did not make its output gen/");
        left.leave("gen/x"); // told without its directory: not there
        CHECK(left.complaint() == "did not make its output gen/");
    }

    TEST_CASE("an output of another kind")
    {
        struct Row {
            const char* path;
            EntryType type;
            std::string complaint;
        };
        for (const Row& row : {
                 Row{"out/app",
                     EntryType::directory,
                     "has the output out/app, but made a directory there"},
                 Row{"gen", EntryType::file, "has the output gen/, but made a file there"},
                 Row{"gen", EntryType::symlink, "has the output gen/, but made a symlink there"},
             }) {
            Left left;
            left.leave(row.path, row.type).leave("out/app").leave("gen", EntryType::directory);
            CHECK(left.complaint() == row.complaint);
        }
        Left left;
        left.leave("out/app", EntryType::symlink, "other").leave_all();
        CHECK(left.complaint() == "none");
    }

    TEST_CASE("what nobody has declared")
    {
        Left left;
        left.leave_all().leave("out/other");
        CHECK(left.complaint() == "made out/other, which is not among its outputs");
        CHECK(left.look()->hint().starts_with("name it under `outputs`"));
        left.leave("out/app2").leave("generated").leave("tmp", EntryType::file).leave("a\nb");
        left.leave("dir/x.log").leave("lib/new", EntryType::symlink, "a.h");
        CHECK(
            left.complaint()
            == "made out/other, out/app2, generated, tmp, a\\x0ab and 2 more, which are not among "
               "its outputs"
        );
    }

    TEST_CASE("an input that was modified")
    {
        const std::string complaint = "modified its input in.c";
        const std::int64_t mtime = Left().mtime_ns();
        {
            Left left;
            left.leave_all().leave_input("in.c", 6, mtime);
            CHECK(left.complaint() == complaint);
            CHECK(left.look()->hint().starts_with("its copy was changed"));
        }
        {
            Left left;
            left.leave_all().leave_input("in.c", 5, mtime + 3 * second);
            CHECK(left.complaint() == complaint);
        }
        for (const EntryType type : {EntryType::symlink, EntryType::directory}) {
            Left left;
            left.leave_all().leave("in.c", type, "x");
            CHECK(left.complaint() == complaint);
        }
        {
            Left left;
            left.leave_all().leave("link", EntryType::symlink, "other");
            CHECK(left.complaint() == "modified its input link");
        }
        {
            Left left;
            left.leave_all().leave("link");
            CHECK(left.complaint() == "modified its input link");
        }
        {
            Left left; // a directory that became a file
            left.leave_all().leave("lib");
            CHECK(left.complaint() == "made lib, which is not among its outputs");
        }
        {
            Left left; // it is its own output: nobody else sees the old one
            left.unit().outputs.push_back(path("in.c"));
            left.leave_all().leave_input("in.c", 6, mtime);
            CHECK(left.complaint() == "none");
        }
    }

    TEST_CASE("an engine that cuts times to seconds modifies nothing")
    {
        Left left;
        const std::int64_t whole = left.mtime_ns() / second * second;
        left.leave_all().leave_input("in.c", 5, whole);
        CHECK(left.complaint() == "none");
    }

    TEST_CASE("a file to send that has gone, and a pattern that is none")
    {
        Left left;
        left.order().sent.front().local = "/nowhere/at/all";
        CHECK(code_of(left.look()) == Errc::not_found);
        Left other;
        other.unit().scratch = {path("[")};
        CHECK(code_of(other.look()) == Errc::invalid_argument);
    }

    TEST_CASE("sockets and devices are nothing that a unit made")
    {
        Left left;
        TreeEntry socket;
        socket.path = "s";
        socket.kind = TreeEntry::Kind::socket;
        left.leave_all().leave(socket);
        CHECK(left.complaint() == "none");
    }

    TEST_CASE("an input that was removed")
    {
        Left left; // "lib", of which nobody says that it has to stay, and what was in it
        left.leave(".", EntryType::directory).leave_input("in.c", 5, left.mtime_ns());
        left.leave("link", EntryType::symlink, "in.c").leave("out", EntryType::directory);
        left.leave("out/app").leave("gen", EntryType::directory);
        CHECK(left.complaint() == "removed its input lib/a.h");
        CHECK(left.look()->hint().starts_with("its copy is gone"));
        left.unit().scratch.push_back(path("lib/**"));
        CHECK(left.complaint() == "none");
        Left all;
        all.leave("out", EntryType::directory).leave("out/app").leave("gen", EntryType::directory);
        CHECK(all.complaint() == "removed its input in.c, lib/a.h, link");
    }
}
