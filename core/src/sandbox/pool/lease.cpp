#include "sandbox/pool/lease.hpp"

#include "agent/kept_tree.hpp"
#include "sandbox/by_exec/sandbox.hpp"
#include "sandbox/pool/encoding.hpp"
#include "sandbox/pool/job.hpp"
#include "sandbox/pool/large_files.hpp"
#include "sandbox/remove.hpp"

#include <boost/asio/this_coro.hpp>

namespace slipway::core::pool {

namespace asio = boost::asio;

namespace {

class PooledLease final : public Lease {
public:
    explicit PooledLease(Leased leased) : leased_(std::move(leased)) {}

    Task<JobResult> run(LeasedJob job, JobStreams streams) override
    {
        if (job.argv.empty()) co_return fail(Errc::invalid_argument, "a job without a command");
        agent::Run message = run_message(job, leased_.image, leased_.ids);
        add_variables(message.env, job.secrets);
        message.has_in = streams.in != nullptr;
        const std::string program = message.argv.front();
        const JobIo io = io_of(streams);
        auto ended = co_await leased_.session->run(std::move(message), io);
        if (streams.on_end) streams.on_end();
        if (!ended) co_return fail(std::move(ended).error());
        if (const auto* exit = std::get_if<agent::Exit>(&*ended);
            exit != nullptr && (exit->flags & agent::Exit::timed_out) != 0) {
            co_return fail(Errc::timed_out, program + " took longer than it may");
        }
        co_return result_of(*ended, program);
    }

    Task<> put(std::string directory, std::shared_ptr<engine::ByteSource> tar) override
    {
        co_return co_await leased_.session->put(std::move(directory), *tar, agent_ids(), encoding_);
    }

    Task<> get(std::string directory, std::vector<TreeItem> items, engine::ByteSink& tar) override
    {
        CO_TRY(const auto times, co_await times_of_large(directory, items));
        if (times) {
            co_return co_await by_exec::get_by_archive(
                as_archive(), std::move(directory), std::move(items), times, tar
            );
        }
        co_return co_await leased_.session->get(
            std::move(directory), std::move(items), tar, agent_ids(), encoding_
        );
    }

    Task<> put_file(
        std::string path, FileAttributes attributes, std::shared_ptr<engine::ByteSource> bytes
    ) override
    {
        co_return co_await leased_.session->put_file(
            std::move(path), attributes, *bytes, agent_ids(), encoding_
        );
    }

    Task<> get_file(std::string path, engine::ByteSink& bytes) override
    {
        co_return co_await leased_.session->get_file(
            std::move(path), bytes, agent_ids(), encoding_
        );
    }

    Task<> manifest(
        std::string directory, std::vector<TreeItem> items, Digest digest, TreeEntries each
    ) override
    {
        co_return co_await leased_.session->manifest(
            std::move(directory), std::move(items), digest, std::move(each), agent_ids(), encoding_
        );
    }

    Task<std::unique_ptr<KeptTree>>
    keep(std::string directory, std::function<bool()> on_wait) override
    {
        co_return co_await leased_.session->keep(
            std::move(directory), agent_ids(), std::move(on_wait)
        );
    }

    Task<> release() override
    {
        if (!leased_.keep) {
            co_return co_await discard();
        }
        leased_.entry.used();
        auto session = std::move(leased_.session);
        co_return co_await session->bye();
    }

    Task<> discard() override
    {
        leased_.session.reset();
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        auto gone = co_await remove_sandbox(leased_.client, leased_.entry);
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        co_return gone;
    }

    const std::string& container() const noexcept override { return name_; }
    const std::string& image() const noexcept override { return leased_.image_id; }
    Road road() const noexcept override { return leased_.road; }
    bool warm() const noexcept override { return leased_.warm; }

private:
    AgentIds agent_ids() const { return {leased_.ids.uid, leased_.ids.gid}; }

    // On the road "socket" the engine moves nothing, and to another machine what is compressed is
    // faster.
    Task<std::shared_ptr<const by_exec::FileTimes>>
    times_of_large(std::string directory, std::vector<TreeItem> items)
    {
        const bool is_far = encoding_ == agent::Encoding::zstd;
        if (leased_.road == Road::socket || is_far || leased_.has_tmpfs) {
            co_return std::shared_ptr<const by_exec::FileTimes>();
        }
        co_return co_await large_files(
            *leased_.session,
            leased_.client,
            name_,
            std::move(directory),
            std::move(items),
            agent_ids()
        );
    }

    std::shared_ptr<by_exec::Sandbox> as_archive() const
    {
        auto sandbox = std::make_shared<by_exec::Sandbox>();
        sandbox->client = leased_.client;
        sandbox->container = name_;
        sandbox->ids = leased_.ids;
        return sandbox;
    }

    Leased leased_;
    std::string name_ = leased_.entry.container();
    agent::Encoding encoding_ = encoding_on(leased_.road, leased_.client.endpoint());
};

} // namespace

std::unique_ptr<Lease> make_lease(Leased leased)
{
    return std::make_unique<PooledLease>(std::move(leased));
}

Task<> remove_sandbox(engine::Client client, const Entry& entry)
{
    CO_CHECK(co_await kill_and_wait(client, entry.container()));
    entry.erase();
    co_return ok();
}

} // namespace slipway::core::pool
