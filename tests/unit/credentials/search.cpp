#include "unit/credentials/support.hpp"

#include <slipway/engine/credentials.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

Credentials found(const HelperHome& home, const std::string& image = "ghcr.io/me/tool:1")
{
    auto got = run(find_credentials(home.environment, image, generous_deadline));
    REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
    return *std::move(got);
}

std::string user(const HelperHome& home, const std::string& image = "ghcr.io/me/tool:1")
{
    const Credentials got = found(home, image);
    for (const Error& problem : got.problems) {
        CHECK_MESSAGE(false, describe(problem));
    }
    return got.auth ? got.auth->username + ":" + got.auth->password : "nobody";
}

} // namespace

TEST_SUITE("engine.credentials.search")
{
    TEST_CASE("nothing is written down")
    {
        const HelperHome home;
        const Credentials got = found(home);
        CHECK(!got.auth);
        CHECK(got.registry == "ghcr.io");
        CHECK(got.problems.empty());
        REQUIRE(got.searched.size() == 3);
        CHECK(got.searched[0] == (home.path / ".docker/config.json").string() + " (no such file)");
        CHECK(got.searched[1] == "/run/containers/4242/auth.json (no such file)");
        CHECK(
            got.searched[2]
            == (home.path / ".config/containers/auth.json").string() + " (no such file)"
        );
        const std::string hint = how_to_log_in(got);
        CHECK(says(hint, ".docker/config.json"));
        CHECK(says(hint, "docker login ghcr.io"));
        CHECK(says(hint, R"({"auths":{"ghcr.io":{"auth":)"));
    }

    TEST_CASE("an image that is none is refused")
    {
        const HelperHome home;
        auto got = run(find_credentials(home.environment, "NO SUCH", generous_deadline));
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::invalid_argument);
    }

    TEST_CASE("the forms of an entry")
    {
        // "bWU6aHVudGVyMg==" is me:hunter2, "bWU6aHVudGVyMgAA" the same with two NULs,
        // "bWU6YTpi" me:a:b, "bWU6" me and an empty password.
        const std::pair<const char*, const char*> table[] = {
            {R"({"auth":"bWU6aHVudGVyMg=="})", "me:hunter2"},
            {R"({"auth":"bWU6aHVudGVyMgAA"})", "me:hunter2"},
            {R"({"auth":" bWU6aHVudGVyMg==\n"})", "me:hunter2"},
            {R"({"auth":"bWU6YTpi"})", "me:a:b"},
            {R"({"auth":"bWU6"})", "me:"},
            {R"({"username":"you","password":"secret"})", "you:secret"},
            {R"({"auth":"bWU6aHVudGVyMg==","username":"you","password":"secret"})", "me:hunter2"},
            {R"({"auth":"bWU6aHVudGVyMg==","email":"me@example.com","new":[1]})", "me:hunter2"},
            {R"({"auth":null,"username":"you","password":"secret"})", "you:secret"},
            {R"({})", "nobody"},
            {R"(null)", "nobody"},
            {R"({"auth":""})", "nobody"},
            {R"({"password":"without a user"})", "nobody"},
        };
        for (const auto& [entry, expected] : table) {
            const std::string text = entry;
            CAPTURE(text);
            const HelperHome home;
            home.docker_config(R"({"auths":{"ghcr.io":)" + text + "}}");
            CHECK(user(home) == std::string(expected));
        }
    }

    TEST_CASE("tokens stand in the place of a password")
    {
        const HelperHome home;
        home.docker_config(R"({"auths":{
            "ghcr.io":{"auth":"bWU6","identitytoken":"an identity"},
            "quay.io":{"registrytoken":"a token"}}})");
        const Credentials ghcr = found(home);
        REQUIRE(ghcr.auth);
        CHECK(ghcr.auth->username == "me");
        CHECK(ghcr.auth->identity_token == "an identity");
        CHECK(ghcr.auth->server_address == "ghcr.io");
        CHECK(ghcr.source == (home.path / ".docker/config.json").string());
        const Credentials quay = found(home, "quay.io/x");
        REQUIRE(quay.auth);
        CHECK(quay.auth->registry_token == "a token");
    }

    TEST_CASE("the Hub goes by docker's name for it in a header")
    {
        const HelperHome home;
        home.docker_config(R"({"auths":{"docker.io":{"auth":"bWU6aHVudGVyMg=="}}})");
        CHECK(found(home, "debian").auth->server_address == "https://index.docker.io/v1/");
    }

    TEST_CASE("the order of the places")
    {
        HelperHome home;
        const auto entry = [](const std::string& name) {
            return R"({"auths":{"ghcr.io":{"username":")" + name + R"(","password":"x"}}})";
        };
        CHECK(user(home) == "nobody");
        home.write(".config/containers/auth.json", entry("config"));
        CHECK(user(home) == "config:x");
        home.write("xdg/containers/auth.json", entry("xdg"));
        home.set("XDG_CONFIG_HOME", (home.path / "xdg").string());
        CHECK(user(home) == "xdg:x");
        home.write("run/containers/auth.json", entry("runtime"));
        home.set("XDG_RUNTIME_DIR", (home.path / "run").string());
        CHECK(user(home) == "runtime:x");
        home.write(".docker/config.json", entry("docker"));
        CHECK(user(home) == "docker:x");
        home.write("other/config.json", R"({"auths":{"ghcr.io":{}}})");
        home.set("DOCKER_CONFIG", (home.path / "other").string());
        CHECK(user(home) == "runtime:x");
        const auto named = home.write("named.json", entry("named"));
        home.set("REGISTRY_AUTH_FILE", named.string());
        CHECK(user(home) == "named:x");
        home.set("DOCKER_AUTH_CONFIG", entry("variable"));
        CHECK(user(home) == "variable:x");
        const Credentials got = found(home);
        CHECK(got.source == "DOCKER_AUTH_CONFIG");
        CHECK(got.searched == std::vector<std::string>{"DOCKER_AUTH_CONFIG"});
    }

    TEST_CASE("REGISTRY_AUTH_FILE stands in the place of podman's other files")
    {
        HelperHome home;
        home.write(
            ".config/containers/auth.json",
            R"({"auths":{"ghcr.io":{"username":"me","password":"x"}}})"
        );
        home.set("REGISTRY_AUTH_FILE", (home.path / "absent.json").string());
        CHECK(user(home) == "nobody");
    }

    TEST_CASE("podman's keys may name a part of a registry")
    {
        const HelperHome home;
        home.write(".config/containers/auth.json", R"({"auths":{
            "ghcr.io":{"username":"all","password":"x"},
            "ghcr.io/me":{"username":"mine","password":"x"},
            "ghcr.io/me/tool":{"username":"tool","password":"x"},
            "quay.io/you":{"username":"you","password":"x"}}})");
        CHECK(user(home, "ghcr.io/other/x") == "all:x");
        CHECK(user(home, "ghcr.io/me/x") == "mine:x");
        CHECK(user(home, "ghcr.io/me/tool") == "tool:x");
        CHECK(user(home, "ghcr.io/me/tools") == "mine:x");
        CHECK(user(home, "quay.io/me/x") == "nobody");
    }

    TEST_CASE("a helper of the registry goes before the store, and that before auths")
    {
        const HelperHome home;
        home.helper("own", R"(echo '{"Username":"own","Secret":"x"}')");
        home.helper("store", R"(echo '{"Username":"store","Secret":"x"}')");
        const std::string auths = R"("auths":{"ghcr.io":{"username":"auths","password":"x"}})";
        home.docker_config(
            R"({"credHelpers":{"ghcr.io":"own","quay.io":""},"credsStore":"store",)" + auths + "}"
        );
        CHECK(user(home) == "own:x");
        CHECK(found(home).source == "docker-credential-own");
        CHECK(user(home, "quay.io/x") == "store:x");
        CHECK(user(home, "docker.io/x") == "store:x");
    }

    TEST_CASE("auths count where a helper has none")
    {
        const HelperHome home;
        home.helper("store", "echo 'credentials not found in native keychain'; exit 1");
        home.docker_config(
            R"({"credsStore":"store","auths":{"ghcr.io":{"username":"auths","password":"x"}}})"
        );
        CHECK(user(home) == "auths:x");
        const Credentials none = found(home, "quay.io/x");
        CHECK(!none.auth);
        REQUIRE(none.searched.size() > 1);
        CHECK(none.searched[0] == "docker-credential-store");
        CHECK(none.searched[1] == (home.path / ".docker/config.json").string());
    }

    TEST_CASE("a helper is asked by the name that its file uses")
    {
        HelperHome home;
        home.helper("ask", R"(read server; echo "{\"Username\":\"$server\",\"Secret\":\"x\"}")");
        home.docker_config(R"({"credsStore":"ask"})");
        CHECK(user(home) == "ghcr.io:x");
        CHECK(user(home, "debian") == "https://index.docker.io/v1/:x");
        CHECK(user(home, "localhost:5000/x") == "localhost:5000:x");
        std::filesystem::remove(home.path / ".docker/config.json");
        home.write(".config/containers/auth.json", R"({"credHelpers":{"docker.io":"ask"}})");
        CHECK(user(home, "debian") == "docker.io:x");
        CHECK(found(home, "debian").auth->server_address == "https://index.docker.io/v1/");
    }

    TEST_CASE("DOCKER_AUTH_CONFIG names no helpers")
    {
        HelperHome home;
        home.helper("store", R"(echo '{"Username":"store","Secret":"x"}')");
        home.set(
            "DOCKER_AUTH_CONFIG", R"({"credsStore":"store","credHelpers":{"ghcr.io":"store"}})"
        );
        CHECK(user(home) == "nobody");
    }

    TEST_CASE("what cannot be read is a problem that names the place, and the search goes on")
    {
        struct Row {
            const char* text;
            const char* problem;
        };
        for (const Row& row : {
                 Row{"{", ".docker/config.json is not JSON: Missing a name for object member. (at"},
                 Row{"[]", ".docker/config.json: $ is not an object"},
                 Row{R"({"auths":[]})", ".docker/config.json: $.auths is not an object"},
                 Row{R"({"auths":{"ghcr.io":7}})", "config.json: $.auths.ghcr.io is not an object"},
                 Row{R"({"auths":{"ghcr.io":{"auth":["hunter2"]}}})",
                     "config.json: $.auths.ghcr.io.auth is not a string"},
                 Row{R"({"credsStore":{}})", "config.json: $.credsStore is not a string"},
                 Row{R"({"auths":{"ghcr.io":{"auth":"me:hunter2"}}})",
                     "$.auths.ghcr.io.auth is not the base64 of user:password"},
                 // hunter2 without a user, and :hunter2
                 Row{R"({"auths":{"ghcr.io":{"auth":"aHVudGVyMg=="}}})",
                     "$.auths.ghcr.io.auth is not the base64 of user:password"},
                 Row{R"({"auths":{"ghcr.io":{"auth":"Omh1bnRlcjI="}}})",
                     "$.auths.ghcr.io.auth is not the base64 of user:password"},
             }) {
            CAPTURE(row.text);
            const HelperHome home;
            home.docker_config(row.text);
            home.write(
                ".config/containers/auth.json",
                R"({"auths":{"ghcr.io":{"username":"podman","password":"x"}}})"
            );
            const Credentials got = found(home);
            REQUIRE(got.auth);
            CHECK(got.auth->username == "podman");
            REQUIRE(got.problems.size() == 1);
            const std::string text = describe(got.problems[0]);
            CHECK(got.problems[0].code == Errc::invalid_argument);
            CHECK_MESSAGE(says(text, row.problem), text);
            CHECK(says(text, home.path.string()));
            CHECK(!says(text, "hunter2"));
            CHECK(says(how_to_log_in(got), text));
        }
    }

    TEST_CASE("an entry that is broken harms no other registry")
    {
        const HelperHome home;
        home.docker_config(R"({"auths":{"ghcr.io":{"auth":"me:hunter2"},
                                        "quay.io":{"auth":"bWU6aHVudGVyMg=="}}})");
        CHECK(user(home, "quay.io/x") == "me:hunter2");
        CHECK(user(home, "debian") == "nobody");
    }

    TEST_CASE("DOCKER_AUTH_CONFIG that is broken is named")
    {
        HelperHome home;
        home.set("DOCKER_AUTH_CONFIG", "hunter2");
        const Credentials got = found(home);
        REQUIRE(got.problems.size() == 1);
        CHECK(
            got.problems[0].message == "DOCKER_AUTH_CONFIG is not JSON: Invalid value. (at byte 0)"
        );
    }

    TEST_CASE("a helper that fails is a problem that names it and its file")
    {
        const HelperHome home;
        home.helper("store", "echo 'the keyring is locked'; exit 3");
        home.docker_config(R"({"credsStore":"store"})");
        const Credentials got = found(home);
        CHECK(!got.auth);
        REQUIRE(got.problems.size() == 1);
        CHECK(
            describe(got.problems[0])
            == "docker-credential-store (credsStore in "
                   + (home.path / ".docker/config.json").string()
                   + "): it failed with exit code 3: the keyring is locked"
        );
        CHECK(how_to_log_in(got).starts_with(describe(got.problems[0]) + "; no credentials for "));
    }

    TEST_CASE("a helper that fails leaves what stands in its file to be found")
    {
        const HelperHome home;
        home.helper("store", "exit 3");
        home.docker_config(
            R"({"credsStore":"store","auths":{"ghcr.io":{"username":"me","password":"x"}}})"
        );
        const Credentials got = found(home);
        REQUIRE(got.auth.has_value());
        CHECK(got.auth->username == "me");
        CHECK(got.problems.size() == 1);
    }

    TEST_CASE("a name that leads elsewhere than into PATH starts nothing")
    {
        HelperHome home;
        home.helper("evil", "touch \"$HOME\"/started");
        for (const char* name :
             {"../bin/docker-credential-evil",
              "x/../evil",
              "/evil",
              "a b",
              "..",
              "$(x)",
              "e;l",
              "."}) {
            CAPTURE(name);
            home.docker_config(std::string(R"({"credsStore":")") + name + "\"}");
            const Credentials got = found(home);
            CHECK(!got.auth);
            REQUIRE(got.problems.size() == 1);
            if (std::string_view(name) != ".")
                CHECK(got.problems[0].code == Errc::invalid_argument);
        }
    }

    TEST_CASE("for a build each registry is asked for once, and no other one")
    {
        const HelperHome home;
        home.helper(
            "log",
            R"(read server; echo "$server" >>')" + (home.path / "asked").string()
                + R"('; echo "{\"Username\":\"$server\",\"Secret\":\"x\"}")"
        );
        home.docker_config(
            R"({"credsStore":"log","auths":{"unused.example":{"auth":"bWU6aHVudGVyMg=="}}})"
        );
        std::vector<std::string> images{"debian:12", "me/tool", "ghcr.io/a/b", "docker.io/x"};
        auto got = run(find_all_credentials(home.environment, images, generous_deadline));
        REQUIRE(got.has_value());
        REQUIRE(got->size() == 2);
        CHECK(home.read("asked") == "https://index.docker.io/v1/\nghcr.io\n");
        const auto registries = for_build(*got);
        REQUIRE(registries.size() == 2);
        CHECK(registries.at("https://index.docker.io/v1/").password == "x");
        CHECK(registries.at("ghcr.io").username == "ghcr.io");
    }

    TEST_CASE("a hint for credentials that were refused says whence they were")
    {
        const HelperHome home;
        home.docker_config(R"({"auths":{"ghcr.io":{"auth":"bWU6aHVudGVyMg=="}}})");
        const std::string hint = how_to_log_in(found(home));
        CHECK(says(hint, "ghcr.io does not take the credentials from " + home.path.string()));
        CHECK(!says(hint, "hunter2"));
        CHECK(!says(hint, "bWU6"));
    }
}
