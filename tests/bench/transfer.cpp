// Moves a tree into a container and back: bench_transfer CONTAINER in|out LOCAL REMOTE
// Prints the seconds it took and the most memory this process ever held, in MiB.
#include "support/run.hpp"

#include <slipway/core/tar_reader.hpp>
#include <slipway/core/tar_writer.hpp>
#include <slipway/engine/archive.hpp>
#include <slipway/engine/client.hpp>

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <string_view>

using namespace slipway;

namespace {

Task<> move_in(engine::Client client, std::string container, std::string local, std::string remote)
{
    std::vector<core::PackRoot> roots(1);
    roots[0].local = local;
    roots[0].inside = remote.substr(1);
    const auto tar = core::pack(std::move(roots));
    co_return co_await engine::Archives(client.transport()).put(container, "/", tar);
}

Task<> move_out(engine::Client client, std::string container, std::string local, std::string remote)
{
    engine::Archives archives(client.transport());
    CO_TRY(auto download, co_await archives.get(container, remote));
    std::shared_ptr<engine::ByteSource> tar = std::move(download.tar);
    CO_CHECK(co_await core::unpack(std::move(tar), local));
    co_return ok();
}

Task<> move(std::vector<std::string> args)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    const char* url = std::getenv("DOCKER_HOST");
    CO_TRY(const auto endpoint, engine::parse_endpoint(url != nullptr ? url : ""));
    CO_TRY(auto client, co_await engine::Client::connect(executor, endpoint));
    if (args[2] == "in") {
        co_return co_await move_in(client, args[1], args[3], args[4]);
    }
    co_return co_await move_out(client, args[1], args[3], args[4]);
}

} // namespace

int main(int argc, char** argv)
{
    std::vector<std::string> args(argv, argv + argc);
    if (args.size() != 5) return 2;
    const auto begin = std::chrono::steady_clock::now();
    const auto done = test::run(move(args));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (!done) {
        fmt::print(stderr, "{}\n", describe(done.error()));
        return 1;
    }
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    fmt::print("{:.3f} {:.1f}\n", took.count(), static_cast<double>(used.ru_maxrss) / 1024);
    return 0;
}
