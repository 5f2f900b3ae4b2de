#include "time_text.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace slipway::engine {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Takes `digits` digits from the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t digits)
{
    int number = 0;
    if (text.size() < digits) return std::nullopt;
    const char* const end = text.data() + digits;
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') return std::nullopt;
    }
    std::from_chars(text.data(), end, number);
    text.remove_prefix(digits);
    return number;
}

bool take_char(std::string_view& text, char wanted)
{
    if (text.empty() || text.front() != wanted) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<nanoseconds> take_fraction(std::string_view& text)
{
    if (!take_char(text, '.')) return nanoseconds(0);
    std::size_t digits = 0;
    std::int64_t value = 0;
    while (digits < 9 && !text.empty() && text.front() >= '0' && text.front() <= '9') {
        value = value * 10 + (text.front() - '0');
        text.remove_prefix(1);
        ++digits;
    }
    if (digits == 0) return std::nullopt;
    for (; digits < 9; ++digits) {
        value *= 10;
    }
    return nanoseconds(value);
}

/// "Z" or "+hh:mm", and nothing behind it.
std::optional<seconds> take_offset(std::string_view text)
{
    if (text == "Z" || text == "z") return seconds(0);
    const bool negative = text.starts_with('-');
    if (!negative && !text.starts_with('+')) return std::nullopt;
    text.remove_prefix(1);
    const auto hours = take_number(text, 2);
    if (!hours || !take_char(text, ':')) return std::nullopt;
    const auto minutes = take_number(text, 2);
    if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
    const seconds offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    return negative ? -offset : offset;
}

/// "hh:mm:ss"; a leap second is let through.
std::optional<seconds> take_clock(std::string_view& text)
{
    const auto hours = take_number(text, 2);
    if (!hours || !take_char(text, ':')) return std::nullopt;
    const auto minutes = take_number(text, 2);
    if (!minutes || !take_char(text, ':')) return std::nullopt;
    const auto secs = take_number(text, 2);
    if (!secs || *hours > 23 || *minutes > 59 || *secs > 60) return std::nullopt;
    return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + seconds(*secs);
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text)
{
    const auto year = take_number(text, 4);
    if (!year || !take_char(text, '-')) return std::nullopt;
    const auto month = take_number(text, 2);
    if (!month || !take_char(text, '-')) return std::nullopt;
    const auto day = take_number(text, 2);
    if (!day) return std::nullopt;
    const std::chrono::year_month_day date{
        std::chrono::year(*year),
        std::chrono::month(static_cast<unsigned>(*month)),
        std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok() || *year < 1678 || *year > 2261) return std::nullopt;
    return std::chrono::sys_days(date);
}

} // namespace

std::string unix_text(Moment moment)
{
    // Rounded to zero, as Go reads "-1.5" as minus one second and minus a half.
    const nanoseconds all = moment.time_since_epoch();
    const auto whole = std::chrono::duration_cast<seconds>(all);
    std::array<char, 48> text{};
    std::snprintf(
        text.data(),
        text.size(),
        "%s%lld.%09lld",
        all.count() < 0 ? "-" : "",
        static_cast<long long>(std::chrono::abs(whole).count()),
        static_cast<long long>(std::chrono::abs(all - whole).count())
    );
    return text.data();
}

std::optional<Moment> parse_rfc3339(std::string_view text)
{
    const auto date = take_date(text);
    if (!date || !(take_char(text, 'T') || take_char(text, 't'))) return std::nullopt;
    const auto clock = take_clock(text);
    if (!clock) return std::nullopt;
    const auto fraction = take_fraction(text);
    if (!fraction) return std::nullopt;
    const auto offset = take_offset(text);
    if (!offset) return std::nullopt;
    return Moment(*date) + *clock - *offset + *fraction;
}

} // namespace slipway::engine
