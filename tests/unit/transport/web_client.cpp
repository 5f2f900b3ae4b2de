#include "unit/transport/support.hpp"

#include <slipway/engine/web_client.hpp>

using namespace slipway;
using namespace slipway::test;
using engine::WebClient;

namespace {

struct WebRig {
    explicit WebRig(const FakeEngine& server)
        : client(io.get_executor(), server.endpoint(), options())
    {
    }
    static engine::WebOptions options()
    {
        engine::WebOptions with;
        with.connect_deadline = generous;
        with.deadlines = {generous, generous, generous};
        return with;
    }
    Result<Response> send(Request request) { return run(io, client.send(std::move(request))); }

    boost::asio::io_context io;
    WebClient client;
};

} // namespace

TEST_SUITE("engine.transport.web_client")
{
    TEST_CASE("the host without the port that goes without saying")
    {
        const auto host = [](std::string name, std::uint16_t port, bool tls) {
            engine::Endpoint endpoint;
            endpoint.scheme = engine::Endpoint::Scheme::tcp;
            endpoint.host = std::move(name);
            endpoint.port = port;
            if (tls) endpoint.tls.emplace();
            return WebClient::host(endpoint);
        };
        CHECK(host("h", 80, false) == "h");
        CHECK(host("h", 443, true) == "h");
        CHECK(host("h", 443, false) == "h:443");
        CHECK(host("h", 80, true) == "h:80");
        CHECK(host("::1", 80, false) == "[::1]");
        CHECK(host("::1", 81, false) == "[::1]:81");
    }

    TEST_CASE("redirects are answers, and paths have no version")
    {
        std::string head;
        const FakeEngine server(Road::tcp, {[&](FakePeer& peer) {
                                    head = peer.head();
                                    peer.send(
                                        "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: "
                                        "0\r\n\r\n"
                                    );
                                }});
        WebRig rig(server);
        const auto answer = rig.send(Request("GET", "/x"));
        REQUIRE(answer);
        CHECK(answer->status == 302);
        CHECK(answer->headers.get("Location") == "/y");
        CHECK(head.starts_with("GET /x HTTP/1.1\r\n"));
        CHECK(server.connections() == 1);
    }

    TEST_CASE("a body of a known length goes in one piece")
    {
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 20U}) {
            CAPTURE(size);
            std::string head;
            std::string body;
            const FakeEngine server(Road::tcp, {[&](FakePeer& peer) {
                                        head = peer.head();
                                        body = peer.read(size);
                                        peer.send("HTTP/1.1 201 Yes\r\nContent-Length: 0\r\n\r\n");
                                    }});
            WebRig rig(server);
            Request request("PUT", "/x");
            request.body(std::make_shared<PatternSource>(size), "text/x", size);
            const auto answer = rig.send(std::move(request));
            REQUIRE(answer);
            CHECK(answer->status == 201);
            CHECK(contains(head, "\r\nContent-Length: " + std::to_string(size) + "\r\n"));
            CHECK(contains(head, "\r\nContent-Type: text/x\r\n"));
            CHECK(!contains(head, "Transfer-Encoding"));
            const bool same = body == std::string(size, 'p');
            CHECK(same);
        }
    }

    TEST_CASE("a body that is shorter or longer than it said fails the call")
    {
        constexpr std::size_t said = 600'000;
        for (const std::size_t has : {std::size_t{0}, said - 1, said + 1, 2 * said}) {
            CAPTURE(has);
            std::size_t came = 0;
            FakeEngine server(Road::tcp, {[&](FakePeer& peer) {
                                  peer.head();
                                  came = peer.read_to_end().size();
                              }});
            {
                WebRig rig(server);
                Request request("PUT", "/x");
                request.body(std::make_shared<PatternSource>(has), "text/x", said);
                const auto answer = rig.send(std::move(request));
                REQUIRE(!answer);
                CHECK(answer.error().code == Errc::invalid_argument);
                CHECK(contains(answer.error().message, "length"));
            }
            server.settle();
            CHECK(came < said);
        }
    }

    TEST_CASE("Basic, and no error that shows it")
    {
        std::string head;
        const FakeEngine server(
            Road::tcp, {[&](FakePeer& peer) {
                head = peer.head();
                peer.send(
                    "HTTP/1.1 200 OK\r\nContent-Encoding: Basic dXNlcjpwYXNz+/ pass-word\r\n\r\n"
                );
            }}
        );
        WebRig rig(server);
        Request request("GET", "/x");
        engine::add_basic_auth(request, "user", "pass-word");
        const auto answer = rig.send(std::move(request));
        CHECK(contains(head, "\r\nAuthorization: Basic dXNlcjpwYXNzLXdvcmQ=\r\n"));
        REQUIRE(!answer);
        CHECK(contains(answer.error().message, "***"));
        CHECK(!contains(answer.error().message, "pass-word"));
        CHECK(!contains(describe(answer.error()), "engine"));
    }
}
