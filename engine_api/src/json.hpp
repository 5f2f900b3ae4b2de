#pragma once

#include "one_line.hpp"

#include <slipway/engine/result.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// Maps structs to JSON and back from one table for each struct: specialise Fields<T> beside the
// endpoint. Only json.cpp knows RapidJSON; the templates here walk what it has parsed, so including
// this costs little.
namespace slipway::json {

/// A value inside a Document, which must outlive it. A Node of nothing behaves as null.
class Node {
public:
    Node() = default;
    explicit Node(const void* value) noexcept : value_(value) {}

    bool is_null() const noexcept;
    bool is_array() const noexcept;
    bool is_object() const noexcept;
    std::optional<std::string_view> text() const noexcept;
    std::optional<bool> boolean() const noexcept;
    std::optional<std::int64_t> integer() const noexcept; ///< no fractions, nothing out of range
    std::optional<std::uint64_t> natural() const noexcept;
    std::optional<double> number() const noexcept;
    std::size_t size() const noexcept;         ///< of an array or an object
    Node at(std::size_t index) const noexcept; ///< of an array
    /// The last member of that name, as Go's decoder takes it; nothing where there is none.
    Node member(std::string_view name) const noexcept;
    std::pair<std::string_view, Node> member_at(std::size_t index) const noexcept;

private:
    const void* value_ = nullptr;
};

/// A parsed text. Errors: protocol (no JSON, no UTF-8). Deep nesting costs memory and no stack.
/// The text is kept and read in its place, so that its strings are not copied: move it in.
class Document {
public:
    static Result<Document> parse(std::string text);
    Node root() const noexcept;

private:
    struct Parsed;
    struct Free {
        void operator()(Parsed* parsed) const noexcept;
    };
    std::unique_ptr<Parsed, Free> parsed_;
};

/// Builds a JSON text.
class Writer {
public:
    Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer();

    bool text(std::string_view value); ///< false when it is not UTF-8
    void boolean(bool value);
    void integer(std::int64_t value);
    void natural(std::uint64_t value);
    void number(double value);
    void null();
    void start_object();
    bool key(std::string_view name); ///< false when it is not UTF-8
    void end_object();
    void start_array();
    void end_array();
    std::string take() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

template <class Owner, class T>
struct Field {
    const char* key;
    T Owner::*member;
    bool required;
};
/// Absent and null leave the member as it is; a member with nothing in it is not written.
template <class Owner, class T>
constexpr Field<Owner, T> optional(const char* key, T Owner::*member)
{
    return {key, member, false};
}
/// Absent and null are errors, and so is an empty text; what is empty is written all the same.
template <class Owner, class T>
constexpr Field<Owner, T> required(const char* key, T Owner::*member)
{
    return {key, member, true};
}

/// `static constexpr auto list = std::tuple{optional("Name", &T::name), ...};`
template <class T>
struct Fields;

template <class T>
concept Mapped = requires
{
    Fields<T>::list;
};

/// A member that is read where it is an object and passed over where it is something else.
template <class T>
struct IfObject {
    T value{};
};
/// The same for a text.
struct IfText {
    std::string value;
};

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;
template <class T>
inline constexpr bool is_if_object = false;
template <class T>
inline constexpr bool is_if_object<IfObject<T>> = true;

template <class T>
bool is_empty(const T& value)
{
    if constexpr (is_optional<T>) {
        return !value.has_value();
    } else if constexpr (std::is_same_v<T, std::string> || is_vector<T> || is_map<T>) {
        return value.empty();
    } else if constexpr (std::is_same_v<T, bool>) {
        return !value;
    } else {
        return false;
    }
}

/// Where a text cannot be written, or a reply differs from its struct. The path is put together on
/// the way out, so success costs nothing.
struct Mismatch {
    Mismatch(const char* text) : what(text) {}
    std::string path;
    const char* what;
};
using Found = std::optional<Mismatch>;

inline Found inside(Found found, std::string_view step)
{
    if (found) found->path.insert(0, step);
    return found;
}
std::string member_step(std::string_view key);
std::string index_step(std::size_t index);

template <class T>
Found write(Writer& out, const T& value)
{
    if constexpr (std::is_same_v<T, std::string>) {
        if (!out.text(value)) return "is not UTF-8";
    } else if constexpr (std::is_same_v<T, bool>) {
        out.boolean(value);
    } else if constexpr (std::is_floating_point_v<T>) {
        out.number(value);
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
        out.integer(value);
    } else if constexpr (std::is_integral_v<T>) {
        out.natural(value);
    } else if constexpr (is_optional<T>) {
        if (value) return write(out, *value);
        out.null();
    } else if constexpr (is_vector<T>) {
        out.start_array();
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (auto found = write(out, value[i])) return inside(std::move(found), index_step(i));
        }
        out.end_array();
    } else if constexpr (is_map<T>) {
        out.start_object();
        for (const auto& [key, element] : value) {
            if (!out.key(key)) return "has a name that is not UTF-8";
            if (auto found = write(out, element)) {
                return inside(std::move(found), member_step(key));
            }
        }
        out.end_object();
    } else {
        static_assert(Mapped<T>, "there is no json::Fields for this type");
        Found found;
        const auto member = [&](const auto& field) {
            if (field.required || !is_empty(value.*(field.member))) {
                out.key(field.key);
                found = inside(write(out, value.*(field.member)), member_step(field.key));
            }
            return !found;
        };
        out.start_object();
        std::apply([&](const auto&... field) { (void)(member(field) && ...); }, Fields<T>::list);
        if (found) return found; // the text is of no use, and the writer is inside a value
        out.end_object();
    }
    return {};
}

template <class T>
Found read(const Node& node, T& out);

template <class T>
Found read_integer(const Node& node, T& out)
{
    if constexpr (std::is_signed_v<T>) {
        const auto value = node.integer();
        if (!value || !std::in_range<T>(*value)) return "is not an integer in range";
        out = static_cast<T>(*value);
    } else {
        const auto value = node.natural();
        if (!value || !std::in_range<T>(*value)) return "is not a natural number in range";
        out = static_cast<T>(*value);
    }
    return {};
}

template <class T>
Found read_object(const Node& node, T& out)
{
    static_assert(Mapped<T>, "there is no json::Fields for this type");
    if (!node.is_object() && !node.is_null()) return "is not an object";
    Found found;
    const auto member = [&](const auto& field) {
        const Node value = node.member(field.key);
        if (!value.is_null()) {
            found = read(value, out.*(field.member));
            if (!found && field.required) {
                if constexpr (std::is_same_v<decltype(out.*(field.member)), std::string&>) {
                    if ((out.*(field.member)).empty()) found = "is empty";
                }
            }
        } else if (field.required) {
            found = "is missing";
        }
        if (found) found = inside(std::move(found), member_step(field.key));
        return !found.has_value();
    };
    std::apply([&](const auto&... field) { (void)(member(field) && ...); }, Fields<T>::list);
    return found;
}

/// Checks every type before it takes a value. Null leaves `out` as it was made.
template <class T>
Found read(const Node& node, T& out)
{
    if constexpr (is_if_object<T>) {
        return node.is_object() ? read(node, out.value) : Found();
    } else if constexpr (std::is_same_v<T, IfText>) {
        if (const auto text = node.text()) out.value.assign(*text);
    } else if constexpr (Mapped<T>) {
        return read_object(node, out); // also of null, which may lack something required
    } else if (node.is_null()) {
        return {};
    } else if constexpr (is_optional<T>) {
        return read(node, out.emplace());
    } else if constexpr (std::is_same_v<T, std::string>) {
        const auto text = node.text();
        if (!text) return "is not a string";
        if (!engine::is_utf8(*text)) return "is not UTF-8"; // an escaped half of a surrogate pair
        out.assign(*text);
    } else if constexpr (std::is_same_v<T, bool>) {
        const auto value = node.boolean();
        if (!value) return "is not a boolean";
        out = *value;
    } else if constexpr (std::is_floating_point_v<T>) {
        const auto value = node.number();
        if (!value) return "is not a number";
        out = static_cast<T>(*value);
    } else if constexpr (std::is_integral_v<T>) {
        return read_integer(node, out);
    } else if constexpr (is_vector<T>) {
        if (!node.is_array()) return "is not an array";
        out.clear();
        for (std::size_t i = 0; i < node.size(); ++i) {
            if (auto found = read(node.at(i), out.emplace_back())) {
                return inside(std::move(found), index_step(i));
            }
        }
    } else if constexpr (is_map<T>) {
        if (!node.is_object()) return "is not an object";
        out.clear();
        for (std::size_t i = 0; i < node.size(); ++i) {
            const auto [key, value] = node.member_at(i);
            if (!engine::is_utf8(key)) return "has a name that is not UTF-8";
            auto& element = out[std::string(key)];
            element = {};
            if (auto found = read(value, element)) {
                return inside(std::move(found), member_step(key));
            }
        }
    } else {
        static_assert(Mapped<T>, "there is no json::Fields for this type");
    }
    return {};
}

Error not_writable(const Mismatch& found);
Error not_readable(const Mismatch& found);

} // namespace detail

/// Errors: invalid_argument (a text that is not UTF-8; the message names its path and not its
/// value).
template <class T>
Result<std::string> encode(const T& value)
{
    Writer out;
    if (const auto found = detail::write(out, value)) return fail(detail::not_writable(*found));
    return out.take();
}

/// Errors: protocol, as in "the engine's reply: $.Warnings[1] is not a string".
template <class T>
Result<T> decode(std::string text)
{
    TRY(const Document document, Document::parse(std::move(text)));
    T out{};
    if (const auto found = detail::read(document.root(), out)) {
        return fail(detail::not_readable(*found));
    }
    return out;
}

} // namespace slipway::json
