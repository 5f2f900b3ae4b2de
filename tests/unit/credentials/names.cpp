#include "credentials/registry_name.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::engine::credentials;

namespace {

Place place(const char* image)
{
    const auto reference = parse_reference(image);
    REQUIRE(reference.has_value());
    return place_of(*reference);
}

} // namespace

TEST_SUITE("engine.credentials.names")
{
    TEST_CASE("an image has a registry and a path there")
    {
        struct Row {
            const char* image;
            const char* registry;
            const char* path;
        };
        for (const Row& row : {
                 Row{"debian", "docker.io", "library/debian"},
                 Row{"debian:12", "docker.io", "library/debian"},
                 Row{"me/tool", "docker.io", "me/tool"},
                 Row{"docker.io/me/tool:1", "docker.io", "me/tool"},
                 Row{"docker.io/debian", "docker.io", "library/debian"},
                 Row{"index.docker.io/library/debian", "docker.io", "library/debian"},
                 Row{"registry-1.docker.io/me/tool", "docker.io", "me/tool"},
                 Row{"ghcr.io/me/tool", "ghcr.io", "me/tool"},
                 Row{"GHCR.io/me/tool", "ghcr.io", "me/tool"},
                 Row{"localhost/tool", "localhost", "tool"},
                 Row{"localhost:5000/tool", "localhost:5000", "tool"},
                 Row{"10.0.0.1:5000/a/b/c", "10.0.0.1:5000", "a/b/c"},
             }) {
            CAPTURE(row.image);
            const Place got = place(row.image);
            CHECK(got.registry == row.registry);
            CHECK(got.path == row.path);
        }
        CHECK(docker_key("docker.io") == "https://index.docker.io/v1/");
        CHECK(docker_key("ghcr.io") == "ghcr.io");
    }

    TEST_CASE("which keys of a file fit an image")
    {
        struct Row {
            const char* key;
            const char* image;
            bool docker; ///< as docker takes its file
            bool podman; ///< as podman takes its own
        };
        for (const Row& row : {
                 Row{"ghcr.io", "ghcr.io/me/tool", true, true},
                 Row{"https://ghcr.io", "ghcr.io/me/tool", true, true},
                 Row{"http://ghcr.io/", "ghcr.io/me/tool", true, true},
                 Row{"https://ghcr.io/v1/", "ghcr.io/me/tool", true, true},
                 Row{"https://ghcr.io/any/path", "ghcr.io/me/tool", true, true},
                 Row{"ghcr.io/v2/", "ghcr.io/me/tool", true, true},
                 Row{"GHCR.IO", "ghcr.io/me/tool", true, true},
                 Row{"ghcr.io/me", "ghcr.io/me/tool", true, true},
                 Row{"ghcr.io/me/tool", "ghcr.io/me/tool", true, true},
                 Row{"ghcr.io/m", "ghcr.io/me/tool", true, false},
                 Row{"ghcr.io/you", "ghcr.io/me/tool", true, false},
                 Row{"ghcr.io/me/tool/more", "ghcr.io/me/tool", true, false},
                 Row{"ghcr.io:443", "ghcr.io/me/tool", false, false},
                 Row{"ghcr.io.example", "ghcr.io/me/tool", false, false},
                 Row{"ghcr.i", "ghcr.io/me/tool", false, false},
                 Row{"", "ghcr.io/me/tool", false, false},
                 Row{"localhost:5000", "localhost:5000/x", true, true},
                 Row{"localhost", "localhost:5000/x", false, false},
                 Row{"docker.io", "debian", true, true},
                 Row{"index.docker.io", "debian", true, true},
                 Row{"registry-1.docker.io", "debian", true, true},
                 Row{"https://index.docker.io/v1/", "debian", true, true},
                 Row{"https://registry-1.docker.io/v2/", "me/tool", true, true},
                 Row{"index.docker.io/v1/", "debian", true, true},
                 Row{"docker.io/library", "debian", true, true},
                 Row{"docker.io/me", "me/tool", true, true},
                 Row{"docker.io/me", "debian", true, false},
                 Row{"docker.io", "ghcr.io/me/tool", false, false},
             }) {
            CAPTURE(row.key);
            CAPTURE(row.image);
            CHECK(fit(row.key, place(row.image), KeyPath::of_url).has_value() == row.docker);
            CHECK(fit(row.key, place(row.image), KeyPath::of_images).has_value() == row.podman);
        }
    }

    TEST_CASE("the longest beginning of the path wins, then the very key, then the host")
    {
        const Place tool = place("ghcr.io/me/tools/one");
        const char* best_first[] = {
            "ghcr.io/me/tools/one",
            "ghcr.io/me/tools",
            "ghcr.io/me",
            "ghcr.io",
            "https://ghcr.io/v1/",
            "ghcr.io/other"};
        for (std::size_t i = 1; i < std::size(best_first); ++i) {
            CAPTURE(best_first[i]);
            CHECK(
                fit(best_first[i - 1], tool, KeyPath::of_url)
                > fit(best_first[i], tool, KeyPath::of_url)
            );
        }
        const Place debian = place("debian");
        CHECK(
            fit("https://index.docker.io/v1/", debian, KeyPath::of_url)
            > fit("docker.io", debian, KeyPath::of_url)
        );
    }
}
