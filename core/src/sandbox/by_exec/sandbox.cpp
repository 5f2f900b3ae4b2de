#include "sandbox/by_exec/sandbox.hpp"

#include "agent/within.hpp"
#include "sandbox/by_exec/script.hpp"
#include "sandbox/pool/road.hpp"
#include "sandbox/remove.hpp"
#include "sandbox/settle.hpp"
#include "sandbox/streams.hpp"

#include <slipway/core/labels.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/frames.hpp>

#include <boost/asio/this_coro.hpp>

#include <array>

namespace slipway::core::by_exec {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto ready_deadline = 20s;
constexpr std::size_t longest_text = 2'000;

engine::ContainerSpec sandbox_container(const SandboxSpec& spec, const pool::Ids& ids, bool init)
{
    engine::ContainerSpec container;
    container.image = spec.image;
    container.name = unique_name("run");
    container.platform = spec.platform;
    container.user = "0:0";
    container.working_dir = "/";
    container.entrypoint = first_command(spec.scratch, ids);
    container.labels = labels_for("run");
    container.open_stdin = container.stdin_once = container.attach_stdin = true;
    container.attach_stdout = container.attach_stderr = true;
    pool::confine(container, spec);
    // To give the scratch directories away. A job of that user gains nothing by it.
    if (ids.uid != 0 || ids.gid != 0) container.host.cap_add.emplace_back("CHOWN");
    if (init) container.host.init = true;
    return container;
}

// Reads until the first command has said that it is ready.
Task<> read_until_ready(engine::DuplexStream& stream)
{
    engine::FrameDecoder decoder;
    std::string out;
    std::string err;
    std::array<char, 4'096> buffer{};
    for (;;) {
        CO_TRY(const std::size_t n, co_await stream.read(buffer));
        if (n == 0) break;
        std::string_view input(buffer.data(), n);
        for (;;) {
            CO_TRY(const auto piece, decoder.next(input));
            if (!piece) break;
            (piece->output == engine::Output::out ? out : err) += piece->bytes;
        }
        if (out == ready_text) co_return ok();
        if (out.size() + err.size() > longest_text) break;
    }
    if (err.empty()) {
        co_return fail(Errc::engine, "the sandbox ended before it was ready");
    }
    const std::string line = err.substr(0, err.find_first_of("\r\n"));
    co_return fail(Errc::unsupported, "the sandbox's first command failed: " + line);
}

Error without_tools(Error error)
{
    error.code = Errc::unsupported;
    error.hint = "a sandbox without slipway's agent needs sh, cat, chmod and chown in its image; "
                 "a command that runs with --fresh needs none of them";
    return error;
}

// The engine's words when the image has no such program.
bool no_program(const Error& error)
{
    const auto says = [&](std::string_view words) {
        return error.message.find(words) != std::string::npos;
    };
    return error.answer
           && (says("executable file not found") || says("no such file or directory")
               || says("command that was not found") || says("executable file `sh` not found"));
}

// What is made is removed by whoever waits for this.
Task<> begin(std::shared_ptr<Sandbox> sandbox, engine::ContainerSpec spec)
{
    const auto executor = co_await asio::this_coro::executor;
    engine::Containers containers(sandbox->client.transport());
    CO_CHECK(co_await containers.create(spec));
    engine::AttachOptions attach;
    attach.in = true;
    CO_TRY(sandbox->life, co_await containers.attach(spec.name, attach));
    CO_CHECK(co_await containers.start(spec.name));
    const auto late = std::make_shared<bool>(false);
    const Within deadline(executor, ready_deadline, [sandbox, late] {
        *late = true;
        sandbox->life->close();
    });
    auto ready = co_await read_until_ready(*sandbox->life);
    if (*late) co_return fail(Errc::timed_out, "the sandbox was not ready within 20 s");
    co_return ready;
}

} // namespace

Task<std::shared_ptr<Sandbox>>
make_sandbox(engine::Client client, SandboxSpec spec, pool::Ids ids, engine::ImageInfo image)
{
    const auto executor = co_await asio::this_coro::executor;
    for (const KeptDirectory& kept : spec.kept) {
        spec.scratch.push_back(kept.path); // nobody would bring its files up to date
    }
    spec.kept.clear();
    for (bool init = true;; init = false) {
        const auto sandbox =
            std::make_shared<Sandbox>(Sandbox{client, {}, ids, image.config, image.id, {}, {}});
        engine::ContainerSpec container = sandbox_container(spec, ids, init);
        sandbox->container = container.name;
        sandbox->writable = spec.scratch;
        for (const engine::Mount& mount : spec.mounts) {
            const bool files = mount.type == "volume" || mount.type == "bind";
            if (files && !mount.read_only) sandbox->writable.push_back(mount.target);
        }
        engine::Child beginning(executor, begin(sandbox, std::move(container)));
        const Settled begun = co_await settle(beginning);
        if (begun.result && !begun.interrupted) co_return sandbox;
        Error error =
            begun.interrupted ? Error(Errc::cancelled, "interrupted") : begun.result.error();
        sandbox->life.reset();
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        const auto gone = co_await kill_and_wait(client, sandbox->container);
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        const bool said_so = error.code == Errc::unsupported && !error.answer;
        const bool no_init = init && lacks_init(error);
        if (!gone) {
            error.hint = "the container " + sandbox->container + " may still be on the engine";
        } else if (said_so || (no_program(error) && !no_init)) {
            error = without_tools(std::move(error));
        }
        if (!no_init || error.code == Errc::unsupported) co_return fail(std::move(error));
    }
}

} // namespace slipway::core::by_exec
