#include <slipway/engine/endpoint.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::engine;

namespace {

bool says(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("engine.endpoint.parse")
{
    TEST_CASE("a socket's path is what follows the scheme, always absolute")
    {
        struct Row {
            const char* url;
            std::string path;
            const char* again;
        };
        const std::vector<Row> rows{
            {"unix:///var/run/docker.sock", "/var/run/docker.sock", "unix:///var/run/docker.sock"},
            {"UNIX:///a?b#c%20d", "/a?b#c%20d", "unix:///a?b#c%20d"},
            {" unix:///a.sock\n", "/a.sock", "unix:///a.sock"},
            {"unix://@engine", std::string("\0engine", 7), "unix://@engine"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.url);
            const auto endpoint = parse_endpoint(row.url);
            REQUIRE(endpoint.has_value());
            CHECK(endpoint->scheme == Endpoint::Scheme::unix_socket);
            CHECK(endpoint->socket_path == row.path);
            CHECK(endpoint->host.empty());
            CHECK(endpoint->port == 0);
            CHECK_FALSE(endpoint->tls);
            CHECK(to_string(*endpoint) == row.again);
            CHECK(parse_endpoint(to_string(*endpoint)).value() == *endpoint);
        }
    }

    TEST_CASE("TCP forms give host, port, base path and TLS")
    {
        struct Row {
            const char* url;
            const char* host;
            int port;
            const char* base;
            bool tls;
            const char* again;
        };
        const std::vector<Row> rows{
            {"tcp://build:4000", "build", 4000, "", false, "tcp://build:4000"},
            {"tcp://build", "build", 2375, "", false, "tcp://build:2375"},
            {"tcp://build/", "build", 2375, "", false, "tcp://build:2375"},
            {"tcp://:7777", "localhost", 7777, "", false, "tcp://localhost:7777"},
            {"10.0.0.7:2375", "10.0.0.7", 2375, "", false, "tcp://10.0.0.7:2375"},
            {"http://build:80/engine/", "build", 80, "/engine", false, "tcp://build:80/engine"},
            {"https://build", "build", 2376, "", true, "https://build:2376"},
            {"https://build:443/a/b", "build", 443, "/a/b", true, "https://build:443/a/b"},
            {"tcp://[::1]:2375/x", "::1", 2375, "/x", false, "tcp://[::1]:2375/x"},
            {"https://[fe80::1%eth0]",
             "fe80::1%eth0",
             2376,
             "",
             true,
             "https://[fe80::1%eth0]:2376"},
            {"tcp://h:65535", "h", 65535, "", false, "tcp://h:65535"},
            {"tcp://h:1", "h", 1, "", false, "tcp://h:1"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.url);
            const auto endpoint = parse_endpoint(row.url);
            REQUIRE(endpoint.has_value());
            CHECK(endpoint->scheme == Endpoint::Scheme::tcp);
            CHECK(endpoint->socket_path.empty());
            CHECK(endpoint->host == row.host);
            CHECK(endpoint->port == row.port);
            CHECK(endpoint->base_path == row.base);
            CHECK(endpoint->tls.has_value() == row.tls);
            if (endpoint->tls) CHECK(endpoint->tls->verify);
            CHECK(to_string(*endpoint) == row.again);
            CHECK(parse_endpoint(to_string(*endpoint)).value() == *endpoint);
        }
    }

    TEST_CASE("TLS settings hold for TCP, move the default port, and leave a socket alone")
    {
        TlsSettings tls;
        tls.ca = "/certs/ca.pem";
        for (const char* url :
             {"tcp://build", "http://build", "https://build", "tcp://build:2376"}) {
            CAPTURE(url);
            const auto endpoint = parse_endpoint(url, tls);
            REQUIRE(endpoint.has_value());
            CHECK(endpoint->port == 2376);
            CHECK(endpoint->tls == tls);
            CHECK(to_string(*endpoint) == "https://build:2376");
        }
        CHECK(parse_endpoint("tcp://build:2375", tls)->port == 2375);
        CHECK_FALSE(parse_endpoint("unix:///a", tls)->tls);
    }

    TEST_CASE("a malformed address is refused, with the reason and the forms there are")
    {
        struct Row {
            std::string url;
            const char* reason;
        };
        const std::vector<Row> rows{
            {"", "it is empty"},
            {"  ", "it is empty"},
            {"engine", "no scheme"},
            {"/var/run/docker.sock", "no scheme"},
            {"host:2375/base", "no scheme"},
            {"://", "scheme is unknown"},
            {"gopher://h", "scheme is unknown"},
            {"unix://", "names no socket"},
            {"unix:///", "names no socket"},
            {"unix://@", "names no socket"},
            {"unix:///run/", "does not end in '/'"},
            {"unix://~/docker.sock", "'~'"},
            {"unix://./docker.sock", "must be absolute"},
            {"unix://../docker.sock", "must be absolute"},
            {"unix://var/run/docker.sock", "three slashes"},
            {"unix://docker.sock", "must be absolute"},
            {"unix:///a b", "space or a control character"},
            {std::string("unix:///a\0b", 11), "space or a control character"},
            {"tcp://", "names no host"},
            {"tcp:///base", "names no host"},
            {"tcp://h:", "from 1 to 65535"},
            {"tcp://h:0", "from 1 to 65535"},
            {"tcp://h:65536", "from 1 to 65535"},
            {"tcp://h:70000", "from 1 to 65535"},
            {"tcp://h:99999999999999999999", "from 1 to 65535"},
            {"tcp://h:-1", "from 1 to 65535"},
            {"tcp://h:+80", "from 1 to 65535"},
            {"tcp://h:abc", "from 1 to 65535"},
            {"tcp://h:80x", "from 1 to 65535"},
            {"tcp://::1:2375", "stands in brackets"},
            {"tcp://[::1", "'[' has no ']'"},
            {"tcp://[::1]2375", "only a port"},
            {"tcp://[]:2375", "no IPv6 address"},
            {"ssh://[-F:x]", "no IPv6 address"},
            {"tcp://[::1/x]:2375", "'[' has no ']'"},
            {"tcp://-oProxy:22", "no host name has"},
            {"tcp://h$(id):22", "no host name has"},
            {"tcp://user@h:2375", "no user or password"},
            {"tcp://h:2375?x=1", "no '?' or '#'"},
            {"tcp://h/base#x", "no '?' or '#'"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.url);
            const auto endpoint = parse_endpoint(row.url);
            REQUIRE_FALSE(endpoint.has_value());
            CHECK(endpoint.error().code == Errc::invalid_argument);
            CHECK_MESSAGE(says(endpoint.error().message, row.reason), endpoint.error().message);
            CHECK(says(endpoint.error().hint, "unix:///"));
        }
    }

    TEST_CASE("a message holds no control character and no password of the address")
    {
        const auto bell = parse_endpoint("unix:///a\x1b[31m");
        REQUIRE_FALSE(bell.has_value());
        CHECK(says(bell.error().message, "'unix:///a\\x1b[31m'"));
        for (const char* url :
             {"tcp://me:secret@h:2375",
              "ssh://me:secret@h",
              "x://me:secret@h/p",
              "http://me:p/secret@h"}) {
            const auto refused = parse_endpoint(url);
            REQUIRE_FALSE(refused.has_value());
            CHECK_FALSE(says(refused.error().message, "secret"));
            CHECK_FALSE(says(refused.error().hint, "secret"));
            CHECK(says(refused.error().message, "me:***@h"));
        }
    }

#ifdef __linux__
    TEST_CASE(
        "the longest socket path is 107 bytes, and one more is an error that says so [fault 66]"
    )
    {
        const std::string longest = "/" + std::string(106, 'a');
        CHECK(parse_endpoint("unix://" + longest)->socket_path == longest);
        CHECK(parse_endpoint("unix://@" + std::string(106, 'a')).has_value());
        for (const std::string& path : {longest + "a", "@" + std::string(107, 'a')}) {
            const auto endpoint = parse_endpoint("unix://" + path);
            REQUIRE_FALSE(endpoint.has_value());
            CHECK(endpoint.error().code == Errc::invalid_argument);
            CHECK(says(endpoint.error().message, "has 108 bytes"));
            CHECK(says(endpoint.error().message, "107 at most"));
            CHECK(says(endpoint.error().hint, "symbolic link"));
        }
    }
#endif

    TEST_CASE("ssh: user, host, port and socket; what is left out is ssh's choice")
    {
        struct Row {
            const char* url;
            const char* user;
            const char* host;
            int port;
            const char* socket;
            const char* again; // how it is written
        };
        const std::vector<Row> rows{
            {"ssh://build", "", "build", 0, "", "ssh://build"},
            {"SSH://build/", "", "build", 0, "", "ssh://build"},
            {"ssh://me@build:2222", "me", "build", 2222, "", "ssh://me@build:2222"},
            {"ssh://me@corp@build/s", "me@corp", "build", 0, "/s", "ssh://me@corp@build/s"},
            {"ssh://core@127.0.0.1:5000/run/user/501/podman/podman.sock",
             "core",
             "127.0.0.1",
             5000,
             "/run/user/501/podman/podman.sock",
             "ssh://core@127.0.0.1:5000/run/user/501/podman/podman.sock"},
            {"ssh://[fe80::1%eth0]:22/s",
             "",
             "fe80::1%eth0",
             22,
             "/s",
             "ssh://[fe80::1%eth0]:22/s"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.url);
            const auto endpoint = parse_endpoint(row.url, TlsSettings());
            REQUIRE_MESSAGE(endpoint.has_value(), describe(endpoint.error()));
            CHECK(endpoint->scheme == Endpoint::Scheme::ssh);
            CHECK(endpoint->ssh.user == row.user);
            CHECK(endpoint->host == row.host);
            CHECK(endpoint->port == row.port);
            CHECK(endpoint->socket_path == row.socket);
            CHECK(!endpoint->tls);
            CHECK(to_string(*endpoint) == row.again);
            CHECK(*parse_endpoint(row.again) == *endpoint);
        }
    }

    TEST_CASE("ssh: nothing that ssh or a shell could take for something else")
    {
        for (const char* url : {"ssh://",        "ssh:///s.sock",
                                "ssh://@h",      "ssh://me@",
                                "ssh://[",       "ssh://-oProxyCommand=x",
                                "ssh://-l",      "ssh://-l@h",
                                "ssh://me@-h",   "ssh://me:secret@h",
                                "ssh://a;b@h",   "ssh://$(id)@h",
                                "ssh://`id`@h",  "ssh://h;id/s",
                                "ssh://$(id)/s", "ssh://h/$(id)",
                                "ssh://h/a:b",   "ssh://h/%h",
                                "ssh://h/s?a=b", "ssh://h/s/",
                                "ssh://h:0/s",   "ssh://h:x/s"}) {
            CAPTURE(url);
            const auto endpoint = parse_endpoint(url);
            REQUIRE_FALSE(endpoint.has_value());
            CHECK(endpoint.error().code == Errc::invalid_argument);
            CHECK(says(endpoint.error().hint, "ssh://user@host"));
        }
        CHECK_FALSE(parse_endpoint("ssh://h/" + std::string(107, 's')).has_value());
    }

    TEST_CASE("schemes of other clients are unsupported, and the hint gives the way out")
    {
        struct Row {
            const char* url;
            const char* hint;
        };
        const std::vector<Row> rows{
            {"npipe:////./pipe/docker_engine", "WSL"},
            {"fd://", "--host unix:///var/run/docker.sock"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.url);
            const auto endpoint = parse_endpoint(row.url);
            REQUIRE_FALSE(endpoint.has_value());
            CHECK(endpoint.error().code == Errc::unsupported);
            CHECK_MESSAGE(says(endpoint.error().hint, row.hint), endpoint.error().hint);
        }
    }
}
