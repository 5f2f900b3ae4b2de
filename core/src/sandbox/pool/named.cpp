#include "sandbox/pool/named.hpp"

#include "sandbox/pool/key.hpp"

#include <slipway/core/labels.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string_view>
#include <vector>

namespace slipway::core::pool {

namespace fs = std::filesystem;

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

std::vector<fs::path> names_in(const fs::path& directory)
{
    std::vector<fs::path> found;
    std::error_code failed;
    fs::directory_iterator entry(directory, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
        found.push_back(entry->path());
    }
    return found;
}

// Whether a descriptor, as /proc has them, is of a directory that was there before this one. The
// path of one in a file system that is not mounted any more begins at its root.
bool is_older_one(const fs::path& descriptor, const fs::path& directory)
{
    constexpr std::string_view removed = " (deleted)";
    std::error_code failed;
    std::string path = fs::read_symlink(descriptor, failed).string();
    if (path.ends_with(removed)) path.resize(path.size() - removed.size());
    const fs::path same_kind = directory.parent_path();
    const fs::path end =
        same_kind.parent_path().filename() / same_kind.filename() / directory.filename();
    if (failed || !path.ends_with("/" + end.string())) return false;
    struct stat held {};
    struct stat there {};
    if (::stat(descriptor.c_str(), &held) != 0) return false;
    return ::stat(directory.c_str(), &there) != 0 || held.st_ino != there.st_ino
           || held.st_dev != there.st_dev;
}

} // namespace

fs::path
place_of_named(const fs::path& base, const engine::Endpoint& endpoint, const std::string& name)
{
    const std::string owner =
        machine() + "/" + std::to_string(::geteuid()) + "/" + base.string() + "/" + key(endpoint);
    const std::string container = "slipway-kept-" + name + "-" + digits_of(owner);
    return Entry::place(base, key(endpoint) + named_mark, container);
}

bool is_held_elsewhere(const fs::path& directory)
{
    for (const fs::path& process : names_in("/proc")) {
        if (process.filename().string().find_first_not_of("0123456789") != std::string::npos) {
            continue;
        }
        for (const fs::path& descriptor : names_in(process / "fd")) {
            if (is_older_one(descriptor, directory)) return true;
        }
    }
    return false;
}

Result<Entry>
named_entry(const fs::path& base, const engine::Endpoint& endpoint, const std::string& name)
{
    const fs::path place = place_of_named(base, endpoint, name);
    const std::string container = place.filename().string();
    const std::string key_of_named = place.parent_path().filename().string();
    if (Entry::is_there(base, key_of_named, container)) {
        auto entry = Entry::take(place);
        if (!entry) return fail(named_in_use(name));
        return *std::move(entry);
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
