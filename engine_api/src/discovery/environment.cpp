#include <slipway/engine/discovery.hpp>

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace slipway::engine {
namespace {

constexpr std::array known_variables{
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "CONTAINER_HOST",
    "CONTAINER_CONNECTION",
    "CONTAINER_SSHKEY",
    "CONTAINER_TLS_CA",
    "CONTAINER_TLS_CERT",
    "CONTAINER_TLS_KEY",
    "PODMAN_CONNECTIONS_CONF",
    "DOCKER_AUTH_CONFIG",
    "REGISTRY_AUTH_FILE",
    "PATH",
    "COLIMA_HOME",
    "LIMA_HOME",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
};

std::filesystem::path home_of(uid_t uid)
{
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return {};
    }
    return found->pw_dir;
}

} // namespace

Environment Environment::from_process()
{
    Environment out;
    for (const char* name : known_variables) {
        if (const char* value = std::getenv(name)) out.variables.emplace(name, value);
    }
    out.uid = geteuid();
    const char* home = std::getenv("HOME");
    out.home = home != nullptr && *home != '\0' ? home : home_of(out.uid);
    if (!out.home.is_absolute()) out.home.clear();
    return out;
}

std::string_view Environment::get(std::string_view name) const
{
    const auto found = variables.find(name);
    return found == variables.end() ? std::string_view{} : found->second;
}

std::filesystem::path Environment::directory(std::string_view name) const
{
    std::filesystem::path path = get(name);
    return path.is_absolute() ? path : std::filesystem::path{};
}

} // namespace slipway::engine
