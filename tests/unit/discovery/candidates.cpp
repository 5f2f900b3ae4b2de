#include "home.hpp"

#include <slipway/engine/discovery.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::engine;
using slipway::test::hash_of_foo;
using slipway::test::hash_of_prod;
using slipway::test::Home;
using slipway::test::write_context;

namespace {

bool says(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

// The one candidate of an explicit choice.
Candidate only(const Home& home, const std::optional<std::string>& host = {})
{
    const auto found = candidates(home.environment, host);
    REQUIRE_MESSAGE(found.has_value(), describe(found.error()));
    REQUIRE(found->size() == 1);
    CHECK(found->front().explicit_choice);
    return found->front();
}

Error refused(const Home& home, const std::optional<std::string>& host = {})
{
    const auto found = candidates(home.environment, host);
    REQUIRE_FALSE(found.has_value());
    return found.error();
}

constexpr const char* foo_context =
    R"({"Name":"foo","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///foo.sock"}}})";

constexpr const char* podman_default = R"({"Connection":{"Default":"box","Connections":{
    "box":{"URI":"unix:///box.sock","IsMachine":false},
    "tls":{"URI":"tcp://far:9000","TLSCA":"/c/ca","TLSCert":"/c/cert","TLSKey":"/c/key"},
    "half":{"URI":"tcp://far:9000","TLSCert":"/c/cert"},
    "far":{"URI":"ssh://me@far:22/run/podman/podman.sock","Identity":"/k"},
    "machine":{"URI":"ssh://core@127.0.0.1:5000/run/podman/podman.sock","IsMachine":true}}},
    "Farm":{}})";

constexpr const char* connections_file = ".config/containers/podman-connections.json";

} // namespace

TEST_SUITE("engine.discovery.candidates")
{
    TEST_CASE("the first choice in the order stands alone")
    {
        // Everything is set; each row takes one more away, from the top.
        Home home;
        write_context(home, hash_of_foo, foo_context);
        write_context(
            home,
            hash_of_prod,
            R"({"Name":"prod","Endpoints":{"docker":{"Host":"unix:///prod.sock"}}})"
        );
        const auto config = home.write(".docker/config.json", R"({"currentContext":"prod"})");
        const auto connections = home.write(connections_file, podman_default);
        home.set("DOCKER_HOST", "unix:///docker-host.sock");
        home.set("DOCKER_CONTEXT", "foo");
        home.set("CONTAINER_HOST", "unix:///container-host.sock");
        home.set("CONTAINER_CONNECTION", "box");

        Candidate first = only(home, "unix:///option.sock");
        CHECK(to_string(first.endpoint) == "unix:///option.sock");
        CHECK(first.source == "--host");

        first = only(home);
        CHECK(to_string(first.endpoint) == "unix:///docker-host.sock");
        CHECK(first.source == "DOCKER_HOST");

        home.set("DOCKER_HOST", "");
        first = only(home);
        CHECK(to_string(first.endpoint) == "unix:///foo.sock");
        CHECK(first.source == "context 'foo' (DOCKER_CONTEXT)");

        home.set("DOCKER_CONTEXT", "");
        first = only(home);
        CHECK(to_string(first.endpoint) == "unix:///prod.sock");
        CHECK(first.source == "context 'prod' (currentContext in " + config.string() + ")");

        std::filesystem::remove(config);
        first = only(home);
        CHECK(to_string(first.endpoint) == "unix:///container-host.sock");
        CHECK(first.source == "CONTAINER_HOST");

        home.set("CONTAINER_HOST", "");
        first = only(home);
        CHECK(to_string(first.endpoint) == "unix:///box.sock");
        CHECK(first.source == "podman connection 'box' (CONTAINER_CONNECTION)");

        home.set("CONTAINER_CONNECTION", "");
        auto rest = candidates(home.environment, {});
        REQUIRE(rest.has_value());
        REQUIRE(rest->size() > 1);
        CHECK(to_string(rest->front().endpoint) == "unix:///box.sock");
        CHECK(
            rest->front().source
            == "podman connection 'box' (default in " + connections.string() + ")"
        );

        std::filesystem::remove(connections);
        rest = candidates(home.environment, {});
        REQUIRE(rest.has_value());
        CHECK(rest->front().source == "default socket (docker)");
        CHECK(std::none_of(rest->begin(), rest->end(), [](const Candidate& row) {
            return row.explicit_choice;
        }));
    }

    TEST_CASE("the context 'default' means what follows, and hides currentContext")
    {
        Home home;
        home.write(".docker/config.json", R"({"currentContext":"default"})");
        CHECK(candidates(home.environment, {})->size() > 1);

        home.write(".docker/config.json", R"({"currentContext":"missing"})");
        home.set("DOCKER_CONTEXT", "default");
        CHECK(candidates(home.environment, {})->size() > 1);
        home.set("CONTAINER_HOST", "tcp://podman:8080");
        CHECK(only(home).source == "CONTAINER_HOST");
    }

    TEST_CASE("configuration that a choice further up hides is not read")
    {
        Home home;
        home.write(".docker/config.json", "not JSON");
        home.write(connections_file, "not JSON");
        home.set("DOCKER_CONTEXT", "no such context");
        home.set("DOCKER_HOST", "unix:///a.sock");
        CHECK(only(home).source == "DOCKER_HOST");
    }

    TEST_CASE("config.json without a context, or of nothing at all, chooses none")
    {
        for (const char* text :
             {"",
              "\n",
              "{}",
              R"({"auths":{},"currentContext":""})",
              R"({"currentContext":null})"}) {
            CAPTURE(text);
            Home home;
            home.write(".docker/config.json", text);
            const auto found = candidates(home.environment, {});
            REQUIRE(found.has_value());
            CHECK_FALSE(found->front().explicit_choice);
        }
    }

    TEST_CASE("DOCKER_CONFIG names the directory of config.json and the contexts")
    {
        Home home;
        home.write(".docker/config.json", "not JSON");
        home.write("elsewhere/config.json", R"({"currentContext":"foo"})");
        home.write(
            std::string("elsewhere/contexts/meta/") + hash_of_foo + "/meta.json", foo_context
        );
        home.set("DOCKER_CONFIG", (home.path / "elsewhere").string());
        CHECK(to_string(only(home).endpoint) == "unix:///foo.sock");
    }

    TEST_CASE("a file of the wrong form is an error that names the file and the place")
    {
        struct Row {
            const char* text;
            const char* place;
        };
        const std::vector<Row> rows{
            {"not JSON", " is not JSON: "},
            {"{\"currentContext\":", " is not JSON: "},
            {"[]", ": $ is not an object"},
            {R"({"currentContext":7})", ": $.currentContext is not a string"},
            {R"({"currentContext":{"a":1}})", ": $.currentContext is not a string"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.text);
            Home home;
            const auto file = home.write(".docker/config.json", row.text);
            const Error error = refused(home);
            CHECK(error.code == Errc::invalid_argument);
            CHECK_MESSAGE(says(error.message, file.string() + row.place), error.message);
        }
    }

    TEST_CASE("a config.json that is a directory or a pipe is refused, not waited for")
    {
        Home home;
        std::filesystem::create_directories(home.path / ".docker/config.json");
        CHECK(says(refused(home).message, "config.json is not a regular file"));
        std::filesystem::remove(home.path / ".docker/config.json");
        REQUIRE(mkfifo((home.path / ".docker/config.json").c_str(), 0600) == 0);
        CHECK(says(refused(home).message, "config.json is not a regular file"));
    }
}

TEST_SUITE("engine.discovery.contexts")
{
    TEST_CASE("a context that is missing is an error that lists those there are")
    {
        Home home;
        home.set("DOCKER_CONTEXT", "nope");
        Error error = refused(home);
        CHECK(error.code == Errc::not_found);
        CHECK(says(error.message, "'nope'"));
        CHECK(says(error.message, "none but 'default'"));

        write_context(
            home,
            hash_of_prod,
            R"({"Name":"prod","Endpoints":{"docker":{"Host":"tcp://prod:2375"}}})"
        );
        write_context(home, hash_of_foo, foo_context);
        write_context(home, "0000", "not JSON"); // no reason to keep the good ones back
        error = refused(home);
        CHECK(says(error.message, "there are: default, foo, prod"));
        const std::string painted =
            R"({"Name":"\u001b[2J\u009b","Endpoints":{"docker":{"Host":"h:1"}}})";
        write_context(home, "0001", painted);
        CHECK(says(refused(home).message, "default, \\x1b[2J\xC2\\x9b, foo, prod"));
        CHECK(says(error.hint, "--host"));
    }

    TEST_CASE("a name that docker would not give is refused before any file is looked at")
    {
        for (const char* name : {"..", "../foo", "a/b", "-x", ".", "a b", "\xc3\xa4"}) {
            CAPTURE(name);
            Home home;
            home.set("DOCKER_CONTEXT", name);
            Error error = refused(home);
            CHECK(error.code == Errc::invalid_argument);
            CHECK(says(error.message, "is not the name of a docker context"));
            home.set("DOCKER_CONTEXT", "");
            home.write(".docker/config.json", std::string(R"({"currentContext":")") + name + "\"}");
            error = refused(home);
            CHECK(error.code == Errc::invalid_argument);
        }
    }

    TEST_CASE("a meta.json of the wrong form is an error that names the file and the place")
    {
        struct Row {
            const char* text;
            const char* place;
        };
        const std::vector<Row> rows{
            {"", "$.Endpoints"},
            {"{", "is not JSON"},
            {R"({"Name":"foo"})", "$.Endpoints"},
            {R"({"Name":"foo","Endpoints":{}})", "$.Endpoints.docker"},
            {R"({"Name":"foo","Endpoints":{"docker":{}}})", "$.Endpoints.docker.Host"},
            {R"({"Name":"foo","Endpoints":{"docker":{"Host":""}}})", "$.Endpoints.docker.Host"},
            {R"({"Name":"foo","Endpoints":{"docker":{"Host":5}}})", "$.Endpoints.docker.Host"},
            {R"({"Name":"foo","Endpoints":{"docker":{"Host":"a:b:c"}}})", "brackets"},
            {R"({"Endpoints":{"docker":{"Host":"tcp://h","SkipTLSVerify":"no"}}})",
             "$.Endpoints.docker.SkipTLSVerify"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.text);
            Home home;
            home.set("DOCKER_CONTEXT", "foo");
            write_context(home, hash_of_foo, row.text);
            const Error error = refused(home);
            CHECK(error.code == Errc::invalid_argument);
            CHECK(says(describe(error), "meta.json"));
            CHECK(says(describe(error), "context 'foo' (DOCKER_CONTEXT)"));
            CHECK_MESSAGE(says(describe(error), row.place), describe(error));
        }
    }

    TEST_CASE("a context may lead over ssh")
    {
        Home home;
        home.set("DOCKER_CONTEXT", "foo");
        write_context(
            home, hash_of_foo, R"({"Endpoints":{"docker":{"Host":"ssh://me@build:2222"}}})"
        );
        home.set("DOCKER_TLS_VERIFY", "1"); // is for TCP
        const Candidate found = only(home);
        CHECK(to_string(found.endpoint) == "ssh://me@build:2222");
        CHECK(found.explicit_choice);
    }

    TEST_CASE("the TLS files of a context turn TLS on")
    {
        const std::string directory =
            std::string(".docker/contexts/tls/") + hash_of_prod + "/docker/";
        Home home;
        home.set("DOCKER_CONTEXT", "prod");
        write_context(
            home,
            hash_of_prod,
            R"({"Name":"prod","Endpoints":{"docker":{"Host":"tcp://prod","SkipTLSVerify":false}}})"
        );
        Candidate found = only(home);
        CHECK(to_string(found.endpoint) == "tcp://prod:2375");

        home.write(directory + "ca.pem", "x");
        found = only(home);
        CHECK(to_string(found.endpoint) == "https://prod:2376");
        CHECK(found.endpoint.tls->ca == home.path / directory / "ca.pem");
        CHECK(found.endpoint.tls->cert.empty());
        CHECK(found.endpoint.tls->verify);

        home.write(directory + "key.pem", "x");
        Error error = refused(home);
        CHECK(error.code == Errc::invalid_argument);
        CHECK(says(error.message, "key.pem without cert.pem"));

        home.write(directory + "cert.pem", "x");
        found = only(home);
        CHECK(found.endpoint.tls->cert == home.path / directory / "cert.pem");
        CHECK(found.endpoint.tls->key == home.path / directory / "key.pem");

        // The variables for --host and DOCKER_HOST do not touch a context.
        home.set("DOCKER_TLS_VERIFY", "1");
        home.set("DOCKER_CERT_PATH", "/nowhere");
        CHECK(only(home).endpoint.tls == found.endpoint.tls);
    }

    TEST_CASE("SkipTLSVerify of a context means TLS without verification")
    {
        Home home;
        home.set("DOCKER_CONTEXT", "prod");
        write_context(
            home,
            hash_of_prod,
            R"({"Name":"prod","Endpoints":{"docker":{"Host":"tcp://prod","SkipTLSVerify":true}}})"
        );
        const Candidate found = only(home);
        REQUIRE(found.endpoint.tls);
        CHECK_FALSE(found.endpoint.tls->verify);
        CHECK(found.endpoint.port == 2376);
    }
}

TEST_SUITE("engine.discovery.tls")
{
    TEST_CASE("DOCKER_TLS_VERIFY with any value means TLS, with verification")
    {
        for (const char* value : {"1", "0", "false"}) {
            Home home;
            home.set("DOCKER_TLS_VERIFY", value);
            home.set("DOCKER_CERT_PATH", (home.path / "certs").string());
            for (const char* name : {"ca.pem", "cert.pem", "key.pem"}) {
                home.write(std::string("certs/") + name, "x");
            }
            home.set("DOCKER_HOST", "tcp://build");
            const Candidate from_variable = only(home);
            const Candidate from_option = only(home, "tcp://build:2376");
            CHECK(from_variable.endpoint == from_option.endpoint);
            REQUIRE(from_option.endpoint.tls);
            CHECK(from_option.endpoint.tls->ca == home.path / "certs/ca.pem");
            CHECK(from_option.endpoint.tls->cert == home.path / "certs/cert.pem");
            CHECK(from_option.endpoint.tls->key == home.path / "certs/key.pem");
            CHECK(from_option.endpoint.tls->verify);
            CHECK_FALSE(only(home, "unix:///a.sock").endpoint.tls);
        }
    }

    TEST_CASE("without DOCKER_CERT_PATH the files are those of the config directory, if any")
    {
        Home home;
        home.set("DOCKER_TLS_VERIFY", "1");
        CHECK(only(home, "tcp://build").endpoint.tls == TlsSettings{});
        home.write(".docker/ca.pem", "x");
        CHECK(only(home, "tcp://build").endpoint.tls->ca == home.path / ".docker/ca.pem");
    }

    TEST_CASE("TLS files without verification are refused, for TCP only")
    {
        for (const char* variable : {"DOCKER_CERT_PATH", "DOCKER_TLS"}) {
            for (const char* url : {"tcp://build:2376", "https://build"}) {
                CAPTURE(variable);
                CAPTURE(url);
                Home home;
                home.set(variable, home.path.string());
                const Error error = refused(home, url);
                CHECK(error.code == Errc::invalid_argument);
                CHECK(says(error.message, variable));
                CHECK(says(error.hint, "DOCKER_TLS_VERIFY=1"));
                CHECK(only(home, "unix:///a.sock").explicit_choice);
            }
        }
    }

    TEST_CASE("a DOCKER_CERT_PATH without the files is an error, never plain TCP")
    {
        Home home;
        home.set("DOCKER_TLS_VERIFY", "1");
        home.set("DOCKER_CERT_PATH", (home.path / "certs").string());
        Error error = refused(home, "tcp://build");
        CHECK(error.code == Errc::invalid_argument);
        CHECK(says(error.message, "ca.pem"));
        home.write("certs/ca.pem", "x");
        home.write("certs/cert.pem", "x");
        error = refused(home, "tcp://build");
        CHECK(says(error.message, "cert.pem without key.pem"));

        // Something that may hold the files but cannot be looked at does not pass for empty.
        home.write("file", "x");
        std::filesystem::create_symlink("loop", home.path / "loop");
        home.set("DOCKER_CERT_PATH", (home.path / "loop").string());
        CHECK(refused(home, "tcp://build").code == Errc::io);
    }
}

TEST_SUITE("engine.discovery.podman")
{
    TEST_CASE("a connection of CONTAINER_CONNECTION is read with its TLS files")
    {
        Home home;
        home.write(connections_file, podman_default);
        home.set("CONTAINER_CONNECTION", "tls");
        const Candidate found = only(home);
        CHECK(to_string(found.endpoint) == "https://far:9000");
        REQUIRE(found.endpoint.tls);
        CHECK(found.endpoint.tls->ca == "/c/ca");
        CHECK(found.endpoint.tls->cert == "/c/cert");
        CHECK(found.endpoint.tls->key == "/c/key");

        home.set("CONTAINER_CONNECTION", "half");
        CHECK(refused(home).code == Errc::invalid_argument);
        home.set("CONTAINER_CONNECTION", "far");
        const Candidate far = only(home);
        CHECK(to_string(far.endpoint) == "ssh://me@far:22/run/podman/podman.sock");
        CHECK(far.endpoint.ssh.identity == "/k");
    }

    TEST_CASE("CONTAINER_SSHKEY is the key of CONTAINER_HOST, and of nothing else")
    {
        Home home;
        home.set("CONTAINER_SSHKEY", "/keys/mine");
        home.set("CONTAINER_HOST", "ssh://me@far/p.sock");
        CHECK(only(home).endpoint.ssh.identity == "/keys/mine");
        home.set("CONTAINER_HOST", "tcp://far:9000");
        CHECK(only(home).endpoint.ssh.identity.empty());
        home.set("DOCKER_HOST", "ssh://me@far");
        CHECK(only(home).endpoint.ssh.identity.empty());
    }

    TEST_CASE("a connection that is missing is an error that lists those there are")
    {
        Home home;
        home.set("CONTAINER_CONNECTION", "nope");
        CHECK(says(refused(home).message, "there are none"));
        home.write(connections_file, podman_default);
        const Error error = refused(home);
        CHECK(error.code == Errc::not_found);
        CHECK(says(error.message, "there are: box, far, half, machine, tls"));
    }

    TEST_CASE("PODMAN_CONNECTIONS_CONF and XDG_CONFIG_HOME say where the file is")
    {
        Home home;
        home.set("CONTAINER_CONNECTION", "box");
        home.write("xdg/containers/podman-connections.json", podman_default);
        home.set("XDG_CONFIG_HOME", (home.path / "xdg").string());
        CHECK(to_string(only(home).endpoint) == "unix:///box.sock");
        const auto named = home.write("named.json", R"({"Connection":{"Connections":{}}})");
        home.set("PODMAN_CONNECTIONS_CONF", named.string());
        CHECK(says(refused(home).message, named.string()));
    }

    TEST_CASE("the default connection of a machine gives way to the machine's socket")
    {
        Home home;
        home.write(
            connections_file,
            R"({"Connection":{"Default":"m","Connections":{
                "m":{"URI":"ssh://core@127.0.0.1:5000/run/podman/podman.sock","IsMachine":true}}}})"
        );
        const auto found = candidates(home.environment, {});
        REQUIRE(found.has_value());
        CHECK(found->front().source == "default socket (docker)");
    }

    TEST_CASE("a default connection by ssh stands first, with its key")
    {
        Home home;
        home.write(
            connections_file,
            R"({"Connection":{"Default":"far","Connections":{"far":{"URI":"ssh://me@far/p.sock","Identity":"/k"}}}})"
        );
        const auto found = candidates(home.environment, {});
        REQUIRE(found.has_value());
        CHECK(to_string(found->front().endpoint) == "ssh://me@far/p.sock");
        CHECK(found->front().endpoint.ssh.identity == "/k");
        CHECK_FALSE(found->front().explicit_choice);
        CHECK((*found)[1].source == "default socket (docker)");
    }

    TEST_CASE("a file of the wrong form is an error that names the file and the place")
    {
        struct Row {
            const char* text;
            const char* place;
        };
        const std::vector<Row> rows{
            {"[", "is not JSON"},
            {R"({"Connection":[]})", "$.Connection is not an object"},
            {R"({"Connection":{"Default":1}})", "$.Connection.Default is not a string"},
            {R"({"Connection":{"Connections":{"a":{}}}})", "$.Connection.Connections.a.URI"},
            {R"({"Connection":{"Default":"b","Connections":{"a":{"URI":"unix:///a"}}}})",
             "no podman connection 'b'"},
            {R"({"Connection":{"Default":"a","Connections":{"a":{"URI":"tcp://h:0"}}}})",
             "from 1 to 65535"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.text);
            Home home;
            const auto file = home.write(connections_file, row.text);
            const Error error = refused(home);
            CHECK(says(describe(error), file.string()));
            CHECK_MESSAGE(says(describe(error), row.place), describe(error));
        }
    }

    TEST_CASE("CONTAINER_HOST takes its TLS files from the CONTAINER_TLS variables")
    {
        Home home;
        home.set("CONTAINER_HOST", "tcp://far:9000");
        CHECK_FALSE(only(home).endpoint.tls);
        home.set("CONTAINER_TLS_CA", "/c/ca");
        CHECK(only(home).endpoint.tls->ca == "/c/ca");
        home.set("CONTAINER_TLS_KEY", "/c/key");
        CHECK(refused(home).code == Errc::invalid_argument);
    }

    TEST_CASE("for an explanation a choice that cannot be understood is a candidate of its own")
    {
        struct Row {
            const char* variable;
            const char* value;
            const char* source;
        };
        const std::vector<Row> rows{
            {"DOCKER_HOST", "tcp://:99999", "DOCKER_HOST"},
            {"DOCKER_CONTEXT", "none", "context 'none' (DOCKER_CONTEXT)"},
            {"CONTAINER_HOST", "nothing://x", "CONTAINER_HOST"},
            {"CONTAINER_CONNECTION", "none", "CONTAINER_CONNECTION"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.variable);
            Home home;
            home.set(row.variable, row.value);
            const auto found = explained_candidates(home.environment, {});
            REQUIRE(found.size() == 1);
            CHECK(found[0].source == row.source);
            CHECK(found[0].explicit_choice);
            REQUIRE(found[0].unusable);
            CHECK(describe(*found[0].unusable) == describe(refused(home)));
        }
        Home home;
        const auto config = home.write(".docker/config.json", "{");
        CHECK(explained_candidates(home.environment, {})[0].source == "docker's configuration");
        std::filesystem::remove(config);
        home.write(connections_file, "{");
        CHECK(explained_candidates(home.environment, {})[0].source == "podman's connections");
        CHECK(explained_candidates(home.environment, "x://y")[0].source == "--host");
        CHECK(!explained_candidates(home.environment, "tcp://y")[0].unusable);
    }

    TEST_CASE("TLS files that are no files are refused, not waited for")
    {
        Home home;
        home.set("DOCKER_HOST", "tcp://far:2376");
        home.set("DOCKER_TLS_VERIFY", "1");
        home.set("DOCKER_CERT_PATH", (home.path / "certs").string());
        std::filesystem::create_directories(home.path / "certs");
        REQUIRE(::mkfifo((home.path / "certs/ca.pem").c_str(), 0600) == 0);
        const Error error = refused(home);
        CHECK(error.code == Errc::invalid_argument);
        CHECK(says(error.message, "ca.pem is not a regular file"));
    }
}
