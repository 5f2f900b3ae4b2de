#include "path_inside.hpp"
#include "toolchain/parts.hpp"
#include "toolchain/platform.hpp"
#include "toolchain/rustup.hpp"

#include <slipway/core/toolchain.hpp>
#include <slipway/core/workspace.hpp>

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

// The directory of one that was named by its path.
Result<FoundToolchain> toolchain_at(const fs::path& path)
{
    FoundToolchain found;
    std::error_code failed;
    found.directory = fs::canonical(path, failed);
    found.name = found.directory.string();
    if (!failed && fs::is_directory(found.directory, failed)) return found;
    Error error(
        Errc::not_found,
        "the toolchain " + path.string() + " is no directory"
            + (failed ? ": " + failed.message() : std::string())
    );
    error.hint = "name the directory that has bin/rustc in it, or a toolchain of rustup's";
    return fail(std::move(error));
}

Result<> check_programs(const FoundToolchain& found)
{
    for (const char* const program : {"bin/rustc", "bin/cargo"}) {
        const fs::path file = found.directory / program;
        std::error_code failed;
        const fs::path real = fs::canonical(file, failed);
        if (!failed && !is_in(real, found.directory)) {
            Error error(
                Errc::invalid_argument,
                file.string() + " is a link to " + real.string() + ", which no job would have"
            );
            error.hint = "name a toolchain whose programs are in its own directory";
            return fail(std::move(error));
        }
        if (!failed && ::access(real.c_str(), X_OK) == 0) continue;
        Error error(
            Errc::not_found,
            "the toolchain " + found.name + " has no " + program + " that can be executed in "
                + found.directory.string()
        );
        error.hint = "one that rustup installs has both; one that is linked may have no cargo of "
                     "its own, which rustup then takes from another";
        return fail(std::move(error));
    }
    if (found.directory.native().find(':') != std::string::npos) {
        Error error(
            Errc::invalid_argument,
            "the toolchain " + found.name + " is in " + found.directory.string()
                + ": a path with a colon cannot be in PATH"
        );
        error.hint = "move it, or choose another one";
        return fail(std::move(error));
    }
    if (!check_workspace(found.directory)) {
        Error error(
            Errc::invalid_argument,
            "the toolchain " + found.name + " is in " + found.directory.string()
                + ", a directory of the system, which an image has for itself"
        );
        error.hint = "install one with rustup, or use an image that has it";
        return fail(std::move(error));
    }
    return ok();
}

enum class From { rustup, directory, archive };

class Parts {
public:
    Parts(const FoundToolchain& found, From from)
        : name_(found.name), from_(from), parts_(parts_in(found.directory, found.name))
    {
    }

    const std::string& host() const { return parts_.host; }

    Result<> check(const ToolchainQuestion& question) const
    {
        if (parts_.host.empty()) {
            Error error(
                Errc::not_found, "nothing tells which platform the toolchain " + name_ + " runs on"
            );
            error.hint = "it has no lib/rustlib/components, and its bin/rustc is no program for "
                         "Linux with a standard library beside it";
            return fail(std::move(error));
        }
        if (question.builds_std && !parts_.source) {
            return fail(lacks(
                "the source of the standard library, in lib/rustlib/src",
                "rust-src",
                "rustup component add rust-src --toolchain " + name_
            ));
        }
        CHECK_OK(check_target(parts_.host));
        // A file that describes a target is for cargo to read.
        const bool described = question.target.ends_with(".json");
        return question.builds_std || described ? ok() : check_target(question.target);
    }

private:
    Result<> check_target(const std::string& target) const
    {
        if (std::ranges::find(parts_.targets, target) != parts_.targets.end()) return ok();
        return fail(lacks(
            "a standard library for " + target,
            "rust-std of " + target,
            "rustup target add " + target + " --toolchain " + name_
        ));
    }

    Error lacks(const std::string& what, const std::string& component, std::string command) const
    {
        Error error(Errc::not_found, "the toolchain " + name_ + " lacks " + what);
        error.hint = from_ == From::rustup ? "`" + std::move(command) + "` installs it"
                     : from_ == From::archive
                         ? "pack one that has " + component + ", too, or choose another one"
                         : "add " + component + " to it, or choose another one";
        return error;
    }

    std::string name_;
    From from_;
    ToolchainParts parts_;
};

// One of the image's that was asked for, where the name has another triple.
Result<> check_host(const HostToolchain& found, const ToolchainQuestion& question)
{
    if (question.host.empty() || found.host == question.host) return ok();
    Error error(
        Errc::invalid_argument,
        "the toolchain " + found.name + " runs on " + found.host + ", and image.toolchain at "
            + question.host_place + " asks for " + question.host
    );
    error.hint = "leave the triple out of the toolchain's name, or change image.toolchain";
    return fail(std::move(error));
}

// As rustup has written it down, for this machine.
std::string named_for(const std::string& host, std::string name, const std::string& own_host)
{
    if (host.empty() || !name.ends_with("-" + own_host)) return name;
    name.resize(name.size() - own_host.size());
    return name + host;
}

} // namespace

Result<HostToolchain> find_toolchain(const ToolchainQuestion& question)
{
    std::string wanted = question.wanted;
    bool of_rustup = false;
    FoundToolchain found;
    Rustup rustup;
    if (question.is_name || wanted.find('/') == std::string::npos) {
        TRY(rustup, read_rustup(question));
        if (!question.is_name && wanted == "host") {
            TRY(wanted, chosen_by_rustup(rustup, question));
            if (!wanted.starts_with('/')) wanted = named_for(question.host, wanted, rustup.host);
        }
        rustup.wanted_host = question.host;
        of_rustup = question.is_name || !wanted.starts_with('/');
    }
    if (of_rustup) {
        TRY(found, toolchain_of(rustup, wanted));
    } else {
        TRY(found, toolchain_at(question.directory / wanted));
    }
    CHECK_OK(check_programs(found));
    From from = of_rustup ? From::rustup : From::directory;
    if (!question.archive.empty()) {
        found.name = question.archive.string();
        from = From::archive;
    }
    const Parts parts(found, from);
    CHECK_OK(parts.check(question));
    HostToolchain toolchain;
    toolchain.name = found.name;
    toolchain.from = found.directory;
    toolchain.sysroot = found.directory;
    toolchain.host = parts.host();
    toolchain.target = question.target;
    toolchain.with_source = question.builds_std;
    CHECK_OK(check_host(toolchain, question));
    return toolchain;
}

Result<> check_toolchain_runs(
    const HostToolchain& toolchain, const std::string& os, const std::string& architecture
)
{
    if (platform_of_triple(toolchain.host) == os + "/" + architecture) return ok();
    Error error(
        Errc::unsupported,
        "the toolchain " + toolchain.name + " runs on " + toolchain.host + ", and the image is for "
            + os + "/" + architecture
    );
    error.hint = "name a toolchain of the image's platform, or an image of the toolchain's, or "
                 "leave the toolchain out: then it is the image's";
    return fail(std::move(error));
}

} // namespace slipway::core
