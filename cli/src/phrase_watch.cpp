#include "phrase_watch.hpp"

#include <algorithm>

namespace slipway::cli {

PhraseWatch::PhraseWatch(engine::ByteSink& to, std::span<const std::string_view> phrases)
    : to_(to), phrases_(phrases)
{
    for (const std::string_view phrase : phrases_) {
        longest_ = std::max(longest_, phrase.size());
    }
}

Task<> PhraseWatch::write(std::string_view data)
{
    if (!seen_) look(data);
    return to_.write(data);
}

void PhraseWatch::look(std::string_view data)
{
    const auto has_phrase = [&](std::string_view text) {
        return std::ranges::any_of(phrases_, [&](std::string_view phrase) {
            return text.find(phrase) != std::string_view::npos;
        });
    };
    end_ += data.substr(0, longest_);
    seen_ = has_phrase(end_) || has_phrase(data);
    if (data.size() > longest_) end_ = data.substr(data.size() - longest_);
    end_.erase(0, end_.size() - std::min(end_.size(), longest_));
}

} // namespace slipway::cli
