#include "http/streams.hpp"

namespace slipway::engine {

namespace {

Task<std::size_t> read_body(std::shared_ptr<Exchange> exchange, std::span<char> into)
{
    Watchdog& watchdog = exchange->watchdog;
    watchdog.begin(CallPart::idle, exchange->deadlines.idle);
    auto got = co_await exchange->connection->receive_body(into);
    watchdog.begin(CallPart::idle, {}); // nobody waits
    if (got && *got == 0) {
        if (auto ended = co_await exchange->connection->finish(); !ended) {
            got = fail(std::move(ended).error());
        }
        exchange->connection->close(); // it served this one answer
    }
    if (!got && watchdog.expired()) {
        got = fail(watchdog.error());
    }
    if (!got || *got == 0) {
        watchdog.finish();
    }
    co_return during(std::move(got), exchange->doing);
}

class HttpResponseStream final : public ResponseStream {
public:
    explicit HttpResponseStream(std::shared_ptr<Exchange> exchange)
        : exchange_(std::move(exchange)),
          status_(exchange_->connection->answer().status()),
          headers_(exchange_->connection->answer().headers())
    {
    }
    ~HttpResponseStream() override { HttpResponseStream::close(); }

    Task<std::size_t> read(std::span<char> into) override { return read_body(exchange_, into); }
    int status() const noexcept override { return status_; }
    const Headers& headers() const noexcept override { return headers_; }
    void close() noexcept override
    {
        exchange_->connection->close();
        exchange_->watchdog.finish();
    }

private:
    std::shared_ptr<Exchange> exchange_;
    int status_;
    Headers headers_;
};

Task<std::size_t> read_raw(std::shared_ptr<NetStream> stream, std::span<char> into)
{
    co_return co_await stream->read(into);
}
Task<> write_raw(std::shared_ptr<NetStream> stream, std::string_view data)
{
    co_return co_await stream->write(data);
}
Task<> end_raw(std::shared_ptr<NetStream> stream)
{
    co_return co_await stream->shutdown_write();
}
Task<std::size_t> at_once(std::size_t n)
{
    co_return n;
}

class HijackedStream final : public DuplexStream {
public:
    HijackedStream(std::shared_ptr<NetStream> stream, std::string leftover)
        : stream_(std::move(stream)), leftover_(std::move(leftover))
    {
    }
    ~HijackedStream() override { stream_->close(); }

    Task<std::size_t> read(std::span<char> into) override
    {
        if (taken_ < leftover_.size()) {
            const std::size_t n = leftover_.copy(into.data(), into.size(), taken_);
            taken_ += n;
            return at_once(n);
        }
        return read_raw(stream_, into);
    }
    Task<> write(std::string_view data) override { return write_raw(stream_, data); }
    Task<> shutdown_write() override { return end_raw(stream_); }
    void close() noexcept override
    {
        taken_ = leftover_.size();
        stream_->close();
    }

private:
    std::shared_ptr<NetStream> stream_;
    std::string leftover_;
    std::size_t taken_ = 0;
};

} // namespace

std::unique_ptr<ResponseStream> response_stream(std::shared_ptr<Exchange> exchange)
{
    return std::make_unique<HttpResponseStream>(std::move(exchange));
}

std::unique_ptr<DuplexStream>
hijacked_stream(std::shared_ptr<NetStream> stream, std::string leftover)
{
    return std::make_unique<HijackedStream>(std::move(stream), std::move(leftover));
}

} // namespace slipway::engine
