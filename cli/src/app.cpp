#include "app.hpp"

#include "commands/commands.hpp"
#include "exit_code.hpp"
#include "suggest.hpp"
#include "version.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <memory>

namespace slipway::cli {
namespace {

void add_globals(CLI::App& app, Globals& globals)
{
    app.add_option("--host", globals.host, "The engine: unix:///path or tcp://host:port")
        ->type_name("URL");
    app.add_flag("-v,--verbose", globals.verbose, "Show each call to the engine and more");
    app.add_flag("-q,--quiet", globals.quiet, "Only errors and warnings");
    const std::map<std::string, ColorChoice> choices{
        {"auto", ColorChoice::automatic},
        {"always", ColorChoice::always},
        {"never", ColorChoice::never},
    };
    app.add_option("--color", globals.color, "When to use colours; auto honours NO_COLOR")
        ->type_name("auto|always|never")
        ->transform(CLI::Transformer(choices).description(""))
        ->check(CLI::IsMember(choices).description(""));
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
    app->get_formatter()->column_width(30);
    app->get_formatter()->label("OPTIONS", "options");
    app->get_formatter()->label("SUBCOMMAND", "COMMAND ...");
    app->get_formatter()->label("SUBCOMMANDS", "COMMAND ...");
    app->get_formatter()->label("REQUIRED", "");
    app->fallthrough();
    app->require_subcommand(0, 1);
    app->footer("`slipway COMMAND --help` tells more about a command.");
    add_globals(*app, context.globals);
    add_run(*app, context);
    add_cargo(*app, context);
    add_images(*app, context);
    add_doctor(*app, context);
    add_version(*app, context);
    call_them_commands(*app);
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
    return app.help(parent == nullptr ? std::string() : full_name(*parent));
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
Mistake unexpected(CLI::App& app, CLI::App& at, std::string word)
{
    word = word.substr(0, word.find('='));
    const bool option = word.starts_with('-') && word.size() > 1;
    const bool command = !option && !command_names(at).empty();
    Mistake mistake;
    mistake.message = option    ? "unknown option '" + word + "'"
                      : command ? "unknown command '" + word + "'"
                                : "unexpected argument '" + word + "'";
    const auto meant = option    ? nearest(word, option_names(at))
                       : command ? nearest(word, command_names(at))
                                 : std::nullopt;
    const CLI::App& help = command ? at : option ? at : app;
    mistake.hint = meant ? "did you mean `" + *meant + "`?"
                         : "`" + full_name(help) + " --help` lists what there is";
    return mistake;
}

/// CLI11's own words, as a sentence of ours: lower case, one line, no final dot.
Mistake in_our_words(const CLI::ParseError& error, const CLI::App& at)
{
    Mistake mistake;
    mistake.message = error.what();
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        mistake.message = mistake.message.substr(0, mistake.message.find(':')) + " needs a value";
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

/// The place of the command's name: the first word that is no option and no option's value.
std::size_t command_at(const std::vector<std::string>& words)
{
    std::size_t at = 0;
    while (at < words.size() && words[at].starts_with('-')) {
        at += words[at] == "--host" || words[at] == "--color" ? 2U : 1U;
    }
    return at;
}

/// Takes off what belongs to the program that `run` and `cargo` start: what follows "--", and all
/// that follows "cargo".
std::vector<std::string> take_rest(std::vector<std::string>& words)
{
    const std::size_t at = command_at(words);
    if (at >= words.size() || (words[at] != "run" && words[at] != "cargo")) return {};
    auto end = words.begin() + static_cast<std::ptrdiff_t>(at) + 1;
    const bool cargo = words[at] == "cargo";
    if (cargo && end != words.end() && (*end == "--help" || *end == "-h")) return {};
    if (!cargo) end = std::find(end, words.end(), "--");
    std::vector<std::string> rest(end, words.end());
    words.erase(end, words.end());
    if (!cargo && !rest.empty()) rest.erase(rest.begin());
    return rest;
}

/// An empty value is a variable of a script that was not set, and never a choice. CLI11 would take
/// the word after `--host=` for its value.
std::optional<Mistake> empty_value(const std::vector<std::string>& words)
{
    std::string before = "an argument";
    for (const std::string& word : words) {
        const bool bare = word.starts_with("--") && word.size() > 3 && word.ends_with('=')
                          && word.find('=') == word.size() - 1;
        if (bare) before = word.substr(0, word.size() - 1);
        if (bare || word.empty()) {
            Mistake mistake;
            mistake.message = before + ": the value is empty";
            mistake.hint = "give a value, or leave " + before + " out";
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
    context.rest = take_rest(words);
    if (const auto mistake = empty_value(words)) return complain(*mistake);
    try {
        app->parse(arguments(std::move(words)));
    } catch (const CLI::CallForHelp&) {
        print(context, help_of(chosen(*app)));
        return exit_code::success;
    } catch (const CLI::CallForVersion& version_text) {
        print(context, version_text.what());
        return exit_code::success;
    } catch (const CLI::ExtrasError& error) {
        CLI::App& at = chosen(*app);
        auto left = app->remaining(true);
        if (left.empty()) return complain(in_our_words(error, at));
        return complain(unexpected(*app, at, left.front()));
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
