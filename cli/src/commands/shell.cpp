#include "commands/commands.hpp"
#include "commands/run_options.hpp"
#include "event_loop.hpp"
#include "terminal.hpp"

#include <CLI/App.hpp>
#include <memory>

namespace slipway::cli {
namespace {

constexpr const char* best_shell = "command -v bash >/dev/null 2>&1 && exec bash; exec sh";

Result<> check_streams()
{
    if (on_terminal() || stdin_is_piped()) return ok();
    Error error(
        Errc::invalid_argument, "a shell needs a terminal on stdin, stdout and stderr, or a script"
    );
    error.hint = "give it the script on stdin, or run one command: slipway run -- COMMAND";
    return fail(std::move(error));
}

Task<int> open_shell(Context& context, std::shared_ptr<RunOptions> options)
{
    CO_CHECK(check_streams());
    CO_TRY(core::Job job, job_of(context, *options));
    job.argv.assign({"sh", "-c", best_shell});
    options->image.without_program =
        "a shell needs `sh` in the image's PATH; `slipway run` runs the programs that it has";
    co_return co_await run_with(context, *options, std::move(job));
}

} // namespace

void add_shell(CLI::App& app, Context& context)
{
    auto options = std::make_shared<RunOptions>();
    CLI::App* command =
        app.add_subcommand("shell", "Open a shell in a container, with the workspace");
    add_run_options(*command, *options);
    command->footer(
        "  slipway shell --target aarch64-unknown-linux-gnu\n\n"
        "It is the image's bash, else its sh, where `slipway run` with the same options would run "
        "a command: in the current directory, with the workspace's files. What you change comes "
        "back when the shell has ended; meanwhile a build in the same workspace waits, and other "
        "commands have files of their own.\n\n"
        "Without a terminal the shell reads its commands from stdin, when that is a pipe or a "
        "file. The exit code is the shell's."
    );
    command->callback([&context, options] {
        context.command = [options](Context& c) { return run(c, open_shell(c, options)); };
    });
}

} // namespace slipway::cli
