#include <slipway/engine/transport.hpp>

#include <algorithm>
#include <cctype>

namespace slipway::engine {

namespace {

bool same_name(std::string_view a, std::string_view b) noexcept
{
    return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

// RFC 3986: everything but the unreserved set is encoded, save what `keep` names.
std::string percent_encode(std::string_view text, std::string_view keep)
{
    static constexpr std::string_view unreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (unreserved.find(c) != std::string_view::npos
            || keep.find(c) != std::string_view::npos) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
    }
    return out;
}

} // namespace

void Headers::add(std::string name, std::string value)
{
    fields_.emplace_back(std::move(name), std::move(value));
}

std::string_view Headers::get(std::string_view name) const noexcept
{
    for (const auto& [key, value] : fields_) {
        if (same_name(key, name)) return value;
    }
    return {};
}

bool Headers::has(std::string_view name) const noexcept
{
    return std::ranges::any_of(fields_, [&](const auto& field) {
        return same_name(field.first, name);
    });
}

Request::Request(std::string method, std::string path)
    : method_(std::move(method)), path_(std::move(path))
{
}

std::string Request::segment(std::string_view text)
{
    return percent_encode(text, "/:");
}

Request& Request::query(std::string_view key, std::string_view value)
{
    if (!value.empty()) {
        query_ += query_.empty() ? '?' : '&';
        query_ += percent_encode(key, "");
        query_ += '=';
        query_ += percent_encode(value, "/:,");
    }
    return *this;
}

Request& Request::query(std::string_view key, std::int64_t value)
{
    return query(key, std::to_string(value));
}

Request& Request::query_flag(std::string_view key, bool value)
{
    return value ? query(key, "1") : *this;
}

Request& Request::header(std::string name, std::string value)
{
    headers_.add(std::move(name), std::move(value));
    return *this;
}

Request& Request::secret(std::string text)
{
    if (!text.empty()) secrets_.push_back(std::move(text));
    return *this;
}

Request& Request::json(std::string text)
{
    return this->text(std::move(text), "application/json");
}

Request& Request::body(std::shared_ptr<ByteSource> source, std::string content_type)
{
    source_ = std::move(source);
    return header("Content-Type", std::move(content_type));
}

Request&
Request::body(std::shared_ptr<ByteSource> source, std::string content_type, std::uint64_t length)
{
    length_ = length;
    return body(std::move(source), std::move(content_type));
}

Request& Request::text(std::string text, std::string content_type)
{
    text_ = std::move(text);
    return header("Content-Type", std::move(content_type));
}

Request& Request::unversioned()
{
    versioned_ = false;
    return *this;
}

Request& Request::deadlines(const Deadlines& deadlines)
{
    deadlines_ = deadlines;
    return *this;
}

Request& Request::deadline(std::chrono::milliseconds total)
{
    Deadlines only;
    only.total = total;
    return deadlines(only);
}

Request& Request::header_deadline(std::chrono::milliseconds limit)
{
    header_deadline_ = limit;
    return *this;
}

Request& Request::answer_cut(std::size_t bytes)
{
    answer_cut_ = bytes;
    return *this;
}

Request& Request::answer_pace(std::size_t bytes_a_second)
{
    answer_pace_ = bytes_a_second;
    return *this;
}

Deadlines Request::deadlines_or(const Deadlines& otherwise) const
{
    Deadlines all = deadlines_.value_or(otherwise);
    if (header_deadline_) {
        all.header = std::min(all.header.value_or(*header_deadline_), *header_deadline_);
    }
    return all;
}

std::string Request::target() const
{
    return path_ + query_;
}

} // namespace slipway::engine
