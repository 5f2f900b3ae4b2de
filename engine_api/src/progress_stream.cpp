#include "progress_stream.hpp"

#include "call.hpp"

namespace slipway::engine {

ProgressStream::Impl::Impl(
    std::unique_ptr<ResponseStream> reply,
    Goal goal,
    std::string fallback,
    std::string doing,
    EngineAnswer answer
)
    : reply_(std::move(reply)),
      reader_(goal),
      buffer_(std::size_t{16} << 10U),
      result_(std::move(fallback)),
      doing_(std::move(doing)),
      answer_(std::move(answer))
{
    answer_.status = reply_->status();
}

Result<> ProgressStream::Impl::end()
{
    CHECK_OK(splitter_.finish());
    TRY(std::string id, reader_.finish());
    if (!id.empty()) result_ = std::move(id);
    ended_ = true;
    return ok();
}

Task<std::optional<Progress>> ProgressStream::Impl::read_next()
{
    for (;;) {
        CO_TRY(const auto text, splitter_.next(input_));
        if (text) {
            CO_TRY(Progress progress, reader_.message(*text));
            co_return progress;
        }
        CO_TRY(const std::size_t count, co_await reply_->read(buffer_));
        if (count == 0) {
            CO_CHECK(end());
            co_return std::nullopt;
        }
        input_ = std::string_view(buffer_.data(), count);
    }
}

Task<std::optional<Progress>> ProgressStream::Impl::next()
{
    if (error_) co_return fail(*error_);
    if (ended_) co_return std::nullopt;
    auto progress = co_await read_next();
    if (!progress) {
        error_ = std::move(progress).error();
        error_->context.push_back(doing_);
        if (!error_->answer) error_->answer = answer_;
        reply_->close();
        co_return fail(*error_);
    }
    co_return progress;
}

Task<std::string> ProgressStream::Impl::result()
{
    for (;;) {
        CO_TRY(const auto progress, co_await next());
        if (!progress) co_return result_;
    }
}

namespace {

Error nothing_held()
{
    return Error(Errc::internal, "this stream of messages holds nothing to read");
}

} // namespace

ProgressStream::ProgressStream() noexcept = default;
ProgressStream::ProgressStream(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ProgressStream::ProgressStream(ProgressStream&&) noexcept = default;
ProgressStream& ProgressStream::operator=(ProgressStream&&) noexcept = default;
ProgressStream::~ProgressStream() = default;

Task<std::optional<Progress>> ProgressStream::next()
{
    return impl_ ? impl_->next() : refuse<std::optional<Progress>>(nothing_held());
}

Task<std::string> ProgressStream::result()
{
    return impl_ ? impl_->result() : refuse<std::string>(nothing_held());
}

std::optional<std::int64_t> ProgressStream::failure_code() const noexcept
{
    return impl_ ? impl_->failure_code() : std::nullopt;
}

void ProgressStream::close() noexcept
{
    if (impl_) impl_->close();
}

Task<ProgressStream> open_progress(
    Transport& transport,
    Result<Request> request,
    Goal goal,
    std::string fallback,
    std::string doing
)
{
    EngineAnswer answer;
    if (request) answer = answer_to(transport, *request, 0);
    auto reply = co_await open(transport, std::move(request), doing);
    if (!reply) {
        Error error = std::move(reply).error();
        const bool pulling = goal == Goal::pull || goal == Goal::pull_ended_by_layer;
        if (pulling && error.code == Errc::engine) error.code = code_of_refused_pull(error.message);
        co_return fail(std::move(error));
    }
    auto impl = std::make_unique<ProgressStream::Impl>(
        *std::move(reply), goal, std::move(fallback), std::move(doing), std::move(answer)
    );
    co_return ProgressStream(std::move(impl));
}

} // namespace slipway::engine
