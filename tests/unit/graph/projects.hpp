#pragma once

#include "graph/parse_unit_file.hpp"
#include "graph/plan.hpp"
#include "graph/seen_files.hpp"
#include "support/temp_directory.hpp"

#include <slipway/core/build_units.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::test {

/// A directory with files.
class Project {
public:
    const std::filesystem::path& root() const { return top_.path(); }
    std::filesystem::path path(std::string_view name) const { return root() / name; }

    void write(std::string_view name, std::string_view bytes = "x") const
    {
        std::filesystem::create_directories(path(name).parent_path());
        std::ofstream(path(name), std::ios::binary) << bytes;
    }
    void make(std::string_view name) const { std::filesystem::create_directories(path(name)); }
    void link(std::string_view name, const std::string& target) const
    {
        std::filesystem::create_directories(path(name).parent_path());
        std::filesystem::create_symlink(target, path(name));
    }
    /// Nothing where no file is; of a symlink what it leads to.
    std::optional<std::string> read(std::string_view name) const
    {
        if (!std::filesystem::is_regular_file(path(name))) return {};
        std::ifstream in(path(name), std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    }

    /// What a slipway.toml asks for. Toolchains are as an engine may have resolved them.
    core::BuildOrder
    order(std::string_view file, const core::UnitVariables& variables = {"arm64", "debug"}) const
    {
        core::BuildOrder out;
        auto parsed = core::parse_unit_file(file, root() / "slipway.toml", variables);
        REQUIRE_MESSAGE(parsed, (parsed ? std::string() : describe(parsed.error())));
        out.file = *std::move(parsed);
        out.variables = variables;
        for (const core::UnitToolchain& toolchain : out.file.toolchains) {
            core::ResolvedToolchain resolved;
            resolved.image = toolchain.image;
            resolved.platform = toolchain.platform.empty() ? "linux/amd64" : toolchain.platform;
            resolved.digest = core::sha256(toolchain.image);
            out.toolchains.emplace(toolchain.name, resolved);
        }
        return out;
    }

private:
    TempDirectory top_;
};

/// As of a project of which nothing was built yet, without a directory for it.
inline Result<core::graph::BuildPlan> plan_of(const core::BuildOrder& order)
{
    using namespace core::graph;
    const Layout layout(order.file.path.parent_path());
    TRY(SeenFiles seen, SeenFiles::open(layout.root(), layout.digests()));
    return plan_build(order, layout, seen, [] { return std::vector<std::string>(); });
}

/// What an error says, the hint behind a bar; "none" when there is none.
template <class T>
std::string said(const Result<T>& result)
{
    if (result) return "none";
    const std::string hint = result.error().hint;
    return result.error().message + (hint.empty() ? "" : " | " + hint);
}

template <class T>
std::optional<Errc> code_of(const Result<T>& result)
{
    if (result) return {};
    return result.error().code;
}

} // namespace slipway::test
