#include "graph/unit_values.hpp"

#include "graph/unit_text.hpp"
#include "recipe/toml_file.hpp"

#include <slipway/core/quantities.hpp>

#include <algorithm>
#include <charconv>

namespace slipway::core {
namespace {

constexpr std::string_view a_string = "a string";
constexpr std::string_view strings = "an array of strings";
constexpr std::string_view number_of_cpus = "a number, as in 2 or 0.5";

struct UnitVariable {
    std::string_view braced;
    std::string_view name;
    const std::string UnitVariables::*value;
};

constexpr UnitVariable unit_variables[]{
    {"{target}", "target", &UnitVariables::target},
    {"{profile}", "profile", &UnitVariables::profile},
};

/// The variable that stands at this brace. Of "${target}" the shell makes something.
const UnitVariable* variable_at(std::string_view text, std::size_t at)
{
    if (at > 0 && text[at - 1] == '$') return nullptr;
    const auto* const found = std::ranges::find_if(unit_variables, [&](const UnitVariable& one) {
        return text.substr(at).starts_with(one.braced);
    });
    return found == std::end(unit_variables) ? nullptr : found;
}

} // namespace

FilePlace place_in_file(const toml::source_region& source) noexcept
{
    FilePlace place;
    place.line = source.begin.line;
    place.column = source.begin.column;
    return place;
}

UnitValues::UnitValues(const std::filesystem::path& file, const UnitVariables& variables)
    : file_(&file), variables_(&variables), file_name_(file.filename().string())
{
}

void UnitValues::enter(std::string_view kind, std::string_view name)
{
    kind_ = kind;
    name_ = name;
}

Result<> UnitValues::text(const toml::node& node, std::string_view key, std::string& out) const
{
    if (!node.is_string()) return wrong_type(node, key, a_string);
    return item(node, key, a_string, out);
}

Result<>
UnitValues::texts(const toml::node& node, std::string_view key, std::vector<std::string>& out) const
{
    if (!node.is_array()) return wrong_type(node, key, strings);
    out.reserve(node.as_array()->size());
    for (const toml::node& one : *node.as_array()) {
        CHECK_OK(item(one, key, strings, out.emplace_back()));
    }
    return ok();
}

Result<> UnitValues::flag(const toml::node& node, std::string_view key, bool& out) const
{
    if (!node.is_boolean()) return wrong_type(node, key, "true or false");
    out = node.as_boolean()->get();
    return ok();
}

Result<> UnitValues::path(
    const toml::node& node, std::string_view key, UnitPathRole role, UnitPath& out
) const
{
    CHECK_OK(text(node, key, out.text));
    out.place = place_in_file(node.source());
    auto mistake = check_unit_path(out.text, role, file_name_);
    if (!mistake) return ok();
    return wrong_value(node, key, mistake->what, std::move(mistake->hint));
}

Result<> UnitValues::paths(
    const toml::node& node, std::string_view key, UnitPathRole role, std::vector<UnitPath>& out
) const
{
    CHECK_OK(names(node, key, out));
    auto path = out.begin();
    for (const toml::node& one : *node.as_array()) {
        if (auto mistake = check_unit_path((path++)->text, role, file_name_))
            return wrong_value(one, key, mistake->what, std::move(mistake->hint));
    }
    return ok();
}

Result<>
UnitValues::names(const toml::node& node, std::string_view key, std::vector<UnitPath>& out) const
{
    if (!node.is_array()) return wrong_type(node, key, strings);
    out.reserve(node.as_array()->size());
    for (const toml::node& one : *node.as_array()) {
        UnitPath& name = out.emplace_back();
        CHECK_OK(item(one, key, strings, name.text));
        name.place = place_in_file(one.source());
    }
    return ok();
}

Result<> UnitValues::memory(const toml::node& node, std::string_view key, std::int64_t& out) const
{
    std::string value;
    CHECK_OK(text(node, key, value));
    auto bytes = parse_memory(value);
    if (!bytes) {
        return wrong_value(
            node, key, in_quotes(value) + " is no size", std::move(bytes.error().hint)
        );
    }
    out = *bytes;
    return ok();
}

Result<> UnitValues::cpus(const toml::node& node, std::string_view key, double& out) const
{
    constexpr double least = 0.001;
    constexpr double most = 1e6; // as parse_cpus
    if (!node.is_number()) return wrong_type(node, key, number_of_cpus);
    const double value = node.is_integer() ? static_cast<double>(node.as_integer()->get())
                                           : node.as_floating_point()->get();
    if (value >= least && value <= most) {
        out = value;
        return ok();
    }
    return unit_mistake(
        *file_,
        place_in_file(node.source()),
        label(key) + " is no number of CPUs",
        "write " + std::string(number_of_cpus)
    );
}

Result<> UnitValues::deadline(
    const toml::node& node, std::string_view key, std::chrono::milliseconds& out
) const
{
    constexpr std::int64_t most = 365LL * 24 * 3600; // seconds
    std::string value;
    CHECK_OK(text(node, key, value));
    const char unit = value.empty() ? '\0' : value.back();
    const std::int64_t factor = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3'600 : 0;
    std::int64_t number = 0;
    const char* const begin = value.data();
    const char* const end = begin + (value.empty() ? 0 : value.size() - 1);
    const auto read = std::from_chars(begin, end, number);
    if (factor != 0 && read.ec == std::errc() && read.ptr == end && number > 0
        && number <= most / factor) {
        out = std::chrono::seconds(number * factor);
        return ok();
    }
    return wrong_value(
        node,
        key,
        in_quotes(value) + " is no time",
        "write a whole number with s, m or h: 90s, 10m, 1h"
    );
}

Result<>
UnitValues::wrong_type(const toml::node& node, std::string_view key, std::string_view type) const
{
    return unit_mistake(
        *file_,
        place_in_file(node.source()),
        label(key) + " is " + std::string(kind_of_node(node)),
        "write " + std::string(type)
    );
}

Result<> UnitValues::unknown_key(
    const toml::key& key, std::string_view in, std::span<const std::string_view> known
) const
{
    const std::vector<std::string> names(known.begin(), known.end());
    std::string full(in);
    if (!full.empty()) full += '.';
    return unit_mistake(
        *file_,
        place_in_file(key.source()),
        "unknown key " + label(full + brief(key.str())),
        meant_or_all(key.str(), names, "the keys here are", names.size())
    );
}

Result<> UnitValues::wrong_value(
    const toml::node& node, std::string_view key, std::string_view what, std::string hint
) const
{
    return unit_mistake(
        *file_, place_in_file(node.source()), label(key) + ": " + std::string(what), std::move(hint)
    );
}

Result<>
UnitValues::wrong_item(const toml::node& node, std::string_view key, std::string_view type) const
{
    return unit_mistake(
        *file_,
        place_in_file(node.source()),
        label(key) + " has " + std::string(kind_of_node(node)) + " in it",
        "write " + std::string(type)
    );
}

Result<>
UnitValues::wrong_key(const toml::source_region& at, std::string_view what, std::string hint) const
{
    return unit_mistake(*file_, place_in_file(at), label(what), std::move(hint));
}

Result<> UnitValues::check_name(
    std::string_view kind, std::string_view name, const toml::source_region& at
) const
{
    if (is_unit_name(name)) return ok();
    return unit_mistake(
        *file_,
        place_in_file(at),
        std::string(kind) + " " + in_quotes(name) + " has no valid name",
        std::string(unit_name_rule)
    );
}

Result<> UnitValues::wrong_table(
    const toml::source_region& at, std::string_view what, std::string hint
) const
{
    return unit_mistake(
        *file_, place_in_file(at), label({}) + " " + std::string(what), std::move(hint)
    );
}

// The type is that of the whole value, where this is a part of it.
Result<> UnitValues::item(
    const toml::node& node, std::string_view key, std::string_view type, std::string& out
) const
{
    if (!node.is_string()) return wrong_item(node, key, type);
    out = node.as_string()->get();
    if (out.find('\0') != std::string::npos) {
        return unit_mistake(
            *file_,
            place_in_file(node.source()),
            label(key) + " has a NUL character in it",
            "no text of a program can have one"
        );
    }
    return expand(node, key, out);
}

Result<> UnitValues::expand(const toml::node& node, std::string_view key, std::string& text) const
{
    std::size_t at = text.find('{');
    if (at == std::string::npos) return ok();
    std::string out;
    std::size_t done = 0;
    for (; at != std::string::npos; at = text.find('{', at)) {
        const UnitVariable* const variable = variable_at(text, at);
        if (variable == nullptr) {
            ++at;
            continue;
        }
        const std::string& value = variables_->*variable->value;
        const std::string name(variable->name);
        if (value.empty()) {
            return unit_mistake(
                *file_,
                place_in_file(node.source()),
                label(key) + " has {" + name + "}, but no " + name + " is chosen",
                "choose one, as with --" + name + "; ${" + name + "} is the shell's own"
            );
        }
        out.append(text, done, at - done);
        out += value;
        at += variable->braced.size();
        done = at;
    }
    out.append(text, done);
    text = std::move(out);
    return ok();
}

std::string UnitValues::label(std::string_view key) const
{
    std::string out(kind_);
    const std::string name = brief(name_);
    for (const std::string_view part : {std::string_view(name), key}) {
        if (part.empty()) continue;
        if (!out.empty()) out += '.';
        out += part;
    }
    return out;
}

} // namespace slipway::core
