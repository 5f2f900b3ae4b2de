#include "job_command.hpp"

#include <charconv>
#include <chrono>
#include <cstdlib>

namespace slipway::cli {

Result<AgentUse> agent_use()
{
    const char* const set = std::getenv("SLIPWAY_AGENT");
    const std::string_view text = set == nullptr ? "" : set;
    if (text.empty()) return AgentUse::usual;
    if (text == "1") return AgentUse::anew;
    if (text == "0") return AgentUse::none;
    Error error(
        Errc::invalid_argument, "SLIPWAY_AGENT is neither 0 nor 1: '" + std::string(text) + "'"
    );
    error.hint = "0 runs the jobs of sandboxes by exec, without slipway's agent in them";
    return fail(std::move(error));
}

Result<core::PoolOptions> pool_options()
{
    core::PoolOptions options;
    TRY(const AgentUse agent, agent_use());
    options.agent = agent != AgentUse::none;
    options.agent_anew = agent == AgentUse::anew;
    const char* const idle = std::getenv("SLIPWAY_SANDBOX_IDLE");
    if (idle == nullptr || *idle == '\0') return options;
    const std::string_view text = idle;
    std::uint32_t seconds = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || seconds == 0) {
        Error error(
            Errc::invalid_argument,
            "SLIPWAY_SANDBOX_IDLE is no number of seconds: '" + std::string(text) + "'"
        );
        error.hint = "600 lets a sandbox wait ten minutes for its next command";
        return fail(std::move(error));
    }
    options.idle = std::chrono::seconds(seconds);
    return options;
}

std::filesystem::path cache_directory(const Context& context)
{
    const char* const cache = std::getenv("XDG_CACHE_HOME");
    std::filesystem::path base = cache != nullptr ? cache : "";
    if (!base.is_absolute() && !context.environment.home.empty()) {
        base = std::filesystem::path(context.environment.home) / ".cache";
    }
    return base.is_absolute() ? base / "slipway" : std::filesystem::path();
}

std::filesystem::path notes_directory(const Context& context)
{
    const std::filesystem::path cache = cache_directory(context);
    return cache.empty() ? cache : cache / "workspaces";
}

} // namespace slipway::cli
