#pragma once

#include <slipway/engine/client.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/result.hpp>

#include <string>

namespace slipway::core {

/// Removes a container of ours, whatever state it is in; one that is gone is a success. An engine
/// that is just taking note of the container's end can refuse: it is asked again for some seconds.
/// Call it with cancellation switched off. Errors: those of the last try.
Task<> remove_container(engine::Client client, std::string name);

/// The same for one that its engine removes when it has ended: podman 4 can break it when it is
/// told to remove it just then, and fails all lists afterwards. So it is killed, and its removal
/// waited for.
Task<> kill_and_wait(engine::Client client, std::string name);

} // namespace slipway::core
