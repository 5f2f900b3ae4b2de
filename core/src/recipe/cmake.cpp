#include "archive/cache_tag.hpp"
#include "archive/posix.hpp"
#include "ascii.hpp"
#include "path_inside.hpp"
#include "recipe/shell_words.hpp"

#include <slipway/core/build_recipe.hpp>

#include <fcntl.h>

#include <algorithm>
#include <string_view>
#include <system_error>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

// A directory's name that tells which image was meant.
std::string as_directory(std::string text)
{
    const auto plain = [](char c) {
        return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
    };
    std::ranges::replace_if(
        text, [&](char c) { return !plain(c); }, '-'
    );
    return text;
}

Error not_for_a_build(const fs::path& directory, const std::string& why, std::string hint)
{
    Error error(Errc::invalid_argument, "cannot build in " + directory.string() + ": " + why);
    error.hint = std::move(hint);
    return error;
}

// What a CACHEDIR.TAG marks is not sent: it must not be files of somebody's own.
Result<> check_ours(const fs::path& directory)
{
    std::error_code failed;
    const fs::file_status status = fs::symlink_status(directory, failed);
    if (!fs::exists(status)) return ok();
    if (!fs::is_directory(status)) {
        return fail(
            not_for_a_build(directory, "it is no directory", "name another place with --build-dir")
        );
    }
    const posix::Fd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fs::is_empty(directory, failed) || is_tagged_cache(opened.get())) return ok();
    return fail(not_for_a_build(
        directory,
        "it is there, and no CACHEDIR.TAG says that its files can be made again",
        "name another place with --build-dir, or remove what another build has left there"
    ));
}

Result<fs::path> build_directory(const BuildCall& call, const Project& project)
{
    fs::path chosen = call.directory / call.build_dir;
    if (call.build_dir.empty()) {
        const std::string& whose = call.image.empty() ? call.target : call.image;
        chosen = project.directory / "build" / as_directory(whose);
    }
    std::error_code failed;
    fs::path directory = fs::weakly_canonical(chosen, failed);
    if (failed) {
        return fail(not_for_a_build(chosen, failed.message(), "name another with --build-dir"));
    }
    if (!directory.has_filename()) directory = directory.parent_path(); // it ended with a slash
    const auto below = path_inside(directory, project.workspace);
    if (!below || *below == ".") {
        return fail(not_for_a_build(
            directory,
            below ? std::string("it is the workspace itself")
                  : "it is not inside the workspace " + project.workspace.string(),
            "nothing outside the workspace comes back: name a directory in it with --build-dir"
        ));
    }
    CHECK_OK(check_ours(directory));
    return directory;
}

// Left where a build has always something to do, as with targets that are never up to date.
constexpr std::string_view never_done_name = ".slipway-again";

// The arguments of the two ends: of the configuration, and of what is then run.
struct CmakeWords {
    std::string configure;
    std::string rest;
};

Result<CmakeWords> part_arguments(const std::vector<std::string>& args)
{
    CmakeWords words;
    for (std::size_t i = 0; i < args.size(); ++i) {
        if (!args[i].starts_with("-D")) {
            words.rest += " " + shell_quoted(args[i]);
            continue;
        }
        words.configure += " " + shell_quoted(args[i]);
        if (args[i] != "-D") continue;
        if (i + 1 == args.size()) {
            Error error(Errc::invalid_argument, "-D needs a variable");
            error.hint = "write -DNAME=VALUE";
            return fail(std::move(error));
        }
        words.configure += " " + shell_quoted(args[++i]);
    }
    return words;
}

// Cmake's and ninja's own files are of use only where they were made; logs of a configuration that
// failed are for people.
bool is_result_of_cmake(std::string_view path)
{
    constexpr std::string_view own = "CMakeFiles";
    const auto slash = path.rfind('/');
    const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (path == own) return true;
    if (slash == own.size() && path.starts_with(own)) {
        return name.ends_with(".log") || name.ends_with(".yaml");
    }
    for (std::string_view rest = path; !rest.empty();) {
        const auto end = rest.find('/');
        const auto part = rest.substr(0, end);
        if (part == own || part == ".cmake") return false;
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    return name != ".ninja_deps" && name != ".ninja_log" && name != ".ninja_lock";
}

std::string script_of(
    const BuildCall& call,
    const Project& project,
    const fs::path& directory,
    const CmakeWords& words
)
{
    const std::string type = call.profile == BuildProfile::release ? "Release" : "Debug";
    std::string script = "set -e\ndir=" + shell_quoted(directory.string()) + "\n";
    script += "tag=$dir/" + std::string(cache_tag_name) + "\n";
    script += "mkdir -p \"$dir\"\n";
    script += "[ -e \"$tag\" ] || echo '" + std::string(cache_tag) + "' > \"$tag\"\n";
    if (words.configure.empty()) {
        script += "[ -e \"$dir/build.ninja\" ] && [ -e \"$dir/CMakeFiles/rules.ninja\" ] && grep "
                  "-qs '^CMAKE_BUILD_TYPE:[A-Z]*="
                  + type + "$' \"$dir/CMakeCache.txt\" || ";
    }
    script += "cmake -S " + shell_quoted(project.directory.string())
              + " -B \"$dir\" -G Ninja -DCMAKE_BUILD_TYPE=" + type + words.configure + "\n";
    const std::string jobs = call.jobs > 0 ? std::to_string(call.jobs) : std::string();
    const std::string build =
        "cmake --build \"$dir\"" + (jobs.empty() ? "" : " --parallel " + jobs);
    if (!call.test && !words.rest.empty()) return script + "exec " + build + words.rest;
    if (!call.test) {
        return script + build + "\nagain=$dir/" + std::string(never_done_name)
               + "\nif cmake --build \"$dir\" -- -n | grep -q 'no work to do'; then rm -f "
                 "\"$again\"; else : > \"$again\"; fi\n";
    }
    return script + build + "\ncd \"$dir\"\nexec ctest --output-on-failure --no-tests=error"
           + (jobs.empty() ? "" : " --parallel " + jobs) + words.rest;
}

} // namespace

Result<BuildPlan> plan_cmake(const BuildCall& call, const Project& project)
{
    TRY(const fs::path directory, build_directory(call, project));
    TRY(const CmakeWords words, part_arguments(call.args));
    BuildPlan plan;
    plan.argv = {"sh", "-c", script_of(call, project, directory, words)};
    plan.directory = project.directory;
    if (words.rest.empty()) {
        plan.results = directory;
        plan.never_done = never_done_name;
    }
    plan.workspace.root = project.workspace;
    plan.workspace.wait = true;
    const std::string top = directory.lexically_relative(project.workspace).string() + "/";
    plan.workspace.bring_back = [top](std::string_view path, EntryType) {
        return !path.starts_with(top) || is_result_of_cmake(path.substr(top.size()));
    };
    return plan;
}

} // namespace slipway::core
