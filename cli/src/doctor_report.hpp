#pragma once

#include "style.hpp"

#include <slipway/core/doctor.hpp>

#include <string>

namespace slipway::cli {

/// The report for a person.
std::string doctor_text(const core::DoctorReport& report, const Style& style);

/// The report for a program. Keys are never renamed or removed, only added. A text that is not
/// known is "", a number that is not known null.
///
///   usable      true when an engine can be used
///   reason      why that one, or why none
///   advice      what to do when none can be used, the best first
///   engine      null, or an object of
///     url, source, kind ("docker", "podman"), server_version, api, api_newest,
///     rootless, os, architecture, operating_system, kernel, storage_driver, root_directory,
///     cgroup_version, cgroup_driver, cpus, memory_bytes, maps_users, containerd_store,
///     security ("local_socket", "plain_tcp", "tls", "tls_unverified"), warnings, problems,
///     sees_files   true when it sees every directory that was tried, null when not all are known
///     directories  [{path, sight ("seen", "not_seen", "unknown"), detail}]
///   candidates  [{url, source, explicit, state, detail, hint, used, kind, server, api}], the last
///               three null for one that did not answer; the states are those of engine::ProbeState
std::string doctor_json(const core::DoctorReport& report);

} // namespace slipway::cli
