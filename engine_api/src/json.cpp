#include "json.hpp"

#include "one_line.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

namespace slipway::json {

namespace {

const rapidjson::Value& value_of(const void* value)
{
    return *static_cast<const rapidjson::Value*>(value);
}
std::string_view view(const rapidjson::Value& text)
{
    return {text.GetString(), text.GetStringLength()};
}
rapidjson::SizeType length(std::string_view text)
{
    return static_cast<rapidjson::SizeType>(text.size());
}

bool is_ascii(std::string_view text)
{
    unsigned char bits = 0;
    for (const char c : text) {
        bits |= static_cast<unsigned char>(c); // no way out of the loop: it runs on whole vectors
    }
    return bits < 0x80;
}

} // namespace

bool Node::is_null() const noexcept
{
    return value_ == nullptr || value_of(value_).IsNull();
}

bool Node::is_array() const noexcept
{
    return value_ != nullptr && value_of(value_).IsArray();
}

bool Node::is_object() const noexcept
{
    return value_ != nullptr && value_of(value_).IsObject();
}

std::optional<std::string_view> Node::text() const noexcept
{
    if (value_ == nullptr || !value_of(value_).IsString()) return std::nullopt;
    return view(value_of(value_));
}

std::optional<bool> Node::boolean() const noexcept
{
    if (value_ == nullptr || !value_of(value_).IsBool()) return std::nullopt;
    return value_of(value_).GetBool();
}

std::optional<std::int64_t> Node::integer() const noexcept
{
    if (value_ == nullptr || !value_of(value_).IsInt64()) return std::nullopt;
    return value_of(value_).GetInt64();
}

std::optional<std::uint64_t> Node::natural() const noexcept
{
    if (value_ == nullptr || !value_of(value_).IsUint64()) return std::nullopt;
    return value_of(value_).GetUint64();
}

std::optional<double> Node::number() const noexcept
{
    if (value_ == nullptr || !value_of(value_).IsNumber()) return std::nullopt;
    // RapidJSON's fast reading of the largest numbers can end in infinity.
    const double number = value_of(value_).GetDouble();
    return std::isfinite(number) ? std::optional<double>(number) : std::nullopt;
}

std::size_t Node::size() const noexcept
{
    if (is_array()) return value_of(value_).Size();
    return is_object() ? value_of(value_).MemberCount() : 0;
}

Node Node::at(std::size_t index) const noexcept
{
    return Node(&value_of(value_)[static_cast<rapidjson::SizeType>(index)]);
}

Node Node::member(std::string_view name) const noexcept
{
    if (!is_object()) return {};
    const auto members = value_of(value_).GetObject();
    for (auto it = members.MemberEnd(); it != members.MemberBegin();) {
        --it;
        if (view(it->name) == name) return Node(&it->value);
    }
    return {};
}

std::pair<std::string_view, Node> Node::member_at(std::size_t index) const noexcept
{
    const auto it = value_of(value_).MemberBegin() + static_cast<std::ptrdiff_t>(index);
    return {view(it->name), Node(&it->value)};
}

/// On the heap, as the document points into the text.
struct Document::Parsed {
    std::string text;
    rapidjson::Document document;
};

void Document::Free::operator()(Parsed* parsed) const noexcept
{
    delete parsed;
}

Result<Document> Document::parse(std::string text)
{
    constexpr unsigned flags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag;
    // RapidJSON takes a NUL for the end of the text and never looks at what is behind it.
    if (text.find('\0') != std::string::npos) {
        return fail(Errc::protocol, "the engine's reply is not JSON: it has a NUL byte");
    }
    // RapidJSON's own look at the encoding costs more than this one at the whole.
    if (!is_ascii(text) && !engine::is_utf8(text)) {
        return fail(Errc::protocol, "the engine's reply is not JSON: it is not UTF-8");
    }
    Document out;
    out.parsed_.reset(new Parsed{std::move(text), rapidjson::Document()});
    rapidjson::Document& document = out.parsed_->document;
    document.ParseInsitu<flags>(out.parsed_->text.data());
    if (document.HasParseError()) {
        return fail(
            Errc::protocol,
            std::string("the engine's reply is not JSON: ")
                + rapidjson::GetParseError_En(document.GetParseError()) + " (at byte "
                + std::to_string(document.GetErrorOffset()) + ")"
        );
    }
    return out;
}

Node Document::root() const noexcept
{
    return Node(static_cast<const rapidjson::Value*>(&parsed_->document));
}

struct Writer::Impl {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<
        rapidjson::StringBuffer,
        rapidjson::UTF8<>,
        rapidjson::UTF8<>,
        rapidjson::CrtAllocator,
        rapidjson::kWriteValidateEncodingFlag>
        writer{buffer};
};

Writer::Writer() : impl_(std::make_unique<Impl>()) {}

Writer::~Writer() = default;

bool Writer::text(std::string_view value)
{
    return impl_->writer.String(value.data(), length(value));
}

void Writer::boolean(bool value)
{
    impl_->writer.Bool(value);
}

void Writer::integer(std::int64_t value)
{
    impl_->writer.Int64(value);
}

void Writer::natural(std::uint64_t value)
{
    impl_->writer.Uint64(value);
}

void Writer::number(double value)
{
    impl_->writer.Double(value);
}

void Writer::null()
{
    impl_->writer.Null();
}

void Writer::start_object()
{
    impl_->writer.StartObject();
}

bool Writer::key(std::string_view name)
{
    return impl_->writer.Key(name.data(), length(name));
}

void Writer::end_object()
{
    impl_->writer.EndObject();
}

void Writer::start_array()
{
    impl_->writer.StartArray();
}

void Writer::end_array()
{
    impl_->writer.EndArray();
}

std::string Writer::take() const
{
    return {impl_->buffer.GetString(), impl_->buffer.GetSize()};
}

namespace detail {

std::string member_step(std::string_view key)
{
    return "." + engine::one_line(key, 200);
}

std::string index_step(std::size_t index)
{
    return "[" + std::to_string(index) + "]";
}

Error not_writable(const Mismatch& found)
{
    Error error(Errc::invalid_argument, "the request's $" + found.path + " " + found.what);
    error.hint = "engines take UTF-8 only: rename it, or spell it another way";
    return error;
}

Error not_readable(const Mismatch& found)
{
    return Error(Errc::protocol, "the engine's reply: $" + found.path + " " + found.what);
}

} // namespace detail

} // namespace slipway::json
