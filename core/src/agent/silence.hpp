#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace slipway::core {

/// Tells that something has not happened for too long, in time in which this program could have
/// seen it: time is counted in steps, one that took much too long (the program was stopped, or its
/// thread was held up) counts once, and is never the last, so that what has come meanwhile is read
/// before.
class Silence {
public:
    using Clock = std::chrono::steady_clock; // stands still while the machine sleeps

    /// `step_at_most`: for one who has something else to do as often as that.
    explicit Silence(
        std::chrono::milliseconds limit,
        std::chrono::milliseconds step_at_most = std::chrono::milliseconds::max()
    )
        : step_(std::max(std::min(limit / 10, step_at_most), std::chrono::milliseconds(1))),
          limit_(limit / step_)
    {
    }

    /// How long to wait until the next call of `passed`.
    std::chrono::milliseconds step() const noexcept { return step_; }
    /// It has happened.
    void broken() noexcept { missed_ = 0; }
    /// A step has passed, and took so long. True: the silence is too long.
    bool passed(Clock::duration took) noexcept
    {
        ++missed_;
        return missed_ > limit_ && took < 2 * step_; // the first was no whole one
    }

private:
    std::chrono::milliseconds step_;
    std::int64_t limit_;
    std::int64_t missed_ = 0;
};

} // namespace slipway::core
