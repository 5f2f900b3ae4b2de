#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace slipway::agent {

/// How long the end of a session waits in all for what it has killed. A process that the kernel
/// holds is waited for once, not by everyone who tries.
class Patience {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// Thousands of processes take their time to go.
    static constexpr std::chrono::milliseconds whole{5'000};
    /// So does one that could be killed at last.
    static constexpr std::chrono::milliseconds least{100};

    /// Unless it has begun.
    void begin(Time now)
    {
        if (!until_) until_ = now + whole;
    }
    /// All of it where it has not begun.
    std::chrono::milliseconds left(Time now) const
    {
        if (!until_) return whole;
        return std::max(std::chrono::ceil<std::chrono::milliseconds>(*until_ - now), least);
    }
    void end() noexcept { until_.reset(); }

private:
    std::optional<Time> until_;
};

} // namespace slipway::agent
