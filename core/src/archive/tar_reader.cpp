#include "archive/posix.hpp"
#include "archive/tar_stream.hpp"
#include "archive/tree_writer.hpp"
#include "archive/unpacker.hpp"
#include "archive/worker.hpp"

#include <slipway/core/byte_pipe.hpp>
#include <slipway/core/tar_reader.hpp>

#include <boost/asio/this_coro.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace slipway::core {

namespace asio = boost::asio;

namespace {

constexpr std::size_t feed_bytes = std::size_t{256} << 10;

Result<Unpacked>
consume(ThreadReader& from, const std::string& destination, const UnpackOptions& options)
{
    const posix::PlainLocale plain;
    try {
        TRY(TreeWriter tree, TreeWriter::open(destination));
        TarStream tar(from);
        return Unpacker(tar, tree, options).run();
    } catch (const std::exception& error) {
        return fail(Errc::internal, std::string("unpacking a tar: ") + error.what());
    }
}

/// The thread and its way out: the pipe is failed before the thread is waited for, so a coroutine
/// that is cancelled or destroyed at any point ends it.
class Unpacking {
public:
    Result<> start(std::string destination, UnpackOptions options)
    {
        PipeToThread pipe = pipe_to_thread();
        writer_ = std::move(pipe.writer);
        auto body = [from = std::move(pipe.reader),
                     outcome = outcome_,
                     destination = std::move(destination),
                     options = std::move(options)]() mutable {
            ThreadReader reader(std::move(from)); // leaves when the outcome is there
            *outcome = consume(reader, destination, options);
        };
        return worker_.start(std::move(body));
    }
    Unpacking() = default;
    Unpacking(const Unpacking&) = delete;
    Unpacking& operator=(const Unpacking&) = delete;
    ~Unpacking()
    {
        if (writer_) writer_->fail({Errc::cancelled, "cancelled"});
    }

    TaskWriter& writer() { return *writer_; }
    Result<Unpacked> outcome()
    {
        worker_.join();
        return std::move(**outcome_);
    }

private:
    std::shared_ptr<TaskWriter> writer_;
    std::shared_ptr<std::optional<Result<Unpacked>>> outcome_ =
        std::make_shared<std::optional<Result<Unpacked>>>();
    Worker worker_; // the last one, so that it is joined first
};

Task<Unpacked>
run_unpack(std::shared_ptr<engine::ByteSource> from, std::string destination, UnpackOptions options)
{
    const std::string doing = "unpacking into " + posix::printable(destination);
    Unpacking work;
    CO_CHECK(work.start(std::move(destination), std::move(options)));
    TaskWriter& writer = work.writer();
    std::vector<char> buffer(feed_bytes);
    const std::span<char> space(buffer);
    for (;;) {
        Result<std::size_t> got = co_await from->read(space);
        if (!got) {
            writer.fail(std::move(got).error());
            break;
        }
        if (*got == 0) {
            writer.finish();
            break;
        }
        const std::string_view chunk(buffer.data(), *got);
        const Result<> put = co_await writer.write(chunk);
        if (!put) break; // the thread has left, or we are cancelled
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() == asio::cancellation_type::none) {
        const Result<> left = co_await writer.reader_left();
        if (left) co_return during(work.outcome(), doing);
    }
    co_return during(Result<Unpacked>(fail(Errc::cancelled, "cancelled")), doing);
}

} // namespace

Task<Unpacked> unpack(
    std::shared_ptr<engine::ByteSource> from,
    std::filesystem::path destination,
    UnpackOptions options
)
{
    return run_unpack(std::move(from), destination.native(), std::move(options));
}

} // namespace slipway::core
