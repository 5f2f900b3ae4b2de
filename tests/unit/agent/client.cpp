#include "client.hpp"

#include "agent/local_stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

namespace slipway::test {

using agent::Type;

namespace {

constexpr int patience_ms = 60'000;

agent::Nonce random_nonce()
{
    static std::mt19937 source{std::random_device{}()};
    agent::Nonce out{};
    for (char& byte : out) {
        byte = static_cast<char>(source());
    }
    return out;
}

} // namespace

AgentProcess::AgentProcess(const Options& options)
{
    std::vector<std::string> words;
    if (options.own_namespace) {
        kill_signal_ = SIGKILL; // unshare lets no other through
        words = {"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"};
        if (::geteuid() != 0) words.emplace_back("--map-root-user");
        if (options.own_ipc) words.emplace_back("--ipc");
    }
    words.insert(words.end(), options.before.begin(), options.before.end());
    words.emplace_back(SLIPWAY_AGENT);
    words.emplace_back("serve");
    words.insert(words.end(), options.words.begin(), options.words.end());
    if (options.stdio) words.emplace_back("--stdio");
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    std::array<int, 2> ends{-1, -1};
    if (options.stdio && ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::runtime_error("no socketpair");
    }
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    if (options.stdio) {
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    }
    const int error = ::posix_spawnp(&pid_, argv.front(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (options.stdio) ::close(ends[1]);
    stream_ = ends[0];
    if (error != 0) throw std::runtime_error("the agent does not start");
}

AgentProcess::~AgentProcess()
{
    close_stream();
    if (pid_ > 0) {
        ::kill(pid_, kill_signal_);
        exit_code();
    }
}

void AgentProcess::close_stream()
{
    if (stream_ >= 0) ::close(stream_);
    stream_ = -1;
}

pid_t AgentProcess::inner_pid() const
{
    const std::string pid = std::to_string(pid_);
    pid_t inner = 0;
    std::ifstream("/proc/" + pid + "/task/" + pid + "/children") >> inner;
    return inner;
}

void AgentProcess::signal(int number) const
{
    ::kill(pid_, number);
}

int AgentProcess::exit_code()
{
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

AgentClient::AgentClient(int stream, std::uint32_t tag) : stream_(stream), tag_(tag) {}

AgentClient::AgentClient(const std::string& path, std::uint32_t tag)
    : stream_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), owns_(true), tag_(tag)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const bool connected = eventually([&] {
        return ::connect(stream_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    });
    if (!connected) throw std::runtime_error("nobody listens at " + path);
}

AgentClient::~AgentClient()
{
    close();
}

void AgentClient::close()
{
    if (owns_ && stream_ >= 0) ::close(stream_);
    stream_ = -1;
}

std::string AgentClient::hello(std::uint32_t lease_ms, std::uint16_t version)
{
    agent::Hello hello;
    hello.lowest = hello.highest = version;
    hello.lease_ms = lease_ms;
    hello.nonce = random_nonce();
    reader_ = agent::FrameReader(tag_, hello.nonce);
    std::string bytes;
    agent::append_message(bytes, Type::hello, 0, agent::encode(hello), tag_);
    return bytes;
}

Said AgentClient::begin(std::uint32_t lease_ms)
{
    send_raw(hello(lease_ms));
    return next();
}

void AgentClient::send_bytes(Type type, std::uint32_t channel, std::string_view payload)
{
    std::string bytes;
    agent::append_message(bytes, type, channel, payload, tag_);
    send_raw(bytes);
}

void AgentClient::send_bytes_with(
    int descriptor, Type type, std::uint32_t channel, std::string_view payload
)
{
    std::string bytes;
    agent::append_message(bytes, type, channel, payload, tag_);
    const ssize_t put = core::send_with(stream_, bytes, descriptor);
    if (put < 0) throw std::runtime_error("the agent takes no more");
    send_raw(std::string_view(bytes).substr(static_cast<std::size_t>(put)));
}

void AgentClient::send_raw(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t put = ::send(stream_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (put < 0) throw std::runtime_error("the agent takes no more");
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

void AgentClient::grant(std::uint32_t channel, agent::Stream stream, std::uint32_t more)
{
    agent::Window window;
    window.stream = static_cast<std::uint8_t>(stream);
    window.more = more;
    send(Type::window, channel, window);
}

Said AgentClient::next()
{
    for (;;) {
        if (const auto message = reader_.next()) {
            return {message->type, message->channel, std::string(message->payload)};
        }
        pollfd state{stream_, POLLIN, 0};
        if (::poll(&state, 1, patience_ms) <= 0) throw std::runtime_error("the agent is silent");
        const auto room = reader_.room();
        const ssize_t got = ::read(stream_, room.data(), room.size());
        if (got <= 0) throw std::runtime_error("the agent has left");
        reader_.filled(static_cast<std::size_t>(got));
    }
}

bool AgentClient::is_closed()
{
    std::array<char, 4096> ignored{};
    for (;;) {
        pollfd state{stream_, POLLIN, 0};
        if (::poll(&state, 1, patience_ms) <= 0) return false;
        if (::read(stream_, ignored.data(), ignored.size()) <= 0) return true;
    }
}

Outcome AgentClient::run(const agent::Run& what, std::string_view in, const Hook& hook)
{
    send(Type::run, ++last_channel, what);
    return finish(last_channel, in, hook);
}

Outcome AgentClient::finish(std::uint32_t channel, std::string_view in, const Hook& hook)
{
    Outcome outcome;
    std::uint64_t allowed = 65'536;
    bool has_ended = false;
    for (;;) {
        while (!in.empty() && allowed > 0) {
            const std::size_t size = std::min<std::uint64_t>({in.size(), allowed, 65'536});
            send_bytes(Type::in, channel, in.substr(0, size));
            in.remove_prefix(size);
            allowed -= size;
        }
        if (in.empty() && !std::exchange(has_ended, true)) send_bytes(Type::in, channel, {});
        const Said said = next();
        if (hook) hook(said);
        if (said.channel != channel) continue;
        switch (said.type) {
        case Type::started:
            outcome.pid = agent::decode<agent::Started>(said.payload)->pid;
            break;
        case Type::window:
            allowed += agent::decode<agent::Window>(said.payload)->more;
            break;
        case Type::out:
        case Type::err: {
            const bool is_out = said.type == Type::out;
            (is_out ? outcome.out : outcome.err) += said.payload;
            grant(
                channel,
                is_out ? agent::Stream::out : agent::Stream::err,
                static_cast<std::uint32_t>(said.payload.size())
            );
            break;
        }
        case Type::failed:
            outcome.failed = agent::decode<agent::Failed>(said.payload);
            return outcome;
        case Type::exit:
            outcome.exit = *agent::decode<agent::Exit>(said.payload);
            return outcome;
        default:
            throw std::runtime_error("a message that no job has");
        }
    }
}

agent::ResetDone AgentClient::reset()
{
    send_bytes(Type::reset, 0, {});
    for (;;) {
        const Said said = next();
        if (said.type == Type::reset_done) return *agent::decode<agent::ResetDone>(said.payload);
    }
}

agent::Run shell(const std::string& script)
{
    return program({"sh", "-c", script});
}

agent::Run program(std::vector<std::string> argv)
{
    agent::Run run;
    run.argv = std::move(argv);
    run.env = {"PATH=/usr/local/bin:/usr/bin:/bin"};
    run.window = 1 << 20;
    run.has_in = true;
    return run;
}

long peak_kib(pid_t pid)
{
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
    }
    return 0;
}

bool eventually(const std::function<bool()>& holds)
{
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

} // namespace slipway::test
