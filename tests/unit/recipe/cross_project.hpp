#pragma once

#include "support/temp_directory.hpp"

#include <slipway/core/cross_config.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::test {

/// A workspace with cross's configuration, read for the target "a-b-c" unless said otherwise.
struct CrossProject {
    CrossProject() { std::filesystem::create_directories(root()); }

    std::filesystem::path root() const
    {
        return std::filesystem::canonical(directory.path()) / "project";
    }

    void write(const std::string& file, std::string_view text) const
    {
        std::filesystem::create_directories((root() / file).parent_path());
        std::ofstream(root() / file, std::ios::binary) << text;
    }

    /// "/tmp/.../project/Cross.toml:3:9"
    std::string at(const std::string& place) const { return (root() / place).string(); }

    Result<core::CrossConfig> read() const
    {
        core::CrossQuestion asked = question;
        asked.root = root();
        if (asked.directory.empty()) asked.directory = root();
        return read_cross_config(asked);
    }

    /// Of Cross.toml with this text.
    Result<core::CrossConfig> read(std::string_view text) const
    {
        write("Cross.toml", text);
        return read();
    }

    TempDirectory directory;
    core::CrossQuestion question{
        .root = {}, .directory = {}, .environment = {}, .target = "a-b-c", .host_target = "h-o-st"};
};

} // namespace slipway::test
