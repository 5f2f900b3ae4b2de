#include "conformance/lab.hpp"
#include "support/fake_engine.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>

using namespace slipway;
using namespace slipway::test;

namespace {

engine::Response ping(Lab& lab, const char* method)
{
    engine::Request request(method, "/_ping");
    request.unversioned();
    return lab.raw(std::move(request));
}

const std::string method_refused =
    "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 11\r\nAllow: GET\r\n\r\n";

/// What belongs to one connection and not to the answer.
bool is_framing(std::string name)
{
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name == "content-length" || name == "transfer-encoding" || name == "connection";
}

engine::Client client_of_version(Lab& lab, engine::ApiVersion version)
{
    engine::ClientOptions options;
    options.api = version;
    return lab.must(
        engine::Client::connect(lab.io.get_executor(), engine_under_test(), std::move(options))
    );
}

Result<std::size_t> count_containers(Lab& lab, const engine::Client& client)
{
    engine::Containers containers(client.transport());
    const engine::ListContainers options;
    auto list = run(lab.io, containers.list(options));
    if (!list) return fail(std::move(list).error());
    return list->size();
}

struct FreeTls {
    void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
    void operator()(BIO* bio) const { ::BIO_free_all(bio); }
};

/// What OpenSSL, with the limits of this process's OPENSSL_CONF, agrees on with the engine.
std::string agreed_tls(const engine::Endpoint& endpoint)
{
    const std::unique_ptr<SSL_CTX, FreeTls> context(::SSL_CTX_new(::TLS_client_method()));
    REQUIRE(
        ::SSL_CTX_use_certificate_file(context.get(), endpoint.tls->cert.c_str(), SSL_FILETYPE_PEM)
        == 1
    );
    REQUIRE(
        ::SSL_CTX_use_PrivateKey_file(context.get(), endpoint.tls->key.c_str(), SSL_FILETYPE_PEM)
        == 1
    );
    const std::unique_ptr<BIO, FreeTls> bio(::BIO_new_ssl_connect(context.get()));
    const std::string place = endpoint.host + ":" + std::to_string(endpoint.port);
    BIO_set_conn_hostname(bio.get(), place.c_str());
    REQUIRE(BIO_do_connect(bio.get()) == 1);
    REQUIRE(BIO_do_handshake(bio.get()) == 1);
    SSL* ssl = nullptr;
    BIO_get_ssl(bio.get(), &ssl);
    return ::SSL_get_version(ssl);
}

} // namespace

TEST_SUITE("Negotiation")
{
    TEST_CASE("the headers of the ping say who is there")
    {
        Lab lab;
        const auto pong = ping(lab, "GET");
        CHECK(pong.status == 200);
        CHECK(pong.body == "OK");
        CHECK(pong.headers.get("Api-Version") == to_string(lab.traits().engine_api));
        CHECK(
            pong.headers.has("Libpod-API-Version")
            == (lab.traits().kind == engine::EngineKind::podman)
        );
        CHECK(pong.headers.get("Server") == lab.traits().server);
    }

    TEST_CASE("headers of the caller's change nothing for the engine")
    {
        Lab lab;
        engine::ClientOptions options;
        for (const char* name :
             {"X-Slipway-Test",
              "Host",
              "Connection",
              "Content-Length",
              "Transfer-Encoding",
              "Upgrade",
              "Expect",
              "X-Registry-Auth"}) {
            options.headers.add(name, "slipway");
        }
        const auto client = lab.must(
            engine::Client::connect(lab.io.get_executor(), engine_under_test(), std::move(options))
        );
        CHECK(count_containers(lab, client).has_value());
        engine::Containers containers(client.transport());
        const auto spec = lab.spec({"true"});
        const auto id = lab.must(containers.create(spec)).id;
        CHECK(lab.must(containers.start(id)) == engine::Change::done);
        CHECK(lab.exit_code(id) == 0);
        lab.remove(id);
    }

    TEST_CASE("HEAD and GET of the ping say the same")
    {
        Lab lab;
        const auto head = ping(lab, "HEAD");
        const auto get = ping(lab, "GET");
        CHECK(head.status == 200);
        CHECK(head.body.empty());
        for (const char* name :
             {"Api-Version", "Server", "Libpod-API-Version", "Builder-Version"}) {
            CAPTURE(name);
            CHECK(head.headers.get(name) == get.headers.get(name));
        }
    }

    TEST_CASE("where HEAD is refused, the ping is asked for with GET, and says the same")
    {
        // As a proxy in front of this engine would that lets only GET through.
        Lab lab;
        const auto pong = ping(lab, "GET");
        std::string allowed = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";
        for (const auto& [name, value] : pong.headers.all()) {
            if (!is_framing(name)) allowed += name + ": " + value + "\r\n";
        }
        allowed += "\r\nOK";
        std::vector<std::string> asked;
        FakeEngine proxy(Road::unix_socket, {[&](FakePeer& peer) {
                             for (auto head = peer.head(); !head.empty(); head = peer.head()) {
                                 asked.push_back(head.substr(0, head.find("\r\n")));
                                 const bool is_head = head.starts_with("HEAD ");
                                 peer.send(is_head ? method_refused : allowed);
                             }
                         }});
        {
            boost::asio::io_context io;
            const auto client =
                run(io, engine::Client::connect(io.get_executor(), proxy.endpoint()));
            REQUIRE_MESSAGE(client.has_value(), describe(client.error()));
            CHECK(client->traits().kind == lab.traits().kind);
            CHECK(client->traits().api == lab.traits().api);
            CHECK(client->traits().server == lab.traits().server);
        }
        proxy.settle();
        CHECK(asked == std::vector<std::string>{"HEAD /_ping HTTP/1.1", "GET /_ping HTTP/1.1"});
    }

    TEST_CASE("the version is the lesser of ours and the engine's")
    {
        Lab lab;
        CHECK(lab.traits().api == std::min(engine::newest_api, lab.traits().engine_api));
        const auto version = lab.must(lab.system.version());
        CHECK(version.api_version == to_string(lab.traits().engine_api));
        CHECK(!version.version.empty());
        CHECK(!version.architecture.empty());
        const auto info = lab.must(lab.system.info());
        CHECK(!info.storage_driver.empty());
        CHECK(info.cpus > 0);
    }

    TEST_CASE("a version by force: the engine's oldest that we speak")
    {
        Lab lab;
        const auto version = lab.must(lab.system.version());
        const auto oldest = engine::parse_api_version(version.min_api_version);
        REQUIRE(oldest.has_value());
        const auto client = client_of_version(lab, std::max(engine::oldest_api, *oldest));
        CHECK(client.traits().api == std::max(engine::oldest_api, *oldest));
        const auto counted = count_containers(lab, client);
        CHECK_MESSAGE(counted.has_value(), describe(counted.error()));
    }

    TEST_CASE("a version that the engine has not")
    {
        Lab lab;
        const bool newest = lab.traits().engine_api >= engine::newest_api;
        if (not_there(newest, "engine_api", "has the newest version that we speak")) return;
        const auto client = client_of_version(lab, engine::newest_api);
        const auto counted = count_containers(lab, client);
        if (differs(lab, &engine::Traits::ignores_api_version, "takes any version")) {
            CHECK(counted.has_value());
        } else {
            REQUIRE(!counted.has_value());
            CHECK(counted.error().code == Errc::invalid_argument);
            CHECK(contains(counted.error().message, "too new"));
        }
    }

    TEST_CASE("versions above and below those of any engine")
    {
        Lab lab;
        const bool any = differs(lab, &engine::Traits::ignores_api_version, "takes any version");
        for (const char* path : {"/v9.99/containers/json", "/v1.5/containers/json"}) {
            CAPTURE(path);
            engine::Request request("GET", path);
            request.unversioned();
            CHECK(lab.raw(std::move(request)).status == (any ? 200 : 400));
        }
        for (const engine::ApiVersion version :
             {engine::ApiVersion{9, 99}, engine::ApiVersion{1, 5}}) {
            engine::ClientOptions options;
            options.api = version;
            auto task =
                engine::Client::connect(lab.io.get_executor(), engine_under_test(), options);
            const Error error = lab.refused(std::move(task));
            CHECK_MESSAGE(error.code == Errc::invalid_argument, describe(error));
        }
    }

    TEST_CASE("a path without a version")
    {
        Lab lab;
        engine::Request request("GET", "/containers/json");
        request.unversioned();
        const auto reply = lab.raw(std::move(request));
        CHECK(reply.status == 200);
        CHECK(reply.body.starts_with("["));
    }

    TEST_CASE("a call without a body, and one that goes nowhere")
    {
        Lab lab;
        const auto id = lab.create(lab.spec({"true"}));
        CHECK(lab.raw(engine::Request("POST", "/containers/" + id + "/start")).status == 204);
        CHECK(lab.raw(engine::Request("GET", "/slipway-nowhere")).status == 404);
        CHECK(lab.exit_code(id) == 0);
        lab.remove(id);
    }

    TEST_CASE("the connection is as secure as was asked for")
    {
        const auto& endpoint = engine_under_test();
        const char* asked = std::getenv("SLIPWAY_TEST_TLS");
        if (!endpoint.tls) {
            CHECK(asked == nullptr);
        } else {
            CHECK(agreed_tls(endpoint) == (asked != nullptr ? asked : "TLSv1.3"));
        }
    }
}
