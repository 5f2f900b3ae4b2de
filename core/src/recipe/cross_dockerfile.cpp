#include "recipe/cross_dockerfile.hpp"

#include "path_inside.hpp"
#include "recipe/toml_file.hpp"
#include "small_file.hpp"

#include <slipway/core/dockerfile_image.hpp>

#include <algorithm>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_own_dockerfile = std::size_t{4} << 20U;

// A text, or a table whose key `name` has it.
Result<std::optional<CrossSetting>> file_in(std::optional<CrossSetting> set)
{
    if (!set || !set->in_file() || !set->node->is_table()) return set;
    const toml::node* const file = set->node->as_table()->get("file");
    if (file == nullptr) {
        return fail(not_valid(
            set->place, set->name + " has no key file", "name the Dockerfile: file = \"Dockerfile\""
        ));
    }
    set->name += ".file";
    set->place = place_of(file->source());
    set->node = file;
    return set;
}

Result<std::optional<CrossSetting>> configured_file(const CrossSettings& settings)
{
    constexpr std::string_view key = "dockerfile";
    if (auto set = settings.target_variable(key)) return set;
    if (auto set = settings.target_key(key)) return file_in(std::move(set));
    if (auto set = settings.build_variable(key)) return set;
    return file_in(settings.build_key(key));
}

std::string text_in(const CrossSetting& setting)
{
    return setting.in_file() ? setting.node->value_or(std::string()) : setting.text;
}

// Where the path of a setting leads, all symlinks resolved.
Result<fs::path> inside(const CrossSetting& setting, const fs::path& root, const std::string& what)
{
    const std::string path = text_in(setting);
    std::error_code failed;
    const fs::path found = fs::canonical(root / path, failed);
    if (failed) {
        return fail(not_valid(
            setting.place,
            what + " " + (root / path).lexically_normal().string() + ": " + failed.message(),
            "name it by its path from the workspace, " + root.string()
        ));
    }
    if (is_in(found, fs::canonical(root, failed))) return found;
    return fail(not_valid(
        setting.place,
        what + " " + found.string() + " is not inside the workspace " + root.string(),
        "move it there, or build that image yourself and name it with the target's key image"
    ));
}

Result<std::map<std::string, std::string>> read_build_args(const CrossSettings& settings)
{
    constexpr std::string_view key = "dockerfile.build-args";
    std::map<std::string, std::string> args;
    auto set = settings.target_key(key);
    if (!set) set = settings.build_key(key);
    if (!set) return args;
    for (const auto& [name, value] : *set->node->as_table()) {
        if (name.str().empty() || name.str().find('=') != std::string_view::npos) {
            return fail(not_valid(
                place_of(name.source()),
                "'" + std::string(name.str()) + "' is no name of a build argument",
                "write the name that stands behind ARG in the Dockerfile"
            ));
        }
        args.emplace(name.str(), value.value_or(std::string()));
    }
    return args;
}

} // namespace

Result<std::optional<CrossDockerfile>>
read_dockerfile(const CrossSettings& settings, const fs::path& root)
{
    TRY(const auto set, configured_file(settings));
    if (!set) return std::nullopt;
    CrossDockerfile out;
    out.place = set->place;
    if (text_in(*set).empty()) {
        return fail(
            not_valid(set->place, "the path of the Dockerfile is empty", "name one, or remove it")
        );
    }
    TRY(out.file, inside(*set, root, "the Dockerfile"));
    auto text = read_small_file(out.file, max_own_dockerfile);
    if (!text) {
        return fail(
            not_valid(set->place, "the Dockerfile: " + text.error().message, "name a Dockerfile")
        );
    }
    out.text = *std::move(text);
    const bool is_text = out.text.find('\0') == std::string::npos;
    if (!is_text || out.text.find_first_not_of(" \t\r\n") == std::string::npos) {
        return fail(not_valid(
            set->place,
            "the Dockerfile " + out.file.string() + (is_text ? " is empty" : " is no text"),
            "name a Dockerfile"
        ));
    }
    out.context = root;
    if (const auto context = settings.first("dockerfile.context")) {
        TRY(out.context, inside(*context, root, "the context of the Dockerfile"));
        std::error_code ignored;
        if (!fs::is_directory(out.context, ignored)) {
            return fail(not_valid(
                context->place,
                "the context of the Dockerfile, " + out.context.string() + ", is no directory",
                "name the directory whose files the Dockerfile copies"
            ));
        }
    }
    std::error_code failed;
    out.context = fs::canonical(out.context, failed);
    TRY(out.build_args, read_build_args(settings));
    return out;
}

bool starts_from_own_image(const CrossConfig& config)
{
    return config.image.empty() && config.dockerfile
           && config.dockerfile->text.find("CROSS_BASE_IMAGE") != std::string::npos
           && !config.dockerfile->build_args.contains("CROSS_BASE_IMAGE");
}

} // namespace slipway::core
