#include "credentials/helper.hpp"

#include "credentials/program.hpp"
#include "unit/credentials/support.hpp"

#include <slipway/engine/child.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::engine::credentials;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

using Answer = std::optional<RegistryAuth>;

Result<Answer>
ask(const HelperHome& home,
    const std::string& script,
    std::chrono::milliseconds deadline = generous_deadline)
{
    home.helper("test", script);
    return run(ask_helper(home.environment, "test", "ghcr.io", deadline));
}

Error refusal(const HelperHome& home, const std::string& script)
{
    auto got = ask(home, script);
    REQUIRE(!got.has_value());
    return std::move(got).error();
}

bool no_children()
{
    return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

std::size_t descriptors()
{
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Killed, and at most waiting for an init that does not look.
bool gone(const std::string& pid)
{
    for (int i = 0; i < 2000; ++i) {
        std::ifstream file("/proc/" + pid + "/stat");
        std::string stat;
        if (!std::getline(file, stat) || stat.find(") Z") != std::string::npos) return true;
        std::this_thread::sleep_for(5ms);
    }
    return false;
}

/// Cancels after so many handlers. True when the task was faster.
bool cancelled_after(const HelperHome& home, int steps)
{
    boost::asio::io_context io;
    auto asked = std::make_shared<std::optional<Result<Answer>>>();
    const auto task = [](Environment environment, auto into) -> Task<> {
        auto got =
            co_await ask_helper(std::move(environment), "test", "ghcr.io", generous_deadline);
        into->emplace(std::move(got));
        co_return ok();
    };
    Child child(io.get_executor(), task(home.environment, asked));
    for (int i = 0; i < steps && !asked->has_value(); ++i) {
        if (io.run_one_for(200ms) == 0) break; // it waits for a helper that has no more to say
    }
    const bool faster = asked->has_value();
    child.cancel();
    io.run_for(generous_deadline);
    CHECK(io.stopped());
    CHECK(!child.running());
    if (!faster && asked->has_value()) {
        REQUIRE(!(*asked)->has_value());
        CHECK((*asked)->error().code == Errc::cancelled);
    }
    return faster;
}

} // namespace

TEST_SUITE("engine.credentials.helper")
{
    TEST_CASE("a helper gets `get` and the server, and its answer is read")
    {
        const HelperHome home;
        const auto got =
            ask(home,
                R"([ "$*" = get ] || exit 9; read server; cat >&2
               echo "{\"ServerURL\":\"$server\",\"Username\":\"me\",\"Secret\":\"$server!\"}")");
        REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
        REQUIRE(got->has_value());
        CHECK((*got)->username == "me");
        CHECK((*got)->password == "ghcr.io!");
        CHECK((*got)->server_address == "ghcr.io");
        CHECK((*got)->identity_token.empty());
    }

    TEST_CASE("answers")
    {
        const auto token = read_answer(R"({"Username":"<token>","Secret":"t"})", "s");
        REQUIRE(token.has_value());
        REQUIRE(token->has_value());
        CHECK((*token)->identity_token == "t");
        CHECK((*token)->username.empty());
        CHECK((*token)->password.empty());
        for (const char* nothing : {"{}", R"({"Username":"","Secret":""})"}) {
            const auto none = read_answer(nothing, "s");
            REQUIRE(none.has_value());
            CHECK(!none->has_value());
        }
        for (const char* garbage :
             {"", "hunter2", "hunter2 {", R"({"Secret":["hunter2"]})", R"("hunter2")"}) {
            CAPTURE(garbage);
            const auto got = read_answer(garbage, "s");
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::protocol);
            CHECK(got.error().message.starts_with("its answer"));
            CHECK(!says(got.error().message, "hunter2"));
        }
    }

    TEST_CASE("a helper that has none says so on stdout or on stderr")
    {
        const HelperHome home;
        for (const char* script :
             {"echo credentials not found in native keychain; exit 1",
              "echo credentials not found in native keychain >&2; exit 1"}) {
            const auto got = ask(home, script);
            REQUIRE(got.has_value());
            CHECK(!got->has_value());
        }
    }

    TEST_CASE("a helper that fails is quoted, but never what may be a secret [fault 71]")
    {
        const HelperHome home;
        CHECK(
            refusal(home, "echo 'no   keyring'; exit 1").message
            == "it failed with exit code 1: no keyring"
        );
        CHECK(
            refusal(home, "echo out; echo err >&2; exit 2").message
            == "it failed with exit code 2: out; err"
        );
        CHECK(refusal(home, "exit 1").message == "it failed with exit code 1: it said no reason");
        const Error half = refusal(home, R"(echo '{"Secret":"hunter2"}'; echo locked >&2; exit 1)");
        CHECK(half.message == "it failed with exit code 1: locked");
        CHECK(half.code == Errc::io);
        CHECK(refusal(home, "kill -SEGV $$").message.starts_with("it failed with exit code 139"));
    }

    TEST_CASE("garbage is a protocol error [fault 71]")
    {
        const HelperHome home;
        const Error error = refusal(home, "echo hunter2");
        CHECK(error.code == Errc::protocol);
        CHECK(says(error.message, "its answer is not JSON"));
        CHECK(!says(error.message, "hunter2"));
    }

    TEST_CASE("an endless answer is cut off, endless complaints are no harm")
    {
        const HelperHome home;
        const Error error = refusal(home, "yes hunter2 | head -c 10000000");
        CHECK(error.code == Errc::protocol);
        CHECK(error.message == "it wrote more than 1048576 bytes");
        CHECK(refusal(home, "exec yes").code == Errc::protocol);
        const auto got =
            ask(home,
                R"(yes complaint | head -c 10000000 >&2; echo '{"Username":"me","Secret":"x"}')");
        REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
        CHECK((*got)->password == "x");
        CHECK(no_children());
    }

    TEST_CASE("a helper that hangs is killed with all it started [fault 71]")
    {
        for (const char* script :
             {"sleep 600 & echo $! >\"$0.pid\"; wait",
              "exec >&- 2>&-; sleep 600 & echo $! >\"$0.pid\"; wait",
              "trap '' TERM INT HUP; sleep 600 & echo $! >\"$0.pid\"; while :; do wait; done",
              // Its answer is there, but somebody it started could still add to it.
              R"(sleep 600 & echo $! >"$0.pid"; echo '{"Username":"me","Secret":"x"}')"}) {
            CAPTURE(script);
            const HelperHome home;
            const std::size_t before = descriptors();
            const auto got = ask(home, script, 1'000ms);
            REQUIRE(!got.has_value());
            CHECK(got.error().code == Errc::timed_out);
            CHECK(got.error().message == "it did not end within 1000 milliseconds");
            CHECK(no_children());
            CHECK(descriptors() == before);
            std::string pid = home.read("bin/docker-credential-test.pid");
            REQUIRE(!pid.empty());
            pid.pop_back();
            CHECK(gone(pid));
        }
    }

    TEST_CASE("what a helper leaves running in the background is not waited for")
    {
        const HelperHome home;
        const auto got =
            ask(home,
                R"(sleep 600 >/dev/null & echo $! >"$0.pid"; echo '{"Username":"me","Secret":"x"}')"
            );
        REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
        CHECK((*got)->password == "x");
        std::string pid = home.read("bin/docker-credential-test.pid");
        REQUIRE(!pid.empty());
        ::kill(std::stoi(pid), SIGKILL);
    }

    TEST_CASE("a helper may leave its stdin alone")
    {
        const HelperHome home;
        const auto got = ask(home, R"(exec <&-; echo '{"Username":"me","Secret":"x"}')");
        REQUIRE(got.has_value());
        CHECK((*got)->password == "x");
    }

    TEST_CASE("a helper that is not there, or cannot be executed")
    {
        HelperHome home;
        auto got = run(ask_helper(home.environment, "absent", "s", generous_deadline));
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::not_found);
        CHECK(got.error().message == "there is no program docker-credential-absent in PATH");

        const auto file = home.write("bin/docker-credential-plain", "#!/bin/sh\n");
        std::filesystem::permissions(file, std::filesystem::perms::owner_read);
        got = run(ask_helper(home.environment, "plain", "s", generous_deadline));
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::permission_denied);
        CHECK(got.error().message == file.string() + " cannot be executed");

        std::filesystem::create_directory(home.path / "bin/docker-credential-directory");
        got = run(ask_helper(home.environment, "directory", "s", generous_deadline));
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::not_found);

        const auto broken = home.write("bin/docker-credential-broken", "\x01\x02\x03");
        std::filesystem::permissions(broken, std::filesystem::perms::owner_all);
        got = run(ask_helper(home.environment, "broken", "s", generous_deadline));
        REQUIRE(!got.has_value());
        CHECK(got.error().message == "starting " + broken.string() + ": Exec format error");

        const auto lost = home.write("bin/docker-credential-lost", "#!/no/such/shell\n");
        std::filesystem::permissions(lost, std::filesystem::perms::owner_all);
        got = run(ask_helper(home.environment, "lost", "s", generous_deadline));
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::not_found);
        CHECK(no_children());
    }

    TEST_CASE("only absolute directories of PATH count, the first one that has it")
    {
        HelperHome home;
        home.helper("test", "echo '{}'");
        const std::string bin = (home.path / "bin").string();
        home.set("PATH", ":bin:.:" + (home.path / "empty").string() + ":" + bin + ":");
        CHECK(run(ask_helper(home.environment, "test", "s", generous_deadline)).has_value());
        const std::filesystem::path here = std::filesystem::current_path();
        std::filesystem::current_path(home.path);
        home.set("PATH", ":bin:.:");
        const auto got = run(ask_helper(home.environment, "test", "s", generous_deadline));
        std::filesystem::current_path(here);
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::not_found);
        home.set("PATH", "");
        CHECK(!run(ask_helper(home.environment, "test", "s", generous_deadline)).has_value());
    }

    TEST_CASE("nothing of this process is inherited but its environment")
    {
        const HelperHome home;
        const int leaked = ::fcntl(STDERR_FILENO, F_DUPFD, 100); // without close-on-exec
        REQUIRE(leaked >= 100);
        const auto got = ask(
            home,
            "for fd in /proc/$$/fd/*; do echo \"${fd##*/} $(readlink \"$fd\")\"; done >\"$0.fds\"; "
            "echo '{}'"
        );
        ::close(leaked);
        REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
        const std::string open = home.read("bin/docker-credential-test.fds");
        CHECK(open.starts_with("0 pipe:"));
        CHECK(!says(open, std::to_string(leaked) + " "));
        CHECK(!says(open, "anon_inode:")); // Asio's
    }

    TEST_CASE("a server that is too long is not sent")
    {
        const HelperHome home;
        home.helper("test", "echo '{}'");
        const std::string server(max_input_bytes, 'x');
        const auto got = run(ask_helper(home.environment, "test", server, generous_deadline));
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::invalid_argument);
    }

    TEST_CASE("it can be cancelled at every step and leaves neither process nor descriptor")
    {
        for (const char* script :
             {R"(echo '{"Username":"me","Secret":"x"}')", "echo a >&2; exec sleep 600"}) {
            const HelperHome home;
            home.helper("test", script);
            const std::size_t before = descriptors();
            const int limit = says(script, "sleep") ? 5 : 100;
            int steps = 0;
            while (steps < limit && !cancelled_after(home, steps)) {
                ++steps;
                CHECK(no_children());
                CHECK(descriptors() == before);
            }
            CHECK(steps > 2);
            CHECK((steps < 100));
        }
    }
}
