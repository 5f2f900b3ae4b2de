#include "unit/agent_client/support.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>

using namespace slipway;
using namespace slipway::test;
using core::AgentSession;
using core::JobEnd;
using core::JobIo;

namespace {

constexpr std::uint64_t volume = std::uint64_t{1} << 30U;
constexpr long most_growth_kib = 64L << 10;

// The most memory that this process has had so far.
long peak_kib()
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
    }
    return 0;
}

// So many bytes.
struct Counted final : engine::ByteSource {
    explicit Counted(std::uint64_t size) : left(size) {}
    Task<std::size_t> read(std::span<char> into) override
    {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left));
        std::memset(into.data(), static_cast<char>(left >> 16U), n);
        left -= n;
        co_return n;
    }
    std::uint64_t left;
};

struct Counting final : engine::ByteSink {
    Task<> write(std::string_view data) override
    {
        bytes += data.size();
        co_return ok();
    }
    std::uint64_t bytes = 0;
};

} // namespace

TEST_SUITE("core.agent_client.volume")
{
    TEST_CASE("a gibibyte goes through a job, in and out, in bounded memory")
    {
        const Agent agent;
        with_session(agent.socket(), [](AgentSession& session) -> Task<> {
            const JobIo warm_up;
            CO_CHECK(co_await session.run(program("true"), warm_up));
            const long before = peak_kib();
            REQUIRE(before > 0);
            Counted in(volume);
            Counting out;
            JobIo io;
            io.in = &in;
            io.out = &out;
            CO_TRY(const JobEnd end, co_await session.run(program("cat"), io));
            CHECK(exit_code(end) == 0);
            CHECK(out.bytes == volume);
            CHECK(peak_kib() - before < most_growth_kib);
            co_return ok();
        });
    }
}
