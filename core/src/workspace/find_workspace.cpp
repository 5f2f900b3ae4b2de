#include "recipe/toml_file.hpp"
#include "workspace/cargo_root.hpp"

#include <slipway/core/workspace.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <system_error>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

bool stands(const fs::path& path)
{
    std::error_code ignored;
    return fs::exists(fs::symlink_status(path, ignored));
}

// A manifest that cannot be parsed is left for cargo to complain about.
bool declares_workspace(const fs::path& manifest)
{
    std::error_code ignored;
    if (!fs::is_regular_file(manifest, ignored)) return false; // a named pipe would keep us waiting
    const auto parsed = read_toml(manifest);
    return parsed && parsed->contains("workspace");
}

} // namespace

std::optional<fs::path> cargo_root(const fs::path& directory)
{
    std::optional<fs::path> package;
    for (fs::path at = directory;; at = at.parent_path()) {
        if (const fs::path manifest = at / "Cargo.toml"; stands(manifest)) {
            if (declares_workspace(manifest)) return at;
            if (!package) package = at;
        }
        if (at == at.parent_path()) return package;
    }
}

namespace {

std::optional<fs::path> git_root(const fs::path& directory)
{
    for (fs::path at = directory;; at = at.parent_path()) {
        if (stands(at / ".git")) return at; // a file in linked work trees
        if (at == at.parent_path()) return {};
    }
}

// Where /bin and the like are symlinks to them, the ones below /usr are what is left to refuse.
constexpr std::array<std::string_view, 24> system_directories{
    "/",           "/bin",         "/boot",      "/dev",      "/etc",       "/lib",
    "/lib32",      "/lib64",       "/libx32",    "/proc",     "/run",       "/sbin",
    "/sys",        "/usr",         "/usr/bin",   "/usr/lib",  "/usr/lib32", "/usr/lib64",
    "/usr/libx32", "/usr/libexec", "/usr/local", "/usr/sbin", "/usr/share", "/var"};

// Containers have file systems of their own there, which hide what is sent.
constexpr std::array<std::string_view, 3> mounted_over{"/dev/", "/proc/", "/sys/"};

Error too_wide(const fs::path& root)
{
    Error error(
        Errc::invalid_argument, "will not send all of " + root.string() + " to a container"
    );
    error.hint = "run in a project's directory, or name one with --workspace DIR, or send nothing "
                 "with --no-workspace";
    return error;
}

} // namespace

Result<> check_workspace(const fs::path& root)
{
    const std::string& path = root.native();
    const bool refused =
        std::find(system_directories.begin(), system_directories.end(), path)
            != system_directories.end()
        || std::any_of(mounted_over.begin(), mounted_over.end(), [&](std::string_view top) {
               return path.starts_with(top);
           });
    if (refused) return fail(too_wide(root));
    return ok();
}

Result<fs::path> find_workspace(const fs::path& directory, const fs::path& home)
{
    std::error_code failed;
    const fs::path start = fs::canonical(directory, failed);
    if (failed) {
        Error error(
            Errc::not_found, "no directory " + directory.string() + ": " + failed.message()
        );
        error.cause = failed;
        return fail(std::move(error));
    }
    // A Cargo.toml or .git in the home directory (dotfiles) does not make all of it one project.
    const fs::path real_home = fs::weakly_canonical(home, failed);
    const auto fits = [&](const fs::path& path) {
        return check_workspace(path) && (home.empty() || path != real_home);
    };
    for (const auto& root : {cargo_root(start), git_root(start), std::optional(start)}) {
        if (root && fits(*root)) return *root;
    }
    return fail(too_wide(start));
}

} // namespace slipway::core
