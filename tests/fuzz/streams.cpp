#include "fuzz.hpp"
#include "support/fake_transport.hpp"
#include "support/run.hpp"

#include <slipway/engine/archive.hpp>
#include <slipway/engine/build.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/events.hpp>
#include <slipway/engine/frames.hpp>
#include <slipway/engine/images.hpp>

#include <functional>

// Answers that are pulled piece by piece, up to their end.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::fuzz;

namespace {

/// Puts down what a stream gives. An error comes as the result.
using Reading = std::function<Task<>(Transport&, std::string& seen)>;

Task<> read_events(Transport& engine, std::string& seen)
{
    const WatchEvents what;
    Events events(engine);
    CO_TRY(EventStream stream, co_await events.watch(what));
    for (;;) {
        CO_TRY(const auto event, co_await stream.next());
        if (!event) co_return ok();
        seen += event->type + " " + event->action + " " + event->actor + "\n";
        require(stream.position().has(*event), "an event is not remembered");
        require(stream.position().latest() >= event->time, "an event after the latest");
        require(
            stream.position().ask_from() <= event->time
                || stream.position().ask_from() <= stream.position().latest(),
            "what comes next would be missed"
        );
    }
}

Task<> read_stats(Transport& engine, std::string& seen)
{
    Containers containers(engine);
    CO_TRY(StatsStream stream, co_await containers.watch_stats("x"));
    for (;;) {
        CO_TRY(const auto stats, co_await stream.next());
        if (!stats) co_return ok();
        const auto percent = cpu_percent(*stats);
        require(!percent || *percent >= 0, "less than no use of the processor");
        require(memory_in_use(*stats) <= stats->memory.usage, "more than all memory");
        seen += stats->name + " " + std::to_string(percent.value_or(-1)) + "\n";
    }
}

Task<> read_progress(ProgressStream stream, std::string& seen)
{
    for (;;) {
        CO_TRY(const auto progress, co_await stream.next());
        if (!progress) break;
        seen += progress->stream + progress->status + progress->id + "\n";
    }
    CO_TRY(const std::string result, co_await stream.result());
    require(!result.empty(), "success without a result");
    seen += result;
    co_return ok();
}

Task<> read_pull(Transport& engine, std::string& seen)
{
    PullImage what;
    what.reference = "debian:12";
    Images images(engine);
    CO_TRY(ProgressStream stream, co_await images.pull(what));
    CO_CHECK(co_await read_progress(std::move(stream), seen));
    co_return ok();
}

Task<> read_load(Transport& engine, std::string& seen)
{
    Images images(engine);
    auto tar = text_source("tar");
    CO_TRY(ProgressStream stream, co_await images.load(tar));
    CO_CHECK(co_await read_progress(std::move(stream), seen));
    co_return ok();
}

Task<> read_build(Transport& engine, std::string& seen)
{
    const BuildSpec spec;
    Builds builds(engine);
    auto tar = text_source("tar");
    CO_TRY(ProgressStream stream, co_await builds.build(tar, spec));
    CO_CHECK(co_await read_progress(std::move(stream), seen));
    co_return ok();
}

Task<> read_logs(Transport& engine, std::string& seen)
{
    const LogOptions options;
    Containers containers(engine);
    CO_TRY(auto stream, co_await containers.logs("x", options));
    std::string out;
    std::string err;
    StringSink out_sink(out);
    StringSink err_sink(err);
    const auto moved = co_await demultiplex(*stream, out_sink, err_sink);
    seen = out + "|" + err;
    co_return moved;
}

Task<> read_save(Transport& engine, std::string& seen)
{
    SaveImages what;
    what.images = {"i"};
    Images images(engine);
    CO_TRY(auto stream, co_await images.save(what));
    StringSink sink(seen);
    CO_TRY(const std::uint64_t count, co_await copy(*stream, sink));
    require(count == seen.size(), "another count of bytes");
    co_return ok();
}

Task<> read_wait(Transport& engine, std::string& seen)
{
    Containers containers(engine);
    CO_TRY(Wait wait, co_await containers.wait("x"));
    CO_TRY(const ExitStatus status, co_await wait.result());
    seen = std::to_string(status.code);
    co_return ok();
}

/// What was seen, and how it ended.
std::pair<std::string, std::optional<Errc>>
read(const Reading& reading, std::string_view body, bool podman, std::size_t max_read)
{
    test::FakeTransport engine;
    if (podman) engine.known = test::FakeTransport::podman();
    engine.max_read = max_read;
    engine.stream(200, {std::string(body)});
    std::string seen;
    const auto ended = test::run(reading(engine, seen));
    if (ended) return {seen, std::nullopt};
    check_error(ended.error());
    return {seen, ended.error().code};
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const Reading readings[] = {
        read_events, read_stats, read_pull, read_load, read_build, read_logs, read_save, read_wait};
    std::string_view body = text_of(data, size);
    const std::size_t choice = take_choice(body, 2 * std::size(readings));
    const Reading& reading = readings[choice / 2];
    const bool podman = choice % 2 == 1;
    const auto whole = read(reading, body, podman, std::max<std::size_t>(size, 1));
    const auto pieces = read(reading, body, podman, size < 100 ? 1 : 10);
    require(pieces.second == whole.second, "pieces of another size end differently");
    require(whole.second || pieces.first == whole.first, "pieces of another size give else");
    return 0;
}
