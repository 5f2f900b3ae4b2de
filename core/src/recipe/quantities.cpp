#include <slipway/core/quantities.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace slipway::core {
namespace {

// "2", "1.5": no sign, no exponent.
std::optional<double> plain_number(std::string_view text)
{
    const bool digits_only = text.find_first_not_of("0123456789.") == std::string_view::npos;
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (!digits_only || read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return number;
}

double factor_of(char unit)
{
    constexpr double step = 1'024;
    switch (unit) {
    case 'b':
    case 'B':
        return 1;
    case 'k':
    case 'K':
        return step;
    case 'm':
    case 'M':
        return step * step;
    case 'g':
    case 'G':
        return step * step * step;
    case 't':
    case 'T':
        return step * step * step * step;
    default:
        return 0;
    }
}

// In bytes, which may be a fraction. Each of `units` is one that factor_of knows.
std::optional<double> number_of_bytes(std::string_view text, std::string_view units)
{
    constexpr double most = 1e18;
    const bool unit = !text.empty() && units.find(text.back()) != std::string_view::npos;
    double factor = unit ? factor_of(text.back()) : 0;
    if (factor != 0) {
        text.remove_suffix(1);
    } else {
        factor = 1;
    }
    const auto value = plain_number(text);
    if (!value || *value * factor > most) return std::nullopt;
    return *value * factor;
}

} // namespace

Result<std::int64_t> parse_memory(const std::string& text)
{
    const auto bytes = number_of_bytes(text, "bBkKmMgG");
    if (bytes && *bytes >= 1) return static_cast<std::int64_t>(*bytes);
    Error error(Errc::invalid_argument, "--memory " + text + ": not a size");
    error.hint = "a size is a number of bytes, or one with a unit: 65536b, 512k, 512m, 1.5g";
    return fail(std::move(error));
}

Result<std::uint64_t> parse_size(std::string_view option, const std::string& text)
{
    if (const auto bytes = number_of_bytes(text, "bBkKmMgGtT"))
        return static_cast<std::uint64_t>(*bytes);
    Error error(Errc::invalid_argument, std::string(option) + " " + text + ": not a size");
    error.hint = "a size is a number of bytes, or one with a unit: 500m, 10G, 1.5t";
    return fail(std::move(error));
}

Result<std::chrono::seconds> parse_duration(std::string_view option, const std::string& text)
{
    struct Unit {
        std::string_view name;
        double seconds;
    };
    constexpr double day = 86'400;
    constexpr std::array units{
        Unit{"s", 1}, Unit{"min", 60}, Unit{"h", 3'600}, Unit{"d", day}, Unit{"w", 7 * day}};
    constexpr double most = 1e11; // thousands of years
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string_view number = std::string_view(text).substr(0, digits);
    const std::string_view name = std::string_view(text).substr(digits);
    const auto value = plain_number(number);
    const auto* const unit =
        std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
    const bool zero = value && *value == 0 && name.empty();
    if (zero) return std::chrono::seconds(0);
    if (value && unit != units.end() && *value * unit->seconds <= most) {
        return std::chrono::seconds(static_cast<std::int64_t>(*value * unit->seconds));
    }
    Error error(Errc::invalid_argument, std::string(option) + " " + text + ": not a time");
    error.hint = "a time is a number with a unit: 90s, 30min, 12h, 30d, 2w";
    return fail(std::move(error));
}

Result<double> parse_cpus(const std::string& text)
{
    constexpr double least = 0.001;
    constexpr double most = 1e6;
    const auto value = plain_number(text);
    if (value && *value >= least && *value <= most) return *value;
    Error error(Errc::invalid_argument, "--cpus " + text + ": not a number of CPUs");
    error.hint = "a number of CPUs is above 0 and may have a fraction: 2, 0.5";
    return fail(std::move(error));
}

} // namespace slipway::core
