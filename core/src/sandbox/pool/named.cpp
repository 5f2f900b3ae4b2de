#include "sandbox/pool/named.hpp"

#include "sandbox/pool/key.hpp"

#include <slipway/core/labels.hpp>

#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <thread>

namespace slipway::core::pool {

namespace {

constexpr const char* spec_label = "org.slipway.spec";
constexpr const char* road_label = "org.slipway.road";

// The same after a restart of the machine, and another one's on another.
std::string machine()
{
    std::ifstream file("/etc/machine-id");
    std::string id;
    if (std::getline(file, id) && !id.empty()) return id;
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    return host.data();
}

} // namespace

Result<Entry> named_entry(
    const std::filesystem::path& base, const engine::Endpoint& endpoint, const std::string& name
)
{
    const std::string owner =
        machine() + "/" + std::to_string(::geteuid()) + "/" + base.string() + "/" + key(endpoint);
    const std::string container = "slipway-kept-" + name + "-" + digits_of(owner);
    const std::string key_of_named = key(endpoint) + named_mark;
    if (Entry::is_there(base, key_of_named, container)) {
        for (int attempt = 0; attempt < 20; ++attempt) { // somebody may only be looking
            auto entry = Entry::take(Entry::place(base, key_of_named, container));
            if (entry) return *std::move(entry);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return fail(named_in_use(name));
    }
    auto made = Entry::make(base, key_of_named, container);
    if (!made && Entry::is_there(base, key_of_named, container)) return fail(named_in_use(name));
    return made;
}

Error named_in_use(const std::string& name)
{
    Error error(Errc::conflict, "the sandbox " + name + " is in use");
    error.hint = "one process has it at a time: wait for its end, or take another name";
    return error;
}

void name_it(
    engine::ContainerSpec& container, const SandboxSpec& spec, const std::string& name, Road road
)
{
    container.labels.emplace(name_label, name);
    container.labels.emplace(spec_label, spec_mark(spec));
    container.labels.emplace(road_label, std::string(core::name(road)));
    container.host.auto_remove = false; // its files outlive the engine
}

Result<Road> road_of_named(
    const engine::ContainerInfo& container, const SandboxSpec& spec, const std::string& name
)
{
    const auto& labels = container.config.labels;
    const auto made_of = labels.find(spec_label);
    const auto road_text = labels.find(road_label);
    if (made_of == labels.end() || road_text == labels.end()
        || made_of->second != spec_mark(spec)) {
        Error error(Errc::conflict, "the sandbox " + name + " was made of another image or spec");
        error.hint = "take another name, or remove the container " + container.name
                     + ", with all that is in it";
        return fail(std::move(error));
    }
    for (const Road road : {Road::socket, Road::attach, Road::bridge}) {
        if (road_text->second == core::name(road)) return road;
    }
    return fail(Errc::protocol, "the sandbox " + name + " is reached by " + road_text->second);
}

} // namespace slipway::core::pool
