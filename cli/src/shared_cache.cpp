#include "shared_cache.hpp"

#include <boost/asio/this_coro.hpp>

#include <cstdlib>
#include <string>
#include <utility>

namespace slipway::cli {

Task<std::shared_ptr<core::SharedCache>> shared_cache()
{
    const std::function<std::string(const std::string&)> variable = [](const std::string& name) {
        const char* const value = std::getenv(name.c_str());
        return std::string(value == nullptr ? "" : value);
    };
    std::shared_ptr<core::SharedCache> none;
    CO_TRY(auto options, core::shared_cache_options(variable));
    if (!options) co_return none;
    const auto executor = co_await boost::asio::this_coro::executor;
    co_return core::SharedCache::open(executor, *std::move(options));
}

} // namespace slipway::cli
