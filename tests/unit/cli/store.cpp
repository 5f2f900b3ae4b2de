#include "app.hpp"
#include "exit_code.hpp"
#include "store/layout.hpp"
#include "support/temp_directory.hpp"

#include <slipway/core/store.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

using namespace slipway;
using namespace slipway::cli;

namespace {

/// A command against the store of SLIPWAY_STORE.
struct Done {
    explicit Done(std::vector<std::string> words)
    {
        std::vector<const char*> argv{"slipway"};
        for (const std::string& word : words) {
            argv.push_back(word.c_str());
        }
        context.printer = &printer;
        const auto wrong = parse(static_cast<int>(argv.size()), argv.data(), context);
        code = wrong ? *wrong : context.command(context);
    }

    MemoryOutput out;
    MemoryOutput err;
    Printer printer{out, err, Printer::Settings()};
    Context context;
    int code = -1;
};

struct Scratch {
    Scratch() { ::setenv("SLIPWAY_STORE", path.c_str(), 1); }
    ~Scratch() { ::unsetenv("SLIPWAY_STORE"); }

    test::TempDirectory directory;
    std::filesystem::path path = directory.path() / "store";
};

core::StoredResult result_of(core::Store& store)
{
    core::StoredResult result;
    result.key = core::sha256("key");
    result.unit = "lib";
    core::StoredOutput& output = result.outputs.emplace_back();
    output.path = "a";
    output.content = *store.put("text");
    REQUIRE(store.put_result(result));
    return result;
}

void make_old(const std::filesystem::path& store)
{
    const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(store)) {
        ::utimensat(AT_FDCWD, entry.path().c_str(), times, 0);
    }
}

bool tells(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("cli.store")
{
    TEST_CASE("looking at a store that is not there makes none")
    {
        Scratch scratch;
        for (const std::vector<std::string>& words :
             {std::vector<std::string>{"store", "status"},
              {"store", "verify"},
              {"store", "pins"},
              {"gc"},
              {"gc", "--dry-run"},
              {"store", "status", "--json"}}) {
            const Done done(words);
            CHECK_MESSAGE(done.code == exit_code::success, done.err.text);
        }
        CHECK(tells(Done({"store", "status"}).out.text, "not there yet"));
        CHECK(tells(Done({"store", "status", "--json"}).out.text, "\"exists\": false"));
        CHECK(!std::filesystem::exists(scratch.path));
    }

    TEST_CASE("status, pins, gc")
    {
        Scratch scratch;
        {
            auto store = core::Store::open(scratch.path);
            const auto result = result_of(*store);
            REQUIRE(store->pin("release/1", result.key));
            const Done status({"store", "status"});
            CHECK(
                status.out.text
                == "directory  " + scratch.path.native()
                       + "\nresults    1\nblobs      1\nnotes      0\npins       1\n"
                         "on disk    8.2 kB\nopen in    1 other process\n"
            );
            CHECK(status.err.text.empty());
        }
        CHECK(tells(Done({"store", "status", "--json"}).out.text, "\"bytes\": 8192"));
        const std::string hex = core::to_hex(core::sha256("key"));
        CHECK(Done({"store", "pins"}).out.text == hex + "  release/1\n");
        CHECK(tells(Done({"store", "pins", "--json"}).out.text, "\"name\": \"release/1\""));

        make_old(scratch.path);
        const Done pinned({"gc"});
        CHECK(pinned.code == exit_code::success);
        CHECK(pinned.out.text.empty());
        CHECK(tells(pinned.err.text, "Removed 0 results and 0 blobs, 0 B; 8.2 kB stay"));
        CHECK(tells(pinned.err.text, "Kept 1 that"));
        {
            auto store = core::Store::open(scratch.path);
            REQUIRE(store->unpin("release/1"));
        }
        CHECK(tells(Done({"gc", "--older-than", "5200w"}).err.text, "Removed 0 results"));
        const Done dry({"gc", "--dry-run", "--json"});
        CHECK(tells(dry.err.text, "Would remove 1 result and 1 blob, 8.2 kB; 0 B stay"));
        CHECK(tells(dry.out.text, "\"left_bytes\": 0"));
        CHECK(tells(dry.out.text, "\"dry_run\": true"));
        CHECK(tells(
            Done({"gc", "--older-than=5200w", "--max-size", "0"}).err.text,
            "Removed 1 result and 1 blob"
        ));
        CHECK(tells(Done({"store", "status"}).out.text, "results    0\nblobs      0\n"));
    }

    TEST_CASE("verify tells what it removed, once, by its exit code too")
    {
        Scratch scratch;
        {
            auto store = core::Store::open(scratch.path);
            result_of(*store);
        }
        const Done good({"store", "verify"});
        CHECK(good.code == exit_code::success);
        CHECK(tells(good.err.text, "Verified 1 blob, 1 result"));
        const std::string name = store::name_of(store::Kind::blob, core::sha256("text"));
        std::filesystem::remove(scratch.path / name);
        std::ofstream(scratch.path / name) << "damaged";
        const Done bad({"store", "verify", "--json"});
        CHECK(bad.code == exit_code::failed);
        CHECK(tells(bad.err.text, "warning: removed " + name + ": it is damaged\n"));
        CHECK(tells(bad.err.text, "warning: removed a result of lib: it lacks what it made\n"));
        CHECK(tells(bad.out.text, "\"incomplete\": [\n    \"lib\"\n"));
        CHECK(Done({"store", "verify"}).code == exit_code::success);
    }

    TEST_CASE("bad input")
    {
        Scratch scratch;
        const auto refused = [](const std::vector<std::string>& words, const std::string& part) {
            const Done done(words);
            CHECK(done.code == exit_code::usage);
            CHECK_MESSAGE(tells(done.err.text, part), done.err.text);
            CHECK(tells(done.err.text, "hint: "));
        };
        for (const char* time :
             {"30", "d", "-1d", "1.2.3d", "1e3d", "30days", "1 d", "999999999w", "."}) {
            refused({"gc", std::string("--older-than=") + time}, "not a time");
        }
        for (const char* size : {"x", "-1", "1.2.3g", "10GB", "1e3", "99999999999t"}) {
            refused({"gc", std::string("--max-size=") + size}, "not a size");
        }
        refused({"gc", "--older-than="}, "empty");
        refused({"gc", "--older"}, "--older");
        refused({"gc", "all"}, "unexpected argument 'all'");
        refused({"store", "verfy"}, "subcommand is required");
        CHECK(Done({"store"}).code == exit_code::usage);
        CHECK(!std::filesystem::exists(scratch.path));

        std::filesystem::create_directory(scratch.path);
        std::ofstream(scratch.path / "mine") << "text";
        refused({"gc"}, "holds other things");
        std::filesystem::remove(scratch.path / "mine");
        std::ofstream(scratch.path / "format") << "slipway store 9\n";
        refused({"store", "status"}, "made by a newer slipway");
        refused({"store", "verify"}, "its format is 9");
    }

    TEST_CASE("where it is without SLIPWAY_STORE")
    {
        ::unsetenv("SLIPWAY_STORE");
        const char* const before = std::getenv("XDG_CACHE_HOME");
        const std::string kept = before != nullptr ? before : "";
        ::setenv("XDG_CACHE_HOME", "/somewhere", 1);
        CHECK(tells(Done({"store", "status"}).out.text, "/somewhere/slipway/store (not there yet)")
        );
        ::unsetenv("XDG_CACHE_HOME");
        const Done nowhere({"store", "status"}); // this context has no home
        CHECK(nowhere.code == exit_code::usage);
        CHECK(tells(nowhere.err.text, "SLIPWAY_STORE"));
        if (before != nullptr) ::setenv("XDG_CACHE_HOME", kept.c_str(), 1);
    }
}
