#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace slipway::core::cache {

/// Counts failures in a row. At `most` it opens, for good, and asks all that runs to stop.
class Breaker {
public:
    explicit Breaker(unsigned most) : most_(most) {}

    bool open() const noexcept { return in_a_row_ >= most_; }
    /// "3 failures in a row, the last one: ..."; empty while it is closed.
    const std::string& why() const noexcept { return why_; }

    void succeeded() noexcept;
    /// `what` is one line for a person.
    void failed(const std::string& what);

    /// Calls `stop` when it opens, as long as the Running lives.
    class Running {
    public:
        Running(Breaker& breaker, std::function<void()> stop);
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running();

    private:
        Breaker* breaker_;
        std::uint64_t number_;
    };

private:
    unsigned most_;
    unsigned in_a_row_ = 0;
    std::string why_;
    std::uint64_t next_ = 0;
    std::map<std::uint64_t, std::function<void()>> running_;
};

} // namespace slipway::core::cache
