#include "auth_header.hpp"
#include "call.hpp"
#include "container_spec_json.hpp"
#include "plain_start.hpp"
#include "progress_stream.hpp"
#include "prune_call.hpp"
#include "secrets.hpp"

#include <slipway/engine/build.hpp>

namespace slipway::engine {

namespace {

void add(Request& request, std::string_view key, const std::optional<std::int64_t>& value)
{
    if (value) request.query(key, *value);
}

template <class T>
Result<> add_json(Request& request, std::string_view key, const T& value)
{
    if (value.empty()) return ok();
    auto text = json::encode(value);
    if (!text) {
        // The path inside the value says little without the name of the parameter.
        text.error().context.push_back("encoding " + std::string(key));
        return fail(std::move(text).error());
    }
    request.query(key, *text);
    return ok();
}

Result<> add_ulimits(Request& request, const std::vector<Ulimit>& ulimits, const Traits& traits)
{
    if (!traits.build_ulimits_are_text) return add_json(request, "ulimits", ulimits);
    std::vector<std::string> texts;
    texts.reserve(ulimits.size());
    for (const Ulimit& limit : ulimits) {
        texts.push_back(
            limit.name + "=" + std::to_string(limit.soft) + ":" + std::to_string(limit.hard)
        );
    }
    return add_json(request, "ulimits", texts);
}

Result<>
add_extra_hosts(Request& request, const std::vector<std::string>& hosts, const Traits& traits)
{
    if (traits.build_extra_hosts_is_json) return add_json(request, "extrahosts", hosts);
    for (const std::string& host : hosts) {
        request.query("extrahosts", host);
    }
    return ok();
}

void add_limits(Request& request, const BuildSpec& spec)
{
    add(request, "memory", spec.memory);
    add(request, "memswap", spec.memory_swap);
    add(request, "cpushares", spec.cpu_shares);
    add(request, "cpuperiod", spec.cpu_period);
    add(request, "cpuquota", spec.cpu_quota);
    add(request, "shmsize", spec.shm_size);
    request.query("cpusetcpus", spec.cpuset_cpus)
        .query("cpusetmems", spec.cpuset_mems)
        .query("cgroupparent", spec.cgroup_parent);
}

/// What this engine's BuildKit would pass over without a word, or null.
const char* not_in_buildkit(const BuildSpec& spec, const Traits& traits)
{
    if (spec.memory || spec.memory_swap) return "limits of memory";
    if (spec.cpu_shares || spec.cpu_period || spec.cpu_quota) return "limits of CPU time";
    if (!spec.cpuset_cpus.empty() || !spec.cpuset_mems.empty()) return "sets of CPUs";
    if (!spec.cgroup_parent.empty()) return "parent for control groups";
    if (!spec.ulimits.empty() && !traits.buildkit_has_limits) return "ulimits";
    if (spec.shm_size && !traits.buildkit_has_limits) return "size for /dev/shm";
    if (spec.keep_failed) return "containers to keep";
    if (!spec.registries.empty()) return "credentials in the request";
    return nullptr;
}

Result<> check_builder(const BuildSpec& spec, const Traits& traits)
{
    if (spec.builder != Builder::buildkit) return ok();
    if (!traits.can_buildkit) return fail(Errc::unsupported, "this engine has no BuildKit");
    const char* const missing = not_in_buildkit(spec, traits);
    if (missing == nullptr) return ok();
    Error error(Errc::unsupported, std::string("this engine's BuildKit has no ") + missing);
    error.hint = spec.registries.empty() ? "build with the classic builder, which has"
                                         : "pull the images with the credentials, then build";
    return fail(std::move(error));
}

Result<Request> build_request(const BuildSpec& spec, const Traits& traits)
{
    CHECK_OK(check_builder(spec, traits));
    Request request("POST", "/build");
    if (spec.builder == Builder::buildkit) request.query("version", "2");
    for (const std::string& tag : spec.tags) {
        request.query("t", tag);
    }
    request.query("dockerfile", spec.dockerfile)
        .query("target", spec.target)
        .query("platform", spec.platform)
        .query("networkmode", spec.network_mode)
        .query("buildid", spec.build_id)
        .query_flag("nocache", spec.no_cache)
        .query_flag("pull", spec.pull)
        .query_flag("q", spec.quiet)
        .query_flag("squash", spec.squash)
        .query_flag("rm", true)
        .query_flag("forcerm", !spec.keep_failed);
    add_limits(request, spec);
    CHECK_OK(add_json(request, "buildargs", spec.build_args));
    CHECK_OK(add_json(request, "labels", spec.labels));
    CHECK_OK(add_json(request, "cachefrom", spec.cache_from));
    CHECK_OK(add_ulimits(request, spec.ulimits, traits));
    CHECK_OK(add_extra_hosts(request, spec.extra_hosts, traits));
    if (!spec.registries.empty()) {
        CHECK_OK(add_auth(request, spec.registries));
    }
    return request;
}

Result<Request>
remote_build_request(std::string_view url, const BuildSpec& spec, const Traits& traits)
{
    if (url.empty()) return fail(Errc::invalid_argument, "the URL to build from is empty");
    if (!traits.can_build_remote) {
        Error error(Errc::unsupported, "this engine fetches nothing to build from");
        error.hint = "fetch it here, and build from a tar of it";
        return fail(std::move(error));
    }
    TRY(Request request, build_request(spec, traits));
    request.query("remote", url);
    const std::string shown = without_password(url); // a password can have a '?' in it
    const auto query = shown.find('?');
    if (query != std::string::npos) request.secret(shown.substr(query + 1));
    return request;
}

Goal goal_of(const BuildSpec& spec)
{
    return spec.quiet ? Goal::quiet_build : Goal::build;
}

constexpr ApiVersion cache_limits_api{1, 48};

Result<Request> prune_cache_request(const PruneBuildCache& options, ApiVersion api)
{
    const bool limits = options.max_used_bytes || options.min_free_bytes;
    if (limits && api < cache_limits_api) {
        return fail(
            Errc::unsupported,
            "API " + to_string(api) + " has no limit for used or free bytes of the build cache, "
                + to_string(cache_limits_api) + " has"
        );
    }
    TRY(Request request, prune_request("/build/prune", options.filters));
    request.query_flag("all", options.all);
    add(request, api < cache_limits_api ? "keep-storage" : "reserved-space", options.keep_bytes);
    add(request, "max-used-space", options.max_used_bytes);
    add(request, "min-free-space", options.min_free_bytes);
    return request;
}

std::string doing(const BuildSpec& spec)
{
    if (!spec.tags.empty()) return "building image " + spec.tags.front();
    return spec.target.empty() ? "building an image" : "building stage " + spec.target;
}

} // namespace

Task<ProgressStream> Builds::build(std::shared_ptr<ByteSource> context, const BuildSpec& spec)
{
    auto request = build_request(spec, transport_->traits());
    if (spec.builder == Builder::buildkit) context = with_plain_start(std::move(context));
    if (request) request->body(std::move(context), "application/x-tar");
    return open_progress(*transport_, std::move(request), goal_of(spec), {}, doing(spec));
}

Task<ProgressStream> Builds::build_remote(std::string_view url, const BuildSpec& spec)
{
    auto request = remote_build_request(url, spec, transport_->traits());
    const std::string shown = without_password(url);
    std::string what = doing(spec) + " from " + shown.substr(0, shown.find('?'));
    return open_progress(*transport_, std::move(request), goal_of(spec), {}, std::move(what));
}

Task<> Builds::cancel(std::string_view build_id)
{
    if (build_id.empty()) {
        return refuse(Error(Errc::invalid_argument, "the id of the build is empty"));
    }
    Request request("POST", "/build/cancel");
    request.query("id", build_id);
    return perform(*transport_, std::move(request), "cancelling build " + std::string(build_id));
}

Task<Pruned> Builds::prune(const PruneBuildCache& options)
{
    auto request = prune_cache_request(options, transport_->traits().api);
    return engine::prune(*transport_, std::move(request), "removing records of the build cache");
}

} // namespace slipway::engine
