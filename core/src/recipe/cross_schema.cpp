#include "recipe/cross_schema.hpp"

#include "recipe/toml_file.hpp"

#include <slipway/core/suggest.hpp>

#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <string_view>

namespace slipway::core {
namespace {

struct Form;

struct Member {
    std::string_view name;
    const Form* form;
};

// What a value may be; several at once for some keys.
struct Form {
    std::string_view says; // for a hint
    bool flag = false;
    bool text = false;
    bool texts = false;
    std::span<const Member> members{}; // of a table
    const Form* each = nullptr;        // of a table with any keys

    bool is_table() const { return !members.empty() || each != nullptr; }
};

namespace forms {

constexpr Form flag{.says = "true or false", .flag = true};
constexpr Form text{.says = "a string", .text = true};
constexpr Form texts{.says = "an array of strings", .texts = true};
constexpr Form flag_or_texts{
    .says = "true, false or an array of strings", .flag = true, .texts = true};
constexpr Form text_or_texts{
    .says = "an array of commands, or a string with the path of a script",
    .text = true,
    .texts = true};
constexpr Form build_args{.says = "a table of strings", .each = &text};

constexpr Member env_members[]{{"passthrough", &texts}, {"volumes", &texts}};
constexpr Form env{.says = "a table", .members = env_members};

constexpr Member image_members[]{{"name", &text}, {"toolchain", &texts}};
constexpr Form image{
    .says = "a string, or a table with the key name", .text = true, .members = image_members};

constexpr Member dockerfile_members[]{
    {"build-args", &build_args}, {"context", &text}, {"file", &text}};
constexpr Form dockerfile{
    .says = "a string, or a table with the key file", .text = true, .members = dockerfile_members};

constexpr Member zig_members[]{{"enable", &flag}, {"image", &image}, {"version", &text}};
constexpr Form zig{
    .says = "true, false, a string or a table", .flag = true, .text = true, .members = zig_members};

constexpr Member build_members[]{
    {"build-std", &flag_or_texts},
    {"default-target", &text},
    {"dockerfile", &dockerfile},
    {"env", &env},
    {"pre-build", &text_or_texts},
    {"xargo", &flag},
    {"zig", &zig}};
constexpr Form build{.says = "a table", .members = build_members};

constexpr Member target_members[]{
    {"build-std", &flag_or_texts},
    {"dockerfile", &dockerfile},
    {"env", &env},
    {"image", &image},
    {"pre-build", &text_or_texts},
    {"runner", &text},
    {"xargo", &flag},
    {"zig", &zig}};
constexpr Form target{.says = "a table", .members = target_members};
constexpr Form targets{.says = "a table with a table for each target", .each = &target};

constexpr Member root_members[]{{"build", &build}, {"target", &targets}};
constexpr Form root{.says = "a table", .members = root_members};

} // namespace forms

// "target.a-b-c.image"
std::string key_path(const std::string& path, std::string_view name)
{
    return path.empty() ? std::string(name) : path + "." + std::string(name);
}

Result<> wrong_value(const toml::node& node, std::string what, std::string_view says)
{
    Error error(Errc::invalid_argument, place_of(node.source()) + ": " + std::move(what));
    error.hint = "write " + std::string(says);
    return fail(std::move(error));
}

Result<> check_text(const toml::node& node, const std::string& path, std::string_view says)
{
    const std::string& value = node.ref<std::string>();
    if (value.find('\0') == std::string::npos) return ok();
    return wrong_value(node, path + " has a NUL character in it", says);
}

std::string unknown_key(const toml::key& key, const std::string& path, const Form& form)
{
    std::vector<std::string> names;
    for (const Member& member : form.members) {
        names.emplace_back(member.name);
    }
    std::string line =
        place_of(key.source()) + ": unknown key " + key_path(path, key.str()) + " is not read: ";
    if (const auto meant = nearest(key.str(), names)) return line + "did you mean " + *meant + "?";
    return line + fmt::format("the keys here are {}", fmt::join(names, ", "));
}

// The forms are no more than five deep.
// NOLINTNEXTLINE(misc-no-recursion)
Result<> check_form(
    const toml::node& node,
    const Form& form,
    const std::string& path,
    std::vector<std::string>& warnings
)
{
    if (node.is_string() && form.text) return check_text(node, path, form.says);
    if (node.is_boolean() && form.flag) return ok();
    if (node.is_array() && form.texts) {
        for (const toml::node& item : *node.as_array()) {
            if (!item.is_string()) {
                return wrong_value(
                    item, path + " has " + std::string(kind_of_node(item)) + " in it", form.says
                );
            }
            CHECK_OK(check_text(item, path, form.says));
        }
        return ok();
    }
    if (!node.is_table() || !form.is_table()) {
        return wrong_value(
            node,
            (path.empty() ? "the configuration of cross" : path) + " is "
                + std::string(kind_of_node(node)),
            form.says
        );
    }
    for (const auto& [key, value] : *node.as_table()) {
        const Form* of_value = form.each;
        const auto known = std::ranges::find(form.members, key.str(), &Member::name);
        if (known != form.members.end()) of_value = known->form;
        if (of_value == nullptr) {
            warnings.push_back(unknown_key(key, path, form));
            continue;
        }
        CHECK_OK(check_form(value, *of_value, key_path(path, key.str()), warnings));
    }
    return ok();
}

} // namespace

Result<> check_cross_table(const toml::node& table, std::vector<std::string>& warnings)
{
    return check_form(table, forms::root, "", warnings);
}

} // namespace slipway::core
