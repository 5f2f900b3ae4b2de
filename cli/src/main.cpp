#include "app.hpp"
#include "context.hpp"
#include "exit_code.hpp"
#include "version.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
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

// Success needs what was printed to have arrived.
int checked(cli::Printer& printer, int code)
{
    if (code != cli::exit_code::success || !printer.stdout_failure()) return code;
    const std::error_code failure = printer.stdout_failure();
    const bool closed = failure == std::errc::bad_file_descriptor;
    printer.error("writing to stdout: " + (closed ? "it is closed" : failure.message()));
    return cli::exit_code::failed;
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
        if (const auto code = cli::parse(argc, argv, context)) return checked(plain, *code);
        const cli::Globals& globals = context.globals;
        cli::Printer printer(
            out, err, cli::settings_for_process(globals.color, globals.quiet, globals.verbose)
        );
        context.printer = &printer;
        context.environment = engine::Environment::from_process();
        return checked(printer, context.command(context));
    } catch (const std::exception& bug) {
        return internal_error(plain, bug.what());
    }
}

// A standard stream that the caller closed would give its number to the next file or socket we
// open, which would then be read as stdin or written to as stdout. Nothing can be written to the
// stdout that is opened here: output that nobody gets is an error. Nobody is left to tell one of
// stderr to.
void open_closed_streams()
{
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) == -1 && errno == EBADF) {
            // The lowest free number is given, which is this one: those below are open by now.
            const int mode = descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY;
            if (::open("/dev/null", mode) != descriptor) std::abort();
        }
    }
}

} // namespace

int main(int argc, char** argv)
{
    open_closed_streams();
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of write() instead
    cli::FileOutput out(STDOUT_FILENO);
    cli::FileOutput err(STDERR_FILENO);
    return run(argc, argv, out, err);
}
