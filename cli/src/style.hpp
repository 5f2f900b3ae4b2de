#pragma once

#include <string>
#include <string_view>

namespace slipway::cli {

/// Colours by their role. Nothing may be told by colour alone.
class Style {
public:
    explicit Style(bool colored) noexcept : colored_(colored) {}

    std::string error(std::string_view text) const { return paint("1;31", text); }
    std::string warning(std::string_view text) const { return paint("1;33", text); }
    std::string success(std::string_view text) const { return paint("1;32", text); }
    std::string hint(std::string_view text) const { return paint("1;36", text); }
    std::string bold(std::string_view text) const { return paint("1", text); }
    std::string faint(std::string_view text) const { return paint("2", text); }

private:
    std::string paint(std::string_view code, std::string_view text) const
    {
        if (!colored_ || text.empty()) return std::string(text);
        return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
    }

    bool colored_;
};

} // namespace slipway::cli
