#pragma once

#include "support/run.hpp"
#include "unit/discovery/home.hpp"

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace slipway::test {

inline constexpr std::chrono::seconds generous_deadline{60};

inline bool says(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

/// A home whose PATH has a directory for helpers and nothing else.
class HelperHome : public Home {
public:
    HelperHome()
    {
        std::filesystem::create_directory(path / "bin");
        set("PATH", (path / "bin").string());
    }

    void docker_config(std::string_view text) const { write(".docker/config.json", text); }

    /// docker-credential-NAME, a shell script.
    std::filesystem::path helper(const std::string& name, const std::string& script) const
    {
        auto file = write("bin/docker-credential-" + name, "#!/bin/sh\n" + script + "\n");
        std::filesystem::permissions(file, std::filesystem::perms::owner_all);
        return file;
    }

    std::string read(const std::string& name) const
    {
        std::ifstream file(path / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

} // namespace slipway::test
