#include "fuzz.hpp"
#include "support/fake_transport.hpp"
#include "support/run.hpp"
#include "unit/endpoints/every_endpoint.hpp"

// One answer to one call of any endpoint: its status and its body, which is also the header that
// has the answer of a HEAD.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const auto endpoints = test::every_endpoint();
    static constexpr int statuses[] = {200, 200, 201, 204, 304, 400, 404, 500, 503};
    std::string_view body = text_of(data, size);
    const auto& endpoint = endpoints[take_choice(body, endpoints.size())];
    const std::size_t choice = take_choice(body, 2 * std::size(statuses));
    const int status = statuses[choice / 2];

    test::FakeTransport engine;
    if (choice % 2 == 1) engine.known = test::FakeTransport::podman();
    Headers headers;
    headers.add("X-Docker-Container-Path-Stat", std::string(body));
    for (int i = 0; i < 4; ++i) { // some ask more than once
        engine.reply(status, std::string(body), headers);
    }
    const auto result = test::run(endpoint.call(engine));
    if (!result) {
        check_error(result.error());
        require(!result.error().context.empty(), "an error that says not what was being done");
        require(
            engine.calls.empty() || result.error().answer || status < 400,
            "a refusal without the engine's answer"
        );
    } else {
        require(status < 400, "a refusal is taken for success");
    }
    return 0;
}
