#include "object_stream.hpp"

#include "call.hpp"
#include "secrets.hpp"

namespace slipway::engine {

ObjectStream::ObjectStream(
    std::unique_ptr<ResponseStream> reply,
    std::string doing,
    EngineAnswer answer,
    std::vector<std::string> secrets
)
    : reply_(std::move(reply)),
      buffer_(std::size_t{16} << 10U),
      doing_(std::move(doing)),
      answer_(std::move(answer)),
      secrets_(std::move(secrets))
{
    answer_.status = reply_->status();
}

Error ObjectStream::give_up(Error error)
{
    error = hide(std::move(error), secrets_);
    error.context.push_back(doing_);
    if (!error.answer) error.answer = answer_;
    error_ = std::move(error);
    reply_->close();
    return *error_;
}

Task<std::optional<std::string_view>> ObjectStream::read_next()
{
    for (;;) {
        CO_TRY(const auto text, splitter_.next(input_));
        if (text) co_return text;
        CO_TRY(const std::size_t count, co_await reply_->read(buffer_));
        if (count == 0) {
            CO_CHECK(splitter_.finish());
            co_return std::nullopt;
        }
        input_ = std::string_view(buffer_.data(), count);
    }
}

Task<std::optional<std::string_view>> ObjectStream::next()
{
    if (error_) co_return fail(*error_);
    if (ended_) co_return std::nullopt;
    const auto text = co_await read_next();
    if (!text) co_return fail(give_up(text.error()));
    ended_ = !text->has_value();
    co_return text;
}

Error nothing_held(std::string_view of_what)
{
    return Error(
        Errc::internal, "this stream of " + std::string(of_what) + " holds nothing to read"
    );
}

Task<std::unique_ptr<ObjectStream>>
open_objects(Transport& transport, Result<Request> request, std::string doing)
{
    EngineAnswer answer;
    std::vector<std::string> secrets;
    if (request) {
        answer = answer_to(transport, *request, 0);
        secrets = secrets_of(transport, *request);
    }
    CO_TRY(auto reply, co_await open(transport, std::move(request), doing));
    co_return std::make_unique<ObjectStream>(
        std::move(reply), std::move(doing), std::move(answer), std::move(secrets)
    );
}

} // namespace slipway::engine
