#pragma once

#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace slipway::engine {

class NetStream;
struct TlsSettings;

struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

/// A client session by the settings, not connected to anything. The peer's certificate must name
/// `host` (DNS name or address) unless the settings name another. TLS 1.2 or newer, without
/// renegotiation. Errors: invalid_argument (a file that cannot be used, a name that is none).
Result<std::unique_ptr<SSL, FreeSsl>>
make_tls(const TlsSettings& settings, const std::string& host);

/// Wraps a connected stream in TLS, with a session of make_tls, and shakes hands.
Task<std::unique_ptr<NetStream>> start_tls(
    boost::asio::any_io_executor executor,
    std::unique_ptr<NetStream> lower,
    std::unique_ptr<SSL, FreeSsl> ssl
);

/// What OpenSSL says about the failure of its last call.
struct TlsFailure {
    int reason = 0; ///< of the SSL library; 0 when there is none
    std::string text{};
};
/// Takes the failure from the thread's queue.
TlsFailure take_tls_failure();

/// The handshake did not come about: untrusted, refused, or no TLS at the other side.
Error handshake_error(const SSL* ssl, const TlsFailure& failure);

/// The session failed later. With TLS 1.3 a refusal of our certificate arrives here, before
/// anything was heard.
Error stream_error(const TlsFailure& failure, bool heard);

/// The connection broke before the peer had said anything after the handshake. With TLS 1.3 that is
/// how a refusal of our certificate looks when a reset overtakes the alert.
Error silent_end_error(Error broken);

} // namespace slipway::engine
