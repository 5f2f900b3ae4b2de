#pragma once

#include <slipway/engine/discovery.hpp>

#include <filesystem>
#include <optional>
#include <string_view>

namespace slipway::engine::discovery {

/// The settings that ca.pem, cert.pem and key.pem of `directory` make, or nothing when it has none
/// of them. Errors: invalid_argument (a certificate without its key, or a key without it).
Result<std::optional<TlsSettings>> tls_from_directory(const std::filesystem::path& directory);

/// An endpoint as --host and DOCKER_HOST mean it: TLS by DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.
/// Errors: those of parse_endpoint; invalid_argument (TLS asked for without verification, or
///   files that are not there).
Result<Endpoint> docker_endpoint(const Environment& environment, std::string_view url);

/// An endpoint as podman means it: the files, where given, turn TLS on; the identity is for ssh.
/// Errors: those of parse_endpoint; invalid_argument (a certificate without its key).
Result<Endpoint>
podman_endpoint(std::string_view url, TlsSettings files, std::filesystem::path identity);

} // namespace slipway::engine::discovery
