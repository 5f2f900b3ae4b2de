#include "container_request.hpp"
#include "container_spec_json.hpp"
#include "containers_json.hpp"
#include "log_query.hpp"
#include "prune_call.hpp"
#include "tar_check.hpp"

#include <slipway/engine/containers.hpp>
#include <slipway/engine/pause.hpp>

namespace slipway::engine {

namespace {

/// From here on the address is that of an endpoint, and before that of the container.
constexpr ApiVersion endpoint_mac_api{1, 44};

/// Refuses what this engine would pass over, or refuse with less of a reason.
Result<> check_networks(const ContainerSpec& spec, const Traits& traits)
{
    if (spec.networks.size() <= 1 || traits.can_create_in_networks) return ok();
    Error error(
        Errc::unsupported,
        "with API " + to_string(traits.api) + " a container is made in one network at most"
    );
    error.hint = "make it in one of them, and connect it to the others before it starts";
    return fail(std::move(error));
}

Result<> check_devices(const std::vector<DeviceRequest>& requests, const Traits& traits)
{
    for (const DeviceRequest& request : requests) {
        const bool heard = request.driver == "cdi" ? traits.device_drivers != DeviceDrivers::none
                                                   : traits.device_drivers == DeviceDrivers::any;
        if (heard) continue;
        const std::string driver =
            request.driver.empty() ? "no driver in particular" : "the driver " + request.driver;
        Error error(Errc::unsupported, "this engine passes over requests for devices of " + driver);
        error.hint = "name the devices by their paths (HostConfig::devices), or use an engine that "
                     "has the driver";
        return fail(std::move(error));
    }
    return ok();
}

void add_networks(ContainerSpecBody& wire, ApiVersion api)
{
    if (wire.networks.empty()) return;
    NetworkingBody& networking = wire.networking.emplace();
    for (const auto& [network, settings] : wire.networks) {
        networking.endpoints.emplace(network, endpoint_body(settings));
    }
    if (wire.networks.size() == 1 && api < endpoint_mac_api) {
        wire.mac_address = wire.networks.begin()->second.mac_address;
    }
}

Result<Request> create_request(const ContainerSpec& spec, const Traits& traits)
{
    if (spec.image.empty()) {
        return fail(Errc::invalid_argument, "the container has no image to be made from");
    }
    CHECK_OK(check_networks(spec, traits));
    CHECK_OK(check_devices(spec.host.device_requests, traits));
    ContainerSpecBody wire{spec, {}, {}, {}};
    add_networks(wire, traits.api);
    for (const std::string& port : spec.exposed_ports) {
        wire.ports[port];
    }
    for (const auto& [port, bindings] : spec.host.port_bindings) {
        wire.ports[port]; // dockerd publishes no other
    }
    // Podman takes [] for an absent entrypoint; both engines take [""] for none.
    if (wire.entrypoint && wire.entrypoint->empty()) wire.entrypoint->emplace_back();
    TRY(std::string body, json::encode(wire));
    Request request("POST", "/containers/create");
    request.query("name", spec.name).query("platform", spec.platform).json(std::move(body));
    return request;
}

Task<ContainerInfo>
inspect_container(Transport& transport, Result<Request> request, std::string what)
{
    CO_TRY(auto reply, co_await call<ContainerInfoReply>(transport, std::move(request), what));
    reply.networks = std::move(reply.network_settings.networks);
    reply.ports = std::move(reply.network_settings.ports);
    reply.state.health = std::move(reply.state_more.health.status);
    reply.network_mode = std::move(reply.host.network_mode);
    reply.auto_remove = reply.host.auto_remove;
    drop_slash(reply.name);
    co_return static_cast<ContainerInfo&&>(reply);
}

Task<std::vector<ContainerSummary>> list_containers(Transport& transport, Result<Request> request)
{
    using Reply = std::vector<ContainerSummary>;
    CO_TRY(Reply reply, co_await call<Reply>(transport, std::move(request), "listing containers"));
    for (ContainerSummary& container : reply) {
        drop_slashes(container.names);
    }
    co_return reply;
}

Task<Change> change(Transport& transport, Result<Request> request, std::string what)
{
    CO_TRY(const Response reply, co_await exchange(transport, std::move(request), std::move(what)));
    co_return reply.status == 304 ? Change::already : Change::done;
}

/// Always with its time: without one podman restarts at once, and both engines else take the
/// container's own, which a deadline here could not know.
Result<Request> stop_request(
    std::string_view id,
    std::string_view suffix,
    std::chrono::seconds grace,
    std::string_view signal,
    const Traits& traits
)
{
    if (grace.count() < 0) return fail(Errc::invalid_argument, "the time to stop in is negative");
    if (!signal.empty() && !traits.can_stop_with_signal) {
        Error error(
            Errc::unsupported, "this engine stops a container with no signal but the container's"
        );
        error.hint = "send it by itself (kill), or make the container with it as its stop signal";
        return fail(std::move(error));
    }
    TRY(Request request, on_container("POST", id, suffix));
    // The engine answers after the end, and SIGKILL can take a while on a loaded machine.
    request.query("t", grace.count())
        .query("signal", signal)
        .deadline(grace + std::chrono::seconds(60));
    return request;
}

Task<> unpause_container(Transport& transport, Result<Request> request, std::string what)
{
    auto done = co_await perform(transport, std::move(request), std::move(what));
    // dockerd has a status for what is paused already, and 500 for what is not.
    if (!done && done.error().code == Errc::engine
        && done.error().message.ends_with("is not paused")) {
        done.error().code = Errc::conflict;
    }
    co_return done;
}

Task<Change> discard_container(
    Transport& transport, Result<Request> kill, Result<Request> request, std::string what
)
{
    if (transport.traits().forced_removal_stops_first) {
        co_await perform(transport, std::move(kill), what); // it need not run, nor be there
    }
    auto removed = co_await perform(transport, request, what);
    // Podman: what has just ended is neither running nor stopped until it was looked after, which
    // takes a moment, or seconds on a busy machine.
    for (int again = 0; again < 200 && !removed
                        && removed.error().message.find("state improper") != std::string::npos;
         ++again) {
        CO_CHECK(co_await pause(std::chrono::milliseconds(50)));
        removed = co_await perform(transport, request, what);
    }
    if (removed) co_return Change::done;
    const Error& error = removed.error();
    const bool under_way = error.code == Errc::conflict
                           && error.message.find("already in progress") != std::string::npos;
    if (error.code == Errc::not_found || under_way) co_return Change::already;
    co_return fail(std::move(removed).error());
}

std::string_view text(WaitCondition condition)
{
    switch (condition) {
    case WaitCondition::next_exit:
        return "next-exit";
    case WaitCondition::removed:
        return "removed";
    case WaitCondition::not_running:
        break;
    }
    return "not-running";
}

Task<Wait> wait_for(Transport& transport, Result<Request> request, std::string id)
{
    std::vector<std::string> secrets;
    if (request) secrets = secrets_of(transport, *request);
    CO_TRY(
        auto stream,
        co_await open(transport, std::move(request), doing_to_container("waiting for", id))
    );
    co_return Wait(std::move(stream), std::move(id), std::move(secrets));
}

} // namespace

Task<CreatedContainer> Containers::create(const ContainerSpec& spec)
{
    std::string what = "creating a container from " + spec.image;
    return call<CreatedContainer>(
        *transport_, create_request(spec, transport_->traits()), std::move(what)
    );
}

Task<ContainerInfo> Containers::inspect(std::string_view id)
{
    return inspect_container(
        *transport_, on_container("GET", id, "/json"), doing_to_container("inspecting", id)
    );
}

Task<std::vector<ContainerSummary>> Containers::list(const ListContainers& options)
{
    Request request("GET", "/containers/json");
    request.query_flag("all", options.all).query_flag("size", options.sizes);
    if (options.limit) request.query("limit", *options.limit);
    if (auto added = add_filters(request, options.filters); !added) {
        return refuse<std::vector<ContainerSummary>>(std::move(added).error());
    }
    return list_containers(*transport_, std::move(request));
}

Task<Change> Containers::start(std::string_view id)
{
    return change(
        *transport_, on_container("POST", id, "/start"), doing_to_container("starting", id)
    );
}

Task<Change>
Containers::stop(std::string_view id, std::chrono::seconds grace, std::string_view signal)
{
    auto request = stop_request(id, "/stop", grace, signal, transport_->traits());
    return change(*transport_, std::move(request), doing_to_container("stopping", id));
}

Task<> Containers::restart(std::string_view id, std::chrono::seconds grace, std::string_view signal)
{
    auto request = stop_request(id, "/restart", grace, signal, transport_->traits());
    return perform(*transport_, std::move(request), doing_to_container("restarting", id));
}

Task<> Containers::pause(std::string_view id)
{
    return perform(
        *transport_, on_container("POST", id, "/pause"), doing_to_container("pausing", id)
    );
}

Task<> Containers::unpause(std::string_view id)
{
    return unpause_container(
        *transport_, on_container("POST", id, "/unpause"), doing_to_container("unpausing", id)
    );
}

Task<> Containers::rename(std::string_view id, std::string_view name)
{
    if (name.empty()) {
        return refuse(Error(Errc::invalid_argument, "the new name of the container is empty"));
    }
    auto request = on_container("POST", id, "/rename");
    if (request) request->query("name", name);
    std::string what = doing_to_container("renaming", id);
    what.append(" to ").append(name);
    return perform(*transport_, std::move(request), std::move(what));
}

Task<> Containers::kill(std::string_view id, std::string_view signal)
{
    auto request = on_container("POST", id, "/kill");
    if (request) request->query("signal", signal);
    return perform(*transport_, std::move(request), doing_to_container("killing", id));
}

Task<Wait> Containers::wait(std::string_view id, WaitCondition condition)
{
    auto request = on_container("POST", id, "/wait");
    if (request) request->query("condition", text(condition));
    return wait_for(*transport_, std::move(request), std::string(id));
}

Task<> Containers::remove(std::string_view id)
{
    const RemoveContainer options;
    return remove(id, options);
}

Task<> Containers::remove(std::string_view id, const RemoveContainer& options)
{
    auto request = on_container("DELETE", id);
    if (request) {
        request->query_flag("force", options.force).query_flag("v", options.volumes);
    }
    return perform(*transport_, std::move(request), doing_to_container("removing", id));
}

Task<Change> Containers::discard(std::string_view id)
{
    auto request = on_container("DELETE", id);
    if (request) request->query_flag("force", true).query_flag("v", true);
    auto kill = on_container("POST", id, "/kill");
    return discard_container(
        *transport_, std::move(kill), std::move(request), doing_to_container("removing", id)
    );
}

Task<std::unique_ptr<ResponseStream>>
Containers::logs(std::string_view id, const LogOptions& options)
{
    auto request = on_container("GET", id, "/logs");
    if (request) {
        if (auto added = add_log_query(*request, options, transport_->traits()); !added) {
            request = fail(std::move(added).error());
        } else if (!options.follow) {
            request->header_deadline(prompt_header);
        }
    }
    return open(*transport_, std::move(request), doing_to_container("reading the log of", id));
}

Task<std::unique_ptr<DuplexStream>>
Containers::attach(std::string_view id, const AttachOptions& options)
{
    auto request = on_container("POST", id, "/attach");
    if (request) {
        request->query_flag("stream", true)
            .query_flag("stdin", options.in)
            .query_flag("stdout", options.out)
            .query_flag("stderr", options.err)
            .query("detachKeys", options.detach_keys)
            .header_deadline(prompt_header);
    }
    return upgrade(*transport_, std::move(request), doing_to_container("attaching to", id));
}

Task<> Containers::resize(std::string_view id, TerminalSize size)
{
    auto request = on_container("POST", id, "/resize");
    if (request) request->query("h", size.rows).query("w", size.columns);
    return perform(
        *transport_, std::move(request), doing_to_container("resizing the terminal of", id)
    );
}

Task<std::unique_ptr<ResponseStream>> Containers::export_files(std::string_view id)
{
    return open_tar(
        *transport_, on_container("GET", id, "/export"), doing_to_container("exporting", id)
    );
}

Task<Pruned> Containers::prune(const Filters& filters)
{
    return engine::prune(
        *transport_, prune_request("/containers/prune", filters), "removing stopped containers"
    );
}

} // namespace slipway::engine
