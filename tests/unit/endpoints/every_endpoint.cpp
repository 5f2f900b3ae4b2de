#include "every_endpoint.hpp"

#include "support/fixture.hpp"

#include <slipway/engine/archive.hpp>
#include <slipway/engine/build.hpp>
#include <slipway/engine/events.hpp>
#include <slipway/engine/exec.hpp>
#include <slipway/engine/frames.hpp>
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

Task<> read_to_end(ByteSource& source)
{
    std::string all;
    StringSink sink(all);
    CO_CHECK(co_await copy(source, sink));
    co_return ok();
}

// What an endpoint gives is used up: a stream is read to its end.
template <class T>
Task<> use_up(T)
{
    co_return ok();
}
Task<> use_up(std::unique_ptr<ResponseStream> stream)
{
    co_return co_await read_to_end(*stream);
}
Task<> use_up(Download download)
{
    co_return co_await read_to_end(*download.tar);
}
Task<> use_up(std::unique_ptr<DuplexStream> stream)
{
    std::string all;
    StringSink sink(all);
    auto done = co_await demultiplex(*stream, sink, sink);
    co_return during(std::move(done), "taking the frames apart"); // what it is for, a caller knows
}
Task<> use_up(Wait wait)
{
    CO_CHECK(co_await wait.result());
    co_return ok();
}
Task<> use_up(ProgressStream progress)
{
    CO_CHECK(co_await progress.results());
    co_return ok();
}
// Events never end by themselves.
Task<> use_up(EventStream events)
{
    CO_CHECK(co_await events.next());
    events.close();
    co_return ok();
}
Task<> use_up(StatsStream stats)
{
    for (;;) {
        CO_TRY(const auto reading, co_await stats.next());
        if (!reading) co_return ok();
    }
}

template <class T>
Task<> finish(Task<T> task)
{
    CO_TRY(auto value, co_await std::move(task));
    Task<> rest = use_up(std::move(value));
    co_return co_await std::move(rest);
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
        {"version", [](auto& e) { return finish(System(e).version()); }},
        {"info", [](auto& e) { return finish(System(e).info()); }},
        {"df", [](auto& e) { return finish(System(e).disk_usage()); }},
        {"login", [](auto& e) { return finish(System(e).login(auth)); }},
        {"events", [](auto& e) { return finish(Events(e).watch(events)); }},
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
        {"create", [](auto& e) { return finish(Containers(e).create(container)); }},
        {"inspect", [](auto& e) { return finish(Containers(e).inspect("x")); }},
        {"list", [](auto& e) { return finish(Containers(e).list(containers)); }},
        {"start", [](auto& e) { return finish(Containers(e).start("x")); }},
        {"stop", [](auto& e) { return finish(Containers(e).stop("x")); }},
        {"kill", [](auto& e) { return Containers(e).kill("x"); }},
        {"restart", [](auto& e) { return Containers(e).restart("x"); }},
        {"pause", [](auto& e) { return Containers(e).pause("x"); }},
        {"unpause", [](auto& e) { return Containers(e).unpause("x"); }},
        {"rename", [](auto& e) { return Containers(e).rename("x", "y"); }},
        {"update", [](auto& e) { return finish(Containers(e).update("x", update)); }},
        {"top", [](auto& e) { return finish(Containers(e).top("x")); }},
        {"stats", [](auto& e) { return finish(Containers(e).stats("x")); }},
        {"watch stats", [](auto& e) { return finish(Containers(e).watch_stats("x")); }},
        {"changes", [](auto& e) { return finish(Containers(e).changes("x")); }},
        {"export", [](auto& e) { return finish(Containers(e).export_files("x")); }},
        {"prune", [](auto& e) { return finish(Containers(e).prune(filters)); }},
        {"wait", [](auto& e) { return finish(Containers(e).wait("x")); }},
        {"remove", [](auto& e) { return Containers(e).remove("x"); }},
        {"logs", [](auto& e) { return finish(Containers(e).logs("x", logs)); }},
        {"attach", [](auto& e) { return finish(Containers(e).attach("x", attach)); }},
        {"resize", [](auto& e) { return Containers(e).resize("x", TerminalSize{}); }},
    };
}

std::vector<NamedCall> exec_and_archive_calls()
{
    static const auto exec = with_proxy(with(&ExecSpec::cmd, std::vector<std::string>{"true"}));
    return {
        {"exec create", [](auto& e) { return finish(Execs(e).create("x", exec)); }},
        {"exec start", [](auto& e) { return finish(Execs(e).start("x")); }},
        {"exec detached", [](auto& e) { return Execs(e).start_detached("x"); }},
        {"exec inspect", [](auto& e) { return finish(Execs(e).inspect("x")); }},
        {"exec resize", [](auto& e) { return Execs(e).resize("x", TerminalSize{}); }},
        {"put", [](auto& e) { return Archives(e).put("x", "/", text_source("t")); }},
        {"get", [](auto& e) { return finish(Archives(e).get("x", "/")); }},
        {"stat", [](auto& e) { return finish(Archives(e).stat("x", "/")); }},
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
        {"images", [](auto& e) { return finish(Images(e).list(images)); }},
        {"image", [](auto& e) { return finish(Images(e).inspect("x")); }},
        {"import", [](auto& e) { return finish(Images(e).import(text_source("t"), import)); }},
        {"tag", [](auto& e) { return Images(e).tag("x", "y", "z"); }},
        {"rmi", [](auto& e) { return finish(Images(e).remove("x")); }},
        {"pull", [](auto& e) { return finish(Images(e).pull(pull)); }},
        {"push", [](auto& e) { return finish(Images(e).push(push)); }},
        {"load", [](auto& e) { return finish(Images(e).load(text_source("t"))); }},
        {"save", [](auto& e) { return finish(Images(e).save(save)); }},
        {"save several", [](auto& e) { return finish(Images(e).save(saves)); }},
        {"history", [](auto& e) { return finish(Images(e).history("x")); }},
        {"commit", [](auto& e) { return finish(Images(e).commit(commit)); }},
        {"prune images", [](auto& e) { return finish(Images(e).prune(prune)); }},
        {"prune named images", [](auto& e) { return finish(Images(e).prune(named)); }},
        {"search", [](auto& e) { return finish(Images(e).search(search)); }},
        {"distribution",
         [](auto& e) { return finish(Images(e).distribution("x", canary_auth())); }},
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
        {"build", [](auto& e) { return finish(Builds(e).build(text_source("t"), build)); }},
        {"build remote",
         [](auto& e) { return finish(Builds(e).build_remote("http://h/c", build)); }},
        {"cancel build", [](auto& e) { return Builds(e).cancel("x"); }},
        {"prune cache", [](auto& e) { return finish(Builds(e).prune(prune)); }},
    };
}

std::vector<NamedCall> volume_calls()
{
    static const VolumeSpec volume;
    static const Filters filters;
    return {
        {"volume create", [](auto& e) { return finish(Volumes(e).create(volume)); }},
        {"volume", [](auto& e) { return finish(Volumes(e).inspect("x")); }},
        {"volumes", [](auto& e) { return finish(Volumes(e).list()); }},
        {"volume remove", [](auto& e) { return Volumes(e).remove("x"); }},
        {"prune volumes", [](auto& e) { return finish(Volumes(e).prune(filters)); }},
    };
}

std::vector<NamedCall> network_calls()
{
    static const auto network = with(&NetworkSpec::name, std::string("n"));
    static const auto connect = with(&ConnectNetwork::container, std::string("x"));
    static const Filters filters;
    return {
        {"network create", [](auto& e) { return finish(Networks(e).create(network)); }},
        {"network", [](auto& e) { return finish(Networks(e).inspect("n")); }},
        {"networks", [](auto& e) { return finish(Networks(e).list()); }},
        {"connect", [](auto& e) { return Networks(e).connect("n", connect); }},
        {"disconnect", [](auto& e) { return Networks(e).disconnect("n", "x"); }},
        {"network remove", [](auto& e) { return Networks(e).remove("n"); }},
        {"prune networks", [](auto& e) { return finish(Networks(e).prune(filters)); }},
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
        {"swarm init", [](auto& e) { return finish(Swarm(e).init(init)); }},
        {"swarm", [](auto& e) { return finish(Swarm(e).inspect()); }},
        {"swarm leave", [](auto& e) { return Swarm(e).leave(); }},
        {"service create",
         [](auto& e) { return finish(Services(e).create(service, canary_auth())); }},
        {"service", [](auto& e) { return finish(Services(e).inspect("s")); }},
        {"services", [](auto& e) { return finish(Services(e).list(services)); }},
        {"service update",
         [](auto& e) { return finish(Services(e).update("s", 1, service, canary_auth())); }},
        {"service remove", [](auto& e) { return Services(e).remove("s"); }},
        {"service logs", [](auto& e) { return finish(Services(e).logs("s", logs)); }},
        {"tasks", [](auto& e) { return finish(Tasks(e).list(filters)); }},
        {"task", [](auto& e) { return finish(Tasks(e).inspect("t")); }},
        {"task logs", [](auto& e) { return finish(Tasks(e).logs("t", logs)); }},
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
