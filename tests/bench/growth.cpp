// Whether a client that works for long, or much at once, grows: bench_growth CONTAINER
//
// Prints a JSON object; memory in MiB, descriptors as a count, after what its name says.
#include "support/run.hpp"

#include <slipway/engine/child.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/exec.hpp>
#include <slipway/engine/frames.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <list>
#include <string>

using namespace slipway;

namespace {

double memory()
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
    }
    return 0;
}

long descriptors()
{
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}) - 1;
}

Task<> inspect_often(engine::Client client, std::string container, int times)
{
    engine::Containers containers(client.transport());
    for (int i = 0; i < times; ++i) {
        CO_TRY(const auto info, co_await containers.inspect(container));
        if (info.id.empty()) co_return fail(Errc::protocol, "no id");
    }
    co_return ok();
}

Task<> one_exec(engine::Client client, std::string container)
{
    engine::Execs execs(client.transport());
    engine::ExecSpec spec;
    spec.cmd = {"echo", "hello"};
    CO_TRY(const auto id, co_await execs.create(container, spec));
    CO_TRY(auto stream, co_await execs.start(id));
    std::string out;
    std::string err;
    engine::StringSink to_out(out);
    engine::StringSink to_err(err);
    CO_CHECK(co_await engine::demultiplex(*stream, to_out, to_err));
    if (out != "hello\n") co_return fail(Errc::engine, "exec said '" + out + err + "'");
    co_return ok();
}

Task<> many_execs(engine::Client client, std::string container, int count)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    std::list<engine::Child> all;
    for (int i = 0; i < count; ++i)
        all.emplace_back(executor, one_exec(client, container));
    Result<> first = ok();
    for (engine::Child& one : all) {
        auto ended = co_await one.join();
        if (!ended && first) first = std::move(ended);
    }
    co_return first;
}

Result<> all(std::string container)
{
    const char* url = std::getenv("DOCKER_HOST");
    TRY(const auto endpoint, engine::parse_endpoint(url != nullptr ? url : ""));
    boost::asio::io_context io;
    engine::ClientOptions options;
    options.max_connections = 2'048; // so that 1000 streams are open at once
    TRY(const auto client,
        test::run(io, engine::Client::connect(io.get_executor(), endpoint, options)));
    CHECK_OK(test::run(io, inspect_often(client, container, 100)));
    const double before = memory();
    const long open = descriptors();
    CHECK_OK(test::run(io, inspect_often(client, container, 10'000)));
    const double inspected = memory();
    const auto begin = std::chrono::steady_clock::now();
    CHECK_OK(test::run(io, many_execs(client, container, 1'000)));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const double first = memory();
    CHECK_OK(test::run(io, many_execs(client, container, 1'000)));
    fmt::print(
        R"({{"start": {:.1f}, "inspects_10000": {:.1f}, "execs_1000": {:.1f}, )"
        R"("execs_1000_again": {:.1f}, "seconds_for_1000_execs": {:.1f}, )"
        R"("descriptors_start": {}, "descriptors_end": {}}})"
        "\n",
        before,
        inspected,
        first,
        memory(),
        took.count(),
        open,
        descriptors()
    );
    return ok();
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2) return 2;
    const auto done = all(argv[1]);
    if (done) return 0;
    fmt::print(stderr, "{}\n", describe(done.error()));
    return 1;
}
