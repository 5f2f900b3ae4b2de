#include "ascii.hpp"
#include "recipe/shell_words.hpp"

#include <slipway/core/build_recipe.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace slipway::core {

namespace {

// The ends of variables' names, as cc-rs and cargo have them.
std::string in_variables(std::string target)
{
    std::ranges::replace_if(
        target, [](char c) { return !is_letter_or_digit(c); }, '_'
    );
    return target;
}

// `NAME=value of the image's variable`, when the image has that.
std::string assignment(std::string_view name, const std::string& variable)
{
    return " ${" + variable + ":+\"" + std::string(name) + "=$" + variable + "\"}";
}

Error only_the_makefile_knows(std::string message)
{
    Error error(Errc::unsupported, std::move(message));
    error.hint = "pass what the Makefile has for it after `--`: slipway build -- CFLAGS=-O2";
    return error;
}

} // namespace

Result<BuildPlan> plan_make(const BuildCall& call, const Project& project)
{
    if (call.profile) return fail(only_the_makefile_knows("a Makefile has no profiles"));
    if (!call.build_dir.empty()) {
        return fail(only_the_makefile_knows("a Makefile itself says where its results are"));
    }
    std::string make = "make";
    if (call.jobs > 0) make += " -j" + std::to_string(call.jobs);
    if (!call.target.empty()) {
        const std::string target = in_variables(call.target);
        for (const std::string_view tool : {"CC", "CXX", "AR", "RANLIB"}) {
            make += assignment(tool, std::string(tool) + "_" + target);
        }
        make += assignment("EMULATOR", "CARGO_TARGET_" + upper(target) + "_RUNNER");
    }
    for (const std::string& arg : call.args) {
        make += " " + shell_quoted(arg);
    }
    std::string script = "exec " + make;
    if (call.test) {
        script = "set -- " + make
                 + "\n\"$@\" -n check >/dev/null 2>&1 && exec \"$@\" check\nexec \"$@\" test";
    }
    BuildPlan plan;
    plan.argv = {"sh", "-c", std::move(script)};
    plan.directory = project.directory;
    plan.workspace.root = project.workspace;
    plan.workspace.wait = true;
    return plan;
}

} // namespace slipway::core
