#include "discovery/tls.hpp"

#include "discovery/contexts.hpp"
#include "discovery/text.hpp"

namespace slipway::engine::discovery {
namespace {

// A file that may be there must not pass for absent: TLS would be left out without a word.
Result<bool> is_there(const std::filesystem::path& file)
{
    std::error_code error;
    const auto type = std::filesystem::status(file, error).type();
    if (type == std::filesystem::file_type::not_found) return false;
    // Reading a named pipe would wait for its writer, and the next connection find it empty.
    if (!error && type != std::filesystem::file_type::regular) {
        return fail(Errc::invalid_argument, file.string() + " is not a regular file");
    }
    if (!error) return true;
    const bool denied = error == std::errc::permission_denied;
    Error out(
        denied ? Errc::permission_denied : Errc::io,
        "cannot look for " + file.string() + ": " + error.message()
    );
    out.cause = error;
    return fail(std::move(out));
}

Result<std::optional<TlsSettings>> tls_of_environment(const Environment& environment)
{
    const std::string_view directory = environment.get("DOCKER_CERT_PATH");
    if (environment.get("DOCKER_TLS_VERIFY").empty()) {
        // Docker's clients go on here without verifying who answers; nobody reads that from the
        // two variables.
        const char* variable = !directory.empty()                       ? "DOCKER_CERT_PATH"
                               : !environment.get("DOCKER_TLS").empty() ? "DOCKER_TLS"
                                                                        : nullptr;
        if (variable == nullptr) return std::optional<TlsSettings>{};
        Error error(
            Errc::invalid_argument,
            std::string(variable)
                + " asks for TLS, but DOCKER_TLS_VERIFY is empty: the engine would not be verified"
        );
        error.hint = "set DOCKER_TLS_VERIFY=1, or unset " + std::string(variable)
                     + " when the engine does not use TLS";
        return fail(std::move(error));
    }
    if (directory.empty()) {
        TRY(auto settings, tls_from_directory(docker_config_directory(environment)));
        return settings ? settings : TlsSettings{};
    }
    TRY(auto settings, tls_from_directory(directory));
    if (!settings || settings->ca.empty()) {
        Error error(
            Errc::invalid_argument, "DOCKER_CERT_PATH " + quote(directory) + " holds no ca.pem"
        );
        error.hint = "name the directory of ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH";
        return fail(std::move(error));
    }
    return settings;
}

} // namespace

Result<std::optional<TlsSettings>> tls_from_directory(const std::filesystem::path& directory)
{
    if (directory.empty()) return std::optional<TlsSettings>{};
    TlsSettings settings;
    const auto take = [&](const char* name, std::filesystem::path& into) -> Result<> {
        TRY(const bool there, is_there(directory / name));
        if (there) into = directory / name;
        return ok();
    };
    CHECK_OK(take("ca.pem", settings.ca));
    CHECK_OK(take("cert.pem", settings.cert));
    CHECK_OK(take("key.pem", settings.key));
    if (settings.cert.empty() != settings.key.empty()) {
        return fail(
            Errc::invalid_argument,
            directory.string() + " holds "
                + (settings.key.empty() ? "cert.pem without key.pem" : "key.pem without cert.pem")
        );
    }
    if (settings.ca.empty() && settings.cert.empty()) return std::optional<TlsSettings>{};
    return settings;
}

Result<Endpoint> docker_endpoint(const Environment& environment, std::string_view url)
{
    TRY(Endpoint plain, parse_endpoint(url));
    if (plain.scheme != Endpoint::Scheme::tcp) return plain;
    TRY(auto tls, tls_of_environment(environment));
    if (!tls) return plain;
    return parse_endpoint(url, std::move(tls));
}

Result<Endpoint>
podman_endpoint(std::string_view url, TlsSettings files, std::filesystem::path identity)
{
    TRY(Endpoint plain, parse_endpoint(url));
    if (plain.scheme == Endpoint::Scheme::ssh) {
        plain.ssh.identity = std::move(identity);
        return plain;
    }
    if (files.cert.empty() != files.key.empty()) {
        return fail(Errc::invalid_argument, "a TLS certificate and its key must be given together");
    }
    if (files.ca.empty() && files.cert.empty()) return plain;
    return parse_endpoint(url, std::move(files));
}

} // namespace slipway::engine::discovery
