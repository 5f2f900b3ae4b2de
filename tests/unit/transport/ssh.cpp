#include "net/child_process.hpp"
#include "net/private_directory.hpp"
#include "net/ssh_command.hpp"
#include "unit/transport/support.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

Endpoint far_engine()
{
    return *parse_endpoint("ssh://me@far:2222/run/docker.sock");
}

bool has_in_order(const std::vector<std::string>& words, std::vector<std::string> part)
{
    return std::search(words.begin(), words.end(), part.begin(), part.end()) != words.end();
}

std::unique_ptr<ChildProcess> shell(const std::string& script)
{
    std::vector<std::string> words{"-c", script};
    return std::make_unique<ChildProcess>("/bin/sh", std::move(words));
}

bool comes(const std::function<bool()>& condition)
{
    for (int i = 0; i < 4000 && !condition(); ++i) {
        std::this_thread::sleep_for(5ms);
    }
    return condition();
}

/// The process may open no more.
class AllDescriptorsTaken {
public:
    AllDescriptorsTaken()
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit none = before_;
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    AllDescriptorsTaken(const AllDescriptorsTaken&) = delete;
    AllDescriptorsTaken& operator=(const AllDescriptorsTaken&) = delete;
    ~AllDescriptorsTaken() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

bool is_alive(const std::string& pid)
{
    return ::kill(std::stoi(pid), 0) == 0;
}

} // namespace

TEST_SUITE("engine.ssh.command")
{
    TEST_CASE("ssh forwards and does nothing else, asks nothing, and takes no host for an option")
    {
        Endpoint engine = far_engine();
        const std::vector<SshForward> forwards{{"/run/u/s0", "/run/docker.sock"}, {"/a", "/b"}};
        const auto words = forwarding_arguments(engine, forwards, 1'500ms);
        CHECK(words.back() == "far");
        CHECK(words[words.size() - 2] == "--");
        for (const std::string option :
             {"BatchMode=yes", "ConnectTimeout=2", "ControlPath=none", "PermitLocalCommand=no"}) {
            CHECK_MESSAGE(has_in_order(words, {"-o", option}), option);
        }
        CHECK(has_in_order(words, {"-N"}));
        CHECK(has_in_order(words, {"-L", "/run/u/s0:/run/docker.sock"}));
        CHECK(has_in_order(words, {"-L", "/a:/b"}));
        CHECK(has_in_order(words, {"-p", "2222"}));
        CHECK(has_in_order(words, {"-l", "me"}));
        CHECK(!has_in_order(words, {"-i"}));

        engine.ssh.identity = "/k";
        engine.ssh.user.clear();
        engine.port = 0;
        const auto command = command_arguments(engine, "id -u", 0ms);
        CHECK(has_in_order(command, {"--", "far", "id -u"}));
        CHECK(has_in_order(command, {"-i", "/k"}));
        CHECK(has_in_order(command, {"-o", "IdentitiesOnly=yes"}));
        CHECK(has_in_order(command, {"-o", "ConnectTimeout=1"})); // 0 would be no limit
        CHECK(!has_in_order(command, {"-N"}));
        CHECK(!has_in_order(command, {"-l"}));
        CHECK(!has_in_order(command, {"-p"}));
    }

    TEST_CASE("what ssh says last is the error, and the hint belongs to it")
    {
        struct Row {
            const char* said;
            const char* message;
            const char* hint;
        };
        const std::vector<Row> rows{
            {"@@@ WARNING @@@\r\nHost key verification failed.\r\n",
             "ssh: Host key verification failed",
             "`ssh -p 2222 me@far`"},
            {"me@far: Permission denied (publickey).\n",
             "ssh: me@far: Permission denied (publickey)",
             "ssh-add"},
            {"ssh: connect to host far port 2222: Connection refused\n\n",
             "ssh: connect to host far port 2222: Connection refused",
             "the port"},
            {"bell \a in it", "ssh: bell in it", "by hand"},
            {"a C1 control \xC2\x9B in it", "ssh: a C1 control in it", "by hand"},
            {"no UTF-8: \xFF", "ssh: no UTF-8: \xEF\xBF\xBD", "by hand"},
            {"", "ssh ended without a word", "by hand"},
        };
        for (const Row& row : rows) {
            CAPTURE(row.said);
            const Error error = login_error(far_engine(), row.said);
            CHECK(error.code == Errc::unreachable);
            CHECK(error.message == row.message);
            CHECK_MESSAGE(contains(error.hint, row.hint), error.hint);
        }
    }

    TEST_CASE("a socket that is not to be had, and a host that forbids forwarding")
    {
        const std::string none = "Welcome\nchannel 2: open failed: connect failed: open failed\n";
        const std::string never =
            "channel 1: open failed: administratively prohibited: open failed\nBye\n";
        CHECK(refuses_socket(none));
        CHECK(!forbids_forwarding(none));
        CHECK(refuses_socket(never));
        CHECK(forbids_forwarding(never));
        CHECK(!refuses_socket("Welcome\n"));
        const Error missing = socket_error(far_engine(), "/run/docker.sock", none);
        CHECK(contains(missing.message, "/run/docker.sock"));
        CHECK(contains(missing.message, "connect failed"));
        CHECK(contains(missing.hint, "start the engine on far"));
        const Error forbidden = socket_error(far_engine(), "/run/docker.sock", never);
        CHECK(contains(forbidden.message, "administratively prohibited"));
        CHECK(contains(forbidden.hint, "AllowStreamLocalForwarding"));
    }
}

TEST_SUITE("engine.child_process")
{
    TEST_CASE("what it says and how it ends")
    {
        const auto process = shell("echo out; echo one >&2; read line; echo two >&2; exit 7");
        REQUIRE(comes([&] { return process->exit_code().has_value(); })); // stdin is empty
        CHECK(process->exit_code() == 7);
        CHECK(process->output() == "out\n");
        CHECK(process->errors() == "one\ntwo\n");
        CHECK(process->errors(4) == "two\n");
        CHECK(process->errors(process->said()).empty());
        const auto killed = shell("kill -9 $$");
        REQUIRE(comes([&] { return killed->exit_code().has_value(); }));
        CHECK(killed->exit_code() == 128 + SIGKILL);
    }

    TEST_CASE("much output keeps its begin, and many errors their end")
    {
        const auto process =
            shell("i=0; while [ $i -lt 20000 ]; do echo line $i; echo line $i >&2; i=$((i+1)); done"
            );
        REQUIRE(comes([&] { return process->exit_code().has_value(); }));
        CHECK(process->output().starts_with("line 0\n"));
        CHECK(process->output().size() == 64U << 10U);
        CHECK(process->errors().ends_with("line 19999\n"));
        CHECK(process->errors().size() <= 64U << 10U);
        CHECK(process->said() > 200'000);
    }

    TEST_CASE("it ends with its owner, also when it would rather not")
    {
        for (const std::string before : {"", "trap '' TERM; "}) {
            auto process = shell(before + "echo $$; while :; do sleep 0.05; done");
            REQUIRE(comes([&] { return process->output().ends_with('\n'); }));
            const std::string pid = process->output();
            CHECK(is_alive(pid));
            process.reset();
            CHECK(!is_alive(pid));
        }
    }

    TEST_CASE("whoever sees what it held closed can see that it is ending")
    {
        const TempDirectory directory;
        const auto fifo = (directory.path() / "fifo").string();
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        for (int round = 0; round < 50; ++round) {
            const auto process = shell("echo $$; exec sleep 1000 > '" + fifo + "'");
            std::ifstream held(fifo); // opens when the other end is there
            REQUIRE(comes([&] { return process->output().ends_with('\n'); }));
            CHECK(!process->ending());
            REQUIRE(::kill(std::stoi(process->output()), SIGKILL) == 0);
            std::string nothing;
            CHECK(!std::getline(held, nothing)); // returns when the kernel closes it
            CHECK(process->ending());
        }
    }

    TEST_CASE("it inherits no descriptor, and leaves none")
    {
        const auto before = open_descriptors();
        {
            const std::ifstream ours("/dev/null");
            const auto process = shell("ls /proc/self/fd | wc -l");
            REQUIRE(comes([&] { return process->exit_code().has_value(); }));
            CHECK(std::stoi(process->output()) <= 5); // three, the directory, and the pipe of sh
        }
        CHECK(open_descriptors() == before);
    }

    TEST_CASE("it is killed in time however much it says")
    {
        auto process = shell("trap '' TERM; echo $$; while :; do echo more >&2; done");
        REQUIRE(comes([&] { return process->said() > 0; }));
        const std::string pid = process->output();
        process.reset(); // or it would never return
        CHECK(!is_alive(pid));
    }

    TEST_CASE("all that it started ends with it")
    {
        auto process = shell("sleep 1000 & echo $!; wait");
        REQUIRE(comes([&] { return process->output().ends_with('\n'); }));
        const std::string pid = process->output();
        CHECK(is_alive(pid));
        process.reset();
        // Its new parent may take its time to wait for it.
        CHECK(comes([&] {
            std::ifstream file("/proc/" + std::to_string(std::stoi(pid)) + "/stat");
            std::string stat;
            return !std::getline(file, stat) || contains(stat, ") Z");
        }));
    }

    TEST_CASE("where SIGCHLD is ignored, its end is seen all the same")
    {
        const auto before = ::signal(SIGCHLD, SIG_IGN);
        {
            const auto process = shell("echo out; exit 7");
            CHECK(comes([&] { return process->exit_code().has_value(); }));
            CHECK(process->exit_code() == 0); // nobody learns more
            CHECK(process->output() == "out\n");
            CHECK(process->ending());
            auto running = shell("exec sleep 1000");
            running.reset();
        }
        ::signal(SIGCHLD, before);
    }

    TEST_CASE("without descriptors nothing is started, and that is said")
    {
        const AllDescriptorsTaken taken;
        const auto process = shell("echo never");
        REQUIRE(process->exit_code() == 127);
        CHECK(process->errors() == "no process could be made: Too many open files");
        const auto directory = PrivateDirectory::make();
        REQUIRE(!directory.has_value());
        CHECK(directory.error().cause == std::errc::too_many_files_open);
    }

    TEST_CASE("a program that cannot be executed says so")
    {
        const ChildProcess process("/etc/passwd", {});
        REQUIRE(comes([&] { return process.exit_code().has_value(); }));
        CHECK(process.exit_code() == 127);
        CHECK(contains(process.errors(), "cannot be executed"));
        CHECK(find_program("sh").has_value());
        const auto none = find_program("no-such-program");
        REQUIRE(!none.has_value());
        CHECK(none.error().code == Errc::not_found);
    }
}

TEST_SUITE("engine.private_directory")
{
    TEST_CASE("nobody else may enter it, and it goes; what the dead left goes with the next")
    {
        const TempDirectory base;
        ::setenv("XDG_RUNTIME_DIR", base.path().c_str(), 1);
        const auto dead = base.path() / "slipway-ssh-dead";
        std::filesystem::create_directory(dead);
        std::ofstream(dead / "s0") << "left";
        std::filesystem::create_directory(base.path() / "others");
        std::filesystem::path path;
        {
            const auto first = PrivateDirectory::make();
            REQUIRE_MESSAGE(first.has_value(), describe(first.error()));
            CHECK(!std::filesystem::exists(dead));
            path = first->path();
            struct stat about {};
            REQUIRE(::stat(path.c_str(), &about) == 0);
            CHECK((about.st_mode & 0777U) == 0700U);
            const auto second = PrivateDirectory::make(); // whose sweep leaves the first alone
            REQUIRE(second.has_value());
            CHECK(second->path() != path);
            CHECK(std::filesystem::exists(path));
            CHECK(path.parent_path() == base.path());
        }
        CHECK(!std::filesystem::exists(path));
        CHECK(std::filesystem::exists(base.path() / "others"));
        ::unsetenv("XDG_RUNTIME_DIR");
    }
}
