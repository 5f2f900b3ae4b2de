#include "discovery/contexts.hpp"
#include "discovery/podman_connections.hpp"
#include "discovery/tls.hpp"
#include "fuzz.hpp"
#include "unit/discovery/home.hpp"

// The files in which docker and podman keep where their engines are, and the variables.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::engine::discovery;
using namespace slipway::fuzz;

namespace {

void check_endpoint(const Endpoint& endpoint)
{
    require(parse_endpoint(to_string(endpoint), endpoint.tls).has_value(), "no endpoint");
}

template <class T>
void check(const Result<T>& result)
{
    if (!result) check_error(result.error());
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const test::Home home;
    static const std::string config = ".docker/config.json";
    static const std::string meta =
        std::string(".docker/contexts/meta/") + test::hash_of_foo + "/meta.json";
    static const std::string connections = ".config/containers/podman-connections.json";
    std::string_view text = text_of(data, size);
    switch (take_choice(text, 4)) {
    case 0: {
        home.write(config, text);
        const auto name = current_context(home.environment);
        check(name);
        if (name) check(context_endpoint(home.environment, *name));
        break;
    }
    case 1: {
        home.write(meta, text);
        const auto endpoint = context_endpoint(home.environment, "foo");
        check(endpoint);
        if (endpoint) check_endpoint(*endpoint);
        check(context_endpoint(home.environment, "bar")); // lists what there is
        break;
    }
    case 2: {
        home.write(connections, text);
        const auto named = named_connection(home.environment, "main");
        check(named);
        if (named) check_endpoint(named->endpoint);
        const auto usual = default_connection(home.environment);
        check(usual);
        if (usual && *usual) {
            if ((*usual)->unusable) check_error(*(*usual)->unusable);
            if (!(*usual)->unusable) check_endpoint((*usual)->endpoint);
        }
        break;
    }
    default: {
        const auto endpoint = docker_endpoint(home.environment, text);
        check(endpoint);
        if (endpoint) check_endpoint(*endpoint);
        break;
    }
    }
    return 0;
}
