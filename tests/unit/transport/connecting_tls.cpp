#include "unit/transport/pongs.hpp"

using namespace slipway;
using namespace slipway::test;

TEST_SUITE("engine.transport.connecting")
{
    TEST_CASE("TLS: whom we trust, and who trusts us [fault 70]")
    {
        struct Row {
            std::string title;
            FakeTls tls;
            bool own_ca = true;
            bool client_certificate = false;
            std::string host = "127.0.0.1";
            bool good = false;
            std::string text{};
            std::string hint{};
            std::string server_name{};
        };
        const auto showing = [](const char* certificate) {
            FakeTls tls;
            tls.certificate = certificate;
            return tls;
        };
        const FakeTls by_name = showing("by-name");
        const FakeTls by_address = showing("by-address");
        const FakeTls by_subject = showing("localhost");
        const FakeTls wrong_host = showing("elsewhere");
        const FakeTls expired = showing("expired");
        FakeTls usual;
        FakeTls mutual;
        mutual.wants_client_certificate = true;
        const std::vector<Row> rows{
            {"trusted by address", usual, true, false, "127.0.0.1", true},
            {"trusted by name", usual, true, false, "localhost", true},
            {"a final dot is no part",
             by_name,
             true,
             false,
             "127.0.0.1",
             true,
             "",
             "",
             "localhost."},
            {"its address alone", by_address, true, false, "127.0.0.1", true},
            {"its name alone", by_name, true, false, "localhost", true},
            {"another authority", usual, false, false, "127.0.0.1", false, "not trusted", "ca.pem"},
            {"another address", wrong_host, true, false, "127.0.0.1", false, "IP address", "names"},
            {"another name", wrong_host, true, false, "localhost", false, "hostname", "names"},
            {"a name is no address",
             by_name,
             true,
             false,
             "127.0.0.1",
             false,
             "IP address",
             "names"},
            {"an address is no name",
             by_address,
             true,
             false,
             "localhost",
             false,
             "hostname",
             "names"},
            {"a subject is no name",
             by_subject,
             true,
             false,
             "localhost",
             false,
             "hostname",
             "names"},
            {"IPv6", by_address, true, false, "127.0.0.1", true, "", "", "2001:db8:0:0::1"},
            {"another IPv6",
             by_address,
             true,
             false,
             "127.0.0.1",
             false,
             "IP",
             "names",
             "2001:db8::2"},
            {"expired", expired, true, false, "localhost", false, "expired", "renewed"},
            {"we show no certificate", mutual, true, false, "127.0.0.1", false, "", "cert.pem"},
            {"we show one", mutual, true, true, "127.0.0.1", true},
        };
        Pki strangers;
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            for (auto row : rows) {
                CAPTURE(row.title);
                CAPTURE(version);
                row.tls.version = version;
                const FakeEngine fake(Road::tls, {answer(docker_20)}, row.tls);
                auto endpoint = fake.endpoint();
                endpoint.host = row.host;
                endpoint.tls->server_name = row.server_name;
                if (!row.own_ca) endpoint.tls->ca = strangers.path("ca.pem");
                if (row.client_certificate) {
                    endpoint.tls->cert = fake_pki().path("client.pem");
                    endpoint.tls->key = fake_pki().path("client.key");
                }
                const auto got = get_from(endpoint);
                if (row.good) {
                    CHECK_MESSAGE(got.has_value(), describe(got.error()));
                    continue;
                }
                REQUIRE(!got.has_value());
                CHECK_MESSAGE(got.error().code == Errc::unreachable, describe(got.error()));
                CHECK_MESSAGE(contains(got.error().message, row.text), describe(got.error()));
                CHECK_MESSAGE(contains(got.error().hint, row.hint), got.error().hint);
            }
        }
    }

    TEST_CASE("TLS: whoever did not ask for verification has none")
    {
        FakeTls expired;
        expired.certificate = "expired";
        const FakeEngine fake(Road::tls, {answer(docker_20)}, expired);
        auto endpoint = fake.endpoint();
        endpoint.tls = engine::TlsSettings();
        CHECK(!get_from(endpoint).has_value()); // verification is what is there by default
        endpoint.tls->verify = false;
        const auto got = get_from(endpoint);
        CHECK_MESSAGE(got.has_value(), describe(got.error()));
    }

    TEST_CASE("TLS: files that cannot be used, and a side without TLS")
    {
        const FakeEngine secure(Road::tls, {answer(docker_20)});
        auto endpoint = secure.endpoint();
        endpoint.tls->ca = "/nonexistent/ca.pem";
        const auto no_file = get_from(endpoint);
        REQUIRE(!no_file.has_value());
        CHECK(no_file.error().code == Errc::invalid_argument);
        CHECK(contains(no_file.error().message, "/nonexistent/ca.pem"));

        endpoint = secure.endpoint();
        endpoint.tls->cert = fake_pki().path("client.pem");
        endpoint.tls->key = fake_pki().path("server.key");
        const auto wrong_key = get_from(endpoint);
        REQUIRE(!wrong_key.has_value());
        CHECK(wrong_key.error().code == Errc::invalid_argument);

        endpoint.tls->cert = fake_pki().path("locked.pem");
        endpoint.tls->key = fake_pki().path("locked.key");
        const auto locked_key = get_from(endpoint);
        REQUIRE(!locked_key.has_value());
        CHECK(locked_key.error().code == Errc::invalid_argument);
        CHECK(contains(locked_key.error().hint, "without a password"));

        const FakeEngine plain(Road::tcp, {[](FakePeer& peer) {
                                   peer.read(1);
                                   peer.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
                                   );
                                   peer.half_close();
                                   peer.read_to_end();
                               }});
        endpoint = secure.endpoint();
        endpoint.port = plain.endpoint().port;
        const auto no_tls = get_from(endpoint);
        REQUIRE(!no_tls.has_value());
        CHECK_MESSAGE(no_tls.error().code == Errc::unreachable, describe(no_tls.error()));
        CHECK(contains(no_tls.error().hint, "does not speak TLS"));
    }
}
