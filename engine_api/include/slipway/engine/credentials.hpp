#pragma once

#include <slipway/engine/auth.hpp>
#include <slipway/engine/discovery.hpp>
#include <slipway/engine/result.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

// Who a user is to a registry, as `docker login` and `podman login` wrote it down. An engine keeps
// no credentials: its client sends them with each call.
namespace slipway::engine {

/// Long enough for a helper that asks for a passphrase.
inline constexpr std::chrono::milliseconds helper_deadline{60'000};

/// What was found for one registry.
struct Credentials {
    std::string registry;             ///< "docker.io", "ghcr.io", "registry.example:5000"
    std::optional<RegistryAuth> auth; ///< absent: none are written down
    std::string source; ///< whence `auth` is: "/home/me/.docker/config.json", "docker-credential-x"
    std::vector<std::string> searched; ///< every place that was looked in, the first one first
    /// Places that could not be read, and helpers that failed. The search went on without them.
    std::vector<Error> problems;
};

/// Looks for the credentials for an image. The first place that has some decides:
///
///   DOCKER_AUTH_CONFIG, JSON as in docker's file, of which only `auths` counts
///   the file in REGISTRY_AUTH_FILE
///   config.json in DOCKER_CONFIG, else in ~/.docker
///   without REGISTRY_AUTH_FILE: containers/auth.json in XDG_RUNTIME_DIR (/run/containers/UID/
///     auth.json when that is not set), then in XDG_CONFIG_HOME or ~/.config
///
/// In a file a helper named for the registry in `credHelpers` goes first, else the one in
/// `credsStore`, and then `auths`. A key there is a host, as a URL or bare, or a host and the
/// beginning of the image's path; the longest that fits is taken. docker.io, index.docker.io and
/// registry-1.docker.io are one registry.
///
/// A helper is the program docker-credential-NAME in PATH. It is started without a shell, gets the
/// registry on stdin and nothing else of this process but its environment, stands in a process
/// group of its own, so it cannot ask on the terminal, and is killed with all it started when
/// `deadline` is over or the task is cancelled.
///
/// What cannot be read becomes one of `problems` and no error, as docker too tries without: an
/// image that anybody may pull needs none of it. Its text names the file or the helper and has what
/// the helper said on stderr, or on stdout when it fails; it has no value of a file.
///
/// Errors: invalid_argument (`image` is no reference), cancelled.
Task<Credentials> find_credentials(
    Environment environment, std::string image, std::chrono::milliseconds deadline = helper_deadline
);

/// The same for several images, such as those that a Dockerfile builds on. Each registry is asked
/// for once, with the first of its images. Errors: as above.
Task<std::vector<Credentials>> find_all_credentials(
    Environment environment,
    std::vector<std::string> images,
    std::chrono::milliseconds deadline = helper_deadline
);

/// Those that were found, in the form of BuildSpec::registries.
std::map<std::string, RegistryAuth> for_build(const std::vector<Credentials>& found);

/// What a person can do when a registry wants credentials, or other ones than `found`: a hint.
std::string how_to_log_in(const Credentials& found);

} // namespace slipway::engine
