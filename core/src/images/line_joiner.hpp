#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace slipway::core {

/// Joins pieces of output to lines. Lines of nothing are left out.
class LineJoiner {
public:
    /// Calls `on_line` for each line that ends in `text`.
    template <class OnLine>
    void add(std::string_view text, const OnLine& on_line)
    {
        while (!text.empty()) {
            const std::size_t end = text.find('\n');
            partial_ += text.substr(0, end);
            if (end == std::string_view::npos) {
                if (partial_.size() > max_bytes) finish(on_line);
                return;
            }
            text.remove_prefix(end + 1);
            finish(on_line);
        }
    }

    /// What is left is a line.
    template <class OnLine>
    void finish(const OnLine& on_line)
    {
        if (partial_.empty()) return;
        on_line(std::string_view(partial_));
        partial_.clear();
    }

private:
    // A line without an end must not grow with what a step writes.
    static constexpr std::size_t max_bytes = std::size_t{64} << 10U;

    std::string partial_;
};

} // namespace slipway::core
