#include <slipway/core/suggest.hpp>

#include <algorithm>

namespace slipway::core {
namespace {

/// "aarch64-linux-gnu" is "aarch64-unknown-linux-gnu" with letters left out. Few letters would fit
/// into any word.
bool leaves_out_letters(std::string_view typed, std::string_view word)
{
    if (typed.size() < 8) return false;
    for (const char c : word) {
        if (!typed.empty() && typed.front() == c) typed.remove_prefix(1);
    }
    return typed.empty();
}

} // namespace

std::size_t edit_distance(std::string_view one, std::string_view other)
{
    // Three rows of the table are enough; the oldest serves the swap.
    std::vector<std::size_t> before(other.size() + 1);
    std::vector<std::size_t> above(other.size() + 1);
    std::vector<std::size_t> row(other.size() + 1);
    for (std::size_t j = 0; j <= other.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= one.size(); ++i) {
        before.swap(above);
        above.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= other.size(); ++j) {
            const std::size_t change = one[i - 1] == other[j - 1] ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
            if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
    }
    return row[other.size()];
}

std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& words)
{
    const std::string* best = nullptr;
    std::size_t best_distance = std::max<std::size_t>(1, typed.size() / 3) + 1;
    for (const std::string& word : words) {
        const std::size_t distance = edit_distance(typed, word);
        if (distance < best_distance) {
            best = &word;
            best_distance = distance;
        }
    }
    if (best != nullptr) return *best;
    if (typed.size() < 3) return std::nullopt;
    const auto part = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
        return word.find(typed) != std::string::npos || leaves_out_letters(typed, word);
    });
    if (part == words.end()) return std::nullopt;
    return *part;
}

} // namespace slipway::core
