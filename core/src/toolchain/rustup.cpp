#include "toolchain/rustup.hpp"

#include "archive/posix.hpp"
#include "recipe/toml_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

std::string variable(const ToolchainQuestion& question, std::string_view name)
{
    const auto found = question.environment.find(name);
    return found == question.environment.end() ? std::string() : found->second;
}

Error not_there(const Rustup& rustup, const std::string& name)
{
    Error error(
        Errc::not_found, "there is no toolchain " + name + " in " + rustup.toolchains().string()
    );
    error.hint = "`rustup toolchain add " + name + "` installs it";
    if (!rustup.wanted_host.empty() && rustup.wanted_host != rustup.host) {
        const std::string end = "-" + rustup.wanted_host;
        const std::string whole = name.ends_with(end) ? name : name + end;
        error.hint =
            "`rustup toolchain add " + whole + " --profile minimal --force-non-host` installs it";
    }
    const auto names = names_of_toolchains(rustup);
    error.hint += names.empty() ? "; there is none yet"
                                : fmt::format("; there are: {}", fmt::join(names, ", "));
    return error;
}

// Without a look behind a link.
bool has_entry(const fs::path& path)
{
    std::error_code ignored;
    return fs::exists(fs::symlink_status(path, ignored));
}

Result<> check_name(const std::string& name)
{
    const bool plain = !name.empty() && name != "." && name != ".." && name.front() != '-'
                       && std::ranges::none_of(name, [](unsigned char c) {
                              return c <= ' ' || c == '/' || c == '\\' || c == 0x7F;
                          });
    if (plain) return ok();
    Error error(
        Errc::invalid_argument, "'" + posix::printable(name) + "' is no name of a toolchain"
    );
    error.hint = "name one as `rustup toolchain list` does, like stable, or nightly-2026-01-31";
    return fail(std::move(error));
}

} // namespace

Result<Rustup> read_rustup(const ToolchainQuestion& question)
{
    Rustup rustup;
    const std::string chosen = variable(question, "RUSTUP_HOME");
    rustup.home = chosen.empty() ? question.home / ".rustup" : question.directory / chosen;
    rustup.host = question.host_target;
    const fs::path file = rustup.home / "settings.toml";
    if (!has_entry(file)) return rustup;
    auto parsed = read_toml(file);
    if (!parsed) {
        parsed.error().context.emplace_back("reading the settings of rustup");
        return fail(std::move(parsed).error());
    }
    const toml::table& settings = *parsed;
    const std::string host = settings["default_host_triple"].value_or(std::string());
    if (!host.empty()) rustup.host = host;
    rustup.default_toolchain = settings["default_toolchain"].value_or(std::string());
    if (rustup.default_toolchain == "none") rustup.default_toolchain.clear();
    if (const toml::table* const overrides = settings["overrides"].as_table()) {
        for (const auto& [directory, name] : *overrides) {
            const std::string text = name.value_or(std::string());
            if (!text.empty()) rustup.overrides.emplace(std::string(directory.str()), text);
        }
    }
    return rustup;
}

Result<std::string> chosen_by_rustup(const Rustup& rustup, const ToolchainQuestion& question)
{
    const std::string by_variable = variable(question, "RUSTUP_TOOLCHAIN");
    if (!by_variable.empty()) return by_variable;
    for (fs::path at = question.directory;; at = at.parent_path()) {
        const auto found = rustup.overrides.find(at);
        if (found != rustup.overrides.end()) return found->second;
        TRY(const auto file, toolchain_file_in(at));
        if (file && !file->path.empty()) return file->path.string();
        if (file && !file->channel.empty()) return file->channel;
        if (file || at == at.parent_path()) break;
    }
    if (!rustup.default_toolchain.empty()) return rustup.default_toolchain;
    const auto names = names_of_toolchains(rustup);
    Error error(
        Errc::not_found,
        names.empty()
            ? "no toolchain of rustup's is on this machine, in " + rustup.toolchains().string()
            : "rustup has no default toolchain"
    );
    error.hint = names.empty() ? "install one with rustup, name the directory of another one with "
                                 "--toolchain, or leave that out: then it is the image's"
                               : fmt::format("`rustup default {}` makes it one", names.front());
    return fail(std::move(error));
}

std::vector<std::string> names_of_toolchains(const Rustup& rustup)
{
    std::vector<std::string> names;
    std::error_code failed;
    for (fs::directory_iterator entry(rustup.toolchains(), failed), end; !failed && entry != end;
         entry.increment(failed)) {
        std::error_code ignored;
        if (entry->is_directory(ignored)) {
            names.push_back(posix::printable(entry->path().filename().native()));
        }
    }
    std::ranges::sort(names);
    return names;
}

Result<FoundToolchain> toolchain_of(const Rustup& rustup, const std::string& name)
{
    CHECK_OK(check_name(name));
    FoundToolchain found;
    for (const std::string& whole : {name, name + "-" + rustup.host_of_names()}) {
        if (found.name.empty() && has_entry(rustup.toolchains() / whole)) found.name = whole;
    }
    if (found.name.empty()) return fail(not_there(rustup, name));
    const fs::path place = rustup.toolchains() / found.name;
    std::error_code failed;
    found.directory = fs::canonical(place, failed);
    if (!failed && fs::is_directory(found.directory, failed)) return found;
    const fs::path behind = fs::read_symlink(place, failed);
    Error error(
        Errc::not_found,
        failed ? "the toolchain " + place.string() + " is no directory"
               : "the toolchain " + found.name + " is a link to " + behind.string()
                     + ", which is no directory"
    );
    error.hint = "`rustup toolchain link " + found.name
                 + " DIRECTORY` links it anew, `rustup toolchain uninstall " + found.name
                 + "` removes it";
    return fail(std::move(error));
}

} // namespace slipway::core
