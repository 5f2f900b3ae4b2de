#define DOCTEST_CONFIG_IMPLEMENT
#include "conformance/lab.hpp"
#include "conformance/record.hpp"
#include "conformance/witness.hpp"

#include <slipway/engine/endpoint.hpp>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>

// Which engine: SLIPWAY_TEST_ENGINE=docker-26, by which way: docker-tls, docker-26-tcp.
// Where it is: SLIPWAY_TEST_DOCKER_26_HOST, SLIPWAY_TEST_DOCKER_TLS_HOST with
// SLIPWAY_TEST_DOCKER_CERT_PATH, and this machine's address as it sees it,
// SLIPWAY_TEST_DOCKER_26_GATEWAY; names as tests/engines/engines has them.
// SLIPWAY_TEST_LEAVE_OUT, a list with commas, names those that may be missing.
// SLIPWAY_TEST_RUN is what the results go by in the report; the engine's name when not set.
namespace {

using namespace slipway;

constexpr int skipped = 125;

std::string variable(const std::string& name)
{
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? value : "";
}

std::string variable_of(const std::string& engine, const char* what)
{
    std::string name = "SLIPWAY_TEST_" + engine + "_" + what;
    for (char& c : name) {
        c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return variable(name);
}

/// "docker" of "docker-tls".
std::string without_way(const std::string& engine)
{
    for (const std::string_view way : {"-tls", "-tcp"}) {
        if (engine.ends_with(way)) return engine.substr(0, engine.size() - way.size());
    }
    return engine;
}

Result<engine::Endpoint> endpoint_of(const std::string& engine)
{
    constexpr std::string_view by_tls = "-tls";
    std::optional<engine::TlsSettings> tls;
    if (engine.ends_with(by_tls)) {
        const std::filesystem::path directory = variable_of(without_way(engine), "CERT_PATH");
        tls.emplace();
        tls->ca = directory / "ca.pem";
        tls->cert = directory / "cert.pem";
        tls->key = directory / "key.pem";
    }
    return engine::parse_endpoint(variable_of(engine, "HOST"), tls);
}

/// All there is in the engine, and the descriptors of this process.
struct Inventory {
    std::string about; ///< of the engine, for people
    std::set<std::string> objects;
    std::size_t descriptors = 0;
};

Task<Inventory> take_inventory(boost::asio::any_io_executor executor, engine::Endpoint endpoint)
{
    CO_TRY(engine::Client client, co_await engine::Client::connect(executor, std::move(endpoint)));
    Inventory all;
    engine::System system(client.transport());
    CO_TRY(const engine::EngineVersion version, co_await system.version());
    all.about = std::string(to_string(client.traits().kind)) + " " + version.version + ", API "
                + to_string(client.traits().engine_api);
    engine::ListContainers containers;
    containers.all = true;
    CO_TRY(const auto running, co_await engine::Containers(client.transport()).list(containers));
    for (const auto& container : running) {
        all.objects.insert("container " + container.id);
    }
    engine::ListImages images;
    images.all = true;
    CO_TRY(const auto listed, co_await engine::Images(client.transport()).list(images));
    for (const auto& image : listed) {
        all.objects.insert("image " + image.id);
        for (const auto& tag : image.repo_tags) {
            all.objects.insert("image name " + tag);
        }
    }
    CO_TRY(const auto volumes, co_await engine::Volumes(client.transport()).list());
    for (const auto& volume : volumes) {
        all.objects.insert("volume " + volume.name);
    }
    CO_TRY(const auto networks, co_await engine::Networks(client.transport()).list());
    for (const auto& network : networks) {
        all.objects.insert("network " + network.name);
    }
    co_return all;
}

Inventory inventory()
{
    auto taken = [] {
        boost::asio::io_context io;
        return test::run(io, take_inventory(io.get_executor(), test::engine_under_test()));
    }();
    if (!taken) {
        std::cerr << describe(taken.error()) << "\n";
        std::exit(1);
    }
    for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fd")) {
        static_cast<void>(descriptor);
        ++taken->descriptors;
    }
    return *std::move(taken);
}

bool same(const Inventory& before, const Inventory& after)
{
    for (const auto& object : after.objects) {
        if (!before.objects.contains(object)) std::cerr << "left behind: " << object << "\n";
    }
    for (const auto& object : before.objects) {
        if (!after.objects.contains(object)) std::cerr << "gone: " << object << "\n";
    }
    if (before.descriptors != after.descriptors) {
        std::cerr << "descriptors: " << before.descriptors << " before, " << after.descriptors
                  << " after\n";
    }
    return before.objects == after.objects && before.descriptors == after.descriptors;
}

} // namespace

engine::Endpoint& slipway::test::engine_under_test()
{
    static engine::Endpoint endpoint;
    return endpoint;
}

std::string& slipway::test::gateway_of_engine()
{
    static std::string address;
    return address;
}

int main(int argc, char** argv) // NOLINT(bugprone-exception-escape): an end with its message
{
    doctest::Context context(argc, argv);
    for (int i = 1; i < argc; ++i) { // a list of the cases needs no engine
        if (std::string_view(argv[i]).find("list") != std::string_view::npos) return context.run();
    }
    const std::string engine = variable("SLIPWAY_TEST_ENGINE");
    const std::string left_out = "," + variable("SLIPWAY_TEST_LEAVE_OUT") + ",";
    if (left_out.find("," + engine + ",") != std::string::npos) {
        std::cout << "left out: " << engine << "\n";
        return skipped;
    }
    if (variable_of(engine, "HOST").empty()) {
        std::cerr << "no host for the engine '" << engine
                  << "': set its variable, or name it in SLIPWAY_TEST_LEAVE_OUT\n";
        return 1;
    }
    auto endpoint = endpoint_of(engine);
    if (!endpoint) {
        std::cerr << describe(endpoint.error()) << "\n";
        return 1;
    }
    slipway::test::engine_under_test() = *std::move(endpoint);
    slipway::test::gateway_of_engine() = variable_of(without_way(engine), "GATEWAY");
    if (left_out.find(",registry,") != std::string::npos) {
        std::cout << "left out: registry\n";
        context.addFilter("test-suite-exclude", "Registry");
        context.addFilter("test-case-exclude", "pull_ends_with_a_layer,push_digest_is_local");
    }
    const std::string run = variable("SLIPWAY_TEST_RUN");
    test::keep_results(run.empty() ? engine : run, inventory().about);
    // What the process opens once and for all is open from here on.
    const Inventory before = inventory();
    const int code = context.run();
    const bool clean = same(before, inventory());
    test::keep_result("Leaks: nothing is left behind", clean);
    return clean ? code : 1;
}
