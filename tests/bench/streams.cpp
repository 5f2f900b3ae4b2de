// Moves a stream of bytes between this process and a container and throws them away:
//
//   bench_streams CONTAINER in BYTES        to the stdin of `cat >/dev/null`
//   bench_streams CONTAINER out FILE        from the stdout of `cat FILE`
//   bench_streams CONTAINER logs            the container's log
//
// Prints the seconds it took, the most memory this process ever held in MiB, and the bytes.
#include "support/run.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/exec.hpp>
#include <slipway/engine/frames.hpp>

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <string>

using namespace slipway;

namespace {

class Counter final : public engine::ByteSink {
public:
    Task<> write(std::string_view data) override
    {
        bytes += data.size();
        co_return ok();
    }
    std::uint64_t bytes = 0;
};

Task<> feed(std::shared_ptr<engine::DuplexStream> stream, std::uint64_t bytes)
{
    const std::string block(std::size_t{256} << 10, 'x');
    for (std::uint64_t left = bytes; left > 0;) {
        const std::string_view piece(block.data(), std::min<std::uint64_t>(left, block.size()));
        CO_CHECK(co_await stream->write(piece));
        left -= piece.size();
    }
    co_return co_await stream->shutdown_write();
}

Task<std::uint64_t>
exec(engine::Client client, std::string container, std::string way, std::string what)
{
    engine::Execs execs(client.transport());
    engine::ExecSpec spec;
    const bool in = way == "in";
    if (in) {
        spec.cmd = {"sh", "-c", "cat >/dev/null"};
        spec.attach_stdin = true;
    } else {
        spec.cmd = {"cat", what};
    }
    CO_TRY(const auto id, co_await execs.create(container, spec));
    CO_TRY(auto started, co_await execs.start(id));
    std::shared_ptr<engine::DuplexStream> stream = std::move(started);
    const auto executor = co_await boost::asio::this_coro::executor;
    const std::uint64_t bytes = in ? std::stoull(what) : 0;
    engine::Child writer(executor, in ? feed(stream, bytes) : stream->shutdown_write());
    Counter out;
    Counter err;
    CO_CHECK(co_await engine::demultiplex(*stream, out, err));
    CO_CHECK(co_await writer.join());
    if (err.bytes != 0) co_return fail(Errc::engine, "the command complained");
    co_return in ? bytes : out.bytes;
}

Task<std::uint64_t> logs(engine::Client client, std::string container)
{
    engine::Containers containers(client.transport());
    engine::LogOptions options;
    CO_TRY(auto stream, co_await containers.logs(container, options));
    Counter out;
    Counter err;
    CO_CHECK(co_await engine::demultiplex(*stream, out, err));
    co_return out.bytes + err.bytes;
}

Task<std::uint64_t> move(std::vector<std::string> args)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    const char* url = std::getenv("DOCKER_HOST");
    CO_TRY(const auto endpoint, engine::parse_endpoint(url != nullptr ? url : ""));
    CO_TRY(auto client, co_await engine::Client::connect(executor, endpoint));
    if (args[2] == "logs") co_return co_await logs(client, args[1]);
    if (args.size() != 4) co_return fail(Errc::invalid_argument, "how much, or which file?");
    co_return co_await exec(client, args[1], args[2], args[3]);
}

} // namespace

int main(int argc, char** argv)
{
    std::vector<std::string> args(argv, argv + argc);
    if (args.size() < 3) return 2;
    const auto begin = std::chrono::steady_clock::now();
    const auto done = test::run(move(args));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (!done) {
        fmt::print(stderr, "{}\n", describe(done.error()));
        return 1;
    }
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const double peak = static_cast<double>(used.ru_maxrss) / 1024;
    fmt::print("{:.3f} {:.1f} {}\n", took.count(), peak, *done);
    return 0;
}
