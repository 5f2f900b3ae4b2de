#include "sandbox/not_run.hpp"

#include <slipway/engine/archive.hpp>
#include <slipway/engine/containers.hpp>

#include <algorithm>
#include <climits>
#include <vector>

namespace slipway::core {

namespace {

constexpr std::string_view not_found = "executable file not found in $PATH";
constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string variable(const std::vector<std::string>& env, std::string_view name)
{
    const std::string start = std::string(name) + "=";
    const auto found =
        std::ranges::find_if(env, [&](const std::string& one) { return one.starts_with(start); });
    return found == env.end() ? std::string() : found->substr(start.size());
}

std::vector<std::string>
places_of(const std::string& program, const engine::ContainerConfig& config)
{
    if (program.starts_with('/')) return {program};
    if (program.find('/') != std::string::npos) return {config.working_dir + "/" + program};
    std::vector<std::string> places;
    std::string path = variable(config.env, "PATH");
    if (path.empty()) path = default_path;
    for (std::string_view rest = path; !rest.empty();) {
        const auto end = std::min(rest.find(':'), rest.size());
        places.push_back(std::string(rest.substr(0, end)) + "/" + program);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return places;
}

bool can_be_executed(const engine::PathStat& stat)
{
    if (stat.type == engine::FileType::symlink) return true; // the engine does not follow it
    return stat.type == engine::FileType::regular && (stat.permissions & 0111U) != 0;
}

} // namespace

bool is_too_long(std::string_view program)
{
    if (program.size() >= PATH_MAX) return true;
    while (!program.empty()) {
        const std::size_t end = std::min(program.find('/'), program.size());
        if (end > NAME_MAX) return true;
        program.remove_prefix(std::min(end + 1, program.size()));
    }
    return false;
}

// Engines tell the kinds apart in words only: docker's start gives 400 or 404, podman's attach,
// which prepares the container, 409 or 500. What matters, `exec: "x": permission denied`, is
// wrapped in the names of all the programs that passed it on.
std::optional<NotRun> not_run(const Error& refusal, std::string_view program)
{
    const std::string_view text = refusal.message;
    const auto says = [&](std::string_view words) {
        return text.find(words) != std::string_view::npos;
    };
    const std::string route = refusal.answer ? refusal.answer->route : "";
    if (!route.ends_with("/start") && !route.ends_with("/attach")) return {};
    // Other things are "not found" at a start, too: a network, say.
    const bool about_the_command = says("exec: ") || says("container process")
                                   || says("OCI runtime attempted")
                                   || says("OCI permission denied");
    if (!about_the_command) return {};
    NotRun out;
    if (says("ermission denied") || says("is a directory") || says("xec format error")) {
        out.exit_code = 126;
    } else if (!says("not found") && !says("no such file or directory")) {
        return {};
    }
    out.reason = text;
    const std::string mark = "\"" + std::string(program) + "\": ";
    if (const auto at = text.find(mark); at != std::string_view::npos) {
        const std::string_view said = text.substr(at + mark.size());
        out.reason = said.substr(0, std::min(said.find(": unknown"), said.find(": OCI ")));
    }
    return out;
}

Task<std::optional<NotRun>>
look_for_program(engine::Client client, std::string container, std::string program)
{
    CO_TRY(
        const engine::ContainerInfo info,
        co_await engine::Containers(client.transport()).inspect(container)
    );
    std::optional<NotRun> missing;
    if (!info.config.entrypoint.empty()) {
        co_return missing; // the program is the image's own
    }
    missing.emplace();
    missing->reason = not_found;
    for (const std::string& place : places_of(program, info.config)) {
        const auto stat = co_await engine::Archives(client.transport()).stat(container, place);
        if (!stat && stat.error().code != Errc::not_found) {
            co_return fail(stat.error());
        }
        if (stat && can_be_executed(*stat)) {
            missing.reset();
            break;
        }
        if (stat) {
            missing->exit_code = 126;
            missing->reason = "permission denied";
        }
    }
    co_return missing;
}

} // namespace slipway::core
