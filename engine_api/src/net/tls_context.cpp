#include "net/tls_context.hpp"

#include <slipway/engine/endpoint.hpp>

#include <boost/asio/ip/address.hpp>
#include <openssl/x509v3.h>

namespace slipway::engine {

namespace {

constexpr const char* certificate_hint =
    "the engine wants a client certificate that its authority signed: DOCKER_CERT_PATH must hold "
    "cert.pem and key.pem";

using Context = std::unique_ptr<SSL_CTX, FreeSsl>;

tl::unexpected<Error> unusable(const std::filesystem::path& file, const char* what)
{
    Error error(
        Errc::invalid_argument,
        std::string("cannot use ") + what + " " + file.string() + ": " + take_tls_failure().text
    );
    error.hint = "the directory of DOCKER_CERT_PATH holds ca.pem, cert.pem and key.pem, all in PEM "
                 "and the key without a password";
    return fail(std::move(error));
}

// Without this OpenSSL asks the terminal for the password of a key, and everything waits.
int no_password(char*, int, int, void*)
{
    return -1;
}

Result<Context> make_context(const TlsSettings& settings)
{
    ERR_clear_error();
    Context context(SSL_CTX_new(TLS_client_method()));
    if (!context) {
        return fail(Errc::internal, "OpenSSL gave no context: " + take_tls_failure().text);
    }
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
    // A renegotiation would make writes wait for reads. Go's servers never ask for one.
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(context.get(), settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (settings.ca.empty()) {
        SSL_CTX_set_default_verify_paths(context.get());
    } else if (SSL_CTX_load_verify_locations(context.get(), settings.ca.c_str(), nullptr) != 1) {
        return unusable(settings.ca, "the certificate authority");
    }
    SSL_CTX_set_default_passwd_cb(context.get(), no_password);
    if (!settings.cert.empty()) {
        if (SSL_CTX_use_certificate_chain_file(context.get(), settings.cert.c_str()) != 1) {
            return unusable(settings.cert, "the client certificate");
        }
        if (SSL_CTX_use_PrivateKey_file(context.get(), settings.key.c_str(), SSL_FILETYPE_PEM) != 1
            || SSL_CTX_check_private_key(context.get()) != 1) {
            return unusable(settings.key, "the client key");
        }
    }
    return context;
}

// False when OpenSSL does not take the name, and would check none.
bool expect_host(SSL* ssl, const std::string& host)
{
    const std::string without_zone = host.substr(0, host.find('%'));
    const std::string name = host.substr(0, host.size() - (host.ends_with('.') ? 1 : 0));
    boost::system::error_code is_a_name;
    const auto address = boost::asio::ip::make_address(without_zone, is_a_name);
    X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
    if (!is_a_name) {
        return X509_VERIFY_PARAM_set1_ip_asc(rules, address.to_string().c_str()) == 1;
    }
    // As Go's clients: what a certificate is for stands in its alternative names alone.
    X509_VERIFY_PARAM_set_hostflags(
        rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT
    );
    return !name.empty() && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 // SNI: names only
           && X509_VERIFY_PARAM_set1_host(rules, name.c_str(), name.size()) == 1;
}

// What helps against the verdict of a verification.
const char* trust_hint(long verdict)
{
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "reach the engine by a name or address that its certificate has among its "
               "alternative names, or have one made that has this one";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "check the clock of this machine, or have the engine's certificate renewed";
    default:
        return "check that ca.pem is the authority that signed the engine's certificate";
    }
}

bool is_alert_about_certificates(int reason)
{
    switch (reason) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

} // namespace

TlsFailure take_tls_failure()
{
    TlsFailure failure;
    while (const unsigned long code = ERR_get_error()) {
        const char* text = ERR_reason_error_string(code);
        failure.text = text != nullptr ? text : "error " + std::to_string(code);
        failure.reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    }
    if (failure.text.empty()) failure.text = "unknown TLS error";
    return failure;
}

Result<std::unique_ptr<SSL, FreeSsl>> make_tls(const TlsSettings& settings, const std::string& host)
{
    TRY(const auto context, make_context(settings));
    std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(context.get())); // keeps the context alive
    if (!ssl) {
        return fail(Errc::internal, "OpenSSL gave no session: " + take_tls_failure().text);
    }
    const std::string name = settings.server_name.empty() ? host : settings.server_name;
    if (!expect_host(ssl.get(), name)) {
        return fail(
            Errc::invalid_argument, "'" + name + "' is no name that a certificate can have"
        );
    }
    return ssl;
}

Error handshake_error(const SSL* ssl, const TlsFailure& failure)
{
    Error error(Errc::unreachable, "TLS handshake failed: " + failure.text);
    const long verdict = SSL_get_verify_result(ssl);
    if (failure.reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK) {
        error.message = std::string("the engine's certificate is not trusted: ")
                        + X509_verify_cert_error_string(verdict);
        error.hint = trust_hint(verdict);
    } else if (is_alert_about_certificates(failure.reason)) {
        error.hint = certificate_hint;
    } else if (failure.reason == SSL_R_WRONG_VERSION_NUMBER || failure.reason == SSL_R_HTTP_REQUEST) {
        error.hint = "what listens there does not speak TLS: check the port, or unset "
                     "DOCKER_TLS_VERIFY";
    }
    return error;
}

Error stream_error(const TlsFailure& failure, bool heard)
{
    const bool refused = !heard && is_alert_about_certificates(failure.reason);
    Error error(refused ? Errc::unreachable : Errc::protocol, "TLS: " + failure.text);
    if (refused) error.hint = certificate_hint;
    return error;
}

Error silent_end_error(Error broken)
{
    broken.code = Errc::unreachable;
    broken.hint = certificate_hint;
    return broken;
}

} // namespace slipway::engine
