#include "cache/breaker.hpp"

#include <utility>

namespace slipway::core::cache {

void Breaker::succeeded() noexcept
{
    if (!open()) in_a_row_ = 0;
}

void Breaker::failed(const std::string& what)
{
    if (open()) return; // what was stopped has no more to say
    ++in_a_row_;
    if (!open()) return;
    why_ = most_ == 1 ? what : std::to_string(most_) + " failures in a row, the last one: " + what;
    // One that stops may end at once, and another begin meanwhile.
    const auto all = running_;
    for (const auto& [number, stop] : all) {
        if (running_.contains(number)) stop();
    }
}

Breaker::Running::Running(Breaker& breaker, std::function<void()> stop)
    : breaker_(&breaker), number_(breaker.next_++)
{
    breaker_->running_.emplace(number_, std::move(stop));
}

Breaker::Running::~Running()
{
    breaker_->running_.erase(number_);
}

} // namespace slipway::core::cache
