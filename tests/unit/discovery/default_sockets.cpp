#include "discovery/default_sockets.hpp"

#include "home.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::engine;
using slipway::test::Home;

namespace {

struct Listed {
    std::vector<Candidate> rows;

    // The place of a socket in the list; -1 when it is not there.
    int index(const std::filesystem::path& path) const
    {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (rows[i].endpoint.socket_path == path) return static_cast<int>(i);
        }
        return -1;
    }
    std::string source(const std::filesystem::path& path) const
    {
        const int at = index(path);
        return at < 0 ? "" : rows[static_cast<std::size_t>(at)].source;
    }
    std::string start(const std::filesystem::path& path) const
    {
        const int at = index(path);
        return at < 0 ? "" : rows[static_cast<std::size_t>(at)].start_hint;
    }
};

Listed list(const Home& home)
{
    const auto found = candidates(home.environment, {});
    REQUIRE(found.has_value());
    return {*found};
}

} // namespace

#ifdef __linux__
TEST_SUITE("engine.discovery.default_sockets")
{
    TEST_CASE("every engine's sockets are listed, in this order")
    {
        Home home;
        home.set("XDG_RUNTIME_DIR", "/run/user/77");
        const std::vector<std::string> expected{
            "unix:///var/run/docker.sock",
            "unix:///run/user/77/docker.sock",
            "unix:///run/user/4242/docker.sock",
            "unix://" + (home.path / ".docker/run/docker.sock").string(),
            "unix://" + (home.path / ".docker/desktop/docker.sock").string(),
            "unix:///run/user/77/podman/podman.sock",
            "unix:///run/user/4242/podman/podman.sock",
            "unix:///run/podman/podman.sock",
            "unix://" + (home.path / ".local/share/containers/podman/machine/podman.sock").string(),
            "unix://" + (home.path / ".colima/default/docker.sock").string(),
            "unix://" + (home.path / ".colima/docker.sock").string(),
            "unix://" + (home.path / ".rd/docker.sock").string(),
            "unix://" + (home.path / ".orbstack/run/docker.sock").string(),
            "unix://" + (home.path / ".lima/default/sock/docker.sock").string(),
            "unix://" + (home.path / ".lima/docker/sock/docker.sock").string(),
        };
        std::vector<std::string> found;
        for (const Candidate& row : discovery::default_sockets(home.environment)) {
            found.push_back(to_string(row.endpoint));
            CHECK_FALSE(row.explicit_choice);
            CHECK_FALSE(row.start_hint.empty());
        }
        CHECK(found == expected);
    }

    TEST_CASE("each row says how its own engine is started")
    {
        Home home;
        home.set("XDG_RUNTIME_DIR", "/run/user/77");
        const Listed found = list(home);
        CHECK(found.start("/var/run/docker.sock") == "start it with `sudo systemctl start docker`");
        CHECK(
            found.start("/run/user/77/podman/podman.sock")
            == "start it with `systemctl --user start podman.socket`"
        );
        CHECK(
            found.source("/run/user/77/podman/podman.sock") == "default socket (podman, rootless)"
        );
        CHECK(found.start(home.path / ".orbstack/run/docker.sock") == "start OrbStack");
    }

    TEST_CASE("profiles, instances and machines are found on disk")
    {
        Home home;
        home.write(".colima/work/docker.sock", "");
        home.write(".colima/_store/notes", "");
        home.write("xdg/colima/play/docker.sock", "");
        home.write(".lima/ubuntu/sock/docker.sock", "");
        home.write(".lima/plain/lima.yaml", "");
        home.write("tmp/podman/podman-machine-default-api.sock", "");
        home.write("tmp/podman/gvproxy.sock", "");
        home.set("TMPDIR", (home.path / "tmp").string());
        home.set("XDG_CONFIG_HOME", (home.path / "xdg").string());
        const Listed found = list(home);
        CHECK(
            found.source(home.path / ".colima/work/docker.sock")
            == "default socket (colima, profile 'work')"
        );
        CHECK(
            found.start(home.path / ".colima/work/docker.sock")
            == "start it with `colima start work`"
        );
        CHECK(found.index(home.path / ".colima/_store/docker.sock") == -1);
        CHECK(found.index(home.path / "xdg/colima/play/docker.sock") > 0);
        CHECK(
            found.source(home.path / ".lima/ubuntu/sock/docker.sock")
            == "default socket (lima, instance 'ubuntu')"
        );
        CHECK(found.index(home.path / ".lima/plain/sock/docker.sock") == -1);
        CHECK(
            found.source(home.path / "tmp/podman/podman-machine-default-api.sock")
            == "default socket (podman machine)"
        );
        CHECK(found.index(home.path / "tmp/podman/gvproxy.sock") == -1);
    }

    TEST_CASE("COLIMA_HOME, LIMA_HOME and XDG_DATA_HOME move their directories")
    {
        Home home;
        home.set("COLIMA_HOME", "/c");
        home.set("LIMA_HOME", "/l");
        home.set("XDG_DATA_HOME", "/d");
        const Listed found = list(home);
        CHECK(found.index("/c/default/docker.sock") > 0);
        CHECK(found.index("/l/docker/sock/docker.sock") > 0);
        CHECK(found.index("/d/containers/podman/machine/podman.sock") > 0);
        CHECK(found.index(home.path / ".colima/default/docker.sock") == -1);
    }

    TEST_CASE("a socket that two names lead to is listed once, under the first")
    {
        Home home;
        std::filesystem::create_directories(home.path / "run");
        home.set("XDG_RUNTIME_DIR", (home.path / "run").string());
        home.write("run/docker.sock", "");
        std::filesystem::create_directories(home.path / ".docker/desktop");
        std::filesystem::create_symlink(
            home.path / "run/docker.sock", home.path / ".docker/desktop/docker.sock"
        );
        Listed found = list(home);
        CHECK(found.index(home.path / "run/docker.sock") > 0);
        CHECK(found.index(home.path / ".docker/desktop/docker.sock") == -1);

        // The same directory under two names, with no socket in it yet.
        home.set("XDG_RUNTIME_DIR", (home.path / "link").string());
        std::filesystem::create_directory_symlink(home.path / "run", home.path / "link");
        home.set("XDG_DATA_HOME", (home.path / "run/../run").string());
        CHECK(list(home).index(home.path / "link/podman/podman.sock") > 0);

        Endpoint one;
        one.socket_path = "/var/run/some.sock";
        Endpoint other;
        other.socket_path = "/run/some.sock";
        const bool same =
            std::filesystem::canonical("/var/run") == std::filesystem::canonical("/run");
        CHECK((discovery::identity(one) == discovery::identity(other)) == same);
    }

    TEST_CASE("podman's default connection is not listed again as a default socket")
    {
        Home home;
        home.write(
            ".config/containers/podman-connections.json",
            R"({"Connection":{"Default":"a","Connections":{
                "a":{"URI":"unix:///run/podman/podman.sock"}}}})"
        );
        const Listed found = list(home);
        CHECK(found.index("/run/podman/podman.sock") == 0);
        CHECK(found.rows[0].start_hint == "start it with `sudo systemctl start podman.socket`");
        CHECK(
            std::count_if(
                found.rows.begin(),
                found.rows.end(),
                [](const Candidate& row) {
                    return row.endpoint.socket_path == "/run/podman/podman.sock";
                }
            )
            == 1
        );
    }

    TEST_CASE("an explicit choice of a default socket knows how its engine is started")
    {
        Home home;
        const auto found = candidates(home.environment, "unix:///var/run/docker.sock");
        REQUIRE(found.has_value());
        CHECK(found->front().start_hint == "start it with `sudo systemctl start docker`");
        CHECK(candidates(home.environment, "unix:///else.sock")->front().start_hint.empty());
    }

    TEST_CASE("directories that are not absolute, no home, and a home too deep leave rows out")
    {
        Home home;
        home.set("XDG_RUNTIME_DIR", "relative");
        home.set("TMPDIR", "relative");
        for (const Candidate& row : list(home).rows) {
            CHECK(row.endpoint.socket_path.starts_with('/'));
            CHECK(row.endpoint.socket_path.find("relative") == std::string::npos);
        }
        home.environment.home.clear();
        CHECK(list(home).rows.size() == 4);
        home.environment.home = "/" + std::string(120, 'h');
        CHECK(list(home).rows.size() == 4);
    }
}
#endif

TEST_SUITE("engine.discovery.environment")
{
    TEST_CASE("only the variables that discovery knows are taken from the process")
    {
        setenv("DOCKER_CONTEXT", "from-the-test", 1);
        setenv("SLIPWAY_TEST_SECRET", "x", 1);
        const Environment environment = Environment::from_process();
        unsetenv("DOCKER_CONTEXT");
        unsetenv("SLIPWAY_TEST_SECRET");
        CHECK(environment.get("DOCKER_CONTEXT") == "from-the-test");
        CHECK(environment.get("SLIPWAY_TEST_SECRET").empty());
        CHECK_FALSE(environment.variables.contains("SLIPWAY_TEST_SECRET"));
    }

    TEST_CASE("without HOME the home is that of the user database")
    {
        const char* before = std::getenv("HOME");
        const std::string kept = before == nullptr ? "" : before;
        unsetenv("HOME");
        const std::filesystem::path home = Environment::from_process().home;
        setenv("HOME", "/somewhere", 1);
        const std::filesystem::path named = Environment::from_process().home;
        setenv("HOME", "not/absolute", 1);
        const std::filesystem::path relative = Environment::from_process().home;
        if (before == nullptr) {
            unsetenv("HOME");
        } else {
            setenv("HOME", kept.c_str(), 1);
        }
        CHECK(home.is_absolute());
        CHECK(named == "/somewhere");
        CHECK(relative.empty());
    }
}
