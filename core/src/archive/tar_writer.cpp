#include "archive/tree_packer.hpp"
#include "archive/worker.hpp"

#include <slipway/core/tar_writer.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace slipway::core {

namespace {

/// What the thread leaves behind. It is written before the pipe ends and read after that.
struct Outcome {
    std::optional<Manifest> manifest;
};

void produce(
    ThreadWriter out,
    std::shared_ptr<Outcome> outcome,
    std::vector<PackRoot> roots,
    PackOptions options
)
{
    try {
        Result<Manifest> made = TreePacker(out, options).run(roots);
        if (!made) {
            out.fail(std::move(made).error());
            return;
        }
        outcome->manifest = *std::move(made);
        out.finish();
    } catch (const std::exception& error) {
        out.fail({Errc::internal, std::string("making a tar: ") + error.what()});
    }
}

class PackSource final : public TarSource {
public:
    PackSource(std::vector<PackRoot> roots, PackOptions options)
        : roots_(std::move(roots)), options_(std::move(options))
    {
    }
    PackSource(const PackSource&) = delete;
    PackSource& operator=(const PackSource&) = delete;
    ~PackSource() override
    {
        reader_.reset(); // fails the thread's next write; then it can be waited for
    }

    Task<std::size_t> read(std::span<char> into) override
    {
        if (!reader_) {
            CO_CHECK(start());
        }
        CO_TRY(const std::size_t got, co_await reader_->read(into));
        at_end_ = got == 0;
        co_return got;
    }

    Result<Manifest> manifest() const override
    {
        if (!at_end_) return fail(Errc::invalid_argument, "the archive was not read to its end");
        return *outcome_->manifest;
    }

private:
    Result<> start()
    {
        PipeToTask pipe = pipe_to_task();
        reader_ = std::move(pipe.reader);
        return worker_.start([out = std::move(pipe.writer),
                              outcome = outcome_,
                              roots = std::move(roots_),
                              options = std::move(options_)]() mutable {
            produce(std::move(out), std::move(outcome), std::move(roots), std::move(options));
        });
    }

    std::vector<PackRoot> roots_;
    PackOptions options_;
    std::shared_ptr<Outcome> outcome_ = std::make_shared<Outcome>();
    bool at_end_ = false;
    Worker worker_; // after `outcome_`, so that it is joined first
    std::shared_ptr<TaskReader> reader_;
};

} // namespace

std::shared_ptr<TarSource> pack(std::vector<PackRoot> roots, PackOptions options)
{
    return std::make_shared<PackSource>(std::move(roots), std::move(options));
}

} // namespace slipway::core
