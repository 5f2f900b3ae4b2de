#include "graph/build_log.hpp"

#include "projects.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;
using graph::BuildLog;
using graph::BuiltUnit;

namespace {

FileMark mark(std::uint64_t number)
{
    FileMark out;
    out.device = number, out.inode = number + 1, out.size = number + 2;
    out.mtime_ns = -static_cast<std::int64_t>(number), out.ctime_ns = 1 + out.mtime_ns;
    out.mode = 0100644;
    return out;
}

BuiltUnit unit(const std::string& name, unsigned run = 0, bool good = true)
{
    BuiltUnit out;
    out.directory = name + "-1234";
    out.label = name;
    out.key = sha256(name + std::to_string(run));
    out.discovered = {"include/a.h", std::string("with\0zero", 9), ""};
    out.duration_ms = run;
    out.good = good;
    out.log = {sha256("log"), 1};
    graph::BuiltOutput file;
    file.what.path = "out/" + name;
    file.what.executable = run % 2 == 1;
    file.what.content = {sha256(name), name.size()};
    file.kept = mark(run);
    file.placed = mark(run + 100);
    graph::BuiltOutput directory;
    directory.what.path = "out";
    directory.what.kind = StoredOutput::Kind::directory;
    graph::BuiltOutput link;
    link.what.path = "out/link";
    link.what.kind = StoredOutput::Kind::symlink;
    link.what.link_target = name;
    out.outputs = {directory, file, link};
    return out;
}

bool same(const BuiltUnit& a, const BuiltUnit& b)
{
    const auto same_output = [](const graph::BuiltOutput& one, const graph::BuiltOutput& two) {
        return one.what == two.what && one.kept == two.kept && one.placed == two.placed;
    };
    return a.directory == b.directory && a.label == b.label && a.key == b.key
           && a.discovered == b.discovered && a.log == b.log && a.duration_ms == b.duration_ms
           && a.good == b.good && std::ranges::equal(a.outputs, b.outputs, same_output);
}

bool has(const BuildLog& log, const BuiltUnit& wanted)
{
    const BuiltUnit* const found = log.find(wanted.directory);
    return found != nullptr && same(*found, wanted);
}

class Logs : public Project {
public:
    BuildLog open() const
    {
        auto log = BuildLog::open(root());
        REQUIRE(said(log) == "none");
        return *std::move(log);
    }
    std::string bytes() const { return *read("built"); }
};

void add(BuildLog& log, const BuiltUnit& what)
{
    REQUIRE(said(log.add(what)) == "none");
}

// Units that are added one after the other, and where the file ends after each.
struct Written {
    std::vector<BuiltUnit> units;
    std::vector<std::size_t> ends;
    std::string bytes;
};

Written write_some(const Logs& logs)
{
    Written out;
    // The run of one of them begins, and then ends.
    out.units = {unit("a"), unit("b", 1, false), unit("b", 2), unit("c")};
    for (BuiltUnit& one : out.units) { // every byte is tried
        one.outputs.erase(one.outputs.begin());
        one.outputs.pop_back();
        one.discovered.resize(1);
    }
    BuildLog log = logs.open();
    for (const BuiltUnit& one : out.units) {
        add(log, one);
        out.ends.push_back(logs.bytes().size());
    }
    out.bytes = logs.bytes();
    return out;
}

// That a log knows the first `whole` lines and nothing else, and that what is added then is kept.
void check_begin(const Logs& logs, const Written& written, std::size_t whole)
{
    std::map<std::string, const BuiltUnit*> known;
    for (std::size_t i = 0; i < whole; ++i) {
        known[written.units[i].directory] = &written.units[i];
    }
    const BuiltUnit more = unit("more");
    for (const bool again : {false, true}) {
        BuildLog log = logs.open();
        for (const BuiltUnit& one : written.units) {
            const auto at = known.find(one.directory);
            const BuiltUnit* const found = log.find(one.directory);
            if (at == known.end()) {
                CHECK(found == nullptr);
                CHECK(log.latest(one.label) == nullptr);
            } else {
                CHECK((found != nullptr && same(*found, *at->second)));
                CHECK(log.latest(one.label) == found);
            }
        }
        if (again) {
            CHECK(has(log, more));
        } else {
            add(log, more);
        }
    }
}

} // namespace

TEST_SUITE("core.graph.build_log")
{
    TEST_CASE("what was added is there when it is opened again, the last of each unit")
    {
        const Logs logs;
        {
            BuildLog log = logs.open();
            CHECK(log.find("a-1234") == nullptr);
            CHECK(log.latest("a") == nullptr);
            add(log, unit("a", 1));
            add(log, unit("b", 2, false));
            add(log, unit("a", 3));
            CHECK(has(log, unit("a", 3)));
        }
        const BuildLog log = logs.open();
        CHECK(has(log, unit("a", 3)));
        CHECK(has(log, unit("b", 2, false)));
        CHECK(log.find("a") == nullptr);
        BuiltUnit empty;
        empty.directory = "e";
        BuildLog other = logs.open();
        add(other, empty);
        CHECK(has(logs.open(), empty));
    }

    TEST_CASE("of units with one label the one that was added last is the latest")
    {
        const Logs logs;
        BuiltUnit one = unit("a");
        BuiltUnit two = unit("a", 1);
        two.directory = "a-5678";
        BuildLog log = logs.open();
        add(log, one);
        add(log, two);
        CHECK(same(*log.latest("a"), two));
        CHECK(same(*logs.open().latest("a"), two));
        add(log, one);
        CHECK(same(*log.latest("a"), one));
        const BuildLog again = logs.open();
        CHECK(same(*again.latest("a"), one));
        CHECK(has(again, two));
    }

    TEST_CASE("two that are open see what the other has added")
    {
        const Logs logs;
        BuildLog one = logs.open();
        BuildLog two = logs.open();
        add(one, unit("a", 1));
        CHECK(two.find("a-1234") == nullptr);
        REQUIRE(said(two.refresh()) == "none");
        CHECK(has(two, unit("a", 1)));
        // One that adds sees it without being asked.
        add(one, unit("a", 2));
        add(two, unit("b"));
        CHECK(has(two, unit("a", 2)));
        REQUIRE(said(one.refresh()) == "none");
        CHECK(has(one, unit("b")));
        REQUIRE(said(one.refresh()) == "none");
        const BuildLog three = logs.open();
        CHECK(has(three, unit("a", 2)));
        CHECK(has(three, unit("b")));
    }

    TEST_CASE("a file that ends anywhere has the lines that are whole")
    {
        const Logs logs;
        const Written written = write_some(logs);
        for (std::size_t size = 0; size <= written.bytes.size(); ++size) {
            CAPTURE(size);
            logs.write("built", std::string_view(written.bytes).substr(0, size));
            const auto whole = std::ranges::upper_bound(written.ends, size) - written.ends.begin();
            check_begin(logs, written, static_cast<std::size_t>(whole));
        }
        // A run whose end was cut off is not a good one.
        logs.write("built", std::string_view(written.bytes).substr(0, written.ends[2] - 1));
        const BuildLog log = logs.open();
        REQUIRE(log.find("b-1234") != nullptr);
        CHECK_FALSE(log.find("b-1234")->good);
    }

    TEST_CASE("a line with a flipped bit is not there, nor is any behind it")
    {
        const Logs logs;
        const Written written = write_some(logs);
        const std::size_t magic = std::string_view("slipway built 1\n").size();
        for (std::size_t at = 0; at < written.bytes.size(); ++at) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                CAPTURE(at);
                CAPTURE(bit);
                std::string bytes = written.bytes;
                bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
                logs.write("built", bytes);
                const auto whole =
                    at < magic ? 0
                               : std::ranges::upper_bound(written.ends, at) - written.ends.begin();
                check_begin(logs, written, static_cast<std::size_t>(whole));
            }
        }
    }

    TEST_CASE("what is no log, or one of another version, is begun anew")
    {
        const Logs logs;
        const std::string good = write_some(logs).bytes;
        std::string other = good;
        other[14] = '2';
        for (const std::string& bytes :
             {other, std::string("x"), std::string(100'000, '\xff'), std::string("\n")}) {
            logs.write("built", bytes);
            BuildLog log = logs.open();
            CHECK(log.find("a-1234") == nullptr);
            add(log, unit("n"));
            const BuildLog again = logs.open();
            CHECK(has(again, unit("n")));
            CHECK(again.find("a-1234") == nullptr);
        }
    }

    // Another process was killed while it wrote.
    TEST_CASE("what is added behind half a line is not lost")
    {
        const Logs logs;
        BuildLog log = logs.open();
        add(log, unit("a"));
        const std::string bytes = logs.bytes();
        logs.write("built", bytes + bytes.substr(16, 40));
        REQUIRE(said(log.refresh()) == "none");
        CHECK(has(log, unit("a")));
        add(log, unit("b"));
        add(log, unit("c"));
        const BuildLog again = logs.open();
        CHECK(has(again, unit("a")));
        CHECK(has(again, unit("b")));
        CHECK(has(again, unit("c")));
    }

    TEST_CASE("a file that was removed or begun anew meanwhile is read anew")
    {
        const Logs logs;
        BuildLog log = logs.open();
        add(log, unit("a"));
        std::filesystem::remove(logs.path("built"));
        REQUIRE(said(log.refresh()) == "none");
        CHECK(log.find("a-1234") == nullptr);
        add(log, unit("b"));
        CHECK(has(logs.open(), unit("b")));
        std::filesystem::resize_file(logs.path("built"), 3);
        REQUIRE(said(log.refresh()) == "none");
        CHECK(log.find("b-1234") == nullptr);
        add(log, unit("c"));
        CHECK(has(logs.open(), unit("c")));
    }

    TEST_CASE("a file with many old lines becomes small, and nobody loses anything")
    {
        const Logs logs;
        BuiltUnit first = unit("x");
        BuiltUnit second = unit("x", 1);
        first.directory = "x-1";
        second.directory = "x-2";
        BuildLog log = logs.open();
        add(log, second);
        add(log, first);
        for (unsigned run = 0; run < 1'100; ++run) {
            add(log, unit("a", run));
        }
        const std::size_t before = logs.bytes().size();
        BuildLog small = logs.open(); // compacts
        CHECK(logs.bytes().size() < before / 100);
        for (const BuildLog* const one : {&small, &log}) {
            CHECK(has(*one, unit("a", 1'099)));
            CHECK(has(*one, second));
            CHECK(same(*one->latest("x"), first));
        }
        // Who has the old file open goes over to the new one.
        add(small, unit("b"));
        REQUIRE(said(log.refresh()) == "none");
        CHECK(has(log, unit("b")));
        CHECK(same(*log.latest("x"), first));
        std::vector<BuildLog> open;
        open.push_back(std::move(log));
        add(open.front(), unit("c"));
        add(small, unit("d"));
        const BuildLog again = logs.open();
        for (const char* const name : {"b", "c", "d"}) {
            CHECK(has(again, unit(name)));
        }
        CHECK(has(again, unit("a", 1'099)));
        CHECK(same(*again.latest("x"), first));
    }

    TEST_CASE("the old file is not made small while most lines are still good")
    {
        const Logs logs;
        {
            BuildLog log = logs.open();
            for (unsigned i = 0; i < 1'100; ++i) {
                add(log, unit(std::to_string(i)));
            }
        }
        struct stat before {};
        REQUIRE(::stat(logs.path("built").c_str(), &before) == 0);
        const BuildLog log = logs.open();
        struct stat after {};
        REQUIRE(::stat(logs.path("built").c_str(), &after) == 0);
        CHECK(before.st_ino == after.st_ino);
    }

    TEST_CASE("two processes add at once")
    {
        constexpr unsigned each = 800;
        const Logs logs;
        BuildLog reader = logs.open();
        std::vector<pid_t> children;
        for (const char* const name : {"l", "r"}) {
            const pid_t child = ::fork();
            REQUIRE(child >= 0);
            if (child == 0) {
                auto log = BuildLog::open(logs.root());
                bool good = log.has_value();
                for (unsigned i = 0; good && i < each; ++i) {
                    good = log->add(unit(name + std::to_string(i % 400), i)).has_value();
                    // One of them opens it anew now and then, which makes it small.
                    if (i % 100 == 99) log = BuildLog::open(logs.root());
                    good = good && log.has_value();
                }
                ::_exit(good ? 0 : 1);
            }
            children.push_back(child);
        }
        bool refreshed = true;
        for (const pid_t child : children) {
            int status = 0;
            while (::waitpid(child, &status, WNOHANG) == 0) {
                refreshed = refreshed && reader.refresh().has_value();
            }
            CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
        }
        CHECK(refreshed);
        REQUIRE(said(reader.refresh()) == "none");
        const BuildLog again = logs.open();
        for (const char* const name : {"l", "r"}) {
            for (unsigned i = 0; i < 400; ++i) {
                const BuiltUnit last = unit(name + std::to_string(i), i + 400);
                CHECK(has(again, last));
                CHECK(has(reader, last));
            }
        }
    }

    TEST_CASE("one that is killed at any time leaves what was whole")
    {
        const Logs logs;
        BuildLog log = logs.open();
        for (unsigned round = 0; round < 20; ++round) {
            const pid_t child = ::fork();
            REQUIRE(child >= 0);
            if (child == 0) {
                auto own = BuildLog::open(logs.root());
                for (unsigned i = 0; own; ++i) {
                    if (!own->add(unit("k", i))) break;
                }
                ::_exit(1);
            }
            ::usleep(2'000 + 500 * round);
            ::kill(child, SIGKILL);
            int status = 0;
            REQUIRE(::waitpid(child, &status, 0) == child);
            CHECK(WIFSIGNALED(status));
            add(log, unit("after", round));
            const BuildLog again = logs.open();
            CHECK(has(again, unit("after", round)));
        }
    }

    TEST_CASE("ten thousand units")
    {
        constexpr unsigned many = 10'000;
        const Logs logs;
        {
            BuildLog log = logs.open();
            for (unsigned i = 0; i < many; ++i) {
                add(log, unit(std::to_string(i), i));
            }
        }
        const BuildLog log = logs.open();
        bool all = true;
        for (unsigned i = 0; i < many; ++i) {
            all = all && has(log, unit(std::to_string(i), i));
        }
        CHECK(all);
    }

    TEST_CASE("a directory that is not there, or a log that is a directory")
    {
        const Logs logs;
        CHECK(code_of(BuildLog::open(logs.path("none"))) == Errc::not_found);
        logs.make("built");
        CHECK_FALSE(BuildLog::open(logs.root()).has_value());
        std::filesystem::remove(logs.path("built"));
        // No symlink of somebody else's leads the log away.
        logs.link("built", "elsewhere");
        CHECK_FALSE(BuildLog::open(logs.root()).has_value());
        CHECK_FALSE(std::filesystem::exists(logs.path("elsewhere")));
    }
}
