#include "net/asio.hpp"
#include "net/stream.hpp"
#include "net/tls_context.hpp"

#include <slipway/engine/endpoint.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace slipway::engine {

namespace asio = boost::asio;

namespace {

constexpr std::size_t record_bytes = 16384; // the most one TLS record carries

// TLS over memory BIOs. Asio's ssl::stream cannot send close_notify and keep reading, which is what
// the end of a command's standard input needs: its shutdown waits for the peer and drops the rest
// of the output.
class TlsStream final : public NetStream {
public:
    TlsStream(
        const asio::any_io_executor& executor,
        std::unique_ptr<NetStream> lower,
        std::unique_ptr<SSL, FreeSsl> ssl
    )
        : lower_(std::move(lower)),
          ssl_(std::move(ssl)),
          flushed_(executor, asio::steady_timer::time_point::max())
    {
        from_peer_ = BIO_new(BIO_s_mem());
        to_peer_ = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl_.get(), from_peer_, to_peer_); // takes both
    }

    Task<> handshake()
    {
        for (;;) {
            ERR_clear_error();
            const int done = SSL_connect(ssl_.get());
            const int why = SSL_get_error(ssl_.get(), done);
            const TlsFailure failure = done == 1 ? TlsFailure() : take_tls_failure();
            // Even a failed handshake has an alert for the peer.
            auto sent = co_await flush();
            if (done == 1) {
                co_return sent;
            }
            if (why != SSL_ERROR_WANT_READ) {
                co_return fail(handshake_error(ssl_.get(), failure));
            }
            // When the peer hung up on us, what it said before tells more than the broken pipe.
            if (!sent && sent.error().code == Errc::cancelled) {
                co_return sent;
            }
            CO_TRY(const bool more, co_await feed());
            if (!more) {
                co_return fail(
                    Errc::unreachable, "the peer closed the connection during the TLS handshake"
                );
            }
        }
    }

    Task<std::size_t> read(std::span<char> into) override
    {
        for (;;) {
            ERR_clear_error();
            const int n = SSL_read(ssl_.get(), into.data(), clamp(into.size()));
            if (n > 0) {
                heard_ = true;
                co_return static_cast<std::size_t>(n);
            }
            switch (SSL_get_error(ssl_.get(), n)) {
            case SSL_ERROR_ZERO_RETURN:
                co_return std::size_t{0};
            case SSL_ERROR_WANT_READ:
                break;
            default:
                co_return fail(stream_error(take_tls_failure(), heard_));
            }
            // A key update leaves an answer to send. A writer that is sending takes it along; to
            // wait for that writer here would hang when the peer reads only after it was read.
            if (!flushing_ && !broken_ && BIO_ctrl_pending(to_peer_) > 0) {
                const auto sent = co_await flush();
                if (!sent && sent.error().code == Errc::cancelled) {
                    co_return fail(sent.error());
                }
            }
            auto more = co_await feed();
            if (!more && more.error().code == Errc::io && !heard_) {
                more = fail(silent_end_error(std::move(more).error()));
            }
            if (!more) {
                co_return fail(std::move(more).error());
            }
            if (!*more) {
                co_return fail(
                    Errc::truncated, "the TLS connection was cut without its closing alert"
                );
            }
        }
    }

    Task<> write(std::string_view data) override
    {
        while (!data.empty()) {
            if (broken_) {
                co_return fail(*broken_);
            }
            ERR_clear_error();
            // One record at a time keeps what waits in memory small.
            const int n =
                SSL_write(ssl_.get(), data.data(), clamp(std::min(data.size(), record_bytes)));
            if (n <= 0) {
                co_return fail(stream_error(take_tls_failure(), heard_));
            }
            data.remove_prefix(static_cast<std::size_t>(n));
            CO_CHECK(co_await flush());
        }
        co_return ok();
    }

    Task<> shutdown_write() override
    {
        if (broken_) {
            co_return fail(*broken_);
        }
        ERR_clear_error();
        SSL_shutdown(ssl_.get()); // writes close_notify; 0 only says that the peer's is still due
        co_return co_await flush();
    }

    void close() noexcept override { lower_->close(); }

    bool stale() noexcept override
    {
        return SSL_pending(ssl_.get()) > 0 || BIO_ctrl_pending(from_peer_) > 0 || lower_->stale();
    }

private:
    static int clamp(std::size_t size)
    {
        constexpr auto most = static_cast<std::size_t>(std::numeric_limits<int>::max());
        return static_cast<int>(std::min(size, most));
    }

    // Takes ciphertext from the peer; false at the end of the connection.
    Task<bool> feed()
    {
        CO_TRY(const std::size_t n, co_await lower_->read(incoming_));
        if (n > 0) {
            BIO_write(from_peer_, incoming_.data(), static_cast<int>(n));
        }
        co_return n > 0;
    }

    // Sends what OpenSSL has made. The reader and the writer may both come here: one sends, so that
    // records keep their order, and the other waits until the buffer is empty.
    Task<> flush()
    {
        const Interruption stop(co_await asio::this_coro::cancellation_state);
        while (flushing_) {
            co_await flushed_.async_wait(io);
            if (stop.arrived()) {
                co_return fail(cancelled_error("writing to the engine"));
            }
        }
        flushing_ = true;
        while (!broken_ && BIO_ctrl_pending(to_peer_) > 0) {
            const int n = BIO_read(to_peer_, outgoing_.data(), static_cast<int>(outgoing_.size()));
            const std::string_view piece(outgoing_.data(), static_cast<std::size_t>(n));
            if (auto sent = co_await lower_->write(piece); !sent) {
                broken_ =
                    std::move(sent).error(); // a part of a record may be out: nothing may follow
            }
        }
        flushing_ = false;
        flushed_.cancel();
        if (broken_) {
            co_return fail(*broken_);
        }
        co_return ok();
    }

    std::unique_ptr<NetStream> lower_;
    std::unique_ptr<SSL, FreeSsl> ssl_;
    BIO* from_peer_ = nullptr; // owned by ssl_
    BIO* to_peer_ = nullptr;   // owned by ssl_
    bool flushing_ = false;
    bool heard_ = false;          // anything after the handshake
    std::optional<Error> broken_; // why our direction cannot be used any more
    asio::steady_timer flushed_;  // cancelled at the end of a flush
    std::array<char, 32768> incoming_{};
    std::array<char, 32768> outgoing_{};
};

} // namespace

Task<std::unique_ptr<NetStream>> start_tls(
    asio::any_io_executor executor,
    std::unique_ptr<NetStream> lower,
    std::unique_ptr<SSL, FreeSsl> ssl
)
{
    auto stream = std::make_unique<TlsStream>(executor, std::move(lower), std::move(ssl));
    CO_CHECK(co_await stream->handshake());
    co_return std::unique_ptr<NetStream>(std::move(stream));
}

} // namespace slipway::engine
