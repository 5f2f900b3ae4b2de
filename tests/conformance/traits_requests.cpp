#include "conformance/trait_row.hpp"

using namespace slipway;
using namespace slipway::test;
using engine::Change;
using engine::DeviceDrivers;
using engine::Request;
using engine::Traits;

// Traits of what a request can ask for and some engines pass over.

namespace {

Request create_request(Lab& lab, const std::string& members)
{
    auto request = Request("POST", "/containers/create");
    request.json(
        R"({"Image":"busybox:latest","Cmd":["true"],"Labels":{"slipway.test":")"
        + lab.labels().at("slipway.test") + "\"}," + members + "}"
    );
    return request;
}

/// Whether an engine minds that no such devices can be had.
bool minds_devices(Lab& lab, const std::string& request)
{
    const auto made = lab.raw(create_request(
        lab, R"("HostConfig":{"NetworkMode":"none","DeviceRequests":[)" + request + "]}"
    ));
    if (made.status >= 400) return true;
    const auto containers = lab.ours();
    REQUIRE(containers.size() == 1);
    const bool started = run(lab.io, lab.containers.start(containers[0].id)).has_value();
    lab.remove(containers[0].id);
    return !started;
}

} // namespace

TEST_SUITE("Traits")
{
    TEST_CASE("device_drivers")
    {
        Lab lab;
        auto measured = DeviceDrivers::none;
        if (minds_devices(lab, R"({"Driver":"cdi","DeviceIDs":["slipway.example/none=x"]})")) {
            measured = minds_devices(lab, R"({"Count":1,"Capabilities":[["slipway-none"]]})")
                           ? DeviceDrivers::any
                           : DeviceDrivers::cdi;
        }
        CHECK(lab.traits().device_drivers == measured);
        differs(measured != DeviceDrivers::any, "device_drivers", "as the name of the trait says");
    }

    TEST_CASE("can_create_in_networks")
    {
        Lab lab;
        engine::NetworkSpec spec;
        spec.labels = lab.labels();
        spec.name = unique_name("one");
        lab.must(lab.networks.create(spec));
        spec.name = unique_name("two");
        lab.must(lab.networks.create(spec));
        const auto made = lab.raw(create_request(
            lab,
            R"("HostConfig":{"NetworkMode":")" + spec.name
                + R"("},"NetworkingConfig":{"EndpointsConfig":{")" + unique_name("one")
                + R"(":{},")" + spec.name + R"(":{}}})"
        ));
        check_trait(lab, &Traits::can_create_in_networks, made.status == 201);
        for (const auto& container : lab.ours()) {
            lab.remove(container.id);
        }
        CHECK(lab.must(lab.networks.prune(lab.only_ours())).removed.size() == 2);
    }

    TEST_CASE("can_stop_with_signal")
    {
        Lab lab;
        const auto id = lab.create(lab.spec(
            {"sh",
             "-c",
             "trap 'exit 7' USR1; trap 'exit 8' TERM; echo ready; while :; do sleep 0.1; done"}
        ));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        wait_until([&] { return lab.logs(id).out == "ready\n"; });
        auto request = Request("POST", "/containers/" + id + "/stop");
        request.query("t", "30").query("signal", "SIGUSR1");
        CHECK(lab.raw(std::move(request)).status == 204);
        check_trait(lab, &Traits::can_stop_with_signal, lab.exit_code(id) == 7);
        lab.remove(id);
    }

    TEST_CASE("can_log_details")
    {
        Lab lab;
        auto spec = lab.spec({"echo", "line"});
        engine::LogConfig log;
        log.type = "json-file";
        log.options = {{"labels", "slipway.test"}};
        spec.host.log_config = log;
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        CHECK(lab.exit_code(id) == 0);
        auto request = Request("GET", "/containers/" + id + "/logs");
        request.query("stdout", "1").query("details", "1");
        const auto body = lab.raw(std::move(request)).body;
        CHECK(contains(body, "line\n"));
        check_trait(lab, &Traits::can_log_details, contains(body, "slipway.test="));
        lab.remove(id);
    }

    TEST_CASE("can_build_remote")
    {
        Lab lab;
        // Nobody listens there, which only those who ask can tell.
        auto request = Request("POST", "/build");
        request.query("remote", "http://127.0.0.1:1/c.tar");
        const auto reply = lab.raw(std::move(request));
        check_trait(lab, &Traits::can_build_remote, contains(reply.body, "connection refused"));
    }
}
