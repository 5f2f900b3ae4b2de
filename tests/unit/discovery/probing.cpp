#include "discovery/probing.hpp"

#include "home.hpp"
#include "net/socket_owner.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <system_error>
#include <vector>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::engine::discovery;
using slipway::test::Home;

namespace {

bool says(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

Candidate at(const std::string& url)
{
    Candidate candidate;
    candidate.endpoint = parse_endpoint(url).value();
    candidate.source = "test";
    return candidate;
}

Error failure(Errc code, std::errc cause = {})
{
    Error error(code, "what was said");
    if (cause != std::errc{}) error.cause = std::make_error_code(cause);
    return error;
}

// A socket file that somebody bound and left.
void bind_socket(const std::filesystem::path& path)
{
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    ::close(fd);
}

SocketOwner
owner(std::uint32_t uid, std::uint32_t gid, std::uint32_t mode, const char* user, const char* group)
{
    SocketOwner out;
    out.uid = uid;
    out.gid = gid;
    out.mode = mode;
    out.user = user;
    out.group = group;
    return out;
}

} // namespace

TEST_SUITE("engine.discovery.classify")
{
    TEST_CASE("a failed ping shows a state")
    {
        struct Row {
            const char* url;
            Errc code;
            std::errc cause;
            ProbeState state;
        };
        const std::errc none{};
        const std::vector<Row> rows{
            {"unix:///a", Errc::unreachable, std::errc::connection_refused, ProbeState::refused},
            {"tcp://h", Errc::unreachable, std::errc::connection_refused, ProbeState::refused},
            {"https://h", Errc::unreachable, std::errc::connection_refused, ProbeState::refused},
            {"unix:///a",
             Errc::permission_denied,
             std::errc::permission_denied,
             ProbeState::no_permission},
            {"unix:///a", Errc::io, std::errc::operation_not_permitted, ProbeState::no_permission},
            {"unix:///a", Errc::permission_denied, none, ProbeState::no_permission},
            {"unix:///a",
             Errc::unreachable,
             std::errc::no_such_file_or_directory,
             ProbeState::absent},
            {"tcp://h", Errc::timed_out, none, ProbeState::timed_out},
            {"tcp://h", Errc::unreachable, std::errc::timed_out, ProbeState::timed_out},
            {"tcp://h", Errc::unreachable, std::errc::host_unreachable, ProbeState::failed},
            {"tcp://h", Errc::protocol, none, ProbeState::not_an_engine},
            {"https://h", Errc::protocol, none, ProbeState::not_an_engine},
            {"unix:///a", Errc::truncated, none, ProbeState::not_an_engine},
            {"unix:///a", Errc::not_found, none, ProbeState::not_an_engine},
            {"https://h", Errc::unreachable, none, ProbeState::tls_failure},
            {"https://h", Errc::io, none, ProbeState::tls_failure},
            {"https://h", Errc::invalid_argument, none, ProbeState::tls_failure},
            {"https://h", Errc::io, std::errc::connection_reset, ProbeState::failed},
            {"tcp://h", Errc::unreachable, none, ProbeState::failed},
            {"unix:///a", Errc::unsupported, none, ProbeState::failed},
            {"unix:///a", Errc::unauthorized, none, ProbeState::failed},
            {"unix:///a", Errc::engine, none, ProbeState::failed},
        };
        for (const Row& row : rows) {
            const Error error = failure(row.code, row.cause);
            const Probed probed = failed_ping(at(row.url), error);
            CAPTURE(row.url);
            CAPTURE(name(row.code));
            CAPTURE(error.cause.message());
            CHECK(to_string(probed.state) == to_string(row.state));
            CHECK_FALSE(probed.detail.empty());
            CHECK_FALSE(probed.hint.empty());
            CHECK_FALSE(probed.traits);
            REQUIRE(probed.error);
            CHECK(probed.error->code == row.code);
        }
    }

    TEST_CASE("each state has a name of its own")
    {
        CHECK(to_string(ProbeState::answered) == "answered");
        CHECK(to_string(ProbeState::absent) == "absent");
        CHECK(to_string(ProbeState::refused) == "refused");
        CHECK(to_string(ProbeState::no_permission) == "no_permission");
        CHECK(to_string(ProbeState::timed_out) == "timed_out");
        CHECK(to_string(ProbeState::not_an_engine) == "not_an_engine");
        CHECK(to_string(ProbeState::tls_failure) == "tls_failure");
        CHECK(to_string(ProbeState::failed) == "failed");
    }

    TEST_CASE("the detail says what was being done, but not the address again")
    {
        Error error = failure(Errc::unreachable, std::errc::host_unreachable);
        error.context = {"looking up host h", "reaching tcp://h:2375", "GET /_ping"};
        CHECK(failed_ping(at("tcp://h"), error).detail == "looking up host h: what was said");
    }

    TEST_CASE("a remedy of the layer that failed stays, but not for what a socket's file tells")
    {
        Error error = failure(Errc::unsupported);
        error.hint = "update the engine";
        CHECK(failed_ping(at("tcp://h"), error).hint == "update the engine");
        error = failure(Errc::permission_denied);
        error.hint = "be root";
        CHECK(says(failed_ping(at("unix:///a"), error).hint, "rootless"));
    }

    TEST_CASE("a socket where nobody listens is answered with how to start its engine")
    {
        Candidate candidate = at("unix:///run/podman/podman.sock");
        const Error refusal = failure(Errc::unreachable, std::errc::connection_refused);
        CHECK(says(failed_ping(candidate, refusal).hint, "start the engine that listens there"));
        candidate.start_hint = "start it with `podman machine start`";
        const Probed row = failed_ping(candidate, refusal);
        CHECK(row.hint == candidate.start_hint);
        CHECK(row.detail == "the socket is there, but nobody listens on it");
    }

    TEST_CASE("a TLS failure names the files and the name that are checked")
    {
        Candidate candidate = at("https://build");
        const Error error = failure(Errc::unreachable);
        std::string hint = failed_ping(candidate, error).hint;
        CHECK(says(hint, "the system's certificate authorities"));
        CHECK(says(hint, "names build"));
        candidate.endpoint.tls->ca = "/c/ca.pem";
        candidate.endpoint.tls->cert = "/c/cert.pem";
        candidate.endpoint.tls->server_name = "other";
        hint = failed_ping(candidate, error).hint;
        CHECK(says(hint, "/c/ca.pem"));
        CHECK(says(hint, "trusts /c/cert.pem"));
        CHECK(says(hint, "names other"));
        // What answers a plain request on a TLS port is no HTTP answer of an engine.
        CHECK(says(failed_ping(at("tcp://h"), failure(Errc::protocol)).hint, "DOCKER_TLS_VERIFY=1")
        );
    }
}

TEST_SUITE("engine.discovery.permission_hint")
{
    TEST_CASE("the hint is made from whose socket it is")
    {
        struct Row {
            SocketOwner owner;
            const char* hint;
        };
        const std::vector<Row> rows{
            {owner(0, 998, 0660, "root", "docker"),
             "`sudo usermod -aG docker $USER` and log in again"},
            {owner(0, 998, 0660, "root", "my engine"), "-aG 'my engine' $USER"},
            {owner(0, 998, 0660, "root", ""), "group 998, which has no name here"},
            {owner(0, 998, 0600, "root", "docker"), "root alone"},
            {owner(0, 0, 0660, "root", "root"), "root alone"},
            {owner(1000, 1000, 0600, "ada", "ada"), "user 'ada' alone"},
            {owner(1000, 1000, 0600, "", ""), "user 1000 alone"},
        };
        for (const Row& row : rows) {
            const std::string hint = permission_hint(row.owner);
            CHECK_MESSAGE(says(hint, row.hint), hint);
            CHECK(says(hint, "systemctl --user start podman.socket"));
            CHECK(
                says(hint, "usermod")
                == (row.owner.gid != 0 && !row.owner.group.empty() && row.owner.mode == 0660)
            );
        }
        CHECK(says(permission_hint({}), "another user keeps this socket"));
    }

    TEST_CASE("the owner of a real file is found")
    {
        const Home home;
        const auto file = home.write("file", "");
        REQUIRE(::chmod(file.c_str(), 0640) == 0);
        const auto found = socket_owner(file);
        REQUIRE(found);
        CHECK(found->uid == ::getuid());
        CHECK(found->mode == 0640);
        if (::getuid() == 0) {
            CHECK(found->user == "root");
            REQUIRE(::chown(file.c_str(), 0, 54321) == 0);
            CHECK(socket_owner(file)->gid == 54321);
            CHECK(socket_owner(file)->group.empty());
        }
        CHECK_FALSE(socket_owner(home.path / "absent"));
    }
}

TEST_SUITE("engine.discovery.without_asking")
{
    TEST_CASE("a file that shows that nobody can be reached is not connected to")
    {
        const Home home;
        home.write("file", "");
        std::filesystem::create_symlink(home.path / "nowhere", home.path / "dangling");
        std::filesystem::create_symlink("loop", home.path / "loop");
        const auto state = [&](const std::string& path) {
            const auto row = without_asking(at("unix://" + (home.path / path).string()));
            REQUIRE(row);
            CHECK_FALSE(row->detail.empty());
            CHECK_FALSE(row->hint.empty());
            return row->state;
        };
        CHECK(state("absent") == ProbeState::absent);
        CHECK(state("dangling") == ProbeState::absent);
        CHECK(state("file/engine.sock") == ProbeState::absent);
        CHECK(state("file") == ProbeState::not_an_engine);
        CHECK(state("loop") == ProbeState::failed);
    }

    TEST_CASE("sockets, abstract sockets and TCP have to be asked")
    {
        const Home home;
        bind_socket(home.path / "a.sock");
        std::filesystem::create_symlink("a.sock", home.path / "link.sock");
        CHECK_FALSE(without_asking(at("unix://" + (home.path / "a.sock").string())));
        CHECK_FALSE(without_asking(at("unix://" + (home.path / "link.sock").string())));
        CHECK_FALSE(without_asking(at("unix://@engine")));
        CHECK_FALSE(without_asking(at("tcp://h")));
    }

    TEST_CASE("what cannot be spoken to is a failure with its own words")
    {
        Candidate candidate;
        candidate.unusable = parse_endpoint("npipe:////./pipe/x").error();
        const auto row = without_asking(candidate);
        REQUIRE(row);
        CHECK(row->state == ProbeState::failed);
        CHECK(row->url().empty());
        CHECK(says(row->detail, "npipe:////./pipe/x"));
        CHECK(says(row->hint, "WSL"));
    }
}

TEST_SUITE("engine.discovery.nobody_answered")
{
    TEST_CASE("nothing at all: how to start an engine or name one")
    {
        std::vector<Probed> rows;
        for (const char* url : {"unix:///nowhere/a.sock", "unix:///nowhere/b.sock"}) {
            rows.push_back(without_asking(at(url)).value());
        }
        const Error error = nobody_answered(rows);
        CHECK(error.code == Errc::unreachable);
        CHECK(says(error.message, "none of the 2 default sockets is there"));
        CHECK(says(error.hint, "--host"));
        CHECK(says(error.hint, "systemctl start docker"));
    }

    TEST_CASE("what was met is listed, and a missing permission tells most")
    {
        std::vector<Probed> rows;
        rows.push_back(without_asking(at("unix:///nowhere/a.sock")).value());
        rows.push_back(failed_ping(
            at("unix:///b.sock"), failure(Errc::unreachable, std::errc::connection_refused)
        ));
        rows.push_back(failed_ping(
            at("unix:///c.sock"), failure(Errc::permission_denied, std::errc::permission_denied)
        ));
        const Error error = nobody_answered(rows);
        CHECK(error.code == Errc::permission_denied);
        CHECK(error.cause == std::errc::permission_denied);
        CHECK_FALSE(says(error.message, "a.sock"));
        CHECK(says(error.message, "unix:///b.sock (test): the socket is there, but nobody listens")
        );
        CHECK(says(error.message, "; unix:///c.sock (test): permission denied"));
        CHECK(error.hint == rows.back().hint);
        rows.pop_back();
        CHECK(nobody_answered(rows).code == Errc::unreachable);
        CHECK(nobody_answered(rows).hint == rows.back().hint);
    }

    TEST_CASE("an explicit choice that is absent is named")
    {
        Candidate candidate = at("unix:///nowhere/a.sock");
        candidate.source = "DOCKER_HOST";
        candidate.explicit_choice = true;
        const Error error = nobody_answered({without_asking(candidate).value()});
        CHECK(error.code == Errc::unreachable);
        CHECK(
            error.message
            == "no container engine answers: unix:///nowhere/a.sock (DOCKER_HOST): there is no "
               "such "
               "socket"
        );
        CHECK(says(error.hint, "name another one with --host"));
    }

    TEST_CASE("files of an explicit choice that cannot be used are a wrong configuration")
    {
        Candidate candidate = at("tcp://far:2376");
        candidate.source = "DOCKER_HOST";
        candidate.explicit_choice = true;
        Error junk(Errc::invalid_argument, "cannot use the client key /c/key.pem: no start line");
        junk.hint = "what to do";
        Error error = nobody_answered({failed_ping(candidate, junk)});
        CHECK(error.code == Errc::invalid_argument);
        CHECK(
            describe(error)
            == "finding the engine of DOCKER_HOST: cannot use the client key /c/key.pem: no start "
               "line"
        );
        CHECK(error.hint == "what to do");
        junk.answer.emplace(); // an engine said so: it could be asked
        CHECK(nobody_answered({failed_ping(candidate, junk)}).code == Errc::unreachable);
    }

    TEST_CASE("a version that was forced and is too new for the engine")
    {
        Traits traits;
        traits.engine_api = {1, 41};
        traits.api = {1, 41};
        CHECK(check_spoken(traits).has_value());
        traits.api = {1, 42};
        const auto refused = check_spoken(traits);
        REQUIRE(!refused.has_value());
        CHECK(says(refused.error().message, "1.42 was asked for, and the engine speaks 1.41"));
        CHECK(says(refused.error().hint, "set DOCKER_API_VERSION to 1.41 or less"));
        traits.ignores_api_version = true;
        CHECK(check_spoken(traits).has_value());
    }
}
