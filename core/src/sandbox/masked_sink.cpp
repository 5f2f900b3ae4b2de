#include "sandbox/masked_sink.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace slipway::core {

namespace {

constexpr std::string_view stars = "***";

} // namespace

MaskedSink::MaskedSink(engine::ByteSink& to, std::vector<std::string> words)
    : to_(&to), words_(std::move(words))
{
    std::erase(words_, "");
    std::ranges::sort(words_, std::ranges::greater(), &std::string::size);
}

Task<> MaskedSink::write(std::string_view data)
{
    held_ += data;
    const std::string_view text = held_;
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::string_view rest = text.substr(at);
        const auto begins = [&](const std::string& word) { return rest.starts_with(word); };
        const auto may_begin = [&](const std::string& word) {
            return rest.size() < word.size() && word.starts_with(rest);
        };
        if (std::ranges::any_of(words_, may_begin)) break;
        const auto found = std::ranges::find_if(words_, begins);
        if (found == words_.end()) {
            out += text[at++];
        } else {
            out += stars;
            at += found->size();
        }
    }
    held_.erase(0, at);
    if (out.empty()) co_return ok();
    co_return co_await to_->write(out);
}

Task<> MaskedSink::flush()
{
    // All of it is the begin of a word; a secret that was cut off is none of anybody's affair.
    const bool any = !std::exchange(held_, {}).empty();
    if (!any) co_return ok();
    co_return co_await to_->write(stars);
}

} // namespace slipway::core
