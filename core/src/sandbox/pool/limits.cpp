#include "sandbox/pool/limits.hpp"

#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"

#include <fmt/format.h>

#include <optional>
#include <sstream>
#include <string_view>

namespace slipway::core::pool {

namespace {

std::string write_limits(const engine::EngineInfo& engine)
{
    return fmt::format(
        "{} {} {} {} {}",
        engine.memory_bytes,
        engine.cpus,
        engine.can_limit_memory ? 1 : 0,
        engine.can_limit_cpus ? 1 : 0,
        engine.can_limit_pids ? 1 : 0
    );
}

std::optional<engine::EngineInfo> read_limits(const std::string& text)
{
    std::istringstream words(text);
    engine::EngineInfo engine;
    words >> engine.memory_bytes >> engine.cpus >> engine.can_limit_memory >> engine.can_limit_cpus
        >> engine.can_limit_pids;
    return words ? std::optional(engine) : std::nullopt;
}

std::string limits_key(const engine::Client& client)
{
    return key(client.endpoint()) + "-limits";
}

Error cannot_limit(std::string_view what)
{
    Error error(Errc::unsupported, "the engine cannot limit " + std::string(what));
    error.hint = "an engine without root needs cgroups v2, and this controller delegated to its "
                 "user; or do without the limit";
    return error;
}

} // namespace

Result<SandboxLimits> limits_on(const engine::EngineInfo& engine, SandboxLimits asked)
{
    if (asked.memory_bytes > 0 && !engine.can_limit_memory) return fail(cannot_limit("memory"));
    if (asked.cpus > 0 && !engine.can_limit_cpus) return fail(cannot_limit("CPUs"));
    if (!engine.can_limit_pids) asked.pids = SandboxLimits::none;
    // A job that takes too much is to end, and not the engine's machine.
    if (asked.memory_bytes == 0) asked.memory_bytes = engine.memory_bytes / 10 * 9;
    if (!engine.can_limit_memory || asked.memory_bytes <= 0) {
        asked.memory_bytes = SandboxLimits::none;
    }
    if (asked.cpus == 0) asked.cpus = static_cast<double>(engine.cpus);
    if (!engine.can_limit_cpus || asked.cpus <= 0) asked.cpus = SandboxLimits::none;
    return asked;
}

Task<SandboxLimits>
limits_on(engine::Client client, std::filesystem::path base, SandboxLimits asked)
{
    const std::string memory = limits_key(client);
    if (const auto known = read_limits(recall(base, memory))) {
        auto limits = limits_on(*known, asked);
        if (limits) co_return limits;
        // It may have learned it since.
    }
    CO_TRY(const engine::EngineInfo found, co_await engine::System(client.transport()).info());
    remember(base, memory, write_limits(found));
    co_return limits_on(found, asked);
}

void forget_limits(const engine::Client& client, const std::filesystem::path& base)
{
    forget(base, limits_key(client));
}

} // namespace slipway::core::pool
