#pragma once

#include <slipway/engine/events.hpp>

#include <string_view>

namespace slipway::engine {

// Podman has its own names for some events, and takes only those in a filter
// (Traits::events_have_libpod_names). Seen on 4.3; read in 5.8, which knows "die" as well.

/// Adds podman's names beside docker's to the filter "event".
void add_libpod_names(Filters& filters);

/// Gives the event docker's names. A volume gets its name for its id, which podman leaves empty.
void use_docker_names(Event& event);

/// Whether the filter "event" lets it through: podman's "remove" stands for several of docker's.
bool is_wanted(const Event& event, const Filters& filters);

} // namespace slipway::engine
