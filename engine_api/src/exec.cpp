#include "call.hpp"

#include <slipway/engine/exec.hpp>

namespace slipway {

namespace engine {

namespace {

struct ExecBody : ExecSpec {
    std::vector<std::uint16_t> console_size;
};
struct StartBody {
    bool detach = false;
    bool tty = false;
};
struct CreatedExec {
    std::string id;
};
struct ExecReply : ExecInspect {
    struct Process {
        bool tty = false;
    };
    Process process;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::ExecBody> {
    using T = engine::ExecBody;
    static constexpr auto list = std::tuple{
        json::required("Cmd", &T::cmd),
        json::optional("Env", &T::env),
        json::optional("WorkingDir", &T::working_dir),
        json::optional("User", &T::user),
        json::optional("Tty", &T::tty),
        json::optional("AttachStdin", &T::attach_stdin),
        json::optional("AttachStdout", &T::attach_stdout),
        json::optional("AttachStderr", &T::attach_stderr),
        json::optional("Privileged", &T::privileged),
        json::optional("DetachKeys", &T::detach_keys),
        json::optional("ConsoleSize", &T::console_size)};
};
template <>
struct json::Fields<engine::StartBody> {
    using T = engine::StartBody;
    static constexpr auto list =
        std::tuple{json::required("Detach", &T::detach), json::required("Tty", &T::tty)};
};
template <>
struct json::Fields<engine::CreatedExec> {
    static constexpr auto list = std::tuple{json::required("Id", &engine::CreatedExec::id)};
};
template <>
struct json::Fields<engine::ExecReply::Process> {
    static constexpr auto list =
        std::tuple{json::optional("tty", &engine::ExecReply::Process::tty)};
};
template <>
struct json::Fields<engine::ExecReply> {
    using T = engine::ExecReply;
    static constexpr auto list = std::tuple{
        json::required("ID", &T::id),
        json::optional("ContainerID", &T::container_id),
        json::optional("Running", &T::running),
        json::optional("ExitCode", &T::exit_code),
        json::optional("Pid", &T::pid),
        json::optional("ProcessConfig", &T::process)};
};

namespace engine {

namespace {

constexpr ApiVersion console_size_api{1, 42};

Result<Request> on_exec(std::string_view method, std::string_view exec, std::string_view suffix)
{
    return request_on(method, "/exec/", segment_of(exec, "exec"), suffix);
}

Result<Request>
create_request(std::string_view container, const ExecSpec& spec, const Traits& traits)
{
    if (spec.cmd.empty()) return fail(Errc::invalid_argument, "there is no command to run");
    ExecBody wire{spec, {}};
    if (spec.console && spec.tty && traits.api >= console_size_api) {
        wire.console_size = {spec.console->rows, spec.console->columns};
    }
    TRY(std::string body, json::encode(wire));
    TRY(Request request,
        request_on("POST", "/containers/", segment_of(container, "container"), "/exec"));
    request.json(std::move(body));
    return request;
}

Result<Request> start_request(std::string_view exec, bool detach, bool tty)
{
    const StartBody wire{detach, tty};
    TRY(std::string body, json::encode(wire));
    TRY(Request request, on_exec("POST", exec, "/start"));
    request.json(std::move(body)); // podman refuses an absent body
    return request;
}

Task<std::string> create_exec(Transport& transport, Result<Request> request, std::string doing)
{
    CO_TRY(
        CreatedExec made,
        co_await call<CreatedExec>(transport, std::move(request), std::move(doing))
    );
    co_return std::move(made.id);
}

Task<ExecInspect> inspect_exec(Transport& transport, Result<Request> request, std::string doing)
{
    CO_TRY(
        ExecReply reply, co_await call<ExecReply>(transport, std::move(request), std::move(doing))
    );
    reply.ExecInspect::tty = reply.process.tty;
    co_return static_cast<ExecInspect&&>(reply);
}

std::string starting(std::string_view exec)
{
    return "starting exec " + std::string(short_id(exec));
}

} // namespace

bool finished(const ExecInspect& exec, const Traits& traits) noexcept
{
    return !exec.running
           && (exec.exit_code.has_value() || traits.reports_exit_code_before_exec_ends);
}

Task<std::string> Execs::create(std::string_view container, const ExecSpec& spec)
{
    std::string doing = "running a command in container " + std::string(short_id(container));
    auto request = create_request(container, spec, transport_->traits());
    return create_exec(*transport_, std::move(request), std::move(doing));
}

Task<std::unique_ptr<DuplexStream>> Execs::start(std::string_view exec, bool tty)
{
    auto request = start_request(exec, false, tty);
    if (request) request->header_deadline(prompt_header);
    return upgrade(*transport_, std::move(request), starting(exec));
}

Task<> Execs::start_detached(std::string_view exec, bool tty)
{
    return perform(*transport_, start_request(exec, true, tty), starting(exec));
}

Task<ExecInspect> Execs::inspect(std::string_view exec)
{
    std::string doing = "inspecting exec " + std::string(short_id(exec));
    return inspect_exec(*transport_, on_exec("GET", exec, "/json"), std::move(doing));
}

Task<> Execs::resize(std::string_view exec, TerminalSize size)
{
    auto request = on_exec("POST", exec, "/resize");
    if (request) request->query("h", size.rows).query("w", size.columns);
    std::string doing = "resizing the terminal of exec " + std::string(short_id(exec));
    return perform(*transport_, std::move(request), std::move(doing));
}

} // namespace engine

} // namespace slipway
