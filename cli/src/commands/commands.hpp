#pragma once

#include "context.hpp"

#include <CLI/App.hpp>

// One file a command. Each function adds its command with options and help to `app`; the callback
// sets Context::command, and nothing runs before the whole command line has been read.
//
//   auto options = std::make_shared<DoctorOptions>();      // CLI11 writes into it
//   CLI::App* command = app.add_subcommand("doctor", "Explain which engine is used");
//   command->add_flag("--json", options->json, "Write JSON to stdout");
//   command->callback([&context, options] {
//       context.command = [options](Context& c) { return run(c, doctor(c, *options)); };
//   });
//
// The global options also work after a command (CLI11's fallthrough). What follows belongs to
// another program for `run`, `cargo` and `build`: command_line.hpp takes it off before CLI11 reads
// the rest, and Context::rest has it.
namespace slipway::cli {

void add_run(CLI::App& app, Context& context);
void add_shell(CLI::App& app, Context& context);
void add_build(CLI::App& app, Context& context);
void add_explain(CLI::App& app, Context& context);
void add_cargo(CLI::App& app, Context& context);
void add_images(CLI::App& app, Context& context);
void add_volumes(CLI::App& app, Context& context);
void add_ps(CLI::App& app, Context& context);
void add_clean(CLI::App& app, Context& context);
void add_store(CLI::App& app, Context& context);
void add_gc(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_version(CLI::App& app, Context& context);

} // namespace slipway::cli
