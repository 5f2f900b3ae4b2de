#include "json.hpp"

#include "fuzz.hpp"

#include <cmath>
#include <limits>

// JSON as it is parsed, mapped to structs and written.

namespace slipway::fuzz {

struct Inner {
    std::string name;
    std::optional<std::int64_t> count;

    friend bool operator==(const Inner&, const Inner&) = default;
};
/// One member of every kind that the structs of endpoints have.
struct Every {
    std::string text;
    bool flag = false;
    std::int64_t integer = 0;
    std::uint64_t natural = 0;
    std::uint16_t small = 0;
    double number = 0;
    std::vector<std::string> list;
    std::map<std::string, std::string> map;
    std::vector<Inner> inners;
    std::map<std::string, std::vector<Inner>> deep;
    std::optional<std::vector<std::int32_t>> numbers;

    friend bool operator==(const Every&, const Every&) = default;
};
struct Loose {
    json::IfObject<Every> inside;
};

} // namespace slipway::fuzz

namespace slipway::json {

template <>
struct Fields<fuzz::Inner> {
    static constexpr auto list =
        std::tuple{required("n", &fuzz::Inner::name), optional("c", &fuzz::Inner::count)};
};
template <>
struct Fields<fuzz::Every> {
    using T = fuzz::Every;
    static constexpr auto list = std::tuple{
        optional("s", &T::text),
        optional("b", &T::flag),
        optional("i", &T::integer),
        optional("u", &T::natural),
        optional("w", &T::small),
        optional("d", &T::number),
        optional("l", &T::list),
        optional("m", &T::map),
        optional("o", &T::inners),
        optional("x", &T::deep),
        optional("q", &T::numbers)};
};
template <>
struct Fields<fuzz::Loose> {
    static constexpr auto list = std::tuple{optional("in", &fuzz::Loose::inside)};
};

} // namespace slipway::json

using namespace slipway;
using namespace slipway::fuzz;

namespace {

/// Writes any document again; false where a text in it is not UTF-8 (half a surrogate pair).
bool write_again(json::Writer& out, const json::Node& node, int depth)
{
    if (node.is_null()) {
        out.null();
    } else if (const auto text = node.text()) {
        return out.text(*text);
    } else if (const auto flag = node.boolean()) {
        out.boolean(*flag);
    } else if (const auto integer = node.integer()) {
        out.integer(*integer);
    } else if (const auto natural = node.natural()) {
        out.natural(*natural);
    } else if (const auto number = node.number()) {
        require(std::isfinite(*number), "a number without end");
        out.null(); // fractions are read fast, and so not to the last bit
    } else if (depth == 0 || (!node.is_array() && !node.is_object())) {
        return false; // a number that no double holds is of no type
    } else if (node.is_array()) {
        out.start_array();
        for (std::size_t i = 0; i < node.size(); ++i) {
            if (!write_again(out, node.at(i), depth - 1)) return false;
        }
        out.end_array();
    } else {
        out.start_object();
        for (std::size_t i = 0; i < node.size(); ++i) {
            const auto [key, value] = node.member_at(i);
            require(
                !node.member(key).is_null() || node.size() > 1 || value.is_null(),
                "a member is not found by its name"
            );
            if (!out.key(key) || !write_again(out, value, depth - 1)) return false;
        }
        out.end_object();
    }
    return true;
}

void check_document(std::string_view text)
{
    const auto document = json::Document::parse(std::string(text));
    if (!document) {
        check_error(document.error());
        require(document.error().code == Errc::protocol, "no JSON has another code");
        return;
    }
    json::Writer out;
    if (!write_again(out, document->root(), 100)) return;
    const std::string again = out.take();
    const auto parsed = json::Document::parse(again);
    require(parsed.has_value(), "what was written is no JSON");
    json::Writer third;
    require(write_again(third, parsed->root(), 100), "what was written cannot be written again");
    require(third.take() == again, "what was written reads differently");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = text_of(data, size);
    check_document(text);
    const auto value = json::decode<Every>(std::string(text));
    const auto loose = json::decode<Loose>(std::string(text));
    if (!loose) check_error(loose.error());
    if (!value) {
        check_error(value.error());
        require(value.error().code == Errc::protocol, "a reply has another code");
        require(value.error().message.starts_with("the engine's reply"), "an error names no place");
        return 0;
    }
    require(engine::is_utf8(value->text), "a text that is not UTF-8");
    const auto again = json::encode(*value);
    require(again.has_value(), "what was read cannot be written");
    const auto back = json::decode<Every>(*again);
    require(back.has_value(), "what was written cannot be read");
    // Empty lists are not written, so an empty one that may be absent comes back as absent.
    Every wanted = *value;
    if (wanted.numbers && wanted.numbers->empty() && !back->numbers) wanted.numbers.reset();
    require(
        std::abs(wanted.number - back->number) <= 1e-14 * std::abs(wanted.number),
        "a number reads differently"
    );
    wanted.number = back->number;
    require(*back == wanted, "what was written reads differently");
    return 0;
}
