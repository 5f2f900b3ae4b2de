#include "conformance/lab.hpp"
#include "support/temp_directory.hpp"

#include <slipway/engine/discovery.hpp>

#include <openssl/sha.h>

#include <filesystem>
#include <fstream>

using namespace slipway;
using namespace slipway::test;

// Who names the engine, in a home directory of the test's own. All other cases of discovery need no
// engine: tests/unit/discovery.

namespace {

void write(const std::filesystem::path& path, const std::string& text)
{
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

std::string hex_digest(const std::string& text)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    std::string out;
    for (const unsigned char byte : digest) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", byte);
        out += digits;
    }
    return out;
}

/// The URL as a user writes it: TLS comes by other means.
std::string plain_url()
{
    auto endpoint = engine_under_test();
    endpoint.tls.reset();
    return to_string(endpoint);
}

class Home {
public:
    Home()
    {
        environment.home = directory_.path();
        environment.uid = 0;
    }

    engine::Found find(const std::optional<std::string>& host = std::nullopt)
    {
        boost::asio::io_context io;
        const auto executor = io.get_executor();
        engine::Ping ping = [executor](engine::Endpoint endpoint) {
            return traits_of(executor, std::move(endpoint));
        };
        auto found = run(io, engine::discover(environment, host, std::move(ping)));
        REQUIRE_MESSAGE(found.has_value(), describe(found.error()));
        return *std::move(found);
    }

    /// A context as the docker CLI keeps it.
    void add_context(const std::string& name) const
    {
        const auto contexts = directory_.path() / ".docker/contexts";
        write(
            contexts / "meta" / hex_digest(name) / "meta.json",
            R"({"Name":")" + name + R"(","Metadata":{},"Endpoints":{"docker":{"Host":")"
                + plain_url() + R"(","SkipTLSVerify":false}}})"
        );
        const auto& tls = engine_under_test().tls;
        if (tls) {
            const auto files = contexts / "tls" / hex_digest(name) / "docker";
            std::filesystem::create_directories(files);
            std::filesystem::copy_file(tls->ca, files / "ca.pem");
            std::filesystem::copy_file(tls->cert, files / "cert.pem");
            std::filesystem::copy_file(tls->key, files / "key.pem");
        }
    }
    const std::filesystem::path& path() const { return directory_.path(); }

    engine::Environment environment;

private:
    static Task<engine::Traits>
    traits_of(boost::asio::any_io_executor executor, engine::Endpoint endpoint)
    {
        CO_TRY(const engine::Client client, co_await engine::Client::connect(executor, endpoint));
        co_return client.traits();
    }

    TempDirectory directory_;
};

void check_is_ours(const engine::Found& found, const std::string& source)
{
    Lab lab;
    CHECK(found.traits.server == lab.traits().server);
    CHECK(found.traits.api == lab.traits().api);
    CHECK(to_string(found.candidate.endpoint) == to_string(engine_under_test()));
    CHECK_MESSAGE(contains(found.candidate.source, source), found.candidate.source);
}

} // namespace

TEST_SUITE("Discovery")
{
    TEST_CASE("by --host and DOCKER_HOST, with DOCKER_CERT_PATH where there is TLS")
    {
        Home home;
        if (const auto& tls = engine_under_test().tls) {
            home.environment.variables["DOCKER_TLS_VERIFY"] = "1";
            home.environment.variables["DOCKER_CERT_PATH"] = tls->ca.parent_path().string();
        }
        check_is_ours(home.find(plain_url()), "--host");
        home.environment.variables["DOCKER_HOST"] = plain_url();
        check_is_ours(home.find(), "DOCKER_HOST");
    }

    TEST_CASE("by a context in DOCKER_CONTEXT")
    {
        Home home;
        home.add_context("over-there");
        home.environment.variables["DOCKER_CONTEXT"] = "over-there";
        const auto found = home.find();
        check_is_ours(found, "over-there");
        CHECK(found.candidate.explicit_choice);
    }

    TEST_CASE("by the current context of config.json")
    {
        Home home;
        home.add_context("usual");
        write(home.path() / ".docker/config.json", R"({"currentContext":"usual"})");
        check_is_ours(home.find(), "usual");
    }

    TEST_CASE("by CONTAINER_HOST")
    {
        Home home;
        const bool by_tls = engine_under_test().tls.has_value();
        if (not_there(by_tls, "TLS", "is unknown to that variable")) return;
        home.environment.variables["CONTAINER_HOST"] = plain_url();
        check_is_ours(home.find(), "CONTAINER_HOST");
    }

    TEST_CASE("by podman's connections")
    {
        Home home;
        const bool by_tls = engine_under_test().tls.has_value();
        if (not_there(by_tls, "TLS", "is unknown to that file")) return;
        write(
            home.path() / ".config/containers/podman-connections.json",
            R"({"Connection":{"Default":"mine","Connections":{"mine":{"URI":")" + plain_url()
                + R"("}}}})"
        );
        check_is_ours(home.find(), "mine");
    }
}
