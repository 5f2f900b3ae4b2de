#include <slipway/core/container_files.hpp>
#include <slipway/core/tar_reader.hpp>
#include <slipway/engine/archive.hpp>

namespace slipway::core {

namespace {

class EngineFiles final : public ContainerFiles {
public:
    EngineFiles(engine::Client client, std::string container)
        : client_(std::move(client)), container_(std::move(container))
    {
    }

    // dockerd has made the directory by now, if the command starts in it.
    Task<Manifest> list(std::filesystem::path directory) override
    {
        engine::Archives archives(client_.transport());
        const std::string path = directory.string();
        auto download = co_await archives.get(container_, path);
        if (!download && download.error().code == Errc::not_found) co_return Manifest();
        if (!download) co_return fail(std::move(download).error());
        if (download->stat.type != engine::FileType::directory) co_return Manifest();
        std::shared_ptr<engine::ByteSource> tar = std::move(download->tar);
        std::string strip = directory.filename().string();
        co_return co_await list_tar(std::move(tar), std::move(strip));
    }

    Task<> put(std::shared_ptr<engine::ByteSource> tar) override
    {
        return engine::Archives(client_.transport()).put(container_, "/", std::move(tar));
    }

    Task<std::shared_ptr<engine::ByteSource>> get(std::filesystem::path path) override
    {
        engine::Archives archives(client_.transport());
        const std::string name = path.string();
        CO_TRY(auto download, co_await archives.get(container_, name));
        std::shared_ptr<engine::ByteSource> tar = std::move(download.tar);
        co_return tar;
    }

private:
    engine::Client client_;
    std::string container_;
};

} // namespace

std::shared_ptr<ContainerFiles> engine_files(engine::Client client, std::string container)
{
    return std::make_shared<EngineFiles>(std::move(client), std::move(container));
}

} // namespace slipway::core
