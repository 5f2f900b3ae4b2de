#include "support/fake_transport.hpp"
#include "support/run.hpp"

#include <slipway/engine/containers.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

// Networks and devices of a container at its creation, and what engines would pass over of them.

namespace {

ContainerSpec in_networks(const std::vector<std::string>& networks)
{
    ContainerSpec spec;
    spec.image = "i";
    for (const std::string& network : networks) {
        spec.networks[network];
    }
    return spec;
}

DeviceRequest request_of(const std::string& driver)
{
    DeviceRequest request;
    request.driver = driver;
    return request;
}

/// The body of the one call, or nothing when there was none because it is unsupported.
std::optional<std::string> sent(const ContainerSpec& spec, const Traits& traits)
{
    FakeTransport engine;
    engine.known = traits;
    engine.reply(201, R"({"Id":"c0ffee"})");
    const auto made = run(Containers(engine).create(spec));
    if (made) return engine.calls.at(0).body;
    CHECK(made.error().code == Errc::unsupported);
    CHECK(!made.error().hint.empty());
    CHECK(made.error().context.back() == "creating a container from i");
    CHECK(engine.calls.empty());
    return std::nullopt;
}

Traits of_api(int minor)
{
    Traits traits;
    traits.api = {1, minor};
    return traits;
}

} // namespace

TEST_SUITE("engine.containers.create")
{
    TEST_CASE("a network with everything, and one with nothing")
    {
        ContainerSpec spec = in_networks({"back", "front"});
        spec.host.network_mode = "front";
        EndpointSettings& front = spec.networks["front"];
        front.aliases = {"web", "www"};
        front.ipv4_address = "10.9.8.7";
        front.ipv6_address = "fd00::7";
        front.mac_address = "02:42:0a:09:08:07";
        CHECK(
            sent(spec, of_api(44))
            == R"({"Image":"i","HostConfig":{"NetworkMode":"front"},"NetworkingConfig":{)"
               R"("EndpointsConfig":{"back":{},"front":{"Aliases":["web","www"],)"
               R"("IPAMConfig":{"IPv4Address":"10.9.8.7","IPv6Address":"fd00::7"},)"
               R"("MacAddress":"02:42:0a:09:08:07"}}}})"
        );
    }

    TEST_CASE("the address of the only endpoint is the container's, below API 1.44")
    {
        ContainerSpec spec = in_networks({"n"});
        spec.networks["n"].mac_address = "02:42:0a:09:08:07";
        const std::string networking =
            R"("NetworkingConfig":{"EndpointsConfig":{"n":{"MacAddress":"02:42:0a:09:08:07"}}}})";
        CHECK(
            sent(spec, of_api(43))
            == R"({"Image":"i","MacAddress":"02:42:0a:09:08:07","HostConfig":{},)" + networking
        );
        CHECK(sent(spec, of_api(44)) == R"({"Image":"i","HostConfig":{},)" + networking);
    }

    TEST_CASE("several networks are for engines that take them")
    {
        Traits traits = of_api(41);
        traits.can_create_in_networks = false;
        CHECK(!sent(in_networks({"a", "b"}), traits));
        CHECK(sent(in_networks({"a"}), traits));
        CHECK(sent(in_networks({}), traits) == R"({"Image":"i","HostConfig":{}})");
        CHECK(sent(in_networks({"a", "b"}), FakeTransport::podman()));
    }

    TEST_CASE("a request for devices with everything")
    {
        ContainerSpec spec = in_networks({});
        DeviceRequest request = request_of("nvidia");
        request.count = -1;
        request.device_ids = {"0", "GPU-1"};
        request.capabilities = {{"gpu", "compute"}, {"tpu"}};
        request.options = {{"a", "b"}};
        spec.host.device_requests = {request, DeviceRequest()};
        CHECK(
            sent(spec, of_api(41))
            == R"({"Image":"i","HostConfig":{"DeviceRequests":[{"Driver":"nvidia","Count":-1,)"
               R"("DeviceIDs":["0","GPU-1"],"Capabilities":[["gpu","compute"],["tpu"]],)"
               R"("Options":{"a":"b"}},{}]}})"
        );
    }

    TEST_CASE("no request for devices is passed over in silence")
    {
        for (const DeviceDrivers drivers :
             {DeviceDrivers::any, DeviceDrivers::cdi, DeviceDrivers::none}) {
            CAPTURE(static_cast<int>(drivers));
            Traits traits = of_api(41);
            traits.device_drivers = drivers;
            ContainerSpec spec = in_networks({});
            spec.host.device_requests = {request_of("cdi")};
            CHECK(sent(spec, traits).has_value() == (drivers != DeviceDrivers::none));
            spec.host.device_requests.push_back(request_of("nvidia"));
            CHECK(sent(spec, traits).has_value() == (drivers == DeviceDrivers::any));
            spec.host.device_requests = {request_of("")};
            CHECK(sent(spec, traits).has_value() == (drivers == DeviceDrivers::any));
        }
    }
}
