#include "base64.hpp"
#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"

#include <slipway/engine/services.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;
using namespace std::chrono_literals;

namespace {

ServiceSpec job_of(const std::string& image)
{
    ServiceSpec spec;
    spec.name = "job";
    spec.task.image = image;
    ReplicatedJob mode;
    mode.max_concurrent = 2;
    mode.total_completions = 3;
    spec.mode = mode;
    return spec;
}

// A temporary would be destroyed twice by gcc 12 inside of a co_await expression.
template <class Spec, class Auth>
concept takes_both = requires(Services services, Spec&& spec, Auth&& auth)
{
    services.create(std::forward<Spec>(spec), std::forward<Auth>(auth));
    services.update("x", 1, std::forward<Spec>(spec), std::forward<Auth>(auth));
};
template <class Spec, class Auth>
concept takes_either = requires(Services services, Spec&& spec, Auth&& auth)
{
    services.create(std::forward<Spec>(spec), std::forward<Auth>(auth));
}
|| requires(Services services, Spec&& spec, Auth&& auth)
{
    services.update("x", 1, std::forward<Spec>(spec), std::forward<Auth>(auth));
};
static_assert(takes_both<const ServiceSpec&, const RegistryAuth&>);
static_assert(!takes_either<ServiceSpec, const RegistryAuth&>);
static_assert(!takes_either<const ServiceSpec&, RegistryAuth>);
static_assert(!takes_either<ServiceSpec, RegistryAuth>);

ServiceInfo inspected(std::string body)
{
    FakeTransport engine;
    engine.reply(200, std::move(body));
    const auto info = run(Services(engine).inspect("x"));
    REQUIRE(info.has_value());
    return *info;
}

} // namespace

TEST_SUITE("engine.services.create")
{
    TEST_CASE("a job with everything")
    {
        ServiceSpec spec = job_of("busybox:latest");
        spec.labels = {{"a", "b"}};
        TaskSpec& task = spec.task;
        task.command = {"sh", "-c"};
        task.args = {"exit 0"};
        task.env = {"A=b"};
        task.working_dir = "/tmp";
        task.user = "1000";
        task.hostname = "h";
        task.labels = {{"c", "d"}};
        task.tty = true;
        Mount mount;
        mount.type = "volume";
        mount.source = "v";
        mount.target = "/data";
        task.mounts = {mount};
        TaskRestart restart;
        restart.condition = "on-failure";
        restart.delay = 1s;
        restart.max_attempts = 2;
        restart.window = 5ns;
        task.restart = restart;
        TaskResources limits;
        limits.nano_cpus = 500'000'000;
        limits.memory = 64;
        limits.pids = 9;
        task.limits = limits;
        task.constraints = {"node.role==manager"};
        task.networks = {"n"};
        task.force_update = 7;
        FakeTransport engine;
        engine.reply(201, docker_reply("service-create.201.json"));
        const auto made = run(Services(engine).create(spec));
        REQUIRE(made.has_value());
        CHECK(made->id.size() == 25);
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/services/create");
        CHECK(!engine.calls[0].headers.has("x-registry-auth"));
        CHECK(
            engine.calls[0].body
            == R"({"Name":"job","Labels":{"a":"b"},"TaskTemplate":{"ContainerSpec":{)"
               R"("Image":"busybox:latest","Labels":{"c":"d"},"Command":["sh","-c"],)"
               R"("Args":["exit 0"],"Hostname":"h","Env":["A=b"],"Dir":"/tmp","User":"1000",)"
               R"("TTY":true,"Mounts":[{"Type":"volume","Source":"v","Target":"/data"}]},)"
               R"("Resources":{"Limits":{"NanoCPUs":500000000,"MemoryBytes":64,"Pids":9}},)"
               R"("RestartPolicy":{"Condition":"on-failure","Delay":1000000000,"MaxAttempts":2,)"
               R"("Window":5},"Placement":{"Constraints":["node.role==manager"]},)"
               R"("Networks":[{"Target":"n"}],"ForceUpdate":7},)"
               R"("Mode":{"ReplicatedJob":{"MaxConcurrent":2,"TotalCompletions":3}}})"
        );
    }

    TEST_CASE("ports, and a port that leads nowhere")
    {
        FakeTransport engine;
        engine.reply(201, R"({"ID":"s"})");
        engine.reply(201, R"({"ID":"s"})");
        engine.reply(200, "{}");
        ServiceSpec spec = job_of("i");
        ServicePort web;
        web.name = "web";
        web.target = 80;
        web.published = 8080;
        ServicePort dns;
        dns.protocol = "udp";
        dns.target = 53;
        dns.publish_mode = "host";
        ServiceEndpoint endpoint;
        endpoint.ports = {web, dns};
        spec.endpoint = endpoint;
        const std::string ports =
            R"(,"Ports":[{"Name":"web","Protocol":"tcp","TargetPort":80,"PublishedPort":8080,)"
            R"("PublishMode":"ingress"},{"Protocol":"udp","TargetPort":53,"PublishMode":"host"}]}})";
        CHECK(run(Services(engine).create(spec)).has_value());
        CHECK(engine.calls[0].body.ends_with(R"(,"EndpointSpec":{"Mode":"vip")" + ports));
        spec.endpoint->mode = "dnsrr";
        CHECK(run(Services(engine).create(spec)).has_value());
        CHECK(engine.calls[1].body.ends_with(R"(,"EndpointSpec":{"Mode":"dnsrr")" + ports));
        CHECK(run(Services(engine).update("s", 1, spec)).has_value());
        CHECK(engine.calls[2].body == engine.calls[1].body);
        spec.endpoint->ports[1].target = 0;
        CHECK(run(Services(engine).create(spec)).error().code == Errc::invalid_argument);
        CHECK(run(Services(engine).update("s", 1, spec)).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 3);
    }

    TEST_CASE("each mode, and one that is not known")
    {
        const std::pair<ServiceMode, std::string> table[] = {
            {Replicated{}, R"({"Replicated":{}})"},
            {Replicated{4}, R"({"Replicated":{"Replicas":4}})"},
            {Global{}, R"({"Global":{}})"},
            {ReplicatedJob{}, R"({"ReplicatedJob":{}})"},
            {GlobalJob{}, R"({"GlobalJob":{}})"}};
        for (const auto& [mode, text] : table) {
            FakeTransport engine;
            engine.reply(201, R"({"ID":"s","Warning":"image could not be accessed"})");
            ServiceSpec spec = job_of("i");
            spec.mode = mode;
            const auto made = run(Services(engine).create(spec));
            REQUIRE(made.has_value());
            CHECK(made->warning == "image could not be accessed");
            CHECK(engine.calls[0].body.find("\"Mode\":" + text + "}") != std::string::npos);
        }
        FakeTransport engine;
        ServiceSpec spec = job_of("i");
        spec.mode = {};
        CHECK(run(Services(engine).create(spec)).error().code == Errc::invalid_argument);
        spec = job_of("");
        CHECK(run(Services(engine).create(spec)).error().code == Errc::invalid_argument);
        spec = job_of("\xff");
        CHECK(run(Services(engine).create(spec)).error().code == Errc::invalid_argument);
        engine.known.api = {1, 40};
        spec = job_of("i");
        const auto old = run(Services(engine).create(spec));
        REQUIRE(!old.has_value());
        CHECK(old.error().code == Errc::unsupported);
        CHECK(engine.calls.empty());
    }

    TEST_CASE("credentials go in the header, and into no error")
    {
        FakeTransport engine;
        engine.reply(409, docker_reply("service-create.again.json"));
        engine.reply(400, docker_reply("service-create.bad.json"));
        const ServiceSpec spec = job_of("i");
        const RegistryAuth auth{"me", "hunter2", "r.io"};
        const auto again = run(Services(engine).create(spec, auth));
        REQUIRE(!again.has_value());
        CHECK(again.error().code == Errc::conflict);
        CHECK(again.error().context.back() == "creating service job");
        CHECK(describe(again.error()).find("hunter2") == std::string::npos);
        CHECK(
            from_base64(engine.calls[0].headers.get("X-Registry-Auth"))
            == R"({"username":"me","password":"hunter2","serveraddress":"r.io"})"
        );
        CHECK(run(Services(engine).create(spec)).error().code == Errc::invalid_argument);
    }

    TEST_CASE("no swarm is a conflict on dockerd and unsupported on podman")
    {
        FakeTransport engine;
        engine.reply(503, docker_reply("service-create.refused.json"));
        engine.reply(503, podman_reply("service-create.refused.json"));
        engine.reply(503, R"({"message":"proxy overloaded"})");
        const ServiceSpec spec = job_of("i");
        for (const Errc code : {Errc::conflict, Errc::unsupported, Errc::engine}) {
            CHECK(run(Services(engine).create(spec)).error().code == code);
        }
    }
}

TEST_SUITE("engine.services.look")
{
    TEST_CASE("a recorded job comes back as it was asked for")
    {
        const ServiceInfo info = inspected(docker_reply("service-inspect.json"));
        CHECK(info.id.size() == 25);
        CHECK(info.version > 0);
        CHECK(!info.created_at.empty());
        CHECK(info.spec.name == "slipway-rec-job");
        CHECK(info.spec.labels.at("slipway.test") == "record");
        const TaskSpec& task = info.spec.task;
        CHECK(task.image == "busybox:latest");
        CHECK(task.command.at(2) == "echo out; echo err >&2; exit 0");
        CHECK(task.env.at(0) == "A=b");
        CHECK(task.working_dir == "/tmp");
        REQUIRE(task.mounts.size() == 1);
        CHECK(task.mounts[0].read_only);
        REQUIRE(task.restart.has_value());
        CHECK(task.restart->condition == "on-failure");
        CHECK(task.restart->delay == 1s);
        CHECK(task.restart->max_attempts == 2);
        CHECK(!task.restart->window.has_value());
        REQUIRE(task.limits.has_value());
        CHECK(task.limits->nano_cpus == 500'000'000);
        CHECK(task.limits->memory == 67'108'864);
        CHECK(!task.reservations.has_value());
        CHECK(task.constraints.at(0) == "node.role==manager");
        const auto* mode = std::get_if<ReplicatedJob>(&info.spec.mode);
        REQUIRE(mode != nullptr);
        CHECK(mode->max_concurrent == 2);
        CHECK(mode->total_completions == 3);
        REQUIRE(info.job.has_value());
        CHECK(info.job->iteration == 0);
        CHECK(!info.job->last_execution.empty());
        CHECK(!info.tasks.has_value());
    }

    TEST_CASE("a list counts tasks when it is asked to")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("services-list.json"));
        engine.reply(200, "null");
        ListServices options;
        options.tasks = true;
        options.filters = {{"name", {"x"}}};
        const auto list = run(Services(engine).list(options));
        REQUIRE(list.has_value());
        CHECK(
            engine.calls[0].target == "/services?status=1&filters=%7B%22name%22:%5B%22x%22%5D%7D"
        );
        REQUIRE(list->size() == 1);
        REQUIRE(list->front().tasks.has_value());
        CHECK(list->front().tasks->completed == 3);
        CHECK(list->front().tasks->running == 0);
        const ListServices everything;
        CHECK(run(Services(engine).list(everything))->empty());
        CHECK(engine.calls[1].target == "/services");
        options.filters = {{"name", {"\xff"}}};
        CHECK(run(Services(engine).list(options)).error().code == Errc::invalid_argument);
    }

    TEST_CASE("modes of other services, and those of the future [fault 40]")
    {
        const auto mode_of = [](const std::string& mode) {
            return inspected(R"({"ID":"s","Spec":{"Mode":)" + mode + "}}").spec.mode;
        };
        CHECK(std::get<Replicated>(mode_of(R"({"Replicated":{"Replicas":4}})")).replicas == 4);
        CHECK(std::holds_alternative<Global>(mode_of(R"({"Global":{}})")));
        CHECK(std::holds_alternative<GlobalJob>(mode_of(R"({"GlobalJob":{}})")));
        CHECK(std::holds_alternative<std::monostate>(mode_of(R"({"Elastic":{}})")));
        const auto job = inspected(R"({"ID":"s","JobStatus":{"JobIteration":{"Index":2}}})");
        CHECK(job.job->iteration == 2);
    }

    TEST_CASE("ports as they were asked for, and as they are published")
    {
        const auto info = inspected(
            R"({"ID":"s","Spec":{"EndpointSpec":{"Mode":"dnsrr","Ports":[{"Name":"web",)"
            R"("Protocol":"sctp","TargetPort":65535,"PublishMode":"host"}]}},"Endpoint":{"Spec":{},)"
            R"("Ports":[{"Protocol":"tcp","TargetPort":80,"PublishedPort":30000,)"
            R"("PublishMode":"ingress"}],"VirtualIPs":[{"NetworkID":"n","Addr":"10.0.0.2/24"}]}})"
        );
        REQUIRE(info.spec.endpoint.has_value());
        CHECK(info.spec.endpoint->mode == "dnsrr");
        REQUIRE(info.spec.endpoint->ports.size() == 1);
        const ServicePort& asked = info.spec.endpoint->ports[0];
        CHECK(asked.name == "web");
        CHECK(asked.protocol == "sctp");
        CHECK(asked.target == 65535);
        CHECK(!asked.published.has_value());
        CHECK(asked.publish_mode == "host");
        REQUIRE(info.ports.size() == 1);
        CHECK(info.ports[0].target == 80);
        CHECK(info.ports[0].published == 30000);
        const auto none = inspected(R"({"ID":"s","Spec":{},"Endpoint":{"Spec":{}}})");
        CHECK(!none.spec.endpoint.has_value());
        CHECK(none.ports.empty());
        FakeTransport engine;
        engine.reply(200, R"({"ID":"s","Endpoint":{"Ports":[{"TargetPort":65536}]}})");
        const auto wrong = run(Services(engine).inspect("s"));
        REQUIRE(!wrong.has_value());
        CHECK(wrong.error().code == Errc::protocol);
    }

    TEST_CASE("a service that is not there")
    {
        FakeTransport engine;
        engine.reply(404, docker_reply("service-inspect.404.json"));
        const auto absent = run(Services(engine).inspect("nope"));
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::not_found);
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/services/nope");
        CHECK(run(Services(engine).inspect("a/b")).error().code == Errc::invalid_argument);
    }

    TEST_CASE("logs are framed, and what they cannot do is refused here")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("service-logs.bin"));
        engine.reply(404, docker_reply("service-inspect.404.json"));
        LogOptions options;
        options.follow = true;
        options.details = true;
        options.tail = 5;
        options.since = std::chrono::sys_time<std::chrono::nanoseconds>(1s);
        auto log = run(Services(engine).logs("x", options));
        REQUIRE(log.has_value());
        CHECK(engine.calls[0].kind == "open");
        CHECK(
            engine.calls[0].target
            == "/services/x/logs?stdout=1&stderr=1&follow=1&details=1&since=1.000000000&tail=5"
        );
        std::string bytes;
        StringSink sink(bytes);
        CHECK(run(copy(**log, sink)).has_value());
        CHECK(bytes == docker_reply("service-logs.bin"));
        CHECK(run(Services(engine).logs("nope", options)).error().code == Errc::not_found);
        options.until = options.since;
        CHECK(run(Services(engine).logs("x", options)).error().code == Errc::invalid_argument);
        options.until.reset();
        options.out = false;
        options.err = false;
        CHECK(run(Services(engine).logs("x", options)).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 2);
    }
}

TEST_SUITE("engine.services.change")
{
    TEST_CASE("update sends the version and the whole spec")
    {
        FakeTransport engine;
        engine.reply(200, docker_reply("service-update.json"));
        engine.reply(200, R"({"Warnings":["w"]})");
        ServiceSpec spec = job_of("i");
        spec.task.force_update = 1;
        const auto quiet = run(Services(engine).update("x", 11, spec));
        REQUIRE(quiet.has_value());
        CHECK(quiet->empty());
        CHECK(engine.calls[0].method == "POST");
        CHECK(engine.calls[0].target == "/services/x/update?version=11");
        CHECK(
            engine.calls[0].body
            == R"({"Name":"job","TaskTemplate":{"ContainerSpec":{"Image":"i"},"ForceUpdate":1},)"
               R"("Mode":{"ReplicatedJob":{"MaxConcurrent":2,"TotalCompletions":3}}})"
        );
        const RegistryAuth nobody;
        CHECK(run(Services(engine).update("x", 12, spec, nobody))->front() == "w");
        CHECK(engine.calls[1].headers.get("x-registry-auth") == "e30=");
    }

    TEST_CASE("a version that is not the latest is a conflict with a hint")
    {
        FakeTransport engine;
        engine.reply(500, docker_reply("service-update.sequence.json"));
        engine.reply(500, R"({"message":"rpc error: code = Unknown desc = other"})");
        const ServiceSpec spec = job_of("i");
        const auto late = run(Services(engine).update("x", 1, spec));
        REQUIRE(!late.has_value());
        CHECK(late.error().code == Errc::conflict);
        CHECK(!late.error().hint.empty());
        CHECK(late.error().context.back() == "updating service x");
        CHECK(run(Services(engine).update("x", 1, spec)).error().code == Errc::engine);
        CHECK(run(Services(engine).update("", 1, spec)).error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 2);
    }

    TEST_CASE("remove")
    {
        FakeTransport engine;
        engine.reply(200);
        engine.reply(404, docker_reply("service-inspect.404.json"));
        CHECK(run(Services(engine).remove("x")).has_value());
        CHECK(engine.calls[0].method == "DELETE");
        CHECK(engine.calls[0].target == "/services/x");
        CHECK(run(Services(engine).remove("x")).error().code == Errc::not_found);
    }
}
