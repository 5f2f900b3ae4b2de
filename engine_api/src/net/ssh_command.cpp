#include "net/ssh_command.hpp"

#include "discovery/text.hpp"
#include "one_line.hpp"

#include <slipway/engine/endpoint.hpp>

#include <algorithm>

namespace slipway::engine {

namespace {

constexpr std::string_view refused_words = "open failed";
constexpr std::string_view forbidden_words = "administratively prohibited";

// What holds for every use: no question, no terminal, nothing that the user's configuration does
// for sessions of his own. A shared master connection stays out too: it would keep our forwards
// after we have gone.
std::vector<std::string> common_arguments(const Endpoint& endpoint, std::chrono::milliseconds limit)
{
    const auto seconds = std::max<std::chrono::milliseconds::rep>((limit.count() + 999) / 1000, 1);
    std::vector<std::string> out{"-T", "-a", "-x"};
    const auto option = [&](std::string text) {
        out.emplace_back("-o");
        out.push_back(std::move(text));
    };
    option("BatchMode=yes");
    option("ConnectTimeout=" + std::to_string(seconds));
    option("ControlMaster=no");
    option("ControlPath=none");
    option("PermitLocalCommand=no");
    option("RemoteCommand=none");
    option("IgnoreUnknown=ForkAfterAuthentication"); // OpenSSH before 8.7
    option("ForkAfterAuthentication=no");
    option("LogLevel=INFO"); // else a quiet configuration would keep the reasons back
    // A peer that is gone shows up, also while an attached stream is silent for hours.
    option("ServerAliveInterval=30");
    option("ServerAliveCountMax=3");
    if (!endpoint.ssh.identity.empty()) {
        option("IdentitiesOnly=yes");
        out.emplace_back("-i");
        out.push_back(endpoint.ssh.identity.string());
    }
    if (endpoint.port != 0) {
        out.emplace_back("-p");
        out.push_back(std::to_string(endpoint.port));
    }
    if (!endpoint.ssh.user.empty()) {
        out.emplace_back("-l");
        out.push_back(endpoint.ssh.user);
    }
    return out;
}

void end_with_host(std::vector<std::string>& arguments, const Endpoint& endpoint)
{
    arguments.emplace_back("--"); // what follows is no option, whatever it looks like
    arguments.push_back(endpoint.host);
}

// What a person types to see for himself.
std::string by_hand(const Endpoint& endpoint)
{
    std::string command = "ssh";
    if (!endpoint.ssh.identity.empty()) {
        command += " -i " + discovery::shell_quote(endpoint.ssh.identity.string());
    }
    if (endpoint.port != 0) command += " -p " + std::to_string(endpoint.port);
    const std::string user = endpoint.ssh.user.empty() ? "" : endpoint.ssh.user + "@";
    return "`" + command + " " + discovery::shell_quote(user + endpoint.host) + "`";
}

// The last line, which has the reason; or the last one that speaks of `about`.
std::string line_of(std::string_view said, std::string_view about = {})
{
    std::string_view found;
    while (!said.empty()) {
        const auto end = std::min(said.find('\n'), said.size());
        const std::string_view line = discovery::trim(said.substr(0, end));
        if (!line.empty() && line.find(about) != std::string_view::npos) found = line;
        said.remove_prefix(std::min(end + 1, said.size()));
    }
    std::string out = one_line(found);
    while (out.ends_with('.')) {
        out.pop_back();
    }
    return out;
}

std::string login_hint(const Endpoint& endpoint, const std::string& words)
{
    const auto says = [&](std::string_view part) { return words.find(part) != std::string::npos; };
    const std::string hand = by_hand(endpoint);
    if (says("Host key verification failed")) {
        return "the host's key is unknown, or not the one in ~/.ssh/known_hosts: compare it with "
               "the host's own, then run "
               + hand + " once by hand, which asks and keeps it";
    }
    if (says("Permission denied") || says("Too many authentication failures")) {
        return "ssh has to log in without asking: name a key in ~/.ssh/config or load it with "
               "`ssh-add`, and put its public half into ~/.ssh/authorized_keys on the host; "
               + hand + " by hand must not ask for a password";
    }
    return "check the host and the port; " + hand + " by hand must log in without asking";
}

} // namespace

std::vector<std::string> forwarding_arguments(
    const Endpoint& endpoint,
    const std::vector<SshForward>& forwards,
    std::chrono::milliseconds connect_limit
)
{
    std::vector<std::string> out = common_arguments(endpoint, connect_limit);
    out.emplace_back("-N");
    out.emplace_back("-o");
    out.emplace_back("ClearAllForwardings=no"); // it would clear ours too
    // Forwards that the user's configuration adds may be taken by another session of his.
    out.emplace_back("-o");
    out.emplace_back("ExitOnForwardFailure=no");
    for (const SshForward& forward : forwards) {
        out.emplace_back("-L");
        out.push_back(forward.local + ":" + forward.remote);
    }
    end_with_host(out, endpoint);
    return out;
}

std::vector<std::string> command_arguments(
    const Endpoint& endpoint, std::string_view command, std::chrono::milliseconds connect_limit
)
{
    std::vector<std::string> out = common_arguments(endpoint, connect_limit);
    out.emplace_back("-o");
    out.emplace_back("ClearAllForwardings=yes");
    end_with_host(out, endpoint);
    out.emplace_back(command);
    return out;
}

Error login_error(const Endpoint& endpoint, std::string_view said)
{
    const std::string words = line_of(said);
    const bool named = words.starts_with("ssh: ");
    Error error(
        Errc::unreachable,
        words.empty() ? "ssh ended without a word" : (named ? "" : "ssh: ") + words
    );
    error.hint = login_hint(endpoint, words);
    return error;
}

bool refuses_socket(std::string_view said)
{
    return said.find(refused_words) != std::string_view::npos;
}

bool forbids_forwarding(std::string_view said)
{
    return said.find(forbidden_words) != std::string_view::npos;
}

Error socket_error(const Endpoint& endpoint, std::string_view socket, std::string_view said)
{
    Error error(
        Errc::unreachable,
        "the host gives no connection to " + std::string(socket)
            + ": ssh: " + line_of(said, refused_words)
    );
    // Most versions of sshd say the same when there is no such socket, when the user may not use it
    // and when forwarding is off.
    error.hint = "the host's sshd_config needs AllowStreamLocalForwarding yes, and the key in "
                 "authorized_keys no `restrict`";
    if (!forbids_forwarding(said)) {
        error.hint =
            "start the engine on " + endpoint.host
            + ", let the user who logs in use its socket (group docker), or name another "
              "socket: ssh://"
            + endpoint.host
            + "/path/to/socket; the host's sshd must allow it (AllowStreamLocalForwarding)";
    }
    return error;
}

} // namespace slipway::engine
