#pragma once

#include "object_stream.hpp"
#include "progress_reader.hpp"
#include "secrets.hpp"

#include <slipway/engine/transport.hpp>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace slipway::engine {

/// Joins the objects of a response and the reader.
class ProgressStream::Impl {
public:
    /// `fallback` is the result of a success that names none.
    Impl(std::unique_ptr<ObjectStream> objects, Goal goal, std::string fallback)
        : objects_(std::move(objects)), reader_(goal), results_{std::move(fallback)}
    {
    }

    Task<std::optional<Progress>> next();
    Task<std::vector<std::string>> results();
    std::optional<std::int64_t> failure_code() const noexcept { return reader_.failure_code(); }
    void close() noexcept { objects_->close(); }

private:
    Result<> end();
    Task<std::optional<Progress>> read_next();
    void hide_in(Progress& progress);
    std::string shown(const BuildOutput& output);
    std::optional<Progress> what_waits();

    std::unique_ptr<ObjectStream> objects_;
    ProgressReader reader_;
    std::vector<std::string> results_;
    bool ended_ = false;
    /// Of the texts that messages cut anywhere.
    Concealer stream_;
    /// Of the outputs whose last text may have ended inside a secret, by vertex and stream.
    std::map<std::pair<std::string, std::int64_t>, Concealer> outputs_;
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
