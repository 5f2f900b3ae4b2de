#include "sandbox/pool/no_agent.hpp"

#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

namespace slipway::core::pool {

namespace {

constexpr std::chrono::minutes longest_memory{10}; // the reason may have been a passing one
constexpr std::string_view memory_mark = "+exec";
constexpr std::string_view bound_mark = "+bound";
constexpr char field_end = '\t';

std::int64_t seconds_now()
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::string on_one_line(std::string text)
{
    std::ranges::replace_if(
        text, [](unsigned char c) { return c < ' '; }, ' '
    );
    return text;
}

std::string memory_of(const Wanted& wanted)
{
    return key(wanted.client.endpoint(), wanted.spec) + std::string(memory_mark);
}

struct Memory {
    std::string image;
    std::string why;
};

// TIME, the engine's version, the image, the reason.
std::optional<Memory> read_memory(const engine::Client& client, std::string_view text)
{
    const auto field = [&] {
        const std::size_t end = std::min(text.find(field_end), text.size());
        std::string one(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        return one;
    };
    const std::string time = field();
    const std::string version = field();
    Memory memory;
    memory.image = field();
    memory.why = text;
    std::int64_t noted = 0;
    const auto read = std::from_chars(time.data(), time.data() + time.size(), noted);
    const std::int64_t age = seconds_now() - noted;
    const bool fresh =
        read.ec == std::errc() && age >= 0 && age < std::chrono::seconds(longest_memory).count();
    if (!fresh || version != on_one_line(client.traits().server)) return std::nullopt;
    return memory;
}

// One that does not hold any more is removed.
std::optional<Memory> recall_memory(
    const engine::Client& client, const std::filesystem::path& base, const std::string& name
)
{
    auto memory = read_memory(client, recall(base, name));
    if (!memory) forget(base, name);
    return memory;
}

std::string text_of(const engine::Client& client, const Memory& memory)
{
    return fmt::format(
        "{}{}{}{}{}{}{}",
        seconds_now(),
        field_end,
        on_one_line(client.traits().server),
        field_end,
        on_one_line(memory.image),
        field_end,
        on_one_line(memory.why)
    );
}

std::string memory_of_bound(const engine::Client& client, const SandboxSpec& spec)
{
    return key(client.endpoint(), spec) + std::string(bound_mark);
}

} // namespace

std::string why_no_agent(const Wanted& wanted)
{
    const auto memory = recall_memory(wanted.client, wanted.base, memory_of(wanted));
    return memory ? memory->why : std::string();
}

std::string why_not_bound(
    const engine::Client& client, const std::filesystem::path& base, const SandboxSpec& spec
)
{
    const auto memory = recall_memory(client, base, memory_of_bound(client, spec));
    return memory ? memory->why : std::string();
}

void remember_not_bound(
    const engine::Client& client,
    const std::filesystem::path& base,
    const SandboxSpec& spec,
    const std::string& why
)
{
    remember(base, memory_of_bound(client, spec), text_of(client, {spec.image, why}));
}

void forget_not_bound(
    const engine::Client& client, const std::filesystem::path& base, const SandboxSpec& spec
)
{
    forget(base, memory_of_bound(client, spec));
}

void remember_no_agent(const Wanted& wanted, const std::string& why)
{
    remember(wanted.base, memory_of(wanted), text_of(wanted.client, {wanted.image_name, why}));
    all_without_agent(wanted.client, wanted.base); // those of images that are not used any more go
}

void forget_no_agent(const Wanted& wanted)
{
    forget(wanted.base, memory_of(wanted));
}

std::vector<std::string>
all_without_agent(const engine::Client& client, const std::filesystem::path& base)
{
    std::vector<std::string> all;
    const std::string of_engine = key(client.endpoint()) + pooled_mark;
    for (const std::string& name : remembered(base)) {
        const bool by_exec = name.ends_with(memory_mark);
        if (!name.starts_with(of_engine) || !(by_exec || name.ends_with(bound_mark))) continue;
        const auto memory = recall_memory(client, base, name);
        if (memory && by_exec) all.push_back(memory->image + ": " + memory->why);
    }
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

} // namespace slipway::core::pool
