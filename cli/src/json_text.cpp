#include "json_text.hpp"

#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

namespace slipway::cli {
namespace {

/// The length of the valid UTF-8 sequence at the front of `text`, or 0.
std::size_t sequence_length(std::string_view text) noexcept
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return 0;
    }
    const unsigned second = byte(1);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool surrogate = lead == 0xED && second > 0x9F;
    const bool too_large = lead == 0xF4 && second > 0x8F;
    return overlong || surrogate || too_large ? 0 : length;
}

std::string valid_utf8(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 0) {
            out += "\xEF\xBF\xBD";
            text.remove_prefix(1);
        } else {
            out += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return out;
}

} // namespace

struct JsonText::Writer {
    rapidjson::StringBuffer buffer;
    rapidjson::PrettyWriter<rapidjson::StringBuffer> json{buffer};
    Form form = Form::indented;
};

JsonText::JsonText(Form form) : writer_(std::make_unique<Writer>())
{
    writer_->json.SetIndent(' ', 2);
    writer_->form = form;
}
JsonText::~JsonText() = default;

JsonText& JsonText::begin_object()
{
    writer_->json.StartObject();
    return *this;
}
JsonText& JsonText::end_object()
{
    writer_->json.EndObject();
    return *this;
}
JsonText& JsonText::begin_array()
{
    writer_->json.StartArray();
    return *this;
}
JsonText& JsonText::end_array()
{
    writer_->json.EndArray();
    return *this;
}
JsonText& JsonText::key(std::string_view name)
{
    const std::string valid = valid_utf8(name);
    writer_->json.Key(valid.data(), static_cast<rapidjson::SizeType>(valid.size()));
    return *this;
}
JsonText& JsonText::text(std::string_view value)
{
    const std::string valid = valid_utf8(value);
    writer_->json.String(valid.data(), static_cast<rapidjson::SizeType>(valid.size()));
    return *this;
}
JsonText& JsonText::number(std::int64_t value)
{
    writer_->json.Int64(value);
    return *this;
}
JsonText& JsonText::boolean(bool value)
{
    writer_->json.Bool(value);
    return *this;
}
JsonText& JsonText::null()
{
    writer_->json.Null();
    return *this;
}

std::string JsonText::take()
{
    std::string text(writer_->buffer.GetString(), writer_->buffer.GetSize());
    if (writer_->form == Form::line) {
        // A line end in a text has an escape: these are the writer's own.
        bool at_begin = false;
        std::erase_if(text, [&at_begin](char c) {
            at_begin = c == '\n' || (at_begin && c == ' ');
            return at_begin;
        });
    }
    return text + "\n";
}

} // namespace slipway::cli
