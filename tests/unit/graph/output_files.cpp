#include "graph/output_files.hpp"

#include "projects.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;

namespace {

namespace fs = std::filesystem;

constexpr const char* unit_directory = "u-1234";

StoredOutput file(const std::string& path, std::string_view bytes, bool executable = false)
{
    StoredOutput out;
    out.path = path;
    out.executable = executable;
    out.content = {sha256(bytes), bytes.size()};
    return out;
}

StoredOutput directory(const std::string& path)
{
    StoredOutput out;
    out.path = path;
    out.kind = StoredOutput::Kind::directory;
    return out;
}

StoredOutput link_output(const std::string& path, const std::string& target)
{
    StoredOutput out;
    out.path = path;
    out.kind = StoredOutput::Kind::symlink;
    out.link_target = target;
    return out;
}

using Outputs = std::vector<StoredOutput>;

unsigned mode_of(const fs::path& path)
{
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

unsigned mask()
{
    const mode_t now = ::umask(022);
    ::umask(now);
    return now;
}

Store open_store(const fs::path& path)
{
    auto store = Store::open(path);
    REQUIRE(said(store) == "none");
    return *std::move(store);
}

// A project with one unit, whose runs are played.
class Built : public Project {
public:
    Built() : layout(root())
    {
        REQUIRE(said(layout.make()) == "none");
        REQUIRE(said(layout.make_unit(unit_directory)) == "none");
    }

    // What a run puts into its own directory.
    fs::path fresh() const
    {
        const auto made = graph::fresh_outputs(layout, unit_directory);
        REQUIRE(said(made) == "none");
        CHECK(fs::is_empty(*made));
        return *made;
    }
    static void put(const fs::path& place, const Outputs& outputs)
    {
        for (const StoredOutput& output : outputs) {
            fs::create_directories((place / output.path).parent_path());
            switch (output.kind) {
            case StoredOutput::Kind::directory:
                fs::create_directories(place / output.path);
                break;
            case StoredOutput::Kind::symlink:
                fs::create_symlink(output.link_target, place / output.path);
                break;
            case StoredOutput::Kind::file:
                std::ofstream(place / output.path) << "of " + output.path;
                break;
            }
        }
    }
    // A whole run.
    Result<> run(const Outputs& outputs)
    {
        const fs::path place = fresh();
        put(place, outputs);
        std::optional<Error> store_failure;
        TRY(const Outputs taken, graph::take_outputs(place, nullptr, store_failure));
        CHECK_OK(graph::install_outputs(layout, unit_directory));
        CHECK_OK(graph::place_outputs(layout, unit_directory, taken, &before));
        before.clear();
        for (const StoredOutput& output : taken) {
            before.push_back({output, {}, {}});
        }
        return ok();
    }

    // All but slipway's own.
    std::vector<std::string> names() const { return names_in(root()); }
    static std::vector<std::string> names_in(const fs::path& top)
    {
        std::vector<std::string> out;
        for (auto at = fs::recursive_directory_iterator(top); at != fs::end(at); ++at) {
            const std::string path = at->path().lexically_relative(top);
            if (path == ".slipway") {
                at.disable_recursion_pending();
            } else {
                out.push_back(path + (fs::is_directory(at->symlink_status()) ? "/" : ""));
            }
        }
        std::ranges::sort(out);
        return out;
    }

    graph::Layout layout;
    std::vector<graph::BuiltOutput> before;
};

using Names = std::vector<std::string>;

} // namespace

TEST_SUITE("core.graph.output_files")
{
    TEST_CASE("what a run has made is taken in order, with or without a store")
    {
        const Built built;
        const fs::path place = built.fresh();
        fs::create_directories(place / "out/empty");
        std::ofstream(place / "out/b") << "bytes";
        std::ofstream(place / "out/tool") << "run";
        std::ofstream(place / "zero") << "";
        fs::create_symlink("b", place / "out/link");
        fs::permissions(place / "out/tool", fs::perms(0700));
        const Outputs expected{
            directory("out"),
            file("out/b", "bytes"),
            directory("out/empty"),
            link_output("out/link", "b"),
            file("out/tool", "run", true),
            file("zero", "")};
        std::optional<Error> failure;
        const auto without = graph::take_outputs(place, nullptr, failure);
        REQUIRE(said(without) == "none");
        CHECK(*without == expected);
        Store store = open_store(built.path("store"));
        const auto with = graph::take_outputs(place, &store, failure);
        REQUIRE(said(with) == "none");
        CHECK(*with == expected);
        CHECK_FALSE(failure);
        CHECK(store.has(expected[1].content));
        CHECK(store.has(expected[4].content));
    }

    TEST_CASE("modes are those of new files")
    {
        const Built built;
        const fs::path place = built.fresh();
        std::ofstream(place / "plain") << "x";
        std::ofstream(place / "secret") << "x";
        std::ofstream(place / "tool") << "x";
        fs::create_directories(place / "closed/in");
        std::ofstream(place / "closed/in/x") << "x";
        fs::permissions(place / "plain", fs::perms(0666));
        fs::permissions(place / "secret", fs::perms(0000));
        fs::permissions(place / "tool", fs::perms(06711));
        fs::permissions(place / "closed/in", fs::perms(01500));
        std::optional<Error> failure;
        Store store = open_store(built.path("store"));
        const auto taken = graph::take_outputs(place, &store, failure);
        REQUIRE(said(taken) == "none");
        REQUIRE(said(graph::install_outputs(built.layout, unit_directory)) == "none");
        const fs::path again = built.fresh();
        REQUIRE(said(graph::restore_outputs(again, store, *taken)) == "none");
        for (const fs::path& top : {built.layout.outputs(unit_directory), again}) {
            CHECK(mode_of(top / "plain") == (0666 & ~mask()));
            CHECK(mode_of(top / "secret") == (0666 & ~mask()));
            CHECK(mode_of(top / "tool") == (0777 & ~mask()));
            CHECK(mode_of(top / "closed/in") == (0777 & ~mask()));
        }
        // The mask is looked at once in a process.
        if (std::getenv("SLIPWAY_TEST_MASK") != nullptr) return;
        for (const mode_t other : {mode_t{077}, mode_t{027}, mode_t{002}}) {
            const pid_t child = ::fork();
            REQUIRE(child >= 0);
            if (child == 0) {
                ::umask(other);
                ::setenv("SLIPWAY_TEST_MASK", "1", 1);
                ::execl(
                    "/proc/self/exe",
                    "unit_graph",
                    "-m",
                    "-tc=modes are those of new files",
                    nullptr
                );
                ::_exit(99);
            }
            int status = 0;
            REQUIRE(::waitpid(child, &status, 0) == child);
            CHECK(status == 0);
        }
    }

    TEST_CASE("links that lead out, and what is no file, are refused")
    {
        const Built built;
        std::optional<Error> failure;
        for (const char* const target : {"/etc/passwd", "../..", "../../x"}) {
            CAPTURE(target);
            const fs::path place = built.fresh();
            Built::put(place, {link_output("out/link", target)});
            const auto taken = graph::take_outputs(place, nullptr, failure);
            CHECK(code_of(taken) == Errc::invalid_argument);
            CHECK(
                said(taken)
                == "its output out/link is a symlink to " + std::string(target)
                       + ", which leads out of the project"
            );
        }
        const fs::path place = built.fresh();
        REQUIRE(::mkfifo((place / "pipe").c_str(), 0600) == 0);
        const auto taken = graph::take_outputs(place, nullptr, failure);
        CHECK(code_of(taken) == Errc::invalid_argument);
        CHECK(said(taken) == "its output pipe is neither file, directory nor symlink");
    }

    TEST_CASE("a store that cannot be written stops nothing")
    {
        const Built built;
        const fs::path place = built.fresh();
        Built::put(place, {file("a", ""), file("b", "")});
        Store store = open_store(built.path("store"));
        fs::remove_all(built.path("store"));
        std::ofstream(built.path("store")) << "in the way";
        std::optional<Error> failure;
        const auto taken = graph::take_outputs(place, &store, failure);
        REQUIRE(said(taken) == "none");
        CHECK(failure);
        CHECK(*taken == Outputs{file("a", "of a"), file("b", "of b")});
    }

    TEST_CASE("what the store has lost is not found, and what makes no sense is refused")
    {
        const Built built;
        Store store = open_store(built.path("store"));
        REQUIRE(store.put("here"));
        CHECK(
            code_of(graph::restore_outputs(
                built.fresh(), store, {file("a", "here"), file("b", "not here")}
            ))
            == Errc::not_found
        );
        // What was begun is gone with the next one.
        const fs::path place = built.fresh();
        for (const char* const path : {"../x", "/x", "a/../../x", ""}) {
            CAPTURE(path);
            CHECK(
                code_of(graph::restore_outputs(place, store, {file(path, "here")}))
                == Errc::protocol
            );
        }
        CHECK(
            code_of(graph::restore_outputs(place, store, {link_output("out/x", "../../y")}))
            == Errc::protocol
        );
        CHECK(
            code_of(graph::restore_outputs(place, store, {link_output("x", "/y")}))
            == Errc::protocol
        );
        // Nothing is written through a link.
        built.make("elsewhere");
        CHECK_FALSE(graph::restore_outputs(
            place, store, {link_output("l", "elsewhere"), file("l/x", "here")}
        ));
        CHECK(fs::is_empty(built.path("elsewhere")));
    }

    TEST_CASE("what is restored is what was taken")
    {
        Built built;
        Store store = open_store(built.path("store"));
        const fs::path place = built.fresh();
        Built::put(
            place,
            {directory("d/e/empty"), file("d/e/x", ""), link_output("d/l", "e/x"), file("top", "")}
        );
        std::optional<Error> failure;
        const auto taken = graph::take_outputs(place, &store, failure);
        REQUIRE(said(taken) == "none");
        const Names names = Built::names_in(place);
        CHECK(names.size() == 6);
        const fs::path again = built.fresh();
        REQUIRE(said(graph::restore_outputs(again, store, *taken)) == "none");
        CHECK(Built::names_in(again) == names);
        const auto taken_again = graph::take_outputs(again, nullptr, failure);
        REQUIRE(said(taken_again) == "none");
        CHECK(*taken_again == *taken);
    }

    TEST_CASE("what is installed replaces all that was there")
    {
        const Built built;
        const fs::path out = built.layout.outputs(unit_directory);
        for (const char* const name : {"first", "second"}) {
            const fs::path place = built.fresh();
            Built::put(place, {file(std::string("d/") + name, "")});
            fs::permissions(place / "d", fs::perms(0500));
            REQUIRE(said(graph::install_outputs(built.layout, unit_directory)) == "none");
            CHECK(Built::names_in(out) == Names{"d/", std::string("d/") + name});
        }
        CHECK_FALSE(graph::install_outputs(built.layout, unit_directory));
    }

    TEST_CASE("outputs are put where the user looks, and those of earlier runs go")
    {
        Built built;
        built.write("out/mine");
        REQUIRE(
            said(built.run({file("out/a", ""), file("gen/x/y", ""), directory("gen/e/f")}))
            == "none"
        );
        CHECK(
            built.names()
            == Names{"gen/", "gen/e/", "gen/e/f/", "gen/x/", "gen/x/y", "out/", "out/a", "out/mine"}
        );
        CHECK(built.read("out/a") == "of out/a");
        REQUIRE(said(built.run({file("out/b", ""), link_output("out/l", "b")})) == "none");
        CHECK(built.names() == Names{"out/", "out/b", "out/l", "out/mine"});
        REQUIRE(said(built.run({})) == "none");
        CHECK(built.names() == Names{"out/", "out/mine"});
    }

    TEST_CASE("what the user put in the place of an old output stays")
    {
        Built built;
        REQUIRE(said(built.run({file("out/a", ""), file("out/b", "")})) == "none");
        fs::remove(built.path("out/a"));
        built.write("out/a", "the user's");
        REQUIRE(said(built.run({file("out/b", "")})) == "none");
        CHECK(built.read("out/a") == "the user's");
    }

    TEST_CASE("outputs of another kind than before")
    {
        const std::vector<Outputs> runs{
            {file("o", "")},
            {directory("o")},
            {file("o/a", "")},
            {link_output("o", "p"), file("p", "")},
            {file("o/a/b/c", ""), directory("o/d")},
            {file("o/a/b", ""), file("o/d", "")},
            {link_output("o/a", "d"), file("o/d/e", "")},
            {directory("o/a"), link_output("o/d", "a")},
            {}};
        for (std::size_t from = 0; from < runs.size(); ++from) {
            for (std::size_t to = 0; to < runs.size(); ++to) {
                CAPTURE(from);
                CAPTURE(to);
                Built built;
                REQUIRE(said(built.run(runs[from])) == "none");
                CHECK(said(built.run(runs[to])) == "none");
                CHECK(built.names() == Built::names_in(built.layout.outputs(unit_directory)));
            }
        }
    }

    TEST_CASE("a directory of the user's in the way stays")
    {
        Built built;
        built.write("o/mine");
        CHECK(code_of(built.run({file("o", "")})) == Errc::conflict);
        CHECK(built.read("o/mine") == "x");
        // So does one in which the user has put something since.
        Built other;
        REQUIRE(said(other.run({file("o/a", "")})) == "none");
        other.write("o/mine");
        CHECK(code_of(other.run({file("o", "")})) == Errc::conflict);
        CHECK(other.read("o/mine") == "x");
    }

    TEST_CASE("a file of the user's where a directory is to be")
    {
        for (const Outputs& outputs : {Outputs{directory("o")}, Outputs{file("o/a", "")}}) {
            Built built;
            built.write("o", "the user's");
            CHECK(code_of(built.run(outputs)) == Errc::conflict);
            CHECK(built.read("o") == "the user's");
        }
    }

    TEST_CASE("nothing is written or removed behind a link of the user's")
    {
        const Project elsewhere;
        elsewhere.write("a", "the user's");
        Built built;
        REQUIRE(said(built.run({file("o/a", ""), directory("o/d")})) == "none");
        fs::remove_all(built.path("o"));
        built.link("o", elsewhere.root());
        elsewhere.make("d");
        CHECK(code_of(built.run({file("o/b", "")})) == Errc::conflict);
        CHECK(code_of(built.run({directory("o/e")})) == Errc::conflict);
        CHECK(said(built.run({file("o", "")})) == "none");
        CHECK(elsewhere.read("a") == "the user's");
        CHECK(Built::names_in(elsewhere.root()) == Names{"a", "d/"});
    }

    TEST_CASE("a project that is reached by a link")
    {
        const Project above;
        above.make("real");
        above.link("project", "real");
        const graph::Layout layout(above.path("project"));
        REQUIRE(said(layout.make()) == "none");
        REQUIRE(said(layout.make_unit(unit_directory)) == "none");
        const auto place = graph::fresh_outputs(layout, unit_directory);
        REQUIRE(said(place) == "none");
        const Outputs outputs{directory("d"), file("d/a", "of d/a"), directory("e")};
        Built::put(*place, outputs);
        REQUIRE(said(graph::install_outputs(layout, unit_directory)) == "none");
        CHECK(said(graph::place_outputs(layout, unit_directory, outputs, nullptr)) == "none");
        CHECK(Built::names_in(above.path("real")) == Names{"d/", "d/a", "e/"});
    }

    TEST_CASE("outputs that were asked for go to a directory, by their last names")
    {
        Built built;
        REQUIRE(
            said(built.run(
                {file("a/app", ""),
                 file("b/x/y", ""),
                 directory("b/empty"),
                 link_output("l", "a/app")}
            ))
            == "none"
        );
        const fs::path out = built.path("some/where");
        const auto put = [&](const std::vector<std::string>& declared) {
            return graph::export_outputs(built.layout, unit_directory, declared, out);
        };
        REQUIRE(said(put({"a/app", "b/x/", "l", "b/empty/"})) == "none");
        CHECK(Built::names_in(out) == Names{"app", "empty/", "l", "x/", "x/y"});
        CHECK(built.read("some/where/x/y") == "of b/x/y");
        // What an earlier run has put there and this one has not made goes.
        built.write("some/where/x/mine");
        REQUIRE(said(built.run({file("a/app", ""), file("b/x/z", "")})) == "none");
        REQUIRE(said(put({"a/app", "b/x/"})) == "none");
        CHECK(Built::names_in(out) == Names{"app", "empty/", "l", "x/", "x/mine", "x/z"});
        // What is the user's stays.
        fs::remove(out / "app");
        built.write("some/where/app/mine");
        CHECK(code_of(put({"a/app"})) == Errc::conflict);
        CHECK(built.read("some/where/app/mine") == "x");
        const fs::path file_there = built.path("some/where/l");
        CHECK_FALSE(
            graph::export_outputs(built.layout, unit_directory, {"a/app"}, file_there / "below")
        );
    }

    TEST_CASE("the digest of a file is taken from its begin")
    {
        const Project project;
        const std::string bytes(700'000, 'x');
        project.write("f", bytes);
        const Fd file(::open(project.path("f").c_str(), O_RDONLY | O_CLOEXEC));
        REQUIRE(file);
        REQUIRE(::lseek(file.get(), 5, SEEK_SET) == 5);
        const auto blob = graph::digest_of_file(file.get(), "f");
        REQUIRE(said(blob) == "none");
        CHECK(*blob == Blob{sha256(bytes), bytes.size()});
    }
}
