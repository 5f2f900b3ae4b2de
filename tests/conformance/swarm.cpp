#include "conformance/lab.hpp"

#include <algorithm>

using namespace slipway;
using namespace slipway::test;

namespace {

/// A swarm of one node, which is given up again whatever happens.
class OneNodeSwarm {
public:
    explicit OneNodeSwarm(Lab& lab) : lab_(&lab)
    {
        engine::SwarmInit options;
        options.listen_address = "127.0.0.1:2377";
        options.advertise_address = "127.0.0.1";
        CHECK(!lab.must(lab.swarm.init(options)).empty());
    }
    OneNodeSwarm(const OneNodeSwarm&) = delete;
    OneNodeSwarm& operator=(const OneNodeSwarm&) = delete;
    ~OneNodeSwarm() // NOLINT(bugprone-exception-escape): an end with its message
    {
        static_cast<void>(run(lab_->io, lab_->swarm.leave(true)));
        static_cast<void>(run(lab_->io, lab_->networks.remove("docker_gwbridge")));
    }

private:
    Lab* lab_;
};

engine::ServiceSpec job_of(Lab& lab, const std::string& name, const std::string& script)
{
    engine::ServiceSpec spec;
    spec.name = name;
    spec.labels = lab.labels();
    spec.task.image = "busybox:latest";
    spec.task.command = {"sh", "-c", script};
    spec.task.labels = lab.labels();
    engine::TaskRestart restart;
    restart.condition = "none";
    spec.task.restart = restart;
    engine::ReplicatedJob mode;
    mode.max_concurrent = 2;
    mode.total_completions = 3;
    spec.mode = mode;
    return spec;
}

engine::ServiceInfo service_of(Lab& lab, const std::string& id)
{
    engine::ListServices options;
    options.tasks = true;
    options.filters["id"] = {id};
    auto list = lab.must(lab.services.list(options));
    REQUIRE(list.size() == 1);
    return std::move(list.front());
}

std::vector<engine::TaskInfo>
tasks_of(Lab& lab, const std::string& service, std::uint64_t iteration = 0)
{
    engine::Filters filters;
    filters["service"] = {service};
    auto tasks = lab.must(lab.tasks.list(filters));
    std::erase_if(tasks, [&](const engine::TaskInfo& task) {
        return task.job_iteration != iteration;
    });
    return tasks;
}

/// The job has run anew so many times, and all its tasks have succeeded.
void wait_for_job(Lab& lab, const std::string& id, std::uint64_t iteration)
{
    wait_until([&] {
        const auto info = service_of(lab, id);
        return info.job->iteration == iteration && info.tasks->completed == 3
               && tasks_of(lab, id, iteration).size() == 3;
    });
}

/// dockerd leaves those of a job that ended where they are, or is still about to remove them.
void clean_up_containers(Lab& lab)
{
    wait_until([&] {
        lab.must(lab.containers.prune(lab.only_ours()));
        return lab.ours().empty();
    });
}

Output log_of(Lab& lab, Task<std::unique_ptr<engine::ResponseStream>> log)
{
    return lab.read(std::shared_ptr<engine::ResponseStream>(lab.must(std::move(log))));
}

} // namespace

TEST_SUITE("Swarm job")
{
    TEST_CASE("without a swarm, and on an engine that has none")
    {
        Lab lab;
        const Errc code = lacks(lab, &engine::Traits::can_swarm, "has no swarm") ? Errc::unsupported
                                                                                 : Errc::conflict;
        const auto spec = job_of(lab, "slipway-test-none", "true");
        const engine::ListServices services;
        const engine::Filters everything;
        const engine::LogOptions log;
        CHECK(lab.refused(lab.swarm.inspect()).code == code);
        CHECK(lab.refused(lab.swarm.leave(true)).code == code);
        CHECK(lab.refused(lab.services.list(services)).code == code);
        CHECK(lab.refused(lab.services.create(spec)).code == code);
        CHECK(lab.refused(lab.services.inspect("x")).code == code);
        CHECK(lab.refused(lab.services.update("x", 1, spec)).code == code);
        CHECK(lab.refused(lab.services.remove("x")).code == code);
        CHECK(lab.refused(lab.services.logs("x", log)).code == code);
        CHECK(lab.refused(lab.tasks.list(everything)).code == code);
        CHECK(lab.refused(lab.tasks.inspect("x")).code == code);
        CHECK(lab.refused(lab.tasks.logs("x", log)).code == code);
    }

    TEST_CASE("a job: three runs, their output, and all of it once more")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_swarm, "has no swarm")) return;
        const OneNodeSwarm swarm(lab);
        CHECK(lab.must(lab.swarm.inspect()).name == "default");
        const engine::SwarmInit again;
        CHECK(lab.refused(lab.swarm.init(again)).code == Errc::conflict);
        CHECK(lab.refused(lab.swarm.leave()).code == Errc::conflict);

        auto spec = job_of(lab, "slipway-test-job", "echo out; echo err >&2");
        const auto id = lab.must(lab.services.create(spec)).id;
        CHECK(lab.refused(lab.services.create(spec)).code == Errc::conflict);
        wait_for_job(lab, id, 0);
        for (const auto& task : tasks_of(lab, id)) {
            CHECK(task.service_id == id);
            CHECK(task.state == "complete");
            CHECK(ended(task));
            REQUIRE(task.container.has_value());
            CHECK(task.container->exit_code == 0);
            CHECK(lab.must(lab.tasks.inspect(task.id)).id == task.id);
        }
        const engine::LogOptions options;
        const auto all = log_of(lab, lab.services.logs(id, options));
        CHECK(all.out == "out\nout\nout\n");
        CHECK(all.err == "err\nerr\nerr\n");
        const auto one = log_of(lab, lab.tasks.logs(tasks_of(lab, id).front().id, options));
        CHECK(one.out == "out\n");
        CHECK(one.err == "err\n");

        const auto info = lab.must(lab.services.inspect(spec.name));
        CHECK(info.id == id);
        CHECK(info.spec.labels == lab.labels());
        CHECK(std::holds_alternative<engine::ReplicatedJob>(info.spec.mode));
        spec.task.force_update = info.spec.task.force_update + 1;
        CHECK(
            lab.refused(lab.services.update(id, info.version + 100, spec)).code == Errc::conflict
        );
        CHECK(lab.must(lab.services.update(id, info.version, spec)).empty());
        wait_for_job(lab, id, 1);
        CHECK(log_of(lab, lab.services.logs(id, options)).out.size() == 6 * 4);

        lab.must(lab.services.remove(id));
        CHECK(lab.refused(lab.services.inspect(id)).code == Errc::not_found);
        CHECK(lab.refused(lab.services.remove(id)).code == Errc::not_found);
        CHECK(lab.refused(lab.tasks.inspect("slipway-no-such-task")).code == Errc::not_found);
        clean_up_containers(lab);
    }

    TEST_CASE("ports of a service: chosen by the swarm, changed, and in use")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_swarm, "has no swarm")) return;
        const OneNodeSwarm swarm(lab);
        auto spec = job_of(lab, "slipway-test-ports", "sleep 600");
        engine::Replicated none; // ports are given out all the same
        none.replicas = 0;
        spec.mode = none;
        engine::ServicePort port;
        port.name = "web";
        port.target = 80;
        engine::ServiceEndpoint endpoint;
        endpoint.ports = {port};
        spec.endpoint = endpoint;
        const auto id = lab.must(lab.services.create(spec)).id;
        const auto published = [&]() -> std::optional<std::uint16_t> {
            const auto ports = lab.must(lab.services.inspect(id)).ports;
            if (ports.size() != 1 || ports[0].name != "web" || ports[0].target != 80) return {};
            return ports[0].published;
        };
        wait_until([&] { return published().value_or(0) >= 30'000; });
        const auto asked = lab.must(lab.services.inspect(id)).spec.endpoint;
        REQUIRE(asked.has_value());
        CHECK(asked->mode == "vip");
        REQUIRE(asked->ports.size() == 1);
        CHECK(asked->ports[0].protocol == "tcp");
        CHECK(asked->ports[0].publish_mode == "ingress");

        const auto update = [&] { // which the swarm itself may come before
            wait_until([&] {
                const auto version = lab.must(lab.services.inspect(id)).version;
                const auto done = run(lab.io, lab.services.update(id, version, spec));
                const bool late = !done && done.error().code == Errc::conflict;
                if (!late) REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
                return !late;
            });
        };
        spec.endpoint->ports[0].published = 18'080;
        update();
        wait_until([&] { return published() == 18'080; });

        auto other = spec;
        other.name = "slipway-test-same-port";
        const auto in_use = lab.refused(lab.services.create(other));
        CHECK_MESSAGE(in_use.code == Errc::invalid_argument, describe(in_use));
        other.endpoint->mode = "dnsrr";
        CHECK(lab.refused(lab.services.create(other)).code == Errc::invalid_argument);
        other.endpoint->ports[0].publish_mode = "host";
        other.endpoint->ports[0].published = 18'081; // one of the swarm's is taken on every node
        const auto second = lab.must(lab.services.create(other)).id;
        const auto by_name = lab.must(lab.services.inspect(second)).spec.endpoint;
        REQUIRE(by_name.has_value());
        CHECK(by_name->mode == "dnsrr");
        REQUIRE(by_name->ports.size() == 1);
        CHECK(by_name->ports[0].publish_mode == "host");

        spec.endpoint.reset();
        update();
        wait_until([&] { return lab.must(lab.services.inspect(id)).ports.empty(); });
        lab.must(lab.services.remove(second));
        lab.must(lab.services.remove(id));
    }

    TEST_CASE("a job that fails, one that is tried again, and specs that are wrong")
    {
        Lab lab;
        if (not_there(lab, &engine::Traits::can_swarm, "has no swarm")) return;
        const OneNodeSwarm swarm(lab);
        auto spec = job_of(lab, "slipway-test-fails", "exit 3");
        engine::ReplicatedJob once;
        once.max_concurrent = 1;
        once.total_completions = 1;
        spec.mode = once;
        const auto id = lab.must(lab.services.create(spec)).id;
        wait_until([&] {
            const auto tasks = tasks_of(lab, id);
            return tasks.size() == 1 && ended(tasks.front());
        });
        const auto failed = tasks_of(lab, id).front();
        CHECK(failed.state == "failed");
        CHECK(contains(failed.error, "3"));
        REQUIRE(failed.container.has_value());
        CHECK(failed.container->exit_code == 3);
        CHECK(service_of(lab, id).tasks->completed == 0);
        lab.must(lab.services.remove(id));

        spec.name = "slipway-test-twice";
        engine::TaskRestart restart;
        restart.condition = "on-failure";
        restart.max_attempts = 1;
        restart.delay = std::chrono::milliseconds(100);
        spec.task.restart = restart;
        const auto twice = lab.must(lab.services.create(spec)).id;
        wait_until([&] {
            const auto tasks = tasks_of(lab, twice);
            return tasks.size() == 2 && std::ranges::all_of(tasks, engine::ended);
        });
        lab.must(lab.services.remove(twice));

        spec.name = "not a name";
        CHECK(lab.refused(lab.services.create(spec)).code == Errc::invalid_argument);
        clean_up_containers(lab);
    }
}
