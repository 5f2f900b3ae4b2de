#include "app.hpp"

#include "command_line.hpp"
#include "commands/commands.hpp"
#include "exit_code.hpp"
#include "help.hpp"
#include "version.hpp"

#include <slipway/core/suggest.hpp>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <memory>

namespace slipway::cli {
namespace {

void add_globals(CLI::App& app, Globals& globals)
{
    app.add_option(
           "--host", globals.host, "The engine: unix:///path, tcp://host:port or ssh://user@host"
    )
        ->type_name("URL");
    app.add_flag("-v,--verbose", globals.verbose, "Show each call to the engine and more");
    app.add_flag("-q,--quiet", globals.quiet, "Only errors and warnings");
    const auto choose_color = [&globals](const std::string& word) {
        globals.color = word == "always"  ? ColorChoice::always
                        : word == "never" ? ColorChoice::never
                                          : ColorChoice::automatic;
    };
    app.add_option_function<std::string>(
           "--color", choose_color, "When to use colours; auto honours NO_COLOR"
    )
        ->type_name("auto|always|never")
        ->check(CLI::IsMember({"auto", "always", "never"}).description(""));
    const auto choose_files = [&globals](const std::string& word) {
        globals.files = word == "bind"   ? core::FilesBy::bind
                        : word == "sync" ? core::FilesBy::sync
                                         : core::FilesBy::any;
    };
    app.add_option_function<std::string>(
           "--files",
           choose_files,
           "How a command gets the workspace: bound into its container, or as a copy whose changes "
           "come back; auto binds where the engine sees it"
    )
        ->type_name("auto|bind|sync")
        ->check(CLI::IsMember({"auto", "bind", "sync"}).description(""));
    app.set_version_flag("-V,--version", "slipway " + std::string(version), "Print the version");
}

/// The heading over the commands in a help text.
void call_them_commands(CLI::App& app)
{
    for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
        command->group("Commands");
        call_them_commands(*command);
    }
}

std::unique_ptr<CLI::App> make_app(Context& context)
{
    auto app = std::make_unique<CLI::App>(
        "Builds software in containers by speaking to a Docker or Podman engine.", "slipway"
    );
    app->set_help_flag("-h,--help", "Print this help");
    app->formatter(std::make_shared<Help>());
    app->fallthrough();
    app->require_subcommand(0, 1);
    add_globals(*app, context.globals);
    add_run(*app, context);
    add_shell(*app, context);
    add_build(*app, context);
    add_explain(*app, context);
    add_cargo(*app, context);
    add_images(*app, context);
    add_volumes(*app, context);
    add_ps(*app, context);
    add_clean(*app, context);
    add_store(*app, context);
    add_gc(*app, context);
    add_doctor(*app, context);
    add_version(*app, context);
    call_them_commands(*app);
    // Set last, as commands begin with the footer that stands above them.
    app->footer("Begin with `slipway doctor`, which tells whether there is an engine to build on.\n"
                "`slipway COMMAND --help` tells more about a command.");
    return app;
}

/// The command that was named last on the line: "slipway images build" is `build`.
CLI::App& chosen(CLI::App& app)
{
    const auto commands = app.get_subcommands();
    return commands.empty() ? app : chosen(*commands.front());
}

std::string full_name(const CLI::App& app)
{
    const CLI::App* parent = app.get_parent();
    return parent == nullptr ? app.get_name() : full_name(*parent) + " " + app.get_name();
}

std::string help_of(const CLI::App& app)
{
    const CLI::App* parent = app.get_parent();
    return fit(app.help(parent == nullptr ? std::string() : full_name(*parent)));
}

std::vector<std::string> option_names(const CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
        for (const CLI::Option* option : at->get_options()) {
            for (const std::string& name : option->get_lnames()) {
                names.push_back("--" + name);
            }
        }
    }
    return names;
}

std::vector<std::string> command_names(CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
        names.push_back(command->get_name());
    }
    return names;
}

struct Mistake {
    std::string message;
    std::string hint;
};

/// About the first word that no option and no command took.
Mistake unexpected(CLI::App& at, std::string word)
{
    word = word.substr(0, word.find('='));
    const bool option = word.starts_with('-') && word.size() > 1;
    const bool command = !option && !command_names(at).empty();
    Mistake mistake;
    mistake.message = option    ? "unknown option '" + word + "'"
                      : command ? "unknown command '" + word + "'"
                                : "unexpected argument '" + word + "'";
    const auto meant = option    ? core::nearest(word, option_names(at))
                       : command ? core::nearest(word, command_names(at))
                                 : std::nullopt;
    mistake.hint = meant
                       ? "did you mean `" + *meant + "`?"
                       : "`" + full_name(at) + " --help` "
                             + (option || command ? "lists what there is" : "shows how it is used");
    return mistake;
}

/// A command that is not there, asked for its help: CLI11 would show what stands above it.
std::optional<std::string> unknown_command(CLI::App& app)
{
    if (command_names(chosen(app)).empty()) return std::nullopt;
    for (const std::string& word : app.remaining(true)) {
        if (!word.starts_with('-')) return word;
    }
    return std::nullopt;
}

/// How often an option of `app` or of what stands above it was given.
std::size_t times_given(const CLI::App& app, const std::string& option)
{
    for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
        if (const CLI::Option* found = at->get_option_no_throw(option)) return found->count();
    }
    return 0;
}

/// CLI11's own words, as a sentence of ours: lower case, one line, no final dot.
Mistake in_our_words(const CLI::ParseError& error, const CLI::App& at)
{
    Mistake mistake;
    mistake.message = error.what();
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        const std::string option = mistake.message.substr(0, mistake.message.find(':'));
        const bool repeated = times_given(at, option) > 1;
        mistake.message = option + (repeated ? " is given more than once" : " needs a value");
        if (repeated) {
            mistake.hint = "leave one of them out";
            return mistake;
        }
    }
    std::replace(mistake.message.begin(), mistake.message.end(), '\n', ' ');
    while (mistake.message.ends_with('.') || mistake.message.ends_with(' ')) {
        mistake.message.pop_back();
    }
    if (mistake.message.size() > 1
        && std::islower(static_cast<unsigned char>(mistake.message[1]))) {
        mistake.message[0] =
            static_cast<char>(std::tolower(static_cast<unsigned char>(mistake.message[0])));
    }
    mistake.hint = "`" + full_name(at) + " --help` shows how it is used";
    return mistake;
}

/// An empty value is a variable of a script that was not set, and never a choice. CLI11 would take
/// the word after `--host=` for its value.
std::optional<Mistake> empty_value(const std::vector<std::string>& words)
{
    std::string before;
    for (const std::string& word : words) {
        const bool bare = word.starts_with("--") && word.size() > 3 && word.ends_with('=')
                          && word.find('=') == word.size() - 1;
        if (bare) before = word.substr(0, word.size() - 1);
        if (bare || word.empty()) {
            Mistake mistake;
            const bool value = before.starts_with('-');
            mistake.message = value ? before + ": the value is empty" : "an argument is empty";
            mistake.hint = value ? "give a value, or leave " + before + " out"
                                 : "leave it out; it may come from a variable that is not set";
            return mistake;
        }
        before = word;
    }
    return {};
}

/// `slipway help images build` is `slipway images build --help`.
std::vector<std::string> arguments(std::vector<std::string> words)
{
    if (!words.empty() && words.front() == "help") {
        words.erase(words.begin());
        words.emplace_back("--help");
    }
    std::reverse(words.begin(), words.end()); // CLI11 takes them from the back
    return words;
}

void print(Context& context, std::string text)
{
    while (text.ends_with("\n\n")) {
        text.pop_back();
    }
    if (!text.ends_with('\n')) text += '\n';
    context.printer->data(text);
}

} // namespace

std::optional<int> parse(int argc, const char* const* argv, Context& context)
{
    const auto app = make_app(context);
    const auto complain = [&](const Mistake& mistake) {
        context.printer->error(mistake.message, mistake.hint);
        return exit_code::usage;
    };
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    CommandLine line = split(*app, std::move(words));
    if (const auto mistake = empty_value(line.ours)) return complain(*mistake);
    context.rest = std::move(line.command);
    try {
        app->parse(arguments(std::move(line.ours)));
    } catch (const CLI::CallForHelp&) {
        if (const auto word = unknown_command(*app)) {
            return complain(unexpected(chosen(*app), *word));
        }
        print(context, help_of(chosen(*app)));
        return exit_code::success;
    } catch (const CLI::CallForVersion& version_text) {
        print(context, version_text.what());
        return exit_code::success;
    } catch (const CLI::ExtrasError& error) {
        CLI::App& at = chosen(*app);
        auto left = app->remaining(true);
        if (left.empty()) return complain(in_our_words(error, at));
        return complain(unexpected(at, left.front()));
    } catch (const CLI::ParseError& error) {
        return complain(in_our_words(error, chosen(*app)));
    }
    if (!context.command) { // `slipway` or `slipway images`: show what could follow
        print(context, help_of(chosen(*app)));
        return exit_code::usage;
    }
    return std::nullopt;
}

} // namespace slipway::cli
