#include "images/pull.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace slipway;
using core::hint_of_tls;
using engine::EngineKind;

TEST_SUITE("core.images.pull")
{
    TEST_CASE("a registry that is not trusted, or has no TLS: the hint has the place to say so")
    {
        // Words of dockerd 20.10 and of podman 4.3.
        const Error docker(
            Errc::engine,
            "Get \"https://r.example:5000/v2/\": x509: certificate signed by unknown authority"
        );
        const Error podman(
            Errc::engine,
            "pinging container registry r.example:5000: Get \"https://r.example:5000/v2/\": tls: "
            "failed to verify certificate: x509: certificate signed by unknown authority"
        );
        const Error plain(
            Errc::engine,
            "Get \"https://r.example:5000/v2/\": http: server gave HTTP response to HTTPS client"
        );
        const std::string image = "r.example:5000/a/b:1";
        const auto says = [](const std::string& text, const char* part) {
            return text.find(part) != std::string::npos;
        };
        CHECK(says(
            hint_of_tls(docker, image, EngineKind::docker),
            "/etc/docker/certs.d/r.example:5000/ca.crt"
        ));
        CHECK(says(
            hint_of_tls(podman, image, EngineKind::podman),
            "/etc/containers/certs.d/r.example:5000/ca.crt"
        ));
        CHECK(says(hint_of_tls(plain, image, EngineKind::docker), "insecure-registries"));
        CHECK(says(hint_of_tls(plain, image, EngineKind::podman), "registries.conf"));
        const Error other(Errc::engine, "manifest unknown");
        CHECK(hint_of_tls(other, image, EngineKind::docker).empty());
        CHECK(hint_of_tls(docker, "NO REFERENCE", EngineKind::docker).empty());
    }
}
