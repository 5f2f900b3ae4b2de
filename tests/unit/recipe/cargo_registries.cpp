#include "recipe/cargo_home.hpp"
#include "support/temp_directory.hpp"

#include <slipway/core/cargo_recipe.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

using namespace slipway;
using namespace slipway::core;

namespace fs = std::filesystem;

namespace {

constexpr const char* my_index = "sparse+https://my.example/index/";

// A project with one dependency of the registry my-own, and a cargo home with a token for it.
struct Private {
    Private()
    {
        fs::create_directories(root() / "src");
        fs::create_directories(home());
        write(
            "project/Cargo.toml",
            "[package]\nname = 'x'\n[dependencies]\nd = { version = '1', registry = 'my-own' }\n"
        );
        write("home/config.toml", "[registries.my-own]\nindex = '" + std::string(my_index) + "'\n");
        write("home/credentials.toml", "[registries.my-own]\ntoken = 'secret'\n");
        call.directory = root();
        call.home = top();
        call.host_target = "h-o-st";
        call.environment["CARGO_HOME"] = home();
        call.args = {"build"};
    }
    fs::path top() const { return fs::canonical(directory.path()); }
    fs::path root() const { return top() / "project"; }
    fs::path home() const { return top() / "home"; }

    void write(const fs::path& file, const std::string& text) const
    {
        fs::create_directories((top() / file).parent_path());
        std::ofstream(top() / file) << text;
    }

    CargoPlan plan(std::vector<std::string> args = {"build"}) const
    {
        CargoCall mine = call;
        mine.args = std::move(args);
        auto made = plan_cargo(mine);
        if (!made) FAIL(describe(made.error()));
        return *std::move(made);
    }

    Error error() const
    {
        const auto made = plan_cargo(call);
        REQUIRE_FALSE(made.has_value());
        return made.error();
    }

    test::TempDirectory directory;
    CargoCall call{};
};

using Words = std::vector<std::string>;

bool has(const Words& words, const std::string& word)
{
    return std::ranges::find(words, word) != words.end();
}

std::string value(const Words& env, const std::string& name)
{
    const auto found = std::ranges::find_if(env, [&](const std::string& one) {
        return one.starts_with(name + "=");
    });
    return found == env.end() ? "" : found->substr(name.size() + 1);
}

constexpr const char* index_name = "CARGO_REGISTRIES_MY_OWN_INDEX";
constexpr const char* token_name = "CARGO_REGISTRIES_MY_OWN_TOKEN";

} // namespace

TEST_SUITE("core.recipe.cargo_registries")
{
    TEST_CASE("a registry that is used has a step with its token, and nothing else has that")
    {
        const Private project;
        const CargoPlan plan = project.plan({"build", "--release"});
        CHECK(value(plan.env, index_name) == my_index);
        CHECK(value(plan.env, token_name).empty());
        REQUIRE(plan.fetch);
        CHECK(plan.fetch->argv == Words{"cargo", "fetch"});
        CHECK(plan.fetch->probe == Words{"cargo", "fetch", "--frozen"});
        CHECK(plan.fetch->secrets == Words{std::string(token_name) + "=secret"});
        CHECK(value(plan.fetch->env, index_name) == my_index);
        CHECK(has(plan.fetch->env, "CARGO_REGISTRIES_MY_OWN_CREDENTIAL_PROVIDER=cargo:token"));
        CHECK(has(plan.fetch->env, "RUSTC_WRAPPER="));
        CHECK(plan.fetch->home == plan.kept.front().path);
        CHECK_FALSE(plan.fetch->is_command);
        CHECK(plan.argv == Words{"cargo", "build", "--release"});
    }

    TEST_CASE("who uses a registry")
    {
        Private project;
        const std::string package = "[package]\nname = 'x'\n";
        const auto uses = [&] { return project.plan().fetch.has_value(); };
        project.write("project/Cargo.toml", package);
        CHECK_FALSE(uses());
        const char* const tables[]{
            "[target.'cfg(unix)'.dev-dependencies]\nd = { version = '1', registry = 'my-own' }\n",
            "[dependencies.d]\nversion = '1'\nregistry-index = 'sparse+https://my.example/index'\n",
            "[workspace.dependencies]\nd = { version = '1', registry = 'my-own' }\n",
            "[patch.crates-io]\nd = { version = '1', registry = 'my-own' }\n"};
        for (const char* const table : tables) {
            CAPTURE(table);
            project.write("project/Cargo.toml", package + table);
            CHECK(uses());
        }
        project.write(
            "project/Cargo.toml",
            package + "publish = ['my-own']\n[package.metadata.x]\nregistry = 'my-own'\n"
        );
        CHECK_FALSE(uses());
        const auto lock = [&](const std::string& source) {
            project.write(
                "project/Cargo.lock",
                "version = 4\n[[package]]\nname = 'd'\nversion = '1.0.0'\nsource = '" + source
                    + "'\n"
            );
        };
        lock("registry+https://github.com/rust-lang/crates.io-index");
        CHECK_FALSE(uses());
        lock(my_index);
        CHECK(uses());
        project.write(
            "home/config.toml", "[registries.my-own]\nindex = 'https://my.example/index.git'\n"
        );
        CHECK_FALSE(uses());
        lock("registry+https://my.example/index.git");
        CHECK(uses());
        fs::remove(project.root() / "Cargo.lock");
        CHECK_FALSE(uses());
        project.write(
            "project/.cargo/config.toml",
            "[source.crates-io]\nreplace-with = 'mirror'\n[source.mirror]\nregistry = "
            "'https://my.example/index'\n"
        );
        CHECK(uses());
        project.write(
            "project/.cargo/config.toml", "[source.crates-io]\nreplace-with = 'my-own'\n"
        );
        CHECK(uses());
        project.write(
            "project/.cargo/config.toml", "[source.mirror]\nregistry = 'https://my.example/index'\n"
        );
        CHECK_FALSE(uses());
        CHECK(project.plan({"add", "--registry", "my-own", "d"}).fetch);
        CHECK_FALSE(project.plan({"add", "d"}).fetch);
        project.write(
            "home/config.toml",
            "[registry]\ndefault = 'my-own'\n[registries.my-own]\nindex = "
            "'https://my.example/index'\n"
        );
        CHECK(project.plan({"add", "d"}).fetch);
        CHECK_FALSE(uses());
        fs::remove(project.root() / ".cargo/config.toml");
        project.write(
            "project/Cargo.toml", package + "[dependencies]\nb = { path = '../beside' }\n"
        );
        project.write(
            "beside/Cargo.toml",
            "[package]\nname = 'b'\n[dependencies]\nd = { version = '1', registry = 'my-own' }\n"
        );
        CHECK(uses());
    }

    TEST_CASE("variables, then the workspace, then the home")
    {
        Private project;
        project.write(
            "home/config.toml",
            "[registry]\ndefault = 'my-own'\n[registries.my-own]\nindex = 'https://home/'\ntoken = "
            "'old'\n[registries.b]\nindex = 'https://b/'\n"
        );
        CargoPlan plan = project.plan();
        CHECK(value(plan.env, "CARGO_REGISTRY_DEFAULT") == "my-own");
        CHECK(value(plan.env, index_name) == "https://home/");
        CHECK(value(plan.env, "CARGO_REGISTRIES_B_INDEX") == "https://b/");
        CHECK(
            plan.fetch->secrets == Words{std::string(token_name) + "=secret"}
        ); // of credentials.toml
        project.write(
            "project/.cargo/config.toml",
            "[registry]\ndefault = 'own'\n[registries.my-own]\nindex = 'https://home'\n"
        );
        plan = project.plan();
        CHECK(value(plan.env, index_name).empty()); // cargo reads it itself
        CHECK(value(plan.env, "CARGO_REGISTRY_DEFAULT").empty());
        CHECK(value(plan.fetch->env, index_name) == "https://home");
        project.call.environment[index_name] = "https://variable/";
        project.call.environment[token_name] = "new";
        project.call.environment["CARGO_REGISTRY_DEFAULT"] = "third";
        project.call.environment["CARGO_REGISTRY_TOKEN"] = "of crates.io";
        plan = project.plan();
        CHECK(value(plan.env, index_name) == "https://variable/");
        CHECK(value(plan.env, "CARGO_REGISTRY_DEFAULT") == "third");
        CHECK(value(plan.fetch->env, index_name) == "https://variable/");
        CHECK(plan.fetch->secrets == Words{std::string(token_name) + "=new"});
        fs::remove(project.home() / "credentials.toml");
        project.call.environment.erase(token_name);
        CHECK(project.plan().fetch->secrets == Words{std::string(token_name) + "=old"});
    }

    TEST_CASE("an index that both files of the home have")
    {
        Private project;
        project.write(
            "home/credentials.toml",
            "[registries.my-own]\nindex = '" + std::string(my_index) + "'\ntoken = 'secret'\n"
        );
        CHECK(project.plan().fetch->secrets == Words{std::string(token_name) + "=secret"});
    }

    TEST_CASE("a token that the index has under another name")
    {
        Private project;
        project.call.environment["CARGO_REGISTRIES_CI_INDEX"] = my_index;
        project.call.environment["CARGO_REGISTRIES_CI_TOKEN"] = "of ci";
        const auto has_it = [&] {
            return has(project.plan().fetch->secrets, "CARGO_REGISTRIES_CI_TOKEN=of ci");
        };
        CHECK(has_it());
    }

    TEST_CASE("what is offline by configuration has no step")
    {
        Private project;
        project.call.environment["CARGO_NET_OFFLINE"] = "true";
        CHECK_FALSE(project.plan().fetch);
        project.call.environment.erase("CARGO_NET_OFFLINE");
        project.write("project/.cargo/config.toml", "[net]\noffline = true\n");
        CHECK_FALSE(project.plan().fetch);
        project.call.environment["CARGO_NET_OFFLINE"] = "false";
        CHECK(project.plan().fetch);
    }

    TEST_CASE("a dependency may have any name")
    {
        const Private project;
        for (const std::string name : {"metadata", "package", "workspace"}) {
            project.write(
                "project/Cargo.toml",
                "[package]\nname = 'x'\n[dependencies." + name
                    + "]\nversion = '1'\nregistry = 'my-own'\n"
            );
            CHECK(project.plan().fetch);
        }
    }

    TEST_CASE("the old names of the files, and a home that is not named")
    {
        Private project;
        fs::rename(project.home() / "credentials.toml", project.home() / "credentials");
        fs::rename(project.home() / "config.toml", project.home() / "config");
        CHECK(project.plan().fetch);
        project.call.environment["CARGO_HOME"] = "../home"; // below the current directory
        CHECK(project.plan().fetch);
        project.call.environment.erase("CARGO_HOME");
        CHECK_FALSE(project.plan().fetch);
        fs::rename(project.home(), project.top() / ".cargo");
        CHECK(project.plan().fetch);
    }

    TEST_CASE("which commands fetch")
    {
        const Private project;
        for (const Words& args : std::vector<Words>{
                 {"build", "--offline"},
                 {"--frozen", "test"},
                 {"clean"},
                 {"fmt"},
                 {"--version"},
                 {"build", "--help"},
                 {"login"},
                 {"install", "x"},
                 {"new", "y"},
                 {"publish", "--offline"}}) {
            CAPTURE(args.front());
            CHECK_FALSE(project.plan(args).fetch);
        }
        const auto fetch = [&](const Words& args) { return project.plan(args).fetch.value(); };
        CHECK(fetch({"run", "--", "--offline", "--locked"}).argv == Words{"cargo", "fetch"});
        CHECK(
            fetch({"-Zx",
                   "--config",
                   "a=1",
                   "t",
                   "--locked",
                   "-q",
                   "--manifest-path=Cargo.toml",
                   "--target",
                   "a-b-c"})
                .argv
            == Words{"cargo", "fetch", "-Zx", "--config", "a=1", "--locked", "-q", "--manifest-path=Cargo.toml"}
        );
        CHECK(
            fetch({"nextest", "run", "--config", "x", "--locked"}).argv
            == Words{"cargo", "fetch", "--locked"}
        );
        const FetchStep update = fetch({"update", "-p", "d"});
        CHECK(update.is_command);
        CHECK(update.argv == Words{"cargo", "update", "-p", "d"});
        CHECK(update.probe.empty());
        const FetchStep itself = fetch({"fetch", "--target", "a-b-c"});
        CHECK(itself.is_command);
        CHECK(itself.argv == Words{"cargo", "fetch", "--target", "a-b-c"});
        CHECK(itself.probe == Words{"cargo", "fetch", "--frozen"});
        CargoCall call = project.call;
        call.toolchain = "image";
        call.args = {"+nightly", "build"};
        CHECK(plan_cargo(call)->fetch->argv == Words{"cargo", "+nightly", "fetch"});
    }

    TEST_CASE("tokens of others stay here")
    {
        Private project;
        project.write(
            "home/config.toml",
            "[registries.my-own]\nindex = '" + std::string(my_index)
                + "'\n[registries.b]\nindex = 'https://b/'\n"
        );
        project.write(
            "home/credentials.toml",
            "[registry]\ntoken = 'x'\n[registries.b]\ntoken = 'y'\n[registries.nowhere]\ntoken = "
            "'z'\n"
        );
        CHECK_FALSE(project.plan().fetch);
        project.call.environment[token_name] = "t";
        CHECK(project.plan().fetch->secrets == Words{std::string(token_name) + "=t"});
    }

    TEST_CASE("an index with a password travels nowhere")
    {
        Private project;
        project.write(
            "home/config.toml",
            "[registries.my-own]\nindex = 'https://me:word@my.example/'\n[registries.s]\nindex = "
            "'ssh://git@my.example/x:y'\n"
        );
        const CargoPlan plan = project.plan();
        CHECK(value(plan.env, index_name).empty());
        CHECK(value(plan.env, "CARGO_REGISTRIES_S_INDEX") == "ssh://git@my.example/x:y");
        CHECK_FALSE(plan.fetch);
    }

    TEST_CASE("mistakes are told with their place and no value")
    {
        struct Row {
            const char* file;
            const char* text;
            const char* says;
        };
        const Row rows[]{
            {"config.toml", "registries = 'hunter2'", "config.toml:1:14: registries is no table"},
            {"config.toml",
             "[registries]\na = 'hunter2'",
             "config.toml:2:5: registries.a is no table"},
            {"config.toml",
             "[registries.a]\nindex = 2",
             "config.toml:2:9: registries.a.index is no text"},
            {"config.toml", "registry = []", "config.toml:1:12: registry is no table"},
            {"config.toml",
             "[registry]\ndefault = 1",
             "config.toml:2:11: registry.default is no text"},
            {"config.toml",
             "[registries.a-b]\nindex = 'x'\n[registries.a_b]\nindex = 'y'",
             "are one name"},
            {"credentials.toml",
             "[registries.a]\ntoken = ['hunter2']",
             "credentials.toml:2:9: registries.a.token is no text"},
            {"credentials.toml", "[registries.a]\ntoken = hunter2", "credentials.toml:2:"},
            {"credentials.toml", "[registries.a]\ntoken = tru-hunter2", "credentials.toml:2:"},
            {"credentials.toml", "[registries.a]\ntoken = 'hunter2", "this is not TOML"},
            {"credentials.toml", "[registries.hunter2", "this is not TOML"}};
        for (const Row& row : rows) {
            CAPTURE(row.text);
            Private project;
            project.write(fs::path("home") / row.file, row.text);
            const Error error = project.error();
            const std::string said = describe(error);
            CHECK(error.code == Errc::invalid_argument);
            CHECK_FALSE(error.hint.empty());
            CHECK_MESSAGE(said.find(row.says) != std::string::npos, said);
            CHECK_MESSAGE(said.find("hunter") == std::string::npos, said);
            CHECK_MESSAGE(said.find("tru") == std::string::npos, said);
        }
        Private project;
        project.write("home/credentials.toml", "[registries.my-own]\ntoken = \"hunter\\n2\"\n");
        CHECK(describe(project.error()).find("hunter") == std::string::npos);
    }

    TEST_CASE("a token for a name with two indexes is refused")
    {
        Private project;
        project.write(
            "project/.cargo/config.toml", "[registries.my-own]\nindex = 'sparse+https://other/'\n"
        );
        const Error error = project.error();
        CHECK(error.message.find("home/config.toml:2:9") != std::string::npos);
        CHECK(error.hint.find(index_name) != std::string::npos);
        project.call.environment[index_name] = my_index;
        CHECK(project.plan().fetch);
        project.call.environment.erase(index_name);
        fs::remove(project.home() / "credentials.toml");
        CHECK_FALSE(project.plan().fetch);
    }
}
