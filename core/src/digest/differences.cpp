#include "archive/posix.hpp"

#include <slipway/core/record.hpp>

#include <algorithm>
#include <array>

namespace slipway::core {

namespace {

using Shown = std::optional<std::string>;
using Differences = std::vector<RecordDifference>;

constexpr std::array<std::string_view, std::variant_size_v<Record::Value>> type_names{
    "text", "number", "truth", "digest", "list", "table"};

// As a word of a shell, with control bytes made visible. No two texts have the same.
std::string as_word(std::string_view text)
{
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-_./=:,+@%^";
    if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) {
        return std::string(text);
    }
    std::string escaped;
    for (const char c : text) {
        if (c == '\\' || c == '\'') escaped += '\\';
        escaped += c;
    }
    return "'" + posix::printable(escaped) + "'";
}

struct ShowValue {
    std::string operator()(const std::string& text) const { return posix::printable(text); }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(bool truth) const { return truth ? "true" : "false"; }
    std::string operator()(const Sha256& digest) const { return to_hex(digest); }
    std::string operator()(const Record::List& list) const
    {
        std::string out;
        for (const std::string& item : list) {
            if (!out.empty()) out += ' ';
            out += as_word(item);
        }
        return out.empty() ? "(empty)" : out;
    }
    std::string operator()(const Record::Table& table) const
    {
        std::string out;
        for (const auto& [key, value] : table) {
            if (!out.empty()) out += ' ';
            out += as_word(key) + "=" + as_word(value);
        }
        return out.empty() ? "(empty)" : out;
    }
};

std::string show_value(const Record::Value& value)
{
    return std::visit(ShowValue{}, value);
}

std::string show_exactly(const Record::Value& value)
{
    const auto* const text = std::get_if<std::string>(&value);
    const std::string shown = text != nullptr ? as_word(*text) : show_value(value);
    return shown + " (" + std::string(type_names.at(value.index())) + ")";
}

// Of two that differ; what is shown differs too.
RecordDifference
difference(std::string field, const Record::Value& before, const Record::Value& after)
{
    RecordDifference out{std::move(field), {}, show_value(before), show_value(after)};
    if (out.before == out.after) {
        out.before = show_exactly(before);
        out.after = show_exactly(after);
    }
    return out;
}

void compare_tables(
    const std::string& field,
    const Record::Table& before,
    const Record::Table& after,
    Differences& out
)
{
    auto left = before.begin();
    auto right = after.begin();
    while (left != before.end() || right != after.end()) {
        const bool only_left =
            right == after.end() || (left != before.end() && left->first < right->first);
        const bool only_right =
            left == before.end() || (right != after.end() && right->first < left->first);
        if (only_left) {
            out.push_back({field, left->first, posix::printable(left->second), std::nullopt});
        } else if (only_right) {
            out.push_back({field, right->first, std::nullopt, posix::printable(right->second)});
        } else if (left->second != right->second) {
            out.push_back(difference(field, left->second, right->second));
            out.back().key = left->first;
        }
        if (!only_right) ++left;
        if (!only_left) ++right;
    }
}

// Of a field that only one of them has.
void add_lonely(const Record::Field& field, bool is_new, Differences& out)
{
    const Record::Table none;
    const auto* const table = std::get_if<Record::Table>(&field.value);
    if (table != nullptr && !table->empty()) {
        compare_tables(field.name, is_new ? none : *table, is_new ? *table : none, out);
        return;
    }
    RecordDifference one{field.name};
    (is_new ? one.after : one.before) = show_value(field.value);
    out.push_back(std::move(one));
}

void compare_fields(const Record::Field& before, const Record::Field& after, Differences& out)
{
    if (before.value == after.value) return;
    const auto* const old_table = std::get_if<Record::Table>(&before.value);
    const auto* const new_table = std::get_if<Record::Table>(&after.value);
    if (old_table != nullptr && new_table != nullptr) {
        compare_tables(after.name, *old_table, *new_table, out);
    } else {
        out.push_back(difference(after.name, before.value, after.value));
    }
}

std::string names_of(const Record& record)
{
    Record::List names;
    for (const Record::Field& field : record.fields()) {
        names.push_back(field.name);
    }
    return show_value(names);
}

const Record::Field* field_of(const Record& record, std::string_view name)
{
    const auto found = std::find_if(
        record.fields().begin(),
        record.fields().end(),
        [&](const Record::Field& field) { return field.name == name; }
    );
    return found == record.fields().end() ? nullptr : &*found;
}

} // namespace

std::vector<RecordDifference> differences(const Record& before, const Record& after)
{
    Differences out;
    if (before.kind() != after.kind()) {
        out.push_back(difference("kind", before.kind(), after.kind()));
    }
    if (before.version() != after.version()) {
        out.push_back({
            "version",
            {},
            std::to_string(before.version()),
            std::to_string(after.version()),
        });
    }
    for (const Record::Field& field : after.fields()) {
        const Record::Field* const known = field_of(before, field.name);
        if (known == nullptr) {
            add_lonely(field, true, out);
        } else {
            compare_fields(*known, field, out);
        }
    }
    for (const Record::Field& field : before.fields()) {
        if (field_of(after, field.name) == nullptr) add_lonely(field, false, out);
    }
    if (out.empty() && before != after) {
        out.push_back({"order of the fields", {}, names_of(before), names_of(after)});
    }
    return out;
}

} // namespace slipway::core
