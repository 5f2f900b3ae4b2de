#pragma once

#include "error_reply.hpp"

#include <slipway/engine/transport.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace slipway::test {

/// Gives scripted chunks, in reads of at most `max_read` bytes, then an error or the end.
class ScriptedSource : public engine::ByteSource {
public:
    explicit ScriptedSource(
        std::vector<std::string> chunks,
        std::size_t max_read = std::numeric_limits<std::size_t>::max(),
        std::optional<Error> end = std::nullopt
    )
        : chunks_(chunks.begin(), chunks.end()), max_read_(max_read), end_(std::move(end))
    {
    }

    Task<std::size_t> read(std::span<char> into) override
    {
        while (!chunks_.empty() && chunks_.front().size() == used_) {
            chunks_.pop_front();
            used_ = 0;
        }
        if (chunks_.empty()) {
            if (end_) co_return fail(*end_);
            co_return std::size_t{0};
        }
        const std::string& chunk = chunks_.front();
        const std::size_t count = std::min({into.size(), max_read_, chunk.size() - used_});
        std::memcpy(into.data(), chunk.data() + used_, count);
        used_ += count;
        co_return count;
    }

private:
    std::deque<std::string> chunks_;
    std::size_t used_ = 0;
    std::size_t max_read_;
    std::optional<Error> end_;
};

/// What a test sees of a call.
struct RecordedCall {
    std::string kind; ///< "send", "open" or "upgrade"
    std::string method;
    std::string target; ///< path and query, without the version
    engine::Headers headers;
    std::string body;
    bool body_was_whole = true;
    std::optional<engine::Deadlines> deadlines;
    std::optional<std::chrono::milliseconds> header_deadline;
    std::optional<std::chrono::milliseconds> deadline; ///< the total among them
};

/// What a test sees of the stream that `open` or `upgrade` gave out.
struct StreamWitness {
    std::string written;
    bool write_shut = false;
    bool closed = false;
};

/// Replays replies in their order and records the requests. Like the real transport it turns a
/// status of 400 and more into an Error in `open` and `upgrade`, and fails when a body fails.
class FakeTransport final : public engine::Transport {
public:
    FakeTransport()
    {
        known.api = {1, 41};
        known.engine_api = {1, 41};
        known.os = "linux";
    }

    /// The traits of podman 4.3, as Client::connect fills them.
    static engine::Traits podman()
    {
        engine::Traits traits;
        traits.kind = engine::EngineKind::podman;
        traits.api = {1, 41};
        traits.engine_api = {1, 41};
        traits.put_archive_makes_directories = true;
        traits.reports_exit_code_before_exec_ends = true;
        traits.auto_remove_hides_exit_code = true;
        traits.missing_bind_source_is_created = true;
        traits.build_extra_hosts_is_json = true;
        traits.build_ulimits_are_text = true;
        traits.build_survives_disconnect = true;
        traits.pull_ends_with_a_layer = true;
        traits.events_have_libpod_names = true;
        traits.past_events_need_an_open_end = true;
        traits.network_remove_by_id_ignores_use = true;
        traits.volume_filters_are_alternatives = true;
        traits.prune_tagged = engine::PruneTagged::refused;
        traits.device_drivers = engine::DeviceDrivers::none;
        traits.can_stop_with_signal = false;
        traits.can_log_details = false;
        traits.can_build_remote = false;
        traits.can_update_containers = false;
        traits.can_prune_build_cache = false;
        traits.can_inspect_distribution = false;
        traits.can_swarm = false;
        return traits;
    }

    void reply(int status, std::string body = {}, engine::Headers headers = {})
    {
        stream(status, {std::move(body)}, std::move(headers));
    }
    void stream(
        int status,
        std::vector<std::string> chunks,
        engine::Headers headers = {},
        std::optional<Error> end = std::nullopt
    )
    {
        script_.push_back({status, std::move(chunks), std::move(headers), std::move(end)});
    }
    /// The call with that number, from 0, fails before it has an answer.
    void fail_at(std::size_t call, Error error) { failure_.emplace(call, std::move(error)); }

    Task<engine::Response> send(engine::Request request) override
    {
        CO_TRY(Answer answer, co_await take("send", std::move(request)));
        engine::Response response;
        response.status = answer.status;
        response.headers = std::move(answer.headers);
        for (const std::string& chunk : answer.chunks) {
            response.body += chunk;
        }
        if (answer.end) co_return fail(*std::move(answer.end));
        co_return response;
    }

    Task<std::unique_ptr<engine::ResponseStream>> open(engine::Request request) override
    {
        const std::string method = request.method();
        const std::string route = "/v" + to_string(known.api) + request.path();
        CO_TRY(Answer answer, co_await take("open", std::move(request)));
        if (answer.status >= 400) co_return fail(refusal(answer, method, route));
        co_return std::make_unique<Stream>(std::move(answer), max_read, witness);
    }

    Task<std::unique_ptr<engine::DuplexStream>> upgrade(engine::Request request) override
    {
        const std::string method = request.method();
        const std::string route = "/v" + to_string(known.api) + request.path();
        CO_TRY(Answer answer, co_await take("upgrade", std::move(request)));
        if (answer.status >= 400) co_return fail(refusal(answer, method, route));
        co_return std::make_unique<Duplex>(std::move(answer), max_read, witness);
    }

    const engine::Traits& traits() const noexcept override { return known; }
    boost::asio::any_io_executor executor() override { return io_.get_executor(); }
    std::vector<std::string> secrets() const override { return carried; }

    engine::Traits known;
    std::vector<std::string> carried; ///< what all its requests carry and nobody may see
    std::vector<RecordedCall> calls;
    std::size_t max_read = std::numeric_limits<std::size_t>::max();
    std::shared_ptr<StreamWitness> witness = std::make_shared<StreamWitness>();

private:
    struct Answer {
        int status = 0;
        std::vector<std::string> chunks;
        engine::Headers headers;
        std::optional<Error> end;
    };

    class Stream final : public engine::ResponseStream {
    public:
        Stream(Answer answer, std::size_t max_read, std::shared_ptr<StreamWitness> witness)
            : status_(answer.status),
              headers_(std::move(answer.headers)),
              source_(std::move(answer.chunks), max_read, std::move(answer.end)),
              witness_(std::move(witness))
        {
        }
        ~Stream() override { witness_->closed = true; }
        Stream(const Stream&) = delete;
        Stream& operator=(const Stream&) = delete;
        Task<std::size_t> read(std::span<char> into) override { return source_.read(into); }
        int status() const noexcept override { return status_; }
        const engine::Headers& headers() const noexcept override { return headers_; }
        void close() noexcept override { witness_->closed = true; }

    private:
        int status_;
        engine::Headers headers_;
        ScriptedSource source_;
        std::shared_ptr<StreamWitness> witness_;
    };

    class Duplex final : public engine::DuplexStream {
    public:
        Duplex(Answer answer, std::size_t max_read, std::shared_ptr<StreamWitness> witness)
            : source_(std::move(answer.chunks), max_read, std::move(answer.end)),
              witness_(std::move(witness))
        {
        }
        Task<std::size_t> read(std::span<char> into) override { return source_.read(into); }
        Task<> write(std::string_view data) override
        {
            witness_->written += data;
            co_return ok();
        }
        Task<> shutdown_write() override
        {
            witness_->write_shut = true;
            co_return ok();
        }
        void close() noexcept override { witness_->closed = true; }

    private:
        ScriptedSource source_;
        std::shared_ptr<StreamWitness> witness_;
    };

    Error refusal(const Answer& answer, const std::string& method, const std::string& route) const
    {
        engine::Response response;
        response.status = answer.status;
        response.headers = answer.headers;
        for (const std::string& chunk : answer.chunks) {
            response.body += chunk;
        }
        return engine::error_from(response, method, route, known.kind);
    }

    Task<Answer> take(std::string kind, engine::Request request)
    {
        RecordedCall call;
        call.kind = std::move(kind);
        call.method = request.method();
        call.target = request.target();
        call.headers = request.headers();
        call.body = request.text();
        call.deadlines = request.deadlines();
        call.header_deadline = request.header_deadline();
        if (call.deadlines) call.deadline = call.deadlines->total;
        std::optional<Error> broken;
        if (request.source()) {
            std::vector<char> buffer(4096);
            for (;;) {
                auto count = co_await request.source()->read(buffer);
                if (!count) {
                    call.body_was_whole = false;
                    broken = std::move(count).error();
                    break;
                }
                if (*count == 0) break;
                call.body.append(buffer.data(), *count);
            }
        }
        const std::size_t number = calls.size();
        calls.push_back(std::move(call));
        if (broken) co_return fail(*std::move(broken));
        if (failure_ && failure_->first == number) co_return fail(failure_->second);
        if (script_.empty()) throw std::logic_error("a call that the test has no reply for");
        Answer answer = std::move(script_.front());
        script_.pop_front();
        co_return answer;
    }

    std::deque<Answer> script_;
    std::optional<std::pair<std::size_t, Error>> failure_;
    boost::asio::io_context io_;
};

/// Runs `script` once for each of its calls with that call failing, until it gets by without. Every
/// run but the last must end in the injected error. Returns the number of calls.
/// `script` is `Result<T>(FakeTransport&)` and brings its own replies.
template <class Script>
std::size_t fail_at_every_call(Script script)
{
    for (std::size_t call = 0;; ++call) {
        FakeTransport engine;
        engine.fail_at(call, Error(Errc::unreachable, "injected"));
        const auto result = script(engine);
        if (engine.calls.size() <= call) {
            if (!result) throw std::logic_error("the script fails by itself");
            return call;
        }
        if (result || result.error().message != "injected") {
            throw std::logic_error("the failure of call " + std::to_string(call) + " is lost");
        }
    }
}

} // namespace slipway::test
