#include <slipway/core/quantities.hpp>

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
    default:
        return 0;
    }
}

} // namespace

Result<std::int64_t> parse_memory(const std::string& text)
{
    constexpr double most = 1e18;
    std::string_view number = text;
    double factor = text.empty() ? 0 : factor_of(text.back());
    if (factor != 0) {
        number.remove_suffix(1);
    } else {
        factor = 1;
    }
    const auto value = plain_number(number);
    if (value && *value * factor >= 1 && *value * factor <= most) {
        return static_cast<std::int64_t>(*value * factor);
    }
    Error error(Errc::invalid_argument, "--memory " + text + ": not a size");
    error.hint = "a size is a number of bytes, or one with a unit: 65536b, 512k, 512m, 1.5g";
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
