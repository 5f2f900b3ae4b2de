#include "step_stream.hpp"
#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/live.hpp"
#include "support/tar.hpp"
#include "unit/endpoints/every_endpoint.hpp"
#include "unit/transport/support.hpp"

#include <slipway/engine/child.hpp>

#include <map>

using namespace slipway;
using namespace slipway::test;

// Each endpoint, on the real HTTP transport, once for each I/O operation that it makes: with that
// one failing, ending the connection, or standing still until the call is cancelled or dropped.

namespace {

std::string with_length(int status, const std::string& body, const std::string& fields = {})
{
    return "HTTP/1.1 " + std::to_string(status) + " Fine\r\n" + fields
           + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string in_chunks(const std::string& body, const std::string& fields = {})
{
    char size[16];
    std::snprintf(size, sizeof size, "%zx", body.size());
    return "HTTP/1.1 200 OK\r\n" + fields + "Transfer-Encoding: chunked\r\n\r\n" + size + "\r\n"
           + body + "\r\n0\r\n\r\n";
}

std::string upgraded_to(const std::string& stream)
{
    return "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n" + stream;
}

/// What the engine says to each endpoint, when all is well.
std::map<std::string, std::string> answers()
{
    const std::string tar = tar_header({"f"}, 3) + "abc" + std::string(509 + 1024, '\0');
    const std::string stat =
        "X-Docker-Container-Path-Stat: " + docker_reply("archive-stat.file.txt") + "\r\n";
    const std::string frames = docker_reply("exec-start.bin");
    const std::string nothing = "HTTP/1.1 204 No Content\r\n\r\n";
    const std::string fine = with_length(200, "");
    std::map<std::string, std::string> all{
        {"login", with_length(200, R"({"Status":"Login Succeeded"})")},
        {"events", in_chunks(docker_reply("events.jsonl"))},
        {"watch stats", in_chunks(docker_reply("container-stats.json"))},
        {"export", in_chunks(tar)},
        {"wait", in_chunks(docker_reply("container-wait.json"))},
        {"logs", in_chunks(docker_reply("container-logs.bin"))},
        {"attach", upgraded_to(frames)},
        {"exec start", upgraded_to(frames)},
        {"put", fine},
        {"get", in_chunks(tar, stat)},
        {"stat", "HTTP/1.1 200 OK\r\n" + stat + "\r\n"},
        {"import", in_chunks(docker_reply("image-import.jsonl"))},
        {"pull",
         in_chunks(
             R"({"status":"Digest: sha256:)" + std::string(64, 'a')
             + R"("}{"status":"Status: Downloaded newer image for i:latest"})"
         )},
        {"push",
         in_chunks(
             R"({"aux":{"Tag":"latest","Digest":"sha256:)" + std::string(64, 'a')
             + R"(","Size":528}})"
         )},
        {"load", in_chunks(docker_reply("image-load.jsonl"))},
        {"save", in_chunks(tar)},
        {"save several", in_chunks(tar)},
        {"search", with_length(200, "[]")},
        {"distribution", with_length(200, R"({"Descriptor":{"digest":"sha256:aa"}})")},
        {"build", in_chunks(docker_reply("build-ok.jsonl"))},
        {"build remote", in_chunks(docker_reply("build-ok.jsonl"))},
        {"cancel build", nothing},
        {"prune named images", with_length(200, docker_reply("images-prune.json"))},
        {"swarm init", with_length(200, docker_reply("swarm-init.json"))},
        {"swarm", with_length(200, R"({"ID":"s","Version":{"Index":7}})")},
        {"service logs", in_chunks(docker_reply("service-logs.bin"))},
        {"task logs", in_chunks(docker_reply("service-logs.bin"))},
    };
    for (const NamedReply& reply : every_json_reply()) {
        all.emplace(reply.endpoint, with_length(200, docker_reply(reply.file)));
    }
    for (const NamedCall& endpoint : every_endpoint()) {
        all.emplace(endpoint.name, nothing);
    }
    return all;
}

enum class Then { ended, hung };

struct Run {
    Then then = Then::hung;
    std::optional<Result<>> result;
    std::optional<Result<>> next; // the same call once more
    int steps = 0;
};

Task<> keep(Task<> task, std::shared_ptr<Run> run)
{
    auto result = co_await std::move(task);
    run->result = result;
    co_return result;
}

/// Makes one call, with one of its steps spoilt, and the same call again.
std::shared_ptr<Run>
play(const NamedCall& endpoint, const std::string& answer, StepFault what, int at)
{
    const auto run_of = std::make_shared<Run>();
    const auto steps = std::make_shared<Steps>();
    steps->fault = what;
    steps->at = at;
    {
        boost::asio::io_context io;
        const auto connect = [&]() -> Task<std::unique_ptr<engine::NetStream>> {
            auto connected = co_await StepStream::step(io.get_executor(), steps);
            if (!connected) co_return fail(std::move(connected).error());
            const bool ends = answer.starts_with("HTTP/1.1 101");
            co_return std::make_unique<StepStream>(io.get_executor(), steps, answer, ends);
        };
        auto transport = std::make_shared<HttpTransport>(
            io.get_executor(), engine::Endpoint(), generous_options(), nullptr, connect
        );
        transport->use(FakeTransport().known);
        engine::Child call(io.get_executor(), keep(endpoint.call(*transport), run_of));
        steps->on_fault = [&] {
            if (what == StepFault::freeze) {
                io.stop();
            } else {
                call.cancel();
            }
        };
        io.run_for(generous);
        if (what == StepFault::freeze && !run_of->result) {
            transport.reset(); // clients and streams go first, then what waits
        } else {
            if (io.stopped() && !call.running()) run_of->then = Then::ended;
            run_of->steps = steps->taken;
            steps->at = -1;
            run_of->next = run(io, endpoint.call(*transport));
        }
        steps->on_fault = nullptr;
    }
    CHECK(steps->streams == 0);
    return run_of;
}

bool may_be(Errc code, StepFault what)
{
    if (what == StepFault::cancel) return code == Errc::cancelled;
    return code == Errc::io || code == Errc::truncated;
}

/// Spoils each step in turn until the call makes fewer. Returns how many it makes.
int spoil_each(const NamedCall& endpoint, const std::string& answer, StepFault what)
{
    // An upgraded stream may end between two frames: that is how it ends.
    const bool may_end = what == StepFault::end && answer.starts_with("HTTP/1.1 101");
    for (int at = 0;; ++at) {
        CAPTURE(std::string(endpoint.name));
        CAPTURE(static_cast<int>(what));
        CAPTURE(at);
        const long coroutines = live_coroutines;
        const auto seen = play(endpoint, answer, what, at);
        REQUIRE(live_coroutines == coroutines);
        if (what == StepFault::freeze && !seen->result) continue;
        REQUIRE(seen->then == Then::ended);
        REQUIRE(seen->result.has_value());
        REQUIRE_MESSAGE(seen->next->has_value(), describe(seen->next->error()));
        const Result<>& result = *seen->result;
        if (seen->steps <= at) {
            REQUIRE_MESSAGE(result.has_value(), describe(result.error()));
            return at;
        }
        if (result && may_end) continue;
        REQUIRE(!result.has_value());
        CHECK_MESSAGE(may_be(result.error().code, what), describe(result.error()));
        CHECK(!result.error().context.empty());
        REQUIRE(at < 1000);
    }
}

} // namespace

TEST_SUITE("faults.every_step")
{
    TEST_CASE("every endpoint, with each of its steps failing in turn [fault 31]")
    {
        const auto said = answers();
        const auto before = live_descriptors();
        for (const NamedCall& endpoint : every_endpoint()) {
            CAPTURE(std::string(endpoint.name));
            int steps = 0;
            for (const StepFault what :
                 {StepFault::reset, StepFault::end, StepFault::cancel, StepFault::freeze}) {
                const int made = spoil_each(endpoint, said.at(endpoint.name), what);
                CHECK(made >= 3); // connects, writes, reads
                CHECK((steps == 0 || steps == made));
                steps = made;
            }
        }
        CHECK(live_descriptors() == before);
    }
}
