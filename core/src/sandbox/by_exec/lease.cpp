#include "sandbox/by_exec/lease.hpp"

#include "agent/kept_tree.hpp"
#include "sandbox/by_exec/sandbox.hpp"
#include "sandbox/pool/limits.hpp"
#include "sandbox/remove.hpp"

#include <slipway/core/inventory.hpp>

#include <boost/asio/this_coro.hpp>

namespace slipway::core::by_exec {

namespace asio = boost::asio;

namespace {

class ExecLease final : public Lease {
public:
    explicit ExecLease(std::shared_ptr<Sandbox> sandbox) : sandbox_(std::move(sandbox)) {}

    Task<JobResult> run(LeasedJob job, JobStreams streams) override
    {
        return run_by_exec(sandbox_, std::move(job), std::move(streams));
    }

    Task<> put(std::string directory, std::shared_ptr<engine::ByteSource> tar) override
    {
        return put_by_archive(sandbox_, std::move(directory), std::move(tar));
    }

    Task<> get(std::string directory, std::vector<TreeItem> items, engine::ByteSink& tar) override
    {
        return get_by_archive(sandbox_, std::move(directory), std::move(items), nullptr, tar);
    }

    Task<> put_file(
        std::string path, FileAttributes attributes, std::shared_ptr<engine::ByteSource> bytes
    ) override
    {
        return put_file_by_exec(sandbox_, std::move(path), attributes, std::move(bytes));
    }

    Task<> get_file(std::string path, engine::ByteSink& bytes) override
    {
        return get_file_by_exec(sandbox_, std::move(path), bytes);
    }

    Task<> manifest(
        std::string directory, std::vector<TreeItem> items, Digest digest, TreeEntries each
    ) override
    {
        return list_by_archive(
            sandbox_, std::move(directory), std::move(items), digest, std::move(each)
        );
    }

    Task<std::unique_ptr<KeptTree>> keep(std::string, std::function<bool()>) override
    {
        co_return fail(Errc::unsupported, "without slipway's agent nothing is kept");
    }

    Task<> release() override { return remove(sandbox_); }
    Task<> discard() override { return remove(sandbox_); }

    const std::string& container() const noexcept override { return sandbox_->container; }
    const std::string& image() const noexcept override { return sandbox_->image_id; }
    Road road() const noexcept override { return Road::exec; }
    bool warm() const noexcept override { return false; }

private:
    static Task<> remove(std::shared_ptr<Sandbox> sandbox)
    {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        const auto gone = co_await kill_and_wait(sandbox->client, sandbox->container);
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        sandbox->life.reset();
        co_return gone;
    }

    std::shared_ptr<Sandbox> sandbox_;
};

} // namespace

Task<std::unique_ptr<Lease>> acquire(pool::Wanted wanted)
{
    if (!wanted.spec.bound.empty()) {
        co_return fail(Errc::unsupported, "without slipway's agent no directory is bound");
    }
    // What a client left that was killed between making a container and starting it.
    const auto swept = co_await clean_up(wanted.client, wanted.base, Clean::left_behind);
    if (!swept && swept.error().code == Errc::cancelled) co_return fail(swept.error());
    auto made = co_await make_sandbox(wanted.client, wanted.spec, wanted.ids, wanted.image);
    if (!made) pool::forget_limits(wanted.client, wanted.base);
    CO_TRY(auto sandbox, std::move(made));
    std::unique_ptr<Lease> lease = std::make_unique<ExecLease>(std::move(sandbox));
    co_return lease;
}

} // namespace slipway::core::by_exec
