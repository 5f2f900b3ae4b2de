#include "workspace/relay.hpp"

#include <slipway/core/container_files.hpp>
#include <slipway/engine/child.hpp>

#include <boost/asio/this_coro.hpp>

namespace slipway::core {

namespace {

namespace fs = std::filesystem;

// The agent writes a tar; this makes it one that is read.
class Packing final : public engine::ByteSource {
public:
    Packing(
        const boost::asio::any_io_executor& executor, std::shared_ptr<Lease> lease, fs::path path
    )
        : relay_(executor), work_(executor, pack(relay_, std::move(lease), std::move(path)))
    {
    }
    Packing(const Packing&) = delete;
    Packing& operator=(const Packing&) = delete;
    ~Packing() override { relay_.leave(); }

    Task<std::size_t> read(std::span<char> into) override { return relay_.read(into); }

private:
    static Task<> pack(Relay relay, std::shared_ptr<Lease> lease, fs::path path)
    {
        const std::vector<TreeItem> items(
            1, TreeItem(TreeItem::Kind::path, path.filename().string())
        );
        relay.finish(co_await lease->get(path.parent_path().string(), items, relay.sink()));
        co_return ok();
    }

    Relay relay_;
    engine::Child work_;
};

class LeasedFiles final : public ContainerFiles {
public:
    explicit LeasedFiles(std::shared_ptr<Lease> lease) : lease_(std::move(lease)) {}

    Task<Manifest> list(fs::path) override { co_return Manifest(); }

    Task<> put(std::shared_ptr<engine::ByteSource> tar) override
    {
        return lease_->put("/", std::move(tar));
    }

    Task<std::shared_ptr<engine::ByteSource>> get(fs::path path) override
    {
        const auto executor = co_await boost::asio::this_coro::executor;
        std::shared_ptr<engine::ByteSource> tar =
            std::make_shared<Packing>(executor, lease_, std::move(path));
        co_return tar;
    }

private:
    std::shared_ptr<Lease> lease_;
};

} // namespace

std::shared_ptr<ContainerFiles> leased_files(std::shared_ptr<Lease> lease)
{
    return std::make_shared<LeasedFiles>(std::move(lease));
}

} // namespace slipway::core
