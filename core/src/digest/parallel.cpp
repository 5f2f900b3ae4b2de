#include "digest/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace slipway::core {

void in_parallel(
    std::size_t count,
    std::size_t step,
    const std::function<void(std::size_t begin, std::size_t end)>& work
)
{
    if (count <= step) {
        if (count != 0) work(0, count);
        return;
    }
    std::atomic<std::size_t> next = 0;
    const auto share = [&] {
        for (std::size_t at = next.fetch_add(step); at < count; at = next.fetch_add(step)) {
            work(at, std::min(at + step, count));
        }
    };
    const std::size_t ranges = (count + step - 1) / step;
    const std::size_t threads =
        std::min<std::size_t>(ranges, std::max(std::thread::hardware_concurrency(), 1U));
    std::vector<std::thread> helpers;
    while (helpers.size() + 1 < threads) {
        try {
            helpers.emplace_back(share);
        } catch (const std::system_error&) {
            break;
        }
    }
    share();
    for (std::thread& helper : helpers) {
        helper.join();
    }
}

} // namespace slipway::core
