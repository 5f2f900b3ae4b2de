// What one call costs on a kept-alive connection, beside a bare loop on the socket (floor.hpp).
// The engine is that of DOCKER_HOST, a Unix socket; CONTAINER is one of its containers.
//
//   bench_calls CONTAINER
//
// Prints a JSON object: call -> {ours, floor} -> {p50, p99 in microseconds, per_second}.
#include "bench/floor.hpp"
#include "support/run.hpp"

#include <slipway/engine/client.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/endpoint.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

using namespace slipway;

namespace {

constexpr int rounds = 20;
constexpr int calls_in_a_round = 250;

using Clock = std::chrono::steady_clock;

/// The times of single calls, in microseconds.
class Times {
public:
    template <class Call>
    Result<> measure(Call call)
    {
        const auto begin = Clock::now();
        CHECK_OK(call());
        took(begin);
        return ok();
    }
    void took(Clock::time_point begin)
    {
        all_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    }
    std::string json()
    {
        std::ranges::sort(all_);
        double sum = 0;
        for (const double one : all_)
            sum += one;
        const auto at = [&](double part) {
            return all_[static_cast<std::size_t>(static_cast<double>(all_.size() - 1) * part)];
        };
        return fmt::format(
            R"({{"p50": {:.1f}, "p99": {:.1f}, "per_second": {:.0f}}})",
            at(0.5),
            at(0.99),
            1e6 * static_cast<double>(all_.size()) / sum
        );
    }

private:
    std::vector<double> all_;
};

using Call = std::function<Task<>()>;

/// A round of calls by one coroutine, as a program that does work would make them.
Task<> one_round(Call call, Times& times)
{
    for (int i = 0; i < calls_in_a_round; ++i) {
        const auto begin = Clock::now();
        CO_CHECK(co_await call());
        times.took(begin);
    }
    co_return ok();
}

struct Row {
    std::string name;
    Call ours;
    std::function<void()> floor;
};

Result<std::string> measure(boost::asio::io_context& io, const Row& row)
{
    Times ours;
    Times floor;
    for (int round = 0; round < rounds; ++round) {
        if (round == 1) ours = floor = Times(); // the first round warms up
        CHECK_OK(test::run(io, one_round(row.ours, ours)));
        for (int i = 0; i < calls_in_a_round; ++i) {
            const auto begin = Clock::now();
            row.floor();
            floor.took(begin);
        }
    }
    return fmt::format(R"("{}": {{"ours": {}, "floor": {}}})", row.name, ours.json(), floor.json());
}

Task<> ping(engine::Transport& transport)
{
    engine::Request request("HEAD", "/_ping");
    request.unversioned();
    const auto pong = co_await transport.send(request);
    if (!pong) co_return fail(pong.error());
    co_return ok();
}

Task<> inspect(engine::Transport& transport, std::string container)
{
    engine::Containers containers(transport);
    const auto info = co_await containers.inspect(container);
    if (!info) co_return fail(info.error());
    co_return ok();
}

Result<> all(std::string container)
{
    const char* url = std::getenv("DOCKER_HOST");
    TRY(const auto endpoint, engine::parse_endpoint(url != nullptr ? url : ""));
    boost::asio::io_context io;
    TRY(const auto client, test::run(io, engine::Client::connect(io.get_executor(), endpoint)));
    engine::Transport& transport = client.transport();
    bench::Floor socket(endpoint.socket_path);
    const std::string prefix = "/v" + to_string(client.traits().api);

    const Row rows[] = {
        {"ping", [&] { return ping(transport); }, [&] { socket.call("HEAD", "/_ping"); }},
        {"inspect",
         [&] { return inspect(transport, container); },
         [&] { socket.call("GET", prefix + "/containers/" + container + "/json"); }}};
    std::string out;
    for (const Row& row : rows) {
        TRY(const auto figures, measure(io, row));
        out += (out.empty() ? "{" : ", ") + figures;
    }
    fmt::print("{}}}\n", out);
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
