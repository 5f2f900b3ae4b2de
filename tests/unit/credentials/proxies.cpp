#include "unit/discovery/home.hpp"

#include <slipway/engine/proxies.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using slipway::test::Home;

namespace {

Endpoint at(const char* url, bool tls = false)
{
    auto endpoint = tls ? parse_endpoint(url, TlsSettings()) : parse_endpoint(url);
    REQUIRE(endpoint.has_value());
    return *std::move(endpoint);
}

ProxySettings proxy(const std::string& http)
{
    ProxySettings settings;
    settings.http = http;
    return settings;
}

std::string http_of(const Proxies& proxies, const Endpoint& endpoint)
{
    const auto variables = proxy_variables(proxies, endpoint);
    return variables.empty() ? "" : variables.at("http_proxy");
}

} // namespace

TEST_SUITE("engine.proxies")
{
    TEST_CASE("each member becomes a variable in both cases")
    {
        const Home home;
        home.write(".docker/config.json", R"({"auths":{},"proxies":{"default":{
            "httpProxy":"http://p:1","httpsProxy":"http://p:2","ftpProxy":"http://p:3",
            "allProxy":"socks5://p:4","noProxy":"localhost,.example"}}})");
        const auto proxies = read_proxies(home.environment);
        REQUIRE_MESSAGE(proxies.has_value(), describe(proxies.error()));
        const std::map<std::string, std::string> expected{
            {"HTTP_PROXY", "http://p:1"},
            {"http_proxy", "http://p:1"},
            {"HTTPS_PROXY", "http://p:2"},
            {"https_proxy", "http://p:2"},
            {"FTP_PROXY", "http://p:3"},
            {"ftp_proxy", "http://p:3"},
            {"ALL_PROXY", "socks5://p:4"},
            {"all_proxy", "socks5://p:4"},
            {"NO_PROXY", "localhost,.example"},
            {"no_proxy", "localhost,.example"}};
        CHECK(proxy_variables(*proxies, at("unix:///x")) == expected);
    }

    TEST_CASE("no file, no proxies")
    {
        const Home home;
        const auto proxies = read_proxies(home.environment);
        REQUIRE(proxies.has_value());
        CHECK(proxy_variables(*proxies, at("unix:///x")).empty());
        CHECK(read_proxies(Environment()).has_value());
    }

    TEST_CASE("a file that is broken is an error that names the place, without its values")
    {
        const Home home;
        const auto file = home.write(
            ".docker/config.json", R"({"proxies":{"default":{"httpProxy":["hunter2"]}}})"
        );
        const auto proxies = read_proxies(home.environment);
        REQUIRE(!proxies.has_value());
        CHECK(proxies.error().code == Errc::invalid_argument);
        CHECK(
            proxies.error().message
            == file.string() + ": $.proxies.default.httpProxy is not a string"
        );
    }

    TEST_CASE("the entry of the engine goes before the default, and stands alone")
    {
        Proxies proxies{
            {"default", proxy("default")},
            {"unix:///run/a.sock", proxy("socket")},
            {"tcp://far", proxy("far")},
            {"tcp://far:999", proxy("port")},
            {"https://near:1", proxy("near")},
            {"nonsense://", proxy("never")}};
        proxies["unix:///run/none.sock"] = ProxySettings();
        CHECK(http_of(proxies, at("unix:///run/a.sock")) == "socket");
        CHECK(http_of(proxies, at("unix:///run/b.sock")) == "default");
        CHECK(http_of(proxies, at("unix:///run/none.sock")).empty());
        CHECK(http_of(proxies, at("tcp://far")) == "far");
        CHECK(http_of(proxies, at("tcp://far:2375")) == "far");
        CHECK(http_of(proxies, at("tcp://far", true)) == "far");
        CHECK(http_of(proxies, at("tcp://far:2376", true)) == "far");
        CHECK(http_of(proxies, at("tcp://far:2377")) == "default");
        CHECK(http_of(proxies, at("tcp://far:999", true)) == "port");
        CHECK(http_of(proxies, at("https://near:1")) == "near");
        CHECK(http_of(proxies, at("tcp://near:1", true)) == "near");
        proxies.erase("default");
        CHECK(http_of(proxies, at("unix:///run/b.sock")).empty());
    }

    TEST_CASE("a host by ssh is named with its user and port, with or without a socket")
    {
        const Proxies proxies{
            {"default", proxy("default")},
            {"ssh://me@far", proxy("host")},
            {"ssh://me@far/run/podman.sock", proxy("podman")}};
        Endpoint found = at("ssh://me@far");
        CHECK(http_of(proxies, found) == "host");
        found.socket_path = "/var/run/docker.sock"; // as Client::endpoint() has it
        CHECK(http_of(proxies, found) == "host");
        found.ssh.identity = "/home/me/.ssh/key";
        CHECK(http_of(proxies, found) == "host");
        found.socket_path = "/run/podman.sock";
        CHECK(http_of(proxies, found) == "podman");
        for (const char* other : {"ssh://far", "ssh://you@far", "ssh://me@far:22", "tcp://far"}) {
            CHECK(http_of(proxies, at(other)) == "default");
        }
    }

    TEST_CASE("what the user set stays, in whichever case it is written")
    {
        const std::map<std::string, std::string> variables{
            {"HTTP_PROXY", "p"}, {"http_proxy", "p"}, {"NO_PROXY", "n"}, {"no_proxy", "n"}};
        struct Row {
            std::vector<std::string> before;
            std::vector<std::string> added;
        };
        for (const Row& row : {
                 Row{{}, {"HTTP_PROXY=p", "NO_PROXY=n", "http_proxy=p", "no_proxy=n"}},
                 Row{{"A=b"}, {"HTTP_PROXY=p", "NO_PROXY=n", "http_proxy=p", "no_proxy=n"}},
                 Row{{"HTTP_PROXY=mine"}, {"NO_PROXY=n", "no_proxy=n"}},
                 Row{{"http_proxy=mine"}, {"NO_PROXY=n", "no_proxy=n"}},
                 Row{{"http_proxy="}, {"NO_PROXY=n", "no_proxy=n"}},
                 Row{{"Http_Proxy=mine", "no_proxy=mine"}, {}},
                 Row{{"HTTP_PROXY_X=mine"},
                     {"HTTP_PROXY=p", "NO_PROXY=n", "http_proxy=p", "no_proxy=n"}},
             }) {
            std::vector<std::string> expected = row.before;
            expected.insert(expected.end(), row.added.begin(), row.added.end());
            std::vector<std::string> env = row.before;
            add_proxies(env, variables);
            CHECK(env == expected);
        }
        std::map<std::string, std::optional<std::string>> args{{"HTTP_PROXY", std::nullopt}};
        add_proxies(args, variables);
        REQUIRE(args.size() == 3);
        CHECK(!args.at("HTTP_PROXY"));
        CHECK(args.at("no_proxy") == "n");
    }
}
