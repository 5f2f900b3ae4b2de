#include "event_names.hpp"

#include <algorithm>
#include <array>

namespace slipway::engine {

namespace {

struct EventName {
    std::string_view docker;
    std::string_view libpod;
};
constexpr auto event_names = std::to_array<EventName>({
    {"die", "died"},
    {"exec_die", "exec_died"},
    {"destroy", "remove"}, // of a container, volume or network
    {"delete", "remove"},  // of an image
});

std::string_view docker_name(const Event& event)
{
    if (event.action == "died") return "die";
    if (event.action == "exec_died") return "exec_die";
    if (event.action != "remove") return event.action;
    if (event.type == "image") return "delete";
    const bool known =
        event.type == "container" || event.type == "volume" || event.type == "network";
    return known ? "destroy" : "remove";
}

} // namespace

void add_libpod_names(Filters& filters)
{
    const auto found = filters.find("event");
    if (found == filters.end()) return;
    std::vector<std::string>& wanted = found->second;
    for (const EventName& name : event_names) {
        if (std::ranges::find(wanted, name.docker) == wanted.end()) continue;
        if (std::ranges::find(wanted, name.libpod) == wanted.end()) {
            wanted.emplace_back(name.libpod);
        }
    }
}

void use_docker_names(Event& event)
{
    event.action = std::string(docker_name(event));
    if (event.type != "volume" || !event.actor.empty()) return;
    const auto name = event.attributes.find("name");
    if (name != event.attributes.end()) event.actor = name->second;
}

bool is_wanted(const Event& event, const Filters& filters)
{
    const auto found = filters.find("event");
    return found == filters.end() || found->second.empty()
           || std::ranges::any_of(found->second, [&](std::string_view name) {
                  return name == event.action || name == verb(event);
              });
}

} // namespace slipway::engine
