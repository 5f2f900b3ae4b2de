#include "path_inside.hpp"
#include "recipe/build_std.hpp"
#include "recipe/cargo_config.hpp"
#include "recipe/cargo_line.hpp"
#include "recipe/cargo_registries.hpp"
#include "recipe/path_dependencies.hpp"

#include <slipway/core/cargo_recipe.hpp>
#include <slipway/core/labels.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

std::string variable(const CargoCall& call, std::string_view name)
{
    const auto found = call.environment.find(name);
    return found == call.environment.end() ? std::string() : found->second;
}

std::string first_given(std::initializer_list<std::string> values)
{
    const auto* const given =
        std::ranges::find_if(values, [](const std::string& value) { return !value.empty(); });
    return given == values.end() ? std::string() : *given;
}

// What a build may depend on. Paths of the host's own cargo (CARGO_HOME, CARGO_BUILD_RUSTC, ...)
// mean nothing in the image, and tokens (CARGO_REGISTRY_TOKEN, ...) stay here.
bool travels(std::string_view name)
{
    constexpr std::array<std::string_view, 20> names{
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_INCREMENTAL",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "HTTP_TIMEOUT",
        "NO_COLOR",
        "NO_PROXY",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
        "RUST_BACKTRACE",
        "RUST_LOG",
        "RUST_MIN_STACK",
        "RUST_TEST_THREADS",
        "SOURCE_DATE_EPOCH",
        "TERM",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "CARGO_BUILD_JOBS",
        "CARGO_BUILD_RUSTFLAGS"};
    constexpr std::array<std::string_view, 3> families{
        "CARGO_NET_", "CARGO_PROFILE_", "CARGO_TERM_"};
    return std::ranges::find(names, name) != names.end()
           || std::ranges::any_of(families, [&](auto family) { return name.starts_with(family); });
}

std::string_view first_part(std::string_view& path)
{
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    return part;
}

// Cargo's intermediate files stay behind: they are of use only where they were made.
bool is_result(std::string_view in_target_dir, std::string_view target)
{
    std::string_view rest = in_target_dir;
    const auto top = first_part(rest);
    if (top == "CACHEDIR.TAG" || top == "doc" || top == "package" || top == "criterion")
        return true;
    if (top != target) return false; // build scripts and macros of the image's own architecture
    if (rest.empty()) return true;
    first_part(rest); // the profile, or "doc"
    const auto inner = first_part(rest);
    return inner != "deps" && inner != "build" && inner != "incremental" && !inner.starts_with('.');
}

bool is_there(const fs::path& file)
{
    std::error_code ignored;
    return fs::exists(file, ignored);
}

Error without_manifest(std::string message)
{
    Error error(Errc::not_found, std::move(message));
    error.hint = "run it in a package's directory, or name a manifest with --manifest-path";
    return error;
}

// Cargo's words.
Result<> check_manifest_path(const fs::path& manifest, const std::string& as_typed)
{
    if (is_there(manifest)) return ok();
    return fail(without_manifest("manifest path `" + as_typed + "` does not exist"));
}

// What stands above `root` is not sent.
Result<> check_manifest_above(const fs::path& directory, const fs::path& root)
{
    std::error_code failed;
    for (fs::path at = fs::canonical(directory, failed); !failed; at = at.parent_path()) {
        if (is_there(at / "Cargo.toml")) return ok();
        if (at == root || at == at.parent_path()) break;
    }
    return fail(without_manifest(
        "could not find `Cargo.toml` in `" + directory.string() + "` or any parent directory"
        + (directory == root ? "" : " up to `" + root.string() + "`, which is what is sent")
    ));
}

// What cargo needs of packages outside of the workspace. One that has the workspace in it takes its
// place.
void take_path_dependencies(Workspace& workspace, const fs::path& home)
{
    const fs::path packages = workspace.root;
    for (fs::path& directory : path_dependencies_outside(packages, home)) {
        if (is_in(packages, directory)) {
            workspace.root = std::move(directory);
        } else {
            workspace.also.push_back({std::move(directory), true});
        }
    }
}

Result<> check_read_only(const Workspace& workspace, const fs::path& volume)
{
    fs::path around = workspace.root;
    if (!is_in(volume, around)) {
        const auto part = std::ranges::find_if(workspace.also, [&](const BesideWorkspace& other) {
            return is_in(volume, other.path);
        });
        if (part == workspace.also.end() || part->read_only) return ok();
        around = part->path;
    }
    Error error(
        Errc::unsupported,
        "the volume " + volume.string() + " cannot be read-only: " + around.string()
            + (around == volume ? " is to be written to as well"
                                : ", which has it or is in it, is to be written to")
    );
    error.hint = "make both read-only, or none";
    return fail(std::move(error));
}

// One that has something to write to in it can be written to as a whole.
Result<> take_volumes(Workspace& workspace, const std::vector<BesideWorkspace>& volumes)
{
    for (const auto& [volume, only_read] : volumes) {
        if (is_in(volume, workspace.root)) continue;
        if (is_in(workspace.root, volume)) {
            Error error(
                Errc::unsupported,
                "the volume " + volume.string() + " has the workspace " + workspace.root.string()
                    + " in it"
            );
            error.hint = "name a directory beside it";
            return fail(std::move(error));
        }
        bool read_only = only_read;
        std::erase_if(workspace.also, [&, &path = volume](const BesideWorkspace& other) {
            const bool inside = is_in(other.path, path) && (other.read_only || other.path != path);
            if (inside && !other.read_only) read_only = false;
            return inside;
        });
        const auto around =
            std::ranges::find_if(workspace.also, [&path = volume](const BesideWorkspace& other) {
                return is_in(path, other.path);
            });
        if (around != workspace.also.end()) {
            around->read_only = around->read_only && read_only; // it has the volume in it
        } else {
            workspace.also.push_back({volume, read_only});
        }
    }
    for (const BesideWorkspace& volume : volumes) {
        if (volume.read_only) {
            CHECK_OK(check_read_only(workspace, volume.path));
        }
    }
    return ok();
}

// The place that Dockerfile.images has for it. A workspace of its own: what a build script of
// another one has left there would be run in this one.
KeptDirectory cargo_home(const fs::path& root)
{
    KeptDirectory kept = kept_for(cargo_purpose, root);
    kept.path = "/opt/slipway/cargo";
    return kept;
}

constexpr std::string_view toolchain_of_image = "image";

bool types_toolchain(const CargoCall& call)
{
    return !call.args.empty() && call.args.front().starts_with('+');
}

// Where no `+NAME` is typed.
std::string toolchain_chosen(const CargoCall& call)
{
    std::string chosen = first_given({call.toolchain, variable(call, "SLIPWAY_TOOLCHAIN")});
    return chosen == toolchain_of_image ? std::string() : chosen;
}

// What chooses the toolchain, and is none of cargo's arguments.
struct WantedToolchain {
    std::string name; // empty: the image's
    bool is_name = false;
    std::string for_image; // "+NAME"
};

Result<WantedToolchain> take_toolchain(CargoCall& call)
{
    WantedToolchain wanted;
    if (!types_toolchain(call)) {
        wanted.name = toolchain_chosen(call);
        return wanted;
    }
    const std::string plus = call.args.front();
    call.args.erase(call.args.begin());
    if (call.toolchain == toolchain_of_image) {
        wanted.for_image = plus;
    } else if (call.toolchain.empty()) {
        wanted.name = plus.substr(1);
        wanted.is_name = true;
    } else {
        Error error(Errc::invalid_argument, "--toolchain " + call.toolchain + " excludes " + plus);
        error.hint = "leave one of them out; with --toolchain image " + plus
                     + " is for the image's own rustup";
        return fail(std::move(error));
    }
    return wanted;
}

// The one for what is asked for in CROSS_CONTAINER_OPTS, else for what the engine runs, else the
// first one. Nothing when there is none, or the engine has to be asked.
Result<std::optional<ImageToolchain>> image_toolchain(const CargoCall& call, CargoPlan& plan)
{
    const auto& all = plan.cross.image_toolchains;
    const std::string& asked = plan.cross.container.platform;
    const std::string& wanted = asked.empty() ? call.engine_platform : asked;
    if (all.empty() || call.image_named) return std::nullopt;
    plan.needs_engine_platform = wanted.empty();
    if (wanted.empty()) return std::nullopt;
    const auto fits = [&](const ImageToolchain& one) {
        return one.platform == wanted || one.platform.starts_with(wanted + "/")
               || wanted.starts_with(one.platform + "/");
    };
    const auto found = std::ranges::find_if(all, fits);
    if (found != all.end()) return *found;
    if (asked.empty()) return all.front();
    Error error(
        Errc::invalid_argument,
        "image.toolchain at " + all.front().place + " has none for the platform " + asked
            + " that CROSS_CONTAINER_OPTS asks for"
    );
    error.hint = "add one, or leave --platform out";
    return fail(std::move(error));
}

Result<CargoPlan> plan_with(const CargoCall& call, const WantedToolchain& wanted)
{
    if (call.args.empty()) {
        Error error(Errc::invalid_argument, "no cargo subcommand");
        error.hint = "try `slipway cargo build`";
        return fail(std::move(error));
    }
    TRY(const CargoOptions options, read_cargo_options(call.args));
    CargoPlan plan;
    fs::path directory = call.directory;
    if (!options.manifest_path.empty()) {
        const fs::path manifest = call.directory / options.manifest_path;
        CHECK_OK(check_manifest_path(manifest, options.manifest_path));
        directory = manifest.parent_path();
    }
    TRY(const fs::path packages, find_workspace(directory, call.home));
    plan.workspace.root = packages;
    take_path_dependencies(plan.workspace, call.home);
    const fs::path& root = plan.workspace.root;
    if (options.manifest_path.empty() && wants_manifest(call.args)) {
        CHECK_OK(check_manifest_above(call.directory, root));
    }
    // Cargo looks for its configuration from the current directory on, wherever the manifest is.
    TRY(const CargoConfig config, read_cargo_config(call.directory, root));
    const std::string of_cross = variable(call, "CROSS_BUILD_TARGET");
    plan.target = first_given({options.target, of_cross, variable(call, "CARGO_BUILD_TARGET")});
    if (plan.target.empty() && config.targets.size() > 1) {
        Error error(Errc::invalid_argument, "cargo's build.target names several targets");
        error.hint = "one image builds for one target: name it with --target";
        return fail(std::move(error));
    }
    if (plan.target.empty() && !config.targets.empty()) plan.target = config.targets.front();
    CrossQuestion question;
    question.root = packages;
    question.directory = call.directory;
    question.environment = call.environment;
    question.target = plan.target;
    question.host_target = call.host_target;
    TRY(plan.cross, read_cross_config(question));
    plan.target = plan.cross.target;
    CHECK_OK(take_volumes(plan.workspace, plan.cross.volumes));
    if (plan.cross.remote) plan.workspace.files = FilesBy::sync;
    const std::string chosen_dir =
        first_given({options.target_dir, variable(call, "CARGO_TARGET_DIR")});
    fs::path target_dir = !chosen_dir.empty() ? (call.directory / chosen_dir).lexically_normal()
                          : !config.target_dir.empty() ? config.target_dir
                                                       : packages / "target";
    if (!target_dir.has_filename()) target_dir = target_dir.parent_path(); // it ended with a slash
    const auto below = path_inside(target_dir, root);
    if (!below || *below == ".") {
        Error error(
            Errc::invalid_argument,
            "the target directory " + target_dir.string() + " is not inside the workspace "
                + root.string()
        );
        error.hint = "nothing outside the workspace comes back: choose a directory inside it with "
                     "--target-dir, or unset CARGO_TARGET_DIR or cargo's build.target-dir";
        return fail(std::move(error));
    }
    plan.workspace.bring_back = [relative = below->string(),
                                 target = plan.target](std::string_view path, EntryType) {
        if (!path.starts_with(relative)) return true;
        if (path.size() == relative.size()) return true;
        return path[relative.size()] != '/' || is_result(path.substr(relative.size() + 1), target);
    };
    BuildDirectory& build = plan.workspace.build.emplace();
    build.path = target_dir;
    if (options.target_dir.empty()) build.variable = "CARGO_TARGET_DIR"; // the option would win
    build.cleans = cleans_all(call.args);
    build.is_result = [target = plan.target](std::string_view path, EntryType) {
        return path != "CACHEDIR.TAG" && is_result(path, target); // the directory has its own
    };
    TRY(const auto of_image, image_toolchain(call, plan));
    if (of_image) plan.cross.container.platform = of_image->platform;
    if (plan.needs_engine_platform) return plan;
    if (!wanted.name.empty() || wanted.is_name) {
        ToolchainQuestion asked;
        if (of_image) {
            asked.host = of_image->host;
            asked.host_place = of_image->place;
        }
        asked.wanted = wanted.name;
        asked.is_name = wanted.is_name;
        asked.directory = call.directory;
        asked.home = call.home;
        asked.environment = call.environment;
        asked.host_target = call.host_target;
        asked.target = plan.target;
        asked.archive = call.toolchain_archive;
        asked.builds_std =
            plan.cross.build_std || config.builds_std || asks_for_build_std(call.args);
        TRY(plan.toolchain, find_toolchain(asked));
    }
    // By its path: where it is not there, that is not to be the image's.
    plan.argv.push_back(
        plan.toolchain ? (plan.toolchain->sysroot / "bin/cargo").string() : "cargo"
    );
    if (!wanted.for_image.empty()) plan.argv.push_back(wanted.for_image);
    const std::vector<std::string> cargo = plan.argv;
    std::vector<std::string> args = call.args;
    if (plan.cross.build_std) add_build_std(args, *plan.cross.build_std);
    std::ranges::move(args, std::back_inserter(plan.argv));
    std::map<std::string, std::string> env(plan.cross.env.begin(), plan.cross.env.end());
    for (const auto& [name, value] : call.environment) {
        if (travels(name)) env.emplace(name, value);
    }
    env["CARGO_TARGET_DIR"] = target_dir.string();
    plan.workspace.wait = true; // as cargo does for its target directory
    plan.kept.push_back(cargo_home(root));
    env.emplace("CARGO_HOME", plan.kept.back().path);
    TRY(RegistryPlan registries,
        plan_registries(call, cargo, packages, config, env.at("CARGO_HOME")));
    env.merge(registries.variables);
    plan.fetch = std::move(registries.fetch);
    const bool cross_chose = plan.cross.chose_target || !of_cross.empty();
    const bool own_image = plan.cross.image.empty() && !plan.cross.dockerfile;
    const bool brought = plan.toolchain.has_value(); // the image may be of a target without Rust
    if (cross_chose || !own_image || brought) env["CARGO_BUILD_TARGET"] = plan.target;
    for (const auto& [name, value] : env) {
        plan.env.push_back(name + "=" + value);
    }
    return plan;
}

} // namespace

fs::path wanted_archive(const CargoCall& call)
{
    if (types_toolchain(call)) return {};
    const std::string chosen = toolchain_chosen(call);
    const bool is_path = chosen.find('/') != std::string::npos;
    if (!is_path && chosen.find(".tar") == std::string::npos) return {};
    std::error_code ignored;
    fs::path file = (call.directory / chosen).lexically_normal();
    return fs::is_regular_file(file, ignored) ? file : fs::path();
}

Result<CargoPlan> plan_cargo(const CargoCall& call)
{
    CargoCall cargos = call;
    TRY(const WantedToolchain wanted, take_toolchain(cargos));
    return plan_with(cargos, wanted);
}

} // namespace slipway::core
