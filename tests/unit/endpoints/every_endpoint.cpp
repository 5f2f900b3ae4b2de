#include "every_endpoint.hpp"

#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/archive.hpp>
#include <slipway/engine/build.hpp>
#include <slipway/engine/events.hpp>
#include <slipway/engine/exec.hpp>
#include <slipway/engine/images.hpp>
#include <slipway/engine/networks.hpp>
#include <slipway/engine/services.hpp>
#include <slipway/engine/swarm.hpp>
#include <slipway/engine/system.hpp>
#include <slipway/engine/tasks.hpp>
#include <slipway/engine/volumes.hpp>

#include <iterator>
#include <stdexcept>

namespace slipway::test {

using namespace engine;

namespace {

template <class T>
Result<> only_error(Result<T> result)
{
    if (!result) return fail(std::move(result).error());
    return ok();
}

/// A request struct with one member set; the braces keep it away from co_await.
template <class T, class Member>
T with(Member T::*member, Member value)
{
    T out;
    out.*member = std::move(value);
    return out;
}

const RegistryAuth& canary_auth()
{
    static const RegistryAuth auth{
        "me", canary::password, "ghcr.io", canary::identity_token, canary::registry_token};
    return auth;
}

template <class T, class Member>
T with_canary(Member T::*member, Member value)
{
    T out = with(member, std::move(value));
    out.auth = canary_auth();
    return out;
}

template <class T>
T with_proxy(T spec)
{
    spec.env.push_back(std::string("http_proxy=") + canary::proxy);
    return spec;
}

std::vector<NamedCall> system_calls()
{
    static const RegistryAuth& auth = canary_auth();
    static const WatchEvents events;
    return {
        {"version", [](auto& e) { return only_error(run(System(e).version())); }},
        {"info", [](auto& e) { return only_error(run(System(e).info())); }},
        {"df", [](auto& e) { return only_error(run(System(e).disk_usage())); }},
        {"login", [](auto& e) { return only_error(run(System(e).login(auth))); }},
        {"events", [](auto& e) { return only_error(run(Events(e).watch(events))); }},
    };
}

std::vector<NamedCall> container_calls()
{
    static const auto container = with_proxy(with(&ContainerSpec::image, std::string("i")));
    static const ListContainers containers;
    static const LogOptions logs;
    static const AttachOptions attach;
    static const ContainerUpdate update;
    static const Filters filters;
    return {
        {"create", [](auto& e) { return only_error(run(Containers(e).create(container))); }},
        {"inspect", [](auto& e) { return only_error(run(Containers(e).inspect("x"))); }},
        {"list", [](auto& e) { return only_error(run(Containers(e).list(containers))); }},
        {"start", [](auto& e) { return only_error(run(Containers(e).start("x"))); }},
        {"stop", [](auto& e) { return only_error(run(Containers(e).stop("x"))); }},
        {"kill", [](auto& e) { return run(Containers(e).kill("x")); }},
        {"restart", [](auto& e) { return run(Containers(e).restart("x")); }},
        {"pause", [](auto& e) { return run(Containers(e).pause("x")); }},
        {"unpause", [](auto& e) { return run(Containers(e).unpause("x")); }},
        {"rename", [](auto& e) { return run(Containers(e).rename("x", "y")); }},
        {"update", [](auto& e) { return only_error(run(Containers(e).update("x", update))); }},
        {"top", [](auto& e) { return only_error(run(Containers(e).top("x"))); }},
        {"stats", [](auto& e) { return only_error(run(Containers(e).stats("x"))); }},
        {"watch stats", [](auto& e) { return only_error(run(Containers(e).watch_stats("x"))); }},
        {"changes", [](auto& e) { return only_error(run(Containers(e).changes("x"))); }},
        {"export", [](auto& e) { return only_error(run(Containers(e).export_files("x"))); }},
        {"prune", [](auto& e) { return only_error(run(Containers(e).prune(filters))); }},
        {"wait", [](auto& e) { return only_error(run(Containers(e).wait("x"))); }},
        {"remove", [](auto& e) { return run(Containers(e).remove("x")); }},
        {"logs", [](auto& e) { return only_error(run(Containers(e).logs("x", logs))); }},
        {"attach", [](auto& e) { return only_error(run(Containers(e).attach("x", attach))); }},
        {"resize", [](auto& e) { return run(Containers(e).resize("x", TerminalSize{})); }},
    };
}

std::vector<NamedCall> exec_and_archive_calls()
{
    static const auto exec = with_proxy(with(&ExecSpec::cmd, std::vector<std::string>{"true"}));
    return {
        {"exec create", [](auto& e) { return only_error(run(Execs(e).create("x", exec))); }},
        {"exec start", [](auto& e) { return only_error(run(Execs(e).start("x"))); }},
        {"exec detached", [](auto& e) { return run(Execs(e).start_detached("x")); }},
        {"exec inspect", [](auto& e) { return only_error(run(Execs(e).inspect("x"))); }},
        {"exec resize", [](auto& e) { return run(Execs(e).resize("x", TerminalSize{})); }},
        {"put", [](auto& e) { return run(Archives(e).put("x", "/", text_source("t"))); }},
        {"get", [](auto& e) { return only_error(run(Archives(e).get("x", "/"))); }},
        {"stat", [](auto& e) { return only_error(run(Archives(e).stat("x", "/"))); }},
    };
}

std::vector<NamedCall> image_calls()
{
    static const auto pull = with_canary(&PullImage::reference, std::string("i"));
    static const ListImages images;
    static const auto push = with_canary(&PushImage::reference, std::string("i"));
    static const auto save = with(&SaveImages::images, std::vector<std::string>{"i"});
    static const auto saves = with(&SaveImages::images, std::vector<std::string>{"i", "j"});
    static const auto search = with_canary(&SearchImages::term, std::string("i"));
    static const auto commit = with(&CommitContainer::container, std::string("x"));
    static const auto named = with(&PruneImages::named, true);
    static const PruneImages prune;
    static const ImportImage import;
    return {
        {"images", [](auto& e) { return only_error(run(Images(e).list(images))); }},
        {"image", [](auto& e) { return only_error(run(Images(e).inspect("x"))); }},
        {"import",
         [](auto& e) { return only_error(run(Images(e).import(text_source("t"), import))); }},
        {"tag", [](auto& e) { return run(Images(e).tag("x", "y", "z")); }},
        {"rmi", [](auto& e) { return only_error(run(Images(e).remove("x"))); }},
        {"pull", [](auto& e) { return only_error(run(Images(e).pull(pull))); }},
        {"push", [](auto& e) { return only_error(run(Images(e).push(push))); }},
        {"load", [](auto& e) { return only_error(run(Images(e).load(text_source("t")))); }},
        {"save", [](auto& e) { return only_error(run(Images(e).save(save))); }},
        {"save several", [](auto& e) { return only_error(run(Images(e).save(saves))); }},
        {"history", [](auto& e) { return only_error(run(Images(e).history("x"))); }},
        {"commit", [](auto& e) { return only_error(run(Images(e).commit(commit))); }},
        {"prune images", [](auto& e) { return only_error(run(Images(e).prune(prune))); }},
        {"prune named images", [](auto& e) { return only_error(run(Images(e).prune(named))); }},
        {"search", [](auto& e) { return only_error(run(Images(e).search(search))); }},
        {"distribution",
         [](auto& e) { return only_error(run(Images(e).distribution("x", canary_auth()))); }},
    };
}

std::vector<NamedCall> build_calls()
{
    static const BuildSpec build = [] {
        BuildSpec spec;
        spec.build_args = {{"TOKEN", canary::build_arg}, {"http_proxy", canary::proxy}};
        spec.registries = {{"ghcr.io", canary_auth()}};
        return spec;
    }();
    static const PruneBuildCache prune;
    return {
        {"build",
         [](auto& e) { return only_error(run(Builds(e).build(text_source("t"), build))); }},
        {"cancel build", [](auto& e) { return run(Builds(e).cancel("x")); }},
        {"prune cache", [](auto& e) { return only_error(run(Builds(e).prune(prune))); }},
    };
}

std::vector<NamedCall> volume_calls()
{
    static const VolumeSpec volume;
    static const Filters filters;
    return {
        {"volume create", [](auto& e) { return only_error(run(Volumes(e).create(volume))); }},
        {"volume", [](auto& e) { return only_error(run(Volumes(e).inspect("x"))); }},
        {"volumes", [](auto& e) { return only_error(run(Volumes(e).list())); }},
        {"volume remove", [](auto& e) { return run(Volumes(e).remove("x")); }},
        {"prune volumes", [](auto& e) { return only_error(run(Volumes(e).prune(filters))); }},
    };
}

std::vector<NamedCall> network_calls()
{
    static const auto network = with(&NetworkSpec::name, std::string("n"));
    static const auto connect = with(&ConnectNetwork::container, std::string("x"));
    static const Filters filters;
    return {
        {"network create", [](auto& e) { return only_error(run(Networks(e).create(network))); }},
        {"network", [](auto& e) { return only_error(run(Networks(e).inspect("n"))); }},
        {"networks", [](auto& e) { return only_error(run(Networks(e).list())); }},
        {"connect", [](auto& e) { return run(Networks(e).connect("n", connect)); }},
        {"disconnect", [](auto& e) { return run(Networks(e).disconnect("n", "x")); }},
        {"network remove", [](auto& e) { return run(Networks(e).remove("n")); }},
        {"prune networks", [](auto& e) { return only_error(run(Networks(e).prune(filters))); }},
    };
}

std::vector<NamedCall> swarm_calls()
{
    static const ServiceSpec service = [] {
        ServiceSpec spec;
        spec.task.image = "i";
        return spec;
    }();
    static const ListServices services;
    static const LogOptions logs;
    static const SwarmInit init;
    static const Filters filters;
    return {
        {"swarm init", [](auto& e) { return only_error(run(Swarm(e).init(init))); }},
        {"swarm", [](auto& e) { return only_error(run(Swarm(e).inspect())); }},
        {"swarm leave", [](auto& e) { return run(Swarm(e).leave()); }},
        {"service create",
         [](auto& e) { return only_error(run(Services(e).create(service, canary_auth()))); }},
        {"service", [](auto& e) { return only_error(run(Services(e).inspect("s"))); }},
        {"services", [](auto& e) { return only_error(run(Services(e).list(services))); }},
        {"service update",
         [](auto& e) {
             return only_error(run(Services(e).update("s", 1, service, canary_auth())));
         }},
        {"service remove", [](auto& e) { return run(Services(e).remove("s")); }},
        {"service logs", [](auto& e) { return only_error(run(Services(e).logs("s", logs))); }},
        {"tasks", [](auto& e) { return only_error(run(Tasks(e).list(filters))); }},
        {"task", [](auto& e) { return only_error(run(Tasks(e).inspect("t"))); }},
        {"task logs", [](auto& e) { return only_error(run(Tasks(e).logs("t", logs))); }},
    };
}

} // namespace

std::vector<NamedCall> every_endpoint()
{
    std::vector<NamedCall> all;
    for (const auto& calls :
         {system_calls(),
          container_calls(),
          exec_and_archive_calls(),
          image_calls(),
          build_calls(),
          volume_calls(),
          network_calls(),
          swarm_calls()}) {
        std::ranges::copy(calls, std::back_inserter(all));
    }
    return all;
}

EndpointCall call_named(std::string_view name)
{
    for (NamedCall& endpoint : every_endpoint()) {
        if (endpoint.name == name) return endpoint.call;
    }
    throw std::logic_error("there is no such endpoint");
}

std::vector<NamedReply> every_json_reply()
{
    return {
        {"version", "version.json", 10},
        {"info", "info.json", 15},
        {"df", "system-df.json", 25},
        {"create", "container-create.201.json", 2},
        {"inspect", "container-inspect.running.json", 25},
        {"list", "containers-list.json", 8},
        {"update", "container-update.json", 0, false},
        {"top", "container-top.json", 4, true, Errc::conflict},
        {"stats", "container-stats.json", 30, true, Errc::conflict},
        {"changes", "container-changes.json", 6},
        {"prune", "containers-prune.json", 2},
        {"exec create", "exec-create.201.json", 1},
        {"exec inspect", "exec-inspect.ended.json", 6},
        {"images", "images-list.json", 10},
        {"image", "image-inspect.json", 10},
        {"rmi", "image-remove.200.json", 2},
        {"history", "image-history.json", 10},
        {"commit", "container-commit.201.json", 1},
        {"prune images", "images-prune.json", 3},
        {"prune cache", "build-prune.json", 1, false},
        {"volume create", "volume-create.json", 6},
        {"volume", "volume-inspect.json", 6},
        {"volumes", "volumes-list.json", 8},
        {"prune volumes", "volumes-prune.json", 2},
        {"network create", "network-create.201.json", 1},
        {"network", "network-inspect.json", 15},
        {"networks", "networks-list.json", 15},
        {"prune networks", "networks-prune.json", 1},
        {"service create", "service-create.201.json", 1, false},
        {"service", "service-inspect.json", 20, false},
        {"services", "services-list.json", 20, false},
        {"service update", "service-update.json", 0, false},
        {"task", "task-inspect.json", 10, false},
        {"tasks", "tasks-list.json", 30, false},
    };
}

std::vector<std::string> recorded_replies(const NamedReply& reply)
{
    std::vector<std::string> texts{docker_reply(reply.file)};
    if (reply.podman) texts.push_back(podman_reply(reply.file));
    return texts;
}

} // namespace slipway::test
