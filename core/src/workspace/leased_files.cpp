#include "workspace/relay.hpp"

#include <slipway/core/container_files.hpp>

#include <boost/asio/this_coro.hpp>

namespace slipway::core {

namespace {

namespace fs = std::filesystem;

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
        const auto write = [lease = lease_, path = std::move(path)](engine::ByteSink& tar) {
            std::vector<TreeItem> items(
                1, TreeItem(TreeItem::Kind::path, path.filename().string())
            );
            return lease->get(path.parent_path().string(), std::move(items), tar);
        };
        co_return written_by(executor, write);
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
