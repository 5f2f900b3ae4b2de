#include "json_stream.hpp"

#include "one_line.hpp"

namespace slipway::engine {

/// True when `c` ends the object.
bool JsonSplitter::take(char c)
{
    if (in_text_) {
        if (escaped_) {
            escaped_ = false;
        } else if (c == '\\') {
            escaped_ = true;
        } else if (c == '"') {
            in_text_ = false;
        }
        return false;
    }
    switch (c) {
    case '"':
        in_text_ = true;
        return false;
    case '{':
    case '[':
        ++depth_;
        return false;
    case '}':
    case ']':
        return --depth_ == 0;
    default:
        return false;
    }
}

Result<std::optional<std::string_view>> JsonSplitter::next(std::string_view& input)
{
    if (depth_ == 0) {
        object_.clear();
        const auto first = input.find_first_not_of(" \t\r\n\x1e");
        input.remove_prefix(first == std::string_view::npos ? input.size() : first);
        if (!input.empty() && input.front() != '{') {
            return fail(
                Errc::protocol, "the engine's messages are not JSON: " + one_line(input, 200)
            );
        }
    }
    std::size_t used = 0;
    bool whole = false;
    while (used < input.size() && !whole) {
        whole = take(input[used++]);
    }
    if (object_.size() + used > max_bytes_) {
        return fail(
            Errc::protocol,
            "a message of the engine is longer than " + std::to_string(max_bytes_) + " bytes"
        );
    }
    object_.append(input.substr(0, used));
    input.remove_prefix(used);
    if (!whole) return std::nullopt;
    return std::string_view(object_);
}

Result<> JsonSplitter::finish() const
{
    if (depth_ == 0) return ok();
    return fail(Errc::truncated, "the engine's messages ended inside one");
}

} // namespace slipway::engine
