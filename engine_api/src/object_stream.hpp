#pragma once

#include "json_stream.hpp"

#include <slipway/engine/transport.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// The JSON objects of an answer, as they come.
class ObjectStream {
public:
    /// `doing` becomes the errors' context, `answer` their answer, and no `secrets` their message.
    ObjectStream(
        std::unique_ptr<ResponseStream> reply,
        std::string doing,
        EngineAnswer answer,
        std::vector<std::string> secrets
    );

    /// The text of the next object, valid until the next call, or nothing at the end. An error is
    /// final. Errors: truncated (inside an object), protocol, and those of the connection.
    Task<std::optional<std::string_view>> next();

    /// Makes `error` the stream's last word, closes the connection and returns what to fail with.
    Error give_up(Error error);

    const std::vector<std::string>& secrets() const noexcept { return secrets_; }
    void close() noexcept { reply_->close(); }

private:
    Task<std::optional<std::string_view>> read_next();

    std::unique_ptr<ResponseStream> reply_;
    JsonSplitter splitter_;
    std::vector<char> buffer_;
    std::string_view input_; ///< what of `buffer_` is not looked at yet
    std::string doing_;
    EngineAnswer answer_;
    std::vector<std::string> secrets_;
    bool ended_ = false;
    std::optional<Error> error_;
};

/// What reading a public stream fails with that was default-constructed or moved from.
Error nothing_held(std::string_view of_what);

/// The coroutine behind every stream of objects: sends, and wraps the answer.
Task<std::unique_ptr<ObjectStream>>
open_objects(Transport& transport, Result<Request> request, std::string doing);

} // namespace slipway::engine
