#include "archive/transformed.hpp"

#include "archive/worker.hpp"

#include <slipway/engine/child.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::core {

namespace {

void run_on_thread(ThreadReader from, ThreadWriter out, const Transform& transform)
{
    try {
        Result<> done = transform(from, out);
        if (done) {
            out.finish();
        } else {
            out.fail(std::move(done).error());
        }
    } catch (const std::exception& error) {
        out.fail({Errc::internal, std::string("reading a tar: ") + error.what()});
    }
}

Task<> feed(std::shared_ptr<engine::ByteSource> from, std::shared_ptr<TaskWriter> into)
{
    std::vector<char> buffer(std::size_t{256} << 10);
    for (;;) {
        const auto got = co_await from->read(buffer);
        if (!got) {
            into->fail(got.error());
            co_return ok();
        }
        if (*got == 0) break;
        const std::string_view chunk(buffer.data(), *got);
        if (!co_await into->write(chunk)) co_return ok(); // the thread tells why it has left
    }
    into->finish();
    co_return ok();
}

class Transformed final : public engine::ByteSource {
public:
    Transformed(
        boost::asio::any_io_executor executor,
        std::shared_ptr<engine::ByteSource> from,
        Transform transform
    )
        : executor_(std::move(executor)), from_(std::move(from)), transform_(std::move(transform))
    {
    }
    Transformed(const Transformed&) = delete;
    Transformed& operator=(const Transformed&) = delete;
    ~Transformed() override
    {
        // Both ends of the thread's pipes have to be gone before it can be waited for.
        feeding_.cancel();
        if (writer_) writer_->fail({Errc::cancelled, "cancelled"});
        reader_.reset();
    }

    Task<std::size_t> read(std::span<char> into) override
    {
        if (!reader_) {
            CO_CHECK(start());
        }
        co_return co_await reader_->read(into);
    }

private:
    Result<> start()
    {
        PipeToThread in = pipe_to_thread();
        PipeToTask out = pipe_to_task();
        writer_ = std::move(in.writer);
        reader_ = std::move(out.reader);
        CHECK_OK(worker_.start(
            [from = std::move(in.reader), into = std::move(out.writer), transform = transform_](
            ) mutable { run_on_thread(std::move(from), std::move(into), transform); }
        ));
        feeding_ = engine::Child(executor_, feed(from_, writer_));
        return ok();
    }

    boost::asio::any_io_executor executor_;
    std::shared_ptr<engine::ByteSource> from_;
    Transform transform_;
    Worker worker_; // joined when the pipes have been left
    std::shared_ptr<TaskWriter> writer_;
    std::shared_ptr<TaskReader> reader_;
    engine::Child feeding_;
};

} // namespace

std::shared_ptr<engine::ByteSource> transformed(
    const boost::asio::any_io_executor& executor,
    std::shared_ptr<engine::ByteSource> from,
    Transform transform
)
{
    return std::make_shared<Transformed>(executor, std::move(from), std::move(transform));
}

} // namespace slipway::core
