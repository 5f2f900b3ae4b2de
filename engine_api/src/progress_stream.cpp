#include "progress_stream.hpp"

#include "call.hpp"
#include "refusal.hpp"
#include "secrets.hpp"

#include <initializer_list>

namespace slipway::engine {

namespace {

using Secrets = std::vector<std::string>;

/// More outputs than steps run at a time, and longer names than steps have: an engine that goes
/// beyond is not waited for.
constexpr std::size_t max_waiting_outputs = 1024;
constexpr std::size_t max_vertex_bytes = 256;

void hide_all(const Secrets& secrets, std::initializer_list<std::string*> texts)
{
    for (std::string* const text : texts) {
        hide(*text, secrets);
    }
}

void hide_in(BuildTrace& trace, const Secrets& secrets)
{
    for (BuildVertex& vertex : trace.vertexes) {
        hide_all(secrets, {&vertex.digest, &vertex.name, &vertex.error});
        for (std::string& input : vertex.inputs) {
            hide(input, secrets);
        }
    }
    for (BuildVertexStatus& status : trace.statuses) {
        hide_all(secrets, {&status.id, &status.vertex, &status.name});
    }
    for (BuildWarning& warning : trace.warnings) {
        hide_all(secrets, {&warning.vertex, &warning.text, &warning.url});
        for (std::string& line : warning.details) {
            hide(line, secrets);
        }
    }
}

} // namespace

/// In every text, ids and digests too: which of them an engine made itself is not known.
void ProgressStream::Impl::hide_in(Progress& progress)
{
    const Secrets& secrets = objects_->secrets();
    if (!progress.stream.empty()) progress.stream = stream_.add(progress.stream, secrets);
    hide_all(secrets, {&progress.status, &progress.id, &progress.aux_id});
    if (progress.pushed) hide_all(secrets, {&progress.pushed->tag, &progress.pushed->digest});
    if (!progress.trace) return;
    engine::hide_in(*progress.trace, secrets);
    for (BuildOutput& output : progress.trace->outputs) {
        hide(output.vertex, secrets);
        output.text = shown(output);
    }
}

std::string ProgressStream::Impl::shown(const BuildOutput& output)
{
    Concealer alone;
    auto place = outputs_.find({output.vertex, output.stream});
    Concealer& concealer = place == outputs_.end() ? alone : place->second;
    std::string text = concealer.add(output.text, objects_->secrets());
    if (place != outputs_.end()) {
        if (concealer.empty()) outputs_.erase(place);
    } else if (!alone.empty()) {
        if (outputs_.size() >= max_waiting_outputs || output.vertex.size() > max_vertex_bytes) {
            return text + alone.finish();
        }
        outputs_.emplace(std::pair(output.vertex, output.stream), std::move(alone));
    }
    return text;
}

/// As one message more, before the end or the error.
std::optional<Progress> ProgressStream::Impl::what_waits()
{
    Progress progress;
    progress.stream = stream_.finish();
    BuildTrace trace;
    for (auto& [whose, output] : outputs_) {
        std::string text = output.finish();
        if (!text.empty()) trace.outputs.push_back({whose.first, whose.second, std::move(text)});
    }
    outputs_.clear();
    if (!trace.outputs.empty()) progress.trace = std::move(trace);
    if (progress.stream.empty() && !progress.trace) return std::nullopt;
    return progress;
}

Result<> ProgressStream::Impl::end()
{
    TRY(auto results, reader_.finish());
    if (!results.empty()) results_ = std::move(results);
    ended_ = true;
    return ok();
}

Task<std::optional<Progress>> ProgressStream::Impl::next()
{
    auto read = co_await read_next();
    if (read && *read) co_return read;
    // An error stays, and is told by the next call.
    if (auto left = what_waits()) co_return left;
    co_return read;
}

Task<std::optional<Progress>> ProgressStream::Impl::read_next()
{
    if (ended_) co_return std::nullopt;
    CO_TRY(const auto text, co_await objects_->next());
    if (!text) {
        auto done = end();
        if (!done) co_return fail(objects_->give_up(std::move(done).error()));
        co_return std::nullopt;
    }
    auto progress = reader_.message(*text);
    if (!progress) co_return fail(objects_->give_up(std::move(progress).error()));
    if (!objects_->secrets().empty()) hide_in(*progress);
    co_return progress;
}

Task<std::vector<std::string>> ProgressStream::Impl::results()
{
    for (;;) {
        CO_TRY(const auto progress, co_await next());
        if (!progress) co_return results_;
    }
}

namespace {

Task<std::string> last_of(Task<std::vector<std::string>> reading)
{
    CO_TRY(auto results, co_await std::move(reading));
    co_return std::move(results.back());
}

} // namespace

ProgressStream::ProgressStream() noexcept = default;
ProgressStream::ProgressStream(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ProgressStream::ProgressStream(ProgressStream&&) noexcept = default;
ProgressStream& ProgressStream::operator=(ProgressStream&&) noexcept = default;
ProgressStream::~ProgressStream() = default;

Task<std::optional<Progress>> ProgressStream::next()
{
    return impl_ ? impl_->next() : refuse<std::optional<Progress>>(nothing_held("messages"));
}

Task<std::string> ProgressStream::result()
{
    return last_of(results());
}

Task<std::vector<std::string>> ProgressStream::results()
{
    return impl_ ? impl_->results() : refuse<std::vector<std::string>>(nothing_held("messages"));
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
    auto objects = co_await open_objects(transport, std::move(request), std::move(doing));
    if (!objects) {
        Error error = std::move(objects).error();
        if (asks_registry(goal) && error.code == Errc::engine) {
            error.code = code_of_refusal(error.message);
        }
        co_return fail(std::move(error));
    }
    auto impl =
        std::make_unique<ProgressStream::Impl>(*std::move(objects), goal, std::move(fallback));
    co_return ProgressStream(std::move(impl));
}

} // namespace slipway::engine
