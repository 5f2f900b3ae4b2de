#include "ascii.hpp"
#include "recipe/build_std.hpp"
#include "recipe/container_options.hpp"
#include "recipe/cross_dockerfile.hpp"
#include "recipe/cross_files.hpp"
#include "recipe/cross_settings.hpp"
#include "recipe/image_toolchain.hpp"
#include "recipe/toml_file.hpp"
#include "small_file.hpp"

#include <slipway/core/dockerfile_image.hpp>
#include <slipway/core/image_catalog.hpp>
#include <slipway/core/suggest.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/reference.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace slipway::core {
namespace {

constexpr std::size_t max_script = std::size_t{48} << 10U;

// The text of a key or a variable; empty when it is something else.
std::string text_of(const CrossSetting& setting)
{
    return setting.in_file() ? setting.node->value_or(std::string()) : setting.text;
}

bool is_name_of_variable(std::string_view name)
{
    const auto fits = [](char c) { return is_letter_or_digit(c) || c == '_'; };
    return !name.empty() && (is_letter(name.front()) || name.front() == '_')
           && std::ranges::all_of(name, fits);
}

// Variables that are ours to set, and what sets them.
Result<> check_ours(const ListItem& item, const std::string& name)
{
    if (name == "CROSS_RUNNER") {
        return fail(not_valid(
            item.place, "CROSS_RUNNER cannot be passed through", "use the target's key runner"
        ));
    }
    const bool has_value = item.text.size() > name.size();
    if (has_value && name == "CARGO_TARGET_DIR") {
        return fail(not_valid(
            item.place,
            "CARGO_TARGET_DIR cannot be given another value in the container",
            "set the variable here, or use cargo's --target-dir"
        ));
    }
    if (has_value && name == "CARGO_BUILD_TARGET") {
        return fail(not_valid(
            item.place,
            "CARGO_BUILD_TARGET cannot be given another value in the container",
            "use cargo's --target, or the key build.default-target"
        ));
    }
    return ok();
}

struct Variable {
    std::string name;
    std::optional<std::string> value; // none where it is set nowhere
};

// NAME with its value here, or NAME=value.
Result<Variable>
variable_of(const ListItem& item, const CrossQuestion& question, const std::string& hint)
{
    const auto equals = item.text.find('=');
    Variable variable;
    variable.name = item.text.substr(0, equals);
    if (!is_name_of_variable(variable.name)) {
        return fail(not_valid(item.place, "'" + variable.name + "' is no name of a variable", hint)
        );
    }
    const auto set = question.environment.find(variable.name);
    if (equals != std::string::npos) {
        variable.value = item.text.substr(equals + 1);
    } else if (set != question.environment.end()) {
        variable.value = set->second;
    }
    return variable;
}

Result<> pass_on(const ListItem& item, const CrossQuestion& question, CrossConfig& config)
{
    TRY(Variable variable,
        variable_of(
            item, question, "write NAME to pass on the variable that is set here, or NAME=value"
        ));
    CHECK_OK(check_ours(item, variable.name));
    if (variable.value) config.env[variable.name] = *std::move(variable.value);
    return ok();
}

// Lists of the target and of `build` add up; those of variables replace those of files.
Result<>
read_passthrough(const CrossSettings& settings, const CrossQuestion& question, CrossConfig& config)
{
    constexpr std::string_view key = "env.passthrough";
    auto of_build = settings.build_variable(key);
    auto of_target = settings.target_variable(key);
    if (!of_build && !of_target) {
        of_build = settings.build_key(key);
        of_target = settings.target_key(key);
    }
    for (const auto& setting : {of_build, of_target}) { // the last one that names a variable wins
        if (!setting) continue;
        for (const ListItem& item : items_of(*setting)) {
            CHECK_OK(pass_on(item, question, config));
        }
    }
    return ok();
}

// NAME with the path that it has here, or NAME=path: a directory, at the same path in the
// container.
Result<> add_volume(const ListItem& item, const CrossQuestion& question, CrossConfig& config)
{
    TRY(const Variable variable,
        variable_of(
            item,
            question,
            "write NAME for the directory that the variable is set to here, or NAME=/directory"
        ));
    const std::string& name = variable.name;
    CHECK_OK(check_ours({name + "=", item.place}, name));
    const std::string path = variable.value.value_or(std::string());
    if (path.empty()) return ok();
    std::error_code failed;
    const auto real = std::filesystem::canonical(question.directory / path, failed);
    if (failed || !std::filesystem::is_directory(real, failed)) {
        return fail(not_valid(
            item.place,
            "there is no directory " + path + " for the volume " + name,
            "name one that exists here; single files cannot be volumes"
        ));
    }
    auto checked = check_workspace(real);
    if (!checked) {
        return fail(not_valid(
            item.place,
            "the volume " + name + " would hide the image's own " + real.string(),
            "name a directory that is not the system's"
        ));
    }
    config.env[name] = real.string();
    config.volumes.push_back({real, false});
    return ok();
}

Result<>
read_volumes(const CrossSettings& settings, const CrossQuestion& question, CrossConfig& config)
{
    const auto setting = settings.first("env.volumes"); // those of the target replace all others
    if (!setting) return ok();
    for (const ListItem& item : items_of(*setting)) {
        CHECK_OK(add_volume(item, question, config));
    }
    return ok();
}

// The old name has its say where the new one is not set.
Result<> read_container_flags(
    const CrossSettings& settings, const CrossQuestion& question, CrossConfig& config
)
{
    auto set = settings.variable("CROSS_CONTAINER_OPTS");
    const auto old = settings.variable("DOCKER_OPTS");
    if (set && old) {
        config.warnings.push_back(old->place + " is not read: CROSS_CONTAINER_OPTS is set as well");
    }
    if (!set) set = old;
    if (!set) return ok();
    TRY(ContainerOptions options,
        read_container_options(set->text, set->place, question.directory));
    config.container = std::move(options.container);
    std::ranges::move(options.volumes, std::back_inserter(config.volumes));
    for (std::string& variable : options.env) {
        CHECK_OK(pass_on({std::move(variable), set->place}, question, config));
    }
    return ok();
}

Result<> read_image(const CrossSettings& settings, CrossConfig& config)
{
    auto set = settings.target_variable("image");
    if (!set) set = settings.target_key("image.name");
    if (!set) set = settings.target_key("image");
    if (!set || (set->in_file() && !set->node->is_string())) return ok();
    config.image = text_of(*set);
    if (config.image.starts_with(':') || config.image.starts_with('@')
        || config.image.starts_with('-')) {
        Error error = cannot_yet(*set, "");
        error.hint = "name the image in full, as in ghcr.io/me/image:tag";
        error.message += ": '" + config.image + "' is one of cross's own images";
        return fail(std::move(error));
    }
    auto parsed = engine::parse_reference(config.image);
    if (!parsed) {
        parsed.error().message = set->place + ": " + parsed.error().message;
        return fail(std::move(parsed).error());
    }
    return ok();
}

// A string in a file is the path of a script; in a variable the lines are commands, and so is a
// single one.
Result<>
read_pre_build(const CrossSettings& settings, const CrossQuestion& question, CrossConfig& config)
{
    const auto set = settings.first("pre-build");
    if (!set) return ok();
    config.pre_build_place = set->place;
    if (!set->in_file()) {
        config.pre_build.push_back(set->text);
        return ok();
    }
    if (!set->node->is_string()) {
        for (ListItem& item : items_of(*set)) {
            config.pre_build.push_back(std::move(item.text));
        }
        return ok();
    }
    const std::string path = text_of(*set);
    auto text = read_small_file(question.root / path, max_script);
    if (!text) {
        Error error = not_valid(
            set->place,
            "the script of pre-build: " + text.error().message,
            "name a script by its path from the workspace, or write commands in an array: "
            "pre-build = [\"...\"]"
        );
        return fail(std::move(error));
    }
    if (text->empty() || text->find('\0') != std::string::npos) {
        return fail(not_valid(
            set->place,
            "the script of pre-build: " + path + (text->empty() ? " is empty" : " is no text"),
            "name a shell script"
        ));
    }
    config.pre_build_script = *std::move(text);
    return ok();
}

// Of our own images each has one runner: what its stage names, an emulator or wine, or none.
std::string own_runner(const std::string& target, const ImageCatalog& images)
{
    std::string name = upper(target);
    std::ranges::replace(name, '-', '_');
    const std::string variable = "CARGO_TARGET_" + name + "_RUNNER=";
    const std::string_view text = images.text();
    const std::size_t at = text.find(variable);
    if (at == std::string_view::npos) return "native";
    const std::string_view value = text.substr(at + variable.size());
    const std::string_view program = value.substr(0, value.find_first_of(" \n"));
    return program.starts_with("qemu-") ? "qemu-user" : std::string(program);
}

Result<> read_runner(const CrossSettings& settings, CrossConfig& config)
{
    auto set = settings.target_variable("runner");
    if (!set) set = settings.target_key("runner");
    if (!set || text_of(*set).empty()) return ok();
    const std::string runner = text_of(*set);
    const std::vector<std::string> known{"native", "qemu-user", "qemu-system"};
    if (std::ranges::find(known, runner) == known.end()) {
        std::string hint = "cross's runners are native, qemu-user and qemu-system";
        if (const auto meant = nearest(runner, known)) hint = "did you mean " + *meant + "?";
        return fail(not_valid(set->place, "'" + runner + "' is no runner", hint));
    }
    const bool own_image = config.dockerfile ? starts_from_own_image(config) : config.image.empty();
    if (!own_image) {
        config.env["CROSS_RUNNER"] = runner; // the image's own affair, as with cross
        return ok();
    }
    const ImageCatalog& images = ImageCatalog::built_in();
    if (!images.has_target(config.target)) return ok(); // there is no image either
    const std::string own = own_runner(config.target, images);
    if (runner == own) return ok();
    Error error = cannot_yet(*set, "tests for " + config.target + " run with the runner " + own);
    error.message += ": the runner " + runner;
    return fail(std::move(error));
}

Result<> choose_target(const CrossQuestion& question, const CrossFiles& files, CrossConfig& config)
{
    config.target = question.target;
    if (!config.target.empty()) return ok();
    config.target = question.host_target;
    const toml::node* const set = files.table["build"]["default-target"].node();
    if (set == nullptr) return ok();
    config.target = set->value_or(std::string());
    config.chose_target = true;
    if (!config.target.empty()) return ok();
    return fail(not_valid(
        place_of(set->source()), "build.default-target is empty", "write a target, or remove it"
    ));
}

Result<CrossConfig> cross_config_in(CrossFiles files, const CrossQuestion& question)
{
    CrossConfig config;
    CHECK_OK(choose_target(question, files, config));
    const CrossSettings settings(question, files.table, config.target);
    CHECK_OK(refuse_what_cannot_be_done(settings));
    CHECK_OK(read_image(settings, config));
    TRY(config.image_toolchains, read_image_toolchains(settings));
    TRY(config.dockerfile, read_dockerfile(settings, question.root));
    CHECK_OK(read_pre_build(settings, question, config));
    CHECK_OK(read_passthrough(settings, question, config));
    CHECK_OK(read_volumes(settings, question, config));
    const auto remote = settings.variable("CROSS_REMOTE");
    config.remote = remote && as_switch(remote->text).value_or(true);
    CHECK_OK(read_runner(settings, config));
    TRY(config.build_std, read_build_std(settings));
    CHECK_OK(read_container_flags(settings, question, config));
    std::ranges::move(files.warnings, std::back_inserter(config.warnings));
    std::ranges::copy(settings.doubtful(), std::back_inserter(config.warnings));
    return config;
}

} // namespace

Result<CrossConfig> read_cross_config(const CrossQuestion& question)
{
    TRY(CrossFiles files, read_cross_files(question));
    return during(cross_config_in(std::move(files), question), std::string(reading_cross));
}

} // namespace slipway::core
