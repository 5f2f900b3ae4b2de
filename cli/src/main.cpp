#include "app.hpp"
#include "context.hpp"
#include "exit_code.hpp"
#include "version.hpp"

#include <unistd.h>

#include <csignal>
#include <exception>
#include <string>

namespace {

using namespace slipway;

int internal_error(cli::Printer& printer, const std::string& what)
{
    printer.error(
        "internal error: " + what,
        "this is a defect of Slipway " + std::string(cli::version)
            + ", please report it with the command that led to it"
    );
    return cli::exit_code::bug;
}

int run(int argc, char** argv, cli::Output& out, cli::Output& err)
{
    cli::Context context;
    // Mistakes on the command line are printed before the options are known.
    cli::Printer plain(
        out, err, cli::settings_for_process(cli::ColorChoice::automatic, false, false)
    );
    context.printer = &plain;
    try {
        if (const auto code = cli::parse(argc, argv, context)) return *code;
        const cli::Globals& globals = context.globals;
        cli::Printer printer(
            out, err, cli::settings_for_process(globals.color, globals.quiet, globals.verbose)
        );
        context.printer = &printer;
        context.environment = engine::Environment::from_process();
        const int code = context.command(context);
        if (code == cli::exit_code::success && printer.stdout_failure()) {
            printer.error("writing to stdout: " + printer.stdout_failure().message());
            return cli::exit_code::failed;
        }
        return code;
    } catch (const std::exception& bug) {
        return internal_error(plain, bug.what());
    }
}

} // namespace

int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of write() instead
    cli::FileOutput out(STDOUT_FILENO);
    cli::FileOutput err(STDERR_FILENO);
    return run(argc, argv, out, err);
}
