#include "recipe/cross_settings.hpp"

#include "ascii.hpp"
#include "recipe/toml_file.hpp"

#include <slipway/core/suggest.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace slipway::core {

namespace {

constexpr std::string_view variables_of_build = "CROSS_BUILD_";
constexpr std::string_view variables_of_targets = "CROSS_TARGET_";

// What may follow them. The first ones are of both.
constexpr auto known_variables = std::to_array<std::string_view>(
    {"BUILD_STD",
     "DOCKERFILE",
     "DOCKERFILE_CONTEXT",
     "ENV_PASSTHROUGH",
     "ENV_VOLUMES",
     "PRE_BUILD",
     "XARGO",
     "ZIG",
     "ZIG_IMAGE",
     "ZIG_IMAGE_TOOLCHAIN",
     "ZIG_VERSION"}
);
constexpr auto known_of_build =
    std::to_array<std::string_view>({"OPTS", "PROGRESS", "STD", "TARGET"});
constexpr auto known_of_target =
    std::to_array<std::string_view>({"IMAGE", "IMAGE_TOOLCHAIN", "RUNNER"});

// How an engine is found and spoken to is not cross's matter here.
constexpr auto of_engines = std::to_array<std::string_view>(
    {"CROSS_CONTAINER_ENGINE",
     "CROSS_CONTAINER_ENGINE_NO_BUILDKIT",
     "CROSS_CONTAINER_USER_NAMESPACE",
     "CROSS_ROOTLESS_CONTAINER_ENGINE"}
);

// "env.volumes" is ENV_VOLUMES.
std::string as_variable(std::string_view key)
{
    std::string name = upper(key);
    std::ranges::replace_if(
        name, [](char c) { return c == '-' || c == '.'; }, '_'
    );
    return name;
}

template <class Names>
std::vector<std::string> with_common(const Names& more)
{
    std::vector<std::string> names(known_variables.begin(), known_variables.end());
    names.insert(names.end(), more.begin(), more.end());
    return names;
}

// The same for names that people take for one another.
std::string letters_of(std::string_view name)
{
    std::string out = upper(name);
    std::erase_if(out, [](char c) { return c == '-' || c == '_'; });
    return out;
}

} // namespace

CrossSettings::CrossSettings(
    const CrossQuestion& question, const toml::table& files, std::string target
)
    : question_(question), files_(files), target_(std::move(target))
{
}

std::string CrossSettings::variables_of_target() const
{
    return std::string(variables_of_targets) + as_variable(target_) + "_";
}

std::optional<CrossSetting> CrossSettings::variable(std::string name) const
{
    const auto found = question_.environment.find(name);
    if (found == question_.environment.end() || found->second.empty()) return {};
    CrossSetting setting;
    setting.place = "the variable " + name;
    setting.name = std::move(name);
    setting.text = found->second;
    return setting;
}

std::optional<CrossSetting> CrossSettings::target_variable(std::string_view key) const
{
    return variable(variables_of_target() + as_variable(key));
}

std::optional<CrossSetting> CrossSettings::build_variable(std::string_view key) const
{
    return variable(std::string(variables_of_build) + as_variable(key));
}

std::optional<CrossSetting> CrossSettings::key(
    std::string path, std::initializer_list<std::string_view> above, std::string_view name
) const
{
    const toml::node* node = &files_;
    const auto go_to = [&node](std::string_view part) {
        const toml::table* const table = node == nullptr ? nullptr : node->as_table();
        node = table == nullptr ? nullptr : table->get(part);
    };
    for (const std::string_view part : above) {
        go_to(part);
    }
    path += "." + std::string(name);
    for (auto rest = name; !rest.empty();) {
        const auto dot = rest.find('.');
        go_to(rest.substr(0, dot));
        rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
    }
    if (node == nullptr) return {};
    CrossSetting setting;
    setting.name = std::move(path);
    setting.place = place_of(node->source());
    setting.node = node;
    return setting;
}

std::optional<CrossSetting> CrossSettings::target_key(std::string_view key) const
{
    return this->key("target." + target_, {"target", target_}, key);
}

std::optional<CrossSetting> CrossSettings::build_key(std::string_view key) const
{
    return this->key("build", {"build"}, key);
}

std::optional<CrossSetting> CrossSettings::first(std::string_view key) const
{
    if (auto found = target_variable(key)) return found;
    if (auto found = target_key(key)) return found;
    if (auto found = build_variable(key)) return found;
    return build_key(key);
}

std::vector<std::string> CrossSettings::doubtful() const
{
    std::vector<std::string> lines;
    const auto look = [&](const std::string& name, std::string_view prefix, const auto& known) {
        if (!name.starts_with(prefix)) return;
        const std::string rest = name.substr(prefix.size());
        if (std::ranges::find(known, rest) != known.end()) return;
        std::string line = "the variable " + name + " is not read";
        if (const auto meant = nearest(rest, known)) {
            line += ": did you mean " + std::string(prefix) + *meant + "?";
        }
        lines.push_back(std::move(line));
    };
    for (const auto& [name, value] : question_.environment) {
        look(name, variables_of_build, with_common(known_of_build));
        look(name, variables_of_target(), with_common(known_of_target));
    }
    for (const std::string_view name : of_engines) {
        if (!variable(std::string(name))) continue;
        lines.push_back(
            "the variable " + std::string(name)
            + " is not read: `slipway doctor` tells which engine is used, and why"
        );
    }
    if (variable("CROSS_COMPATIBILITY_VERSION")) {
        lines.emplace_back(
            "the variable CROSS_COMPATIBILITY_VERSION is not read: every target has a container"
        );
    }
    const toml::table* const targets = files_["target"].as_table();
    if (targets == nullptr) return lines;
    for (const auto& [key, value] : *targets) {
        if (key.str() == target_ || letters_of(key.str()) != letters_of(target_)) continue;
        lines.push_back(
            place_of(key.source()) + ": target." + std::string(key.str()) + " is not for " + target_
            + ", which is built: did you mean target." + target_ + "?"
        );
    }
    return lines;
}

std::vector<std::string> words_in(std::string_view text)
{
    std::vector<std::string> words;
    constexpr std::string_view blanks = " \t\n\v\f\r";
    for (std::size_t at = text.find_first_not_of(blanks); at != std::string_view::npos;) {
        const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = text.find_first_not_of(blanks, end);
    }
    return words;
}

std::vector<ListItem> items_of(const CrossSetting& setting)
{
    std::vector<ListItem> items;
    if (!setting.in_file()) {
        for (std::string& word : words_in(setting.text)) {
            items.push_back({std::move(word), setting.place});
        }
    } else if (const toml::array* const list = setting.node->as_array()) {
        for (const toml::node& item : *list) {
            items.push_back({item.ref<std::string>(), place_of(item.source())});
        }
    }
    return items;
}

std::optional<bool> as_switch(std::string_view text)
{
    if (text == "true" || text == "false") return text == "true";
    long long number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number != 0;
}

Error cannot_yet(const CrossSetting& setting, std::string_view instead)
{
    const bool variable = !setting.in_file();
    Error error(
        Errc::unsupported,
        setting.place + ": Slipway cannot do " + (variable ? "this" : setting.name) + " yet"
    );
    error.hint = (variable ? "unset it: " : "remove it: ") + std::string(instead);
    return error;
}

Error not_valid(const std::string& place, const std::string& what, std::string hint)
{
    Error error(Errc::invalid_argument, place + ": " + what);
    error.hint = std::move(hint);
    return error;
}

} // namespace slipway::core
