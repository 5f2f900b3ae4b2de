#include "recipe/cargo_line.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace slipway::core {

namespace {

// Cargo's own commands that do nothing without a package, and their short names. Any other may be
// an alias, a program of the image's, or one that makes a package.
constexpr auto commands_of_a_package = std::to_array<std::string_view>(
    {"add",      "b",       "bench",   "build", "c",      "check",  "clean",
     "clippy",   "d",       "doc",     "fetch", "fix",    "fmt",    "generate-lockfile",
     "metadata", "package", "publish", "r",     "remove", "rm",     "run",
     "rustc",    "rustdoc", "t",       "test",  "tree",   "update", "vendor"}
);

// Empty when it only tells something, or looks elsewhere.
std::string_view command_of(const std::vector<std::string>& args)
{
    constexpr auto only_tell =
        std::to_array<std::string_view>({"-h", "--help", "-V", "--version", "--list", "--explain"});
    const auto among = [](const auto& names, const std::string& arg) {
        return std::ranges::find(names, arg) != names.end();
    };
    std::string_view command;
    for (std::size_t i = 0; i < args.size() && args[i] != "--"; ++i) {
        if (among(only_tell, args[i])) return {};
        if (!command.empty()) continue;
        if (args[i] == "-C" || args[i].starts_with("-C=")) return {};
        if (among(cargo_options_with_word, args[i])) {
            ++i;
        } else if (!args[i].starts_with('-')) {
            command = args[i];
        }
    }
    return command;
}

} // namespace

Result<CargoOptions> read_cargo_options(const std::vector<std::string>& args)
{
    CargoOptions options;
    const std::array known{
        std::pair{std::string_view("--target"), &options.target},
        std::pair{std::string_view("--manifest-path"), &options.manifest_path},
        std::pair{std::string_view("--target-dir"), &options.target_dir}};
    for (std::size_t i = 0; i < args.size() && args[i] != "--"; ++i) {
        const std::string_view arg = args[i];
        for (const auto& [name, value] : known) {
            std::string given;
            if (arg == name) {
                if (i + 1 == args.size()) {
                    Error error(Errc::invalid_argument, std::string(name) + " needs a value");
                    error.hint = "give one, or leave it out";
                    return fail(std::move(error));
                }
                given = args[++i];
            } else if (arg.starts_with(name) && arg.substr(name.size()).starts_with('=')) {
                given = arg.substr(name.size() + 1);
            } else {
                continue;
            }
            if (given.empty() || !value->empty()) {
                Error error(
                    Errc::invalid_argument,
                    std::string(name) + (given.empty() ? " needs a value" : " is given twice")
                );
                error.hint = "one image builds for one target: run cargo once for each";
                if (given.empty()) error.hint = "give one, or leave " + std::string(name) + " out";
                return fail(std::move(error));
            }
            *value = std::move(given);
            break;
        }
    }
    return options;
}

bool wants_manifest(const std::vector<std::string>& args)
{
    const std::string_view command = command_of(args);
    return std::ranges::find(commands_of_a_package, command) != commands_of_a_package.end();
}

CargoFetching fetching_of(const std::vector<std::string>& args)
{
    // Those that need nothing, and those that need a registry for more than packages.
    constexpr auto never =
        std::to_array<std::string_view>({"clean",     "config",         "fmt",     "help",
                                         "info",      "init",           "install", "locate-project",
                                         "login",     "logout",         "new",     "owner",
                                         "pkgid",     "read-manifest",  "report",  "search",
                                         "uninstall", "verify-project", "version", "yank"});
    constexpr auto itself =
        std::to_array<std::string_view>({"add", "fetch", "generate-lockfile", "update"});
    constexpr auto taken = std::to_array<std::string_view>({"--locked", "-q", "--quiet"});
    constexpr auto taken_with_word =
        std::to_array<std::string_view>({"--manifest-path", "--config", "--color", "-Z"});
    constexpr std::string_view of_registry = "--registry";
    const auto among = [](const auto& names, std::string_view word) {
        return std::ranges::find(names, word) != names.end();
    };
    CargoFetching fetching;
    const std::string_view command = command_of(args);
    if (command.empty() || among(never, command)) return fetching;
    // Behind a name that is not cargo's own they may mean anything.
    const bool is_cargos = wants_manifest(args);
    bool is_before = true;
    fetching.fetch_args.emplace_back("fetch");
    for (std::size_t i = 0; i < args.size() && args[i] != "--"; ++i) {
        const std::string_view word = args[i];
        const std::string_view name = word.substr(0, word.find('='));
        if (word == "--offline" || word == "--frozen") return CargoFetching();
        if (is_before && word == command) is_before = false;
        const bool ours = is_cargos || is_before || name == "--manifest-path";
        if (name == of_registry) {
            const bool joined = name.size() < word.size();
            if (joined) fetching.registries.emplace_back(word.substr(name.size() + 1));
            if (!joined && i + 1 < args.size()) fetching.registries.push_back(args[++i]);
        } else if (ours && among(taken_with_word, word) && i + 1 < args.size()) {
            fetching.fetch_args.push_back(args[i]);
            fetching.fetch_args.push_back(args[++i]);
        } else if ((ours || word == "--locked") && (among(taken, word) || among(taken_with_word, name) || (word.starts_with("-Z") && word != "-Z"))) {
            fetching.fetch_args.push_back(args[i]);
        }
    }
    fetching.when = among(itself, command) ? CargoFetching::itself : CargoFetching::before;
    fetching.looks_for_news = fetching.when == CargoFetching::itself && command != "fetch";
    fetching.from_default = command == "add" && fetching.registries.empty();
    return fetching;
}

bool cleans_all(const std::vector<std::string>& args)
{
    constexpr auto harmless = std::to_array<std::string_view>(
        {"clean", "-q", "--quiet", "-v", "-vv", "--verbose", "--locked", "--offline", "--frozen"}
    );
    constexpr auto with_value = std::to_array<std::string_view>({"--color", "--manifest-path"});
    const auto among = [](const auto& names, std::string_view word) {
        return std::ranges::find(names, word) != names.end();
    };
    if (command_of(args) != "clean") return false;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const std::string_view word = args[i];
        if (among(with_value, word)) {
            ++i;
        } else if (!among(harmless, word) && !among(with_value, word.substr(0, word.find('=')))) {
            return false;
        }
    }
    return true;
}

} // namespace slipway::core
