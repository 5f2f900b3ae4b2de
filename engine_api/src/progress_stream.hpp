#pragma once

#include "json_stream.hpp"
#include "progress_reader.hpp"

#include <slipway/engine/transport.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// Joins a response's bytes, the splitter and the reader.
class ProgressStream::Impl {
public:
    /// `fallback` is the result of a success that names none; `doing` becomes the errors' context,
    /// `answer` their answer.
    Impl(
        std::unique_ptr<ResponseStream> reply,
        Goal goal,
        std::string fallback,
        std::string doing,
        EngineAnswer answer
    );

    Task<std::optional<Progress>> next();
    Task<std::string> result();
    std::optional<std::int64_t> failure_code() const noexcept { return reader_.failure_code(); }
    void close() noexcept { reply_->close(); }

private:
    Task<std::optional<Progress>> read_next();
    Result<> end();

    std::unique_ptr<ResponseStream> reply_;
    JsonSplitter splitter_;
    ProgressReader reader_;
    std::vector<char> buffer_;
    std::string_view input_; ///< what of `buffer_` is not looked at yet
    std::string result_;
    std::string doing_;
    EngineAnswer answer_;
    bool ended_ = false;
    std::optional<Error> error_;
};

/// The coroutine behind build, pull and import: sends, and wraps the answer.
Task<ProgressStream> open_progress(
    Transport& transport,
    Result<Request> request,
    Goal goal,
    std::string fallback,
    std::string doing
);

} // namespace slipway::engine
