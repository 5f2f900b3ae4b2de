#include <slipway/engine/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>

using namespace slipway;

Task<engine::Traits> ping(boost::asio::any_io_executor executor, std::string url)
{
    CO_TRY(engine::Endpoint endpoint, engine::parse_endpoint(url));
    CO_TRY(engine::Client client, co_await engine::Client::connect(executor, endpoint));
    co_return client.traits();
}

int main(int argc, char** argv)
{
    boost::asio::io_context io;
    Result<engine::Traits> found = fail(Errc::internal, "the task never ended");
    auto task = ping(io.get_executor(), argc > 1 ? argv[1] : "unix:///run/docker.sock");
    boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr, Result<engine::Traits> r) {
        found = std::move(r);
    });
    io.run();
    if (!found) {
        std::printf("%s: %s\n", name(found.error().code).data(), describe(found.error()).c_str());
        return found.error().code == Errc::unreachable ? 3 : 1;
    }
    std::printf("API %s\n", to_string(found->api).c_str());
}
