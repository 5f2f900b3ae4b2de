#pragma once

#include <slipway/core/inventory.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/result.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What of an engine is ours: by the labels of our objects.
namespace slipway::core {

engine::Filters our_filter();

/// Empty when it is not there.
std::string label_of(const std::map<std::string, std::string>& labels, std::string_view name);

/// Our containers in whatever state. Errors: those of Containers::list.
Task<std::vector<engine::ContainerSummary>> our_containers(engine::Client client);

std::string name_of(const engine::ContainerSummary& container);

/// `mark` is the process_label of something that its maker alone needs.
InUse use_of_maker(const std::string& mark);

/// Removes the containers that processes of this machine made for a job each and left behind when
/// they were killed: one list call when there are none. Sandboxes of a pool are left to `clean_up`.
///
/// Errors: those of our_containers, cancelled.
Task<> sweep_jobs(engine::Client client);

} // namespace slipway::core
