#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::cli {

/// Writes one JSON text for stdout. Bytes that are no UTF-8 become U+FFFD, so that the
/// text is valid whatever the engine or the file system said. Keys are snake_case.
class JsonText {
public:
    enum class Form { indented, line };

    explicit JsonText(Form form = Form::indented);
    ~JsonText();
    JsonText(const JsonText&) = delete;
    JsonText& operator=(const JsonText&) = delete;

    JsonText& begin_object();
    JsonText& end_object();
    JsonText& begin_array();
    JsonText& end_array();
    JsonText& key(std::string_view name);
    JsonText& text(std::string_view value);
    JsonText& number(std::int64_t value);
    JsonText& boolean(bool value);
    JsonText& null();

    /// `"name": "value"`, and so on.
    JsonText& text(std::string_view name, std::string_view value) { return key(name).text(value); }
    JsonText& number(std::string_view name, std::int64_t value) { return key(name).number(value); }
    JsonText& boolean(std::string_view name, bool value) { return key(name).boolean(value); }

    /// The text with a final line end, when all that was begun has ended.
    std::string take();

private:
    struct Writer;
    std::unique_ptr<Writer> writer_;
};

} // namespace slipway::cli
