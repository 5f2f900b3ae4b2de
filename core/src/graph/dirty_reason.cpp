#include "archive/posix.hpp"

#include <slipway/core/dirty_reason.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace slipway::core {

namespace {

struct FieldReason {
    std::string_view field;
    std::string_view name;
};

constexpr auto identity_names = std::to_array<FieldReason>({
    {"recipe", "recipe-changed"},
    {"recipe_version", "recipe-changed"},
    {"package", "package-changed"},
    {"package_version", "package-changed"},
    {"source", "path-to-source-changed"},
    {"path", "path-to-source-changed"},
    {"name", "package-changed"},
    {"features", "features-changed"},
    {"profile", "profile-configuration-changed"},
    {"mode", "mode-changed"},
    {"target", "target-configuration-changed"},
    {"platform", "compile-kind-changed"},
    {"toolchain", "toolchain-changed"},
});

constexpr auto key_names = std::to_array<FieldReason>({
    {"command", "command-changed"},
    {"network", "config-settings-changed"},
    {"outputs", "declared-outputs-changed"},
    {"depfile", "dep-info-output-changed"},
});

template <std::size_t N>
std::string_view reason_name(const std::array<FieldReason, N>& names, std::string_view field)
{
    const auto found = std::ranges::find(names, field, &FieldReason::field);
    return found == names.end() ? std::string_view("nothing-obvious") : found->name;
}

std::string_view first_word(const std::string& text)
{
    return std::string_view(text).substr(0, text.find(' '));
}

std::string_view file_reason(const RecordDifference& difference)
{
    if (!difference.before || *difference.before == "missing") return "new-file";
    if (!difference.after || *difference.after == "missing") return "missing-file";
    const bool same_kind = first_word(*difference.before) == first_word(*difference.after);
    return same_kind ? "changed-file" : "changed-file-type";
}

std::string_view variable_reason(const RecordDifference& difference)
{
    return difference.before && difference.after ? "env-var-changed" : "env-vars-changed";
}

// Of a digest so many digits as tell two of them apart.
std::string shown(const std::string& value)
{
    constexpr std::size_t all_digits = 64;
    constexpr std::size_t shown_digits = 12;
    if (value.empty()) return "\"\"";
    const std::size_t at = value.rfind(' ') + 1; // npos + 1 is 0
    const std::string digits = value.substr(at);
    if (!sha256_from_hex(digits) || digits.size() != all_digits) return value;
    return value.substr(0, at + shown_digits);
}

// Text for a person: "=VALUE" and "unset" are how the key has them.
std::optional<std::string> value_text(std::optional<std::string> text)
{
    if (text && text->starts_with('=')) text->erase(0, 1);
    return text;
}

void add_dependency_reasons(
    const std::vector<RecordDifference>& differences, std::vector<DirtyReason>& reasons
)
{
    const auto is_new = [](const RecordDifference& one) { return !one.before; };
    const auto is_gone = [](const RecordDifference& one) { return !one.after; };
    const auto came = std::ranges::count_if(differences, is_new);
    const auto went = std::ranges::count_if(differences, is_gone);
    if (came != went) {
        for (const RecordDifference& one : differences) {
            if (!one.before || !one.after) {
                reasons.push_back({"number-of-dependencies-changed", one.key, one.before, one.after}
                );
            }
        }
    } else {
        for (const RecordDifference& one : differences) {
            if (!one.before || !one.after) {
                reasons.push_back({"unit-dependency-name-changed", one.key, one.before, one.after});
            }
        }
    }
    for (const RecordDifference& one : differences) {
        if (one.before && one.after) {
            reasons.push_back({"unit-dependency-info-changed", one.key, one.before, one.after});
        }
    }
}

} // namespace

std::string describe(const DirtyReason& reason)
{
    std::string text = reason.name;
    if (!reason.subject.empty()) text += " " + reason.subject;
    if (reason.before && reason.after) {
        text += ": " + shown(*reason.before) + " -> " + shown(*reason.after);
    } else if (reason.after) {
        text += ": now " + shown(*reason.after);
    } else if (reason.before) {
        text += ": was " + shown(*reason.before);
    }
    return posix::printable(text);
}

std::vector<DirtyReason> identity_reasons(const Record& before, const Record& after)
{
    std::vector<DirtyReason> reasons;
    for (RecordDifference& one : differences(before, after)) {
        // What a dependency is, it tells itself.
        if (one.field == "dependencies") continue;
        reasons.push_back(
            {std::string(reason_name(identity_names, one.field)),
             {},
             std::move(one.before),
             std::move(one.after)}
        );
    }
    return reasons;
}

std::vector<DirtyReason> freshness_reasons(const Record& before, const Record& after)
{
    std::vector<DirtyReason> reasons;
    std::vector<RecordDifference> dependencies;
    for (RecordDifference& one : differences(before, after)) {
        if (one.field == "action") continue; // see identity_reasons
        if (one.field == "dependencies") {
            dependencies.push_back(std::move(one));
        } else if (one.field == "files" || one.field == "discovered") {
            const std::string name(file_reason(one));
            reasons.push_back({name, one.key, std::move(one.before), std::move(one.after)});
        } else if (one.field == "env" || one.field == "variables") {
            const std::string name(variable_reason(one));
            const bool of_caller = one.field == "variables";
            auto old_value = of_caller ? value_text(std::move(one.before)) : std::move(one.before);
            auto new_value = of_caller ? value_text(std::move(one.after)) : std::move(one.after);
            reasons.push_back({name, one.key, std::move(old_value), std::move(new_value)});
        } else if (one.field == "discoverable") {
            reasons.push_back({"discoverable-files-changed"});
        } else {
            const std::string name(reason_name(key_names, one.field));
            reasons.push_back({name, {}, std::move(one.before), std::move(one.after)});
        }
    }
    add_dependency_reasons(dependencies, reasons);
    return reasons;
}

} // namespace slipway::core
