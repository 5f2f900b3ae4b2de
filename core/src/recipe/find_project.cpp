#include "path_inside.hpp"

#include <slipway/core/build_recipe.hpp>
#include <slipway/core/unit_file.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

struct ProjectFile {
    std::string_view name;
    ProjectKind kind;
};

// The makefiles in make's order.
constexpr auto project_files = std::to_array<ProjectFile>({
    {"Cargo.toml", ProjectKind::cargo},
    {"CMakeLists.txt", ProjectKind::cmake},
    {"GNUmakefile", ProjectKind::make},
    {"makefile", ProjectKind::make},
    {"Makefile", ProjectKind::make},
});

std::optional<ProjectKind> project_kind_in(const fs::path& directory)
{
    std::error_code ignored;
    for (const ProjectFile& file : project_files) {
        if (fs::is_regular_file(directory / file.name, ignored)) return file.kind;
    }
    return {};
}

// From `root` down to `directory`.
std::vector<fs::path> way_down(const fs::path& root, const fs::path& directory)
{
    std::vector<fs::path> way{root};
    const auto below = path_inside(directory, root);
    if (!below || *below == ".") return way;
    for (const fs::path& part : *below) {
        way.push_back(way.back() / part);
    }
    return way;
}

// Whether a slipway.toml of this user's stands there: one that somebody else has put above decides
// nothing.
bool has_unit_file(const fs::path& directory)
{
    struct stat status {};
    const fs::path file = directory / unit_file_name;
    return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode)
           && (status.st_uid == ::geteuid() || status.st_uid == 0);
}

// The nearest one, on the way up to the workspace's root; where nothing tells a root, up to the
// home directory.
std::optional<fs::path>
unit_project(const fs::path& here, const fs::path& workspace, const fs::path& home)
{
    for (fs::path at = here;; at = at.parent_path()) {
        if (has_unit_file(at)) return at;
        const bool end = workspace == here ? at == home : at == workspace;
        if (end || at == at.parent_path()) return {};
    }
}

} // namespace

Result<Project> find_project(const fs::path& directory, const fs::path& home)
{
    Project project;
    TRY(project.workspace, find_workspace(directory, home));
    std::error_code failed;
    const fs::path here = fs::canonical(directory, failed);
    if (const auto units = unit_project(here, project.workspace, home)) {
        project.kind = ProjectKind::units;
        project.directory = *units;
        return project;
    }
    for (const fs::path& at : way_down(project.workspace, here)) {
        if (const auto kind = project_kind_in(at)) {
            project.kind = *kind;
            project.directory = at;
            return project;
        }
    }
    std::string names(unit_file_name);
    for (const ProjectFile& file : project_files) {
        const bool last = &file == &project_files.back();
        names += (last ? " or " : ", ") + std::string(file.name);
    }
    Error error(
        Errc::not_found,
        "no project to build in " + project.workspace.string()
            + (here == project.workspace ? "" : " nor on the way to " + here.string())
            + ": there is no " + names
    );
    error.hint = "change to a project's directory; `slipway run -- COMMAND` runs any other build";
    return fail(std::move(error));
}

} // namespace slipway::core
