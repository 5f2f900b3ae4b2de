#include "auth_header.hpp"
#include "auth_json.hpp"
#include "call.hpp"
#include "refusal.hpp"

#include <slipway/engine/system.hpp>

#include <algorithm>

namespace slipway {

using namespace engine;

template <>
struct json::Fields<EngineComponent> {
    static constexpr auto list = std::tuple{
        optional("Name", &EngineComponent::name),
        optional("Version", &EngineComponent::version),
        optional("Details", &EngineComponent::details)};
};

template <>
struct json::Fields<EngineVersion> {
    static constexpr auto list = std::tuple{
        optional("Version", &EngineVersion::version),
        optional("ApiVersion", &EngineVersion::api_version),
        optional("MinAPIVersion", &EngineVersion::min_api_version),
        optional("Os", &EngineVersion::os),
        optional("Arch", &EngineVersion::architecture),
        optional("KernelVersion", &EngineVersion::kernel_version),
        optional("Components", &EngineVersion::components)};
};

template <>
struct json::Fields<EngineInfo> {
    static constexpr auto list = std::tuple{
        optional("ID", &EngineInfo::id),
        optional("Name", &EngineInfo::name),
        optional("ServerVersion", &EngineInfo::server_version),
        optional("OperatingSystem", &EngineInfo::operating_system),
        optional("OSType", &EngineInfo::os_type),
        optional("Architecture", &EngineInfo::architecture),
        optional("KernelVersion", &EngineInfo::kernel_version),
        optional("NCPU", &EngineInfo::cpus),
        optional("MemTotal", &EngineInfo::memory_bytes),
        optional("DockerRootDir", &EngineInfo::root_directory),
        optional("Driver", &EngineInfo::storage_driver),
        optional("DriverStatus", &EngineInfo::driver_status),
        optional("SecurityOptions", &EngineInfo::security_options),
        optional("CgroupDriver", &EngineInfo::cgroup_driver),
        optional("CgroupVersion", &EngineInfo::cgroup_version),
        optional("MemoryLimit", &EngineInfo::can_limit_memory),
        optional("CpuCfsQuota", &EngineInfo::can_limit_cpus),
        optional("PidsLimit", &EngineInfo::can_limit_pids),
        optional("Rootless", &EngineInfo::rootless_flag),
        optional("Warnings", &EngineInfo::warnings)};
};

template <>
struct json::Fields<LoginResult> {
    static constexpr auto list = std::tuple{
        optional("Status", &LoginResult::status),
        optional("IdentityToken", &LoginResult::identity_token)};
};

namespace engine {

namespace {

/// An option is "name=NAME" and may go on after a comma.
bool has_security_option(const EngineInfo& info, std::string_view name) noexcept
{
    return std::ranges::any_of(info.security_options, [&](std::string_view option) {
        if (!option.starts_with("name=")) return false;
        option.remove_prefix(5);
        return option.substr(0, option.find(',')) == name;
    });
}

Result<Request> login_request(const RegistryAuth& auth)
{
    TRY(std::string body, json::encode(auth));
    Request request("POST", "/auth");
    request.json(std::move(body));
    add_secrets(request, auth);
    return request;
}

Task<LoginResult> log_in(Transport& transport, Result<Request> request, std::string doing)
{
    auto result = co_await call<LoginResult>(transport, std::move(request), std::move(doing));
    // Podman, and dockerd for some registries, say 500 to wrong credentials.
    if (!result && result.error().code == Errc::engine) {
        result.error().code = code_of_refusal(result.error().message);
    }
    co_return result;
}

} // namespace

bool is_rootless(const EngineInfo& info) noexcept
{
    return info.rootless_flag || has_security_option(info, "rootless");
}

bool remaps_users(const EngineInfo& info) noexcept
{
    return has_security_option(info, "userns");
}

bool uses_containerd_store(const EngineInfo& info) noexcept
{
    return std::ranges::any_of(info.driver_status, [](const auto& row) {
        return row.size() == 2 && row[0] == "driver-type"
               && row[1] == "io.containerd.snapshotter.v1";
    });
}

Task<EngineVersion> System::version()
{
    return call<EngineVersion>(
        *transport_, Request("GET", "/version"), "asking the engine for its version"
    );
}

Task<EngineInfo> System::info()
{
    return call<EngineInfo>(*transport_, Request("GET", "/info"), "asking the engine about itself");
}

Task<LoginResult> System::login(const RegistryAuth& auth)
{
    std::string doing =
        "logging in to "
        + (auth.server_address.empty() ? "the engine's registry" : auth.server_address);
    return log_in(*transport_, login_request(auth), std::move(doing));
}

} // namespace engine

} // namespace slipway
