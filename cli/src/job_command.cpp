#include "job_command.hpp"

#include "engine.hpp"
#include "event_loop.hpp"
#include "phrase_watch.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <slipway/core/lease.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace slipway::cli {

namespace {

// What a job is joined to; lives while it runs.
struct LocalStreams {
    explicit LocalStreams(const boost::asio::any_io_executor& executor)
        : in(executor, STDIN_FILENO), out(executor, STDOUT_FILENO), err(executor, STDERR_FILENO)
    {
    }
    LocalInput in;
    LocalOutput out;
    LocalOutput err;
    std::optional<RawTerminal> raw;
    std::optional<TerminalSizeWatch> size;
};

// Passes all on, and tells it to somebody else.
class SinkCopy final : public engine::ByteSink {
public:
    SinkCopy(engine::ByteSink& to, std::function<void(std::string_view)> wrote)
        : to_(&to), wrote_(std::move(wrote))
    {
    }

    Task<> write(std::string_view data) override
    {
        wrote_(data);
        return to_->write(data);
    }

private:
    engine::ByteSink* to_;
    std::function<void(std::string_view)> wrote_;
};

constexpr std::size_t name_columns = 60;

// What programs say when they meet a read-only image, or want a capability.
constexpr std::array<std::string_view, 2> refusals_of_a_sandbox{
    "Read-only file system",
    "Operation not permitted",
};

std::string_view advice(const core::JobResult& result)
{
    if (result.exit_code == 127) {
        return "the image has no such program, or not in its PATH; a shell's own words need "
               "`sh -c '...'`";
    }
    if (result.not_run.find("rgument list too long") != std::string::npos) {
        return "pass long lists in a file or on stdin";
    }
    if (result.not_run.find("cannot change to the directory") != std::string::npos) {
        return "that directory is not in the image, nor among the files that were sent: one that a "
               "CACHEDIR.TAG marks is not";
    }
    return "it is there but cannot be executed: check its mode, its architecture and its first "
           "line";
}

Error not_run(const core::Job& job, const core::JobResult& result, const ImageChoice& choice)
{
    Error error(Errc::not_found, result.not_run);
    const std::string where = job.image.empty() ? std::string() : " in " + job.image;
    error.context.push_back("running " + one_line(job.argv.front(), name_columns) + where);
    error.hint = advice(result);
    if (result.exit_code == 127 && !choice.without_program.empty()) {
        error.hint = choice.without_program;
    }
    return error;
}

// What the command did to a path that stays here as it is.
std::string_view why(core::KeepReason reason)
{
    switch (reason) {
    case core::KeepReason::changed:
        return " was changed in the container, and here meanwhile: yours stays";
    case core::KeepReason::deleted:
        return " was deleted in the container, but has changed here meanwhile: it stays";
    case core::KeepReason::not_empty:
        return " was deleted in the container, but stays here: it holds what was not sent";
    }
    return {};
}

void tell_fetched(Context& context, const core::Fetched& fetched)
{
    Printer& printer = *context.printer;
    if (printer.verbose()) {
        for (const std::string& path : fetched.written) {
            printer.detail("brought back " + path);
        }
        for (const std::string& path : fetched.removed) {
            printer.detail("removed " + path);
        }
    }
    for (const auto& [path, reason] : fetched.kept) {
        printer.warning(path + std::string(why(reason)));
    }
}

// Engines differ in when they say it: docker at the start, podman when the container is made.
bool lacks_network(const Error& error, const std::string& network)
{
    return !network.empty() && error.answer && error.message.find("network") != std::string::npos
           && error.message.find(network) != std::string::npos;
}

Task<core::JobResult> run_in(
    Context& context,
    Container container,
    engine::Client client,
    core::Job job,
    core::JobStreams streams
)
{
    if (container == Container::fresh) {
        co_return co_await core::run(std::move(client), std::move(job), std::move(streams));
    }
    const auto tell = [printer = context.printer](const core::SandboxUse& use) {
        printer->detail(fmt::format(
            "{} sandbox {}, reached by {}{}",
            use.warm ? "warm" : "new",
            use.container,
            core::name(use.road),
            use.bound ? ", with the workspace bound" : ""
        ));
        if (!use.why_copied.empty()) {
            printer->detail("the workspace is copied: " + use.why_copied);
        }
        if (!use.toolchain_volume.empty()) {
            printer->detail("the toolchain is a copy, in the volume " + use.toolchain_volume);
        }
    };
    const std::function<void(const core::SandboxUse&)> on_sandbox = tell;
    CO_TRY(core::PoolOptions options, pool_options());
    if (job.workspace) job.workspace->notes = notes_directory(context);
    if (job.toolchain) job.toolchain->notes = notes_directory(context);
    co_return co_await core::run_pooled(
        std::move(client),
        std::move(job),
        std::move(streams),
        std::move(options),
        on_sandbox,
        tell_waiting(context)
    );
}

} // namespace

Result<std::filesystem::path> current_directory()
{
    std::error_code failed;
    std::filesystem::path here = std::filesystem::current_path(failed);
    if (!failed) return here;
    Error error(Errc::not_found, "no current directory: " + failed.message());
    error.hint = "it has been removed: change to one that exists";
    return fail(std::move(error));
}

std::function<void()> tell_waiting(const Context& context)
{
    return [printer = context.printer] {
        printer->status("Waiting", "for another command in this workspace");
    };
}

std::string host_target()
{
    utsname system{};
    ::uname(&system);
    return std::string(system.machine) + "-unknown-linux-gnu";
}

Task<int>
run_job(Context& context, ImageChoice choice, core::Job job, Container container, JobWrote wrote)
{
    if (const auto refused = core::refuse_long_name(job)) {
        Error error = not_run(job, *refused, choice);
        error.hint = "name a program: its path has fewer than 4096 bytes, and 255 at most between "
                     "two slashes";
        context.printer->error(error);
        co_return static_cast<int>(refused->exit_code);
    }
    if (job.workspace && context.globals.files != core::FilesBy::any) {
        job.workspace->files = context.globals.files;
    }
    if (container == Container::fresh && context.globals.files == core::FilesBy::bind) {
        Error error(Errc::invalid_argument, "--files bind excludes --fresh");
        error.hint = "a container of its own gets a copy of the workspace";
        co_return fail(std::move(error));
    }
    const auto executor = co_await boost::asio::this_coro::executor;
    CO_TRY(engine::Client client, co_await connect(context));
    CO_TRY(job.image, image_reference(context, choice));

    if (!choice.platform.empty()) {
        CO_TRY(job.image, co_await provide_image(context, client, choice));
        CO_CHECK(co_await core::check_platform(client, job.image, choice.platform));
    }

    job.proxies = proxies_for(context);

    LocalStreams local(executor);
    job.terminal = on_terminal();
    SinkCopy out(local.out, [&wrote](std::string_view bytes) { wrote(false, bytes); });
    SinkCopy err(local.err, [&wrote](std::string_view bytes) { wrote(true, bytes); });
    core::JobStreams streams;
    streams.out = &local.out;
    streams.err = &local.err;
    if (wrote) streams.out = &out, streams.err = &err;
    PhraseWatch refusals(job.terminal ? *streams.out : *streams.err, refusals_of_a_sandbox);
    if (container == Container::warm) (job.terminal ? streams.out : streams.err) = &refusals;
    if (job.terminal || stdin_is_piped()) {
        streams.in = &local.in;
    }
    context.printer->end_progress(); // from here on the terminal is the command's
    if (job.terminal) {
        streams.on_terminal = [&](std::function<void(engine::TerminalSize)> changed) {
            local.raw.emplace();
            local.size.emplace(executor, std::move(changed));
        };
    }
    streams.on_end = [&local] {
        local.size.reset();
        local.raw.reset();
    };
    streams.interrupt_signal = [&context] { return signal_name(context.ended_by); };
    auto result = co_await run_in(context, container, client, job, streams);
    if (!result && lacks_image(result.error())) {
        CO_TRY(job.image, co_await provide_image(context, client, choice));
        context.printer->end_progress();
        result = co_await run_in(context, container, client, job, streams);
    }
    streams.on_end(); // also when it never came that far
    if (!result) {
        // The reader of our output has left, as `head` does: no reason to say anything.
        if (local.out.closed() || local.err.closed()) {
            co_return 128 + SIGPIPE;
        }
        if (result.error().code == Errc::cancelled && job.workspace) {
            context.printer->warning("interrupted: " + result.error().message);
        }
        if (result.error().hint.empty() && lacks_network(result.error(), job.network)) {
            result.error().hint = "--network takes none, host, or a network that the engine has";
        }
        co_return fail(std::move(result).error());
    }
    if (!result->not_run.empty()) {
        context.printer->error(not_run(job, *result, choice));
    }
    if (result->exit_code != 0 && refusals.seen()) {
        context.printer->warning(
            "in its sandbox the command may not write to the image, and has no capabilities: with "
            "--fresh it gets a container of its own, where it may and has"
        );
    }
    if (result->out_of_memory) {
        context.printer->warning("the command ran out of memory and was killed");
    }
    if (result->outlived_its_output) {
        context.printer->warning(
            "the command went on after its output had ended: unless it closed its outputs itself, "
            "what it wrote since is lost"
        );
    }
    if (result->fetched) {
        tell_fetched(context, *result->fetched);
    }
    co_return static_cast<int>(result->exit_code);
}

} // namespace slipway::cli
