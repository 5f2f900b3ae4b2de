#define DOCTEST_CONFIG_IMPLEMENT
#include "integration/engine/lab.hpp"

#include <slipway/engine/endpoint.hpp>

#include <cstdlib>
#include <iostream>
#include <string>

// Which engine: SLIPWAY_TEST_ENGINE = docker, docker-tls, podman or podman-rootless.
// Where they are: SLIPWAY_TEST_DOCKER_HOST, SLIPWAY_TEST_DOCKER_TLS_HOST with
// SLIPWAY_TEST_DOCKER_CERT_PATH, SLIPWAY_TEST_PODMAN_HOST, SLIPWAY_TEST_PODMAN_ROOTLESS_HOST.
// SLIPWAY_TEST_LEAVE_OUT, a list with commas, names those that may be missing.
namespace {

constexpr int skipped = 125;

std::string variable(const char* name)
{
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::string host_of(const std::string& engine)
{
    if (engine == "docker") return variable("SLIPWAY_TEST_DOCKER_HOST");
    if (engine == "docker-tls") return variable("SLIPWAY_TEST_DOCKER_TLS_HOST");
    if (engine == "podman") return variable("SLIPWAY_TEST_PODMAN_HOST");
    if (engine == "podman-rootless") return variable("SLIPWAY_TEST_PODMAN_ROOTLESS_HOST");
    return {};
}

} // namespace

slipway::engine::Endpoint& slipway::test::engine_under_test()
{
    static slipway::engine::Endpoint endpoint;
    return endpoint;
}

int main(int argc, char** argv)
{
    const std::string engine = variable("SLIPWAY_TEST_ENGINE");
    const std::string left_out = "," + variable("SLIPWAY_TEST_LEAVE_OUT") + ",";
    if (left_out.find("," + engine + ",") != std::string::npos) {
        std::cout << "left out: " << engine << "\n";
        return skipped;
    }
    const std::string host = host_of(engine);
    if (host.empty()) {
        std::cerr << "no host for the engine '" << engine
                  << "': set its variable, or name it in SLIPWAY_TEST_LEAVE_OUT\n";
        return 1;
    }
    std::optional<slipway::engine::TlsSettings> tls;
    if (engine == "docker-tls") {
        const std::filesystem::path directory = variable("SLIPWAY_TEST_DOCKER_CERT_PATH");
        tls.emplace();
        tls->ca = directory / "ca.pem";
        tls->cert = directory / "cert.pem";
        tls->key = directory / "key.pem";
    }
    auto endpoint = slipway::engine::parse_endpoint(host, tls);
    if (!endpoint) {
        std::cerr << slipway::describe(endpoint.error()) << "\n";
        return 1;
    }
    slipway::test::engine_under_test() = *std::move(endpoint);
    return doctest::Context(argc, argv).run();
}
