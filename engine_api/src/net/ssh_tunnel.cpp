#include "net/ssh_tunnel.hpp"

#include "net/asio.hpp"
#include "net/unix_connect.hpp"

#include <slipway/engine/pause.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace slipway::engine {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds look_again(10);
// ssh writes its reason before it closes, but we may read the one later than the other.
constexpr std::chrono::milliseconds patience_for_words(1'000);

Result<std::filesystem::path> ssh_program()
{
    auto program = find_program("ssh");
    if (!program) {
        program.error().hint = "install OpenSSH's client (Debian: openssh-client), which reaches "
                               "engines of other machines";
    }
    return program;
}

// The file of a key is told to ssh by name, and ssh says little when it cannot read it.
Result<> check_identity(const std::filesystem::path& file)
{
    if (file.empty()) return ok();
    if (file.native().find_first_of("%$") != std::string::npos) {
        return fail(
            Errc::invalid_argument,
            "ssh takes no key file with '%' or '$' in its name: " + file.string()
        );
    }
    struct stat about {};
    if (::stat(file.c_str(), &about) == 0) return ok();
    Error error(Errc::not_found, "there is no ssh key " + file.string());
    error.hint = "correct CONTAINER_SSHKEY, or the Identity of the podman connection";
    return fail(std::move(error));
}

std::string name_for(std::size_t number)
{
    return "s" + std::to_string(number);
}

// The error of an ssh that is ending, or cancelled: never a success.
Task<> last_words(const Endpoint& endpoint, const ChildProcess& ssh)
{
    const auto end = std::chrono::steady_clock::now() + patience_for_words;
    while (!ssh.exit_code() && std::chrono::steady_clock::now() < end) {
        CO_CHECK(co_await pause(look_again));
    }
    co_return fail(login_error(endpoint, ssh.errors()));
}

} // namespace

// A connection through ssh. It asks ssh for its reason when the host's socket was not to be had.
class SshTunnel::Stream final : public NetStream {
public:
    Stream(
        std::unique_ptr<NetStream> lower,
        std::shared_ptr<SshTunnel> tunnel,
        std::shared_ptr<ChildProcess> ssh,
        std::size_t said_before,
        std::string socket
    )
        : lower_(std::move(lower)),
          tunnel_(std::move(tunnel)),
          ssh_(std::move(ssh)),
          said_before_(said_before),
          socket_(std::move(socket))
    {
    }

    Task<std::size_t> read(std::span<char> into) override
    {
        auto got = co_await lower_->read(into);
        if (got && *got > 0) {
            heard_ = true;
            co_return got;
        }
        if (!got && got.error().code == Errc::cancelled) co_return got;
        CO_CHECK(co_await explain());
        co_return got;
    }
    Task<> write(std::string_view data) override
    {
        auto sent = co_await lower_->write(data);
        if (!sent && sent.error().code != Errc::cancelled) {
            CO_CHECK(co_await explain());
        }
        co_return sent;
    }
    Task<> shutdown_write() override { return lower_->shutdown_write(); }
    void close() noexcept override { lower_->close(); }
    bool stale() noexcept override { return lower_->stale(); }

private:
    // Fails when there is a better reason for an end than that it came.
    Task<> explain()
    {
        if (!heard_) {
            CO_CHECK(co_await refusal());
        }
        if (!ssh_->ending()) co_return ok();
        auto broken = co_await last_words(tunnel_->endpoint_, *ssh_);
        if (heard_ && broken.error().code == Errc::unreachable) {
            broken.error().code = Errc::truncated;
        }
        co_return broken;
    }

    // Fails when ssh says that the host has no connection for us.
    Task<> refusal()
    {
        const auto end = std::chrono::steady_clock::now() + patience_for_words;
        while (!ssh_->ending() && std::chrono::steady_clock::now() < end) {
            const std::string said = ssh_->errors(said_before_);
            if (refuses_socket(said)) {
                tunnel_->socket_was_refused_ = !forbids_forwarding(said);
                Error refused = socket_error(tunnel_->endpoint_, socket_, said);
                refused.context.push_back("reaching " + to_string(tunnel_->endpoint_));
                co_return fail(std::move(refused));
            }
            CO_CHECK(co_await pause(look_again));
        }
        co_return ok();
    }

    std::unique_ptr<NetStream> lower_;
    std::shared_ptr<SshTunnel> tunnel_;
    std::shared_ptr<ChildProcess> ssh_; // the one that carries this connection
    std::size_t said_before_;           // bytes of its words from before this connection
    std::string socket_;
    bool heard_ = false;
};

SshTunnel::SshTunnel(Endpoint endpoint, std::vector<std::string> sockets)
    : endpoint_(std::move(endpoint)), sockets_(std::move(sockets))
{
}

Result<> SshTunnel::start(std::chrono::milliseconds limit)
{
    CHECK_OK(check_identity(endpoint_.ssh.identity));
    TRY(auto program, ssh_program());
    ssh_.reset();
    directory_.reset(); // with the sockets of an ssh that has ended
    TRY(auto directory, PrivateDirectory::make());
    directory_.emplace(std::move(directory));
    forwards_.clear();
    for (const std::string& socket : sockets_) {
        const auto local = directory_->path() / name_for(forwards_.size());
        forwards_.push_back({local.string(), socket});
    }
    ssh_ = std::make_shared<ChildProcess>(
        std::move(program), forwarding_arguments(endpoint_, forwards_, limit)
    );
    return ok();
}

Task<std::unique_ptr<NetStream>> SshTunnel::open(
    std::shared_ptr<SshTunnel> tunnel,
    asio::any_io_executor executor,
    std::string socket,
    std::chrono::milliseconds limit
)
{
    tunnel->socket_was_refused_ = false;
    for (bool started = false;;) {
        if (tunnel->ssh_ == nullptr || tunnel->ssh_->ending()) {
            if (started) {
                const auto ended = tunnel->ssh_;
                CO_CHECK(co_await last_words(tunnel->endpoint_, *ended));
            }
            CO_CHECK(tunnel->start(limit));
            started = true;
        }
        const auto forward = std::ranges::find(tunnel->forwards_, socket, &SshForward::remote);
        if (forward == tunnel->forwards_.end()) {
            co_return fail(Errc::internal, "the tunnel does not lead to " + socket);
        }
        const std::string local = forward->local;
        const auto ssh = tunnel->ssh_;               // another connection may start the next one
        const std::size_t said_before = ssh->said(); // the host may refuse before we look again
        auto stream = co_await connect_unix(executor, local);
        if (stream) {
            co_return std::make_unique<Stream>(
                *std::move(stream), tunnel, ssh, said_before, socket
            );
        }
        if (stream.error().code == Errc::cancelled) co_return stream;
        // There is no such socket yet, or nobody listens on it yet: ssh is about to log in. Or it
        // is gone: ssh has just ended.
        CO_CHECK(co_await pause(look_again));
    }
}

Task<std::string>
run_by_ssh(Endpoint endpoint, std::string command, std::chrono::milliseconds limit)
{
    CO_CHECK(check_identity(endpoint.ssh.identity));
    CO_TRY(auto program, ssh_program());
    const ChildProcess ssh(std::move(program), command_arguments(endpoint, command, limit));
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!ssh.exit_code()) {
        if (std::chrono::steady_clock::now() > end) {
            co_return fail(Errc::timed_out, "`" + command + "` did not end in time on the host");
        }
        CO_CHECK(co_await pause(look_again));
    }
    if (ssh.exit_code() != 0) {
        co_return fail(login_error(endpoint, ssh.errors()));
    }
    co_return ssh.output();
}

} // namespace slipway::engine
