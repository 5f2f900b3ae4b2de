#pragma once

#include "support/temp_directory.hpp"

#include <slipway/core/toolchain.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::test {

/// A home of rustup's with toolchains that are a few small files.
struct MadeRustup {
    static constexpr const char* host = "x86_64-unknown-linux-gnu";

    MadeRustup()
    {
        std::filesystem::create_directories(project());
        question.wanted = "host";
        question.directory = project();
        question.home = top();
        question.host_target = host;
        question.target = host;
    }

    std::filesystem::path top() const { return std::filesystem::canonical(directory.path()); }
    std::filesystem::path home() const { return top() / ".rustup"; }
    std::filesystem::path project() const { return top() / "a/project"; }

    static void write(const std::filesystem::path& file, std::string_view text)
    {
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
    }

    /// "toolchains/NAME", with these targets.
    std::filesystem::path
    add(const std::string& name, const std::vector<std::string>& targets) const
    {
        std::filesystem::path made = home() / "toolchains" / name;
        make(made, targets);
        return made;
    }

    static void make(const std::filesystem::path& made, const std::vector<std::string>& targets)
    {
        for (const char* const program : {"bin/rustc", "bin/cargo"}) {
            write(made / program, "#!/bin/sh\n");
            std::filesystem::permissions(made / program, std::filesystem::perms(0755));
        }
        for (const std::string& target : targets) {
            write(made / "lib/rustlib" / target / "lib/libstd.rlib", target);
        }
    }

    void settings(std::string_view text) const { write(home() / "settings.toml", text); }

    Result<core::HostToolchain> find(std::string wanted = "host") const
    {
        core::ToolchainQuestion asked = question;
        asked.wanted = std::move(wanted);
        return core::find_toolchain(asked);
    }

    TempDirectory directory;
    core::ToolchainQuestion question;
};

} // namespace slipway::test
