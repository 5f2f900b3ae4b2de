#include "store_place.hpp"

#include "job_command.hpp"

#include <boost/asio/this_coro.hpp>

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace slipway::cli {
namespace {

std::string variable(const std::string& name)
{
    const char* const value = std::getenv(name.c_str());
    return value == nullptr ? "" : value;
}

} // namespace

Result<core::Store> open_store(const Context& context)
{
    std::filesystem::path place = variable("SLIPWAY_STORE");
    if (place.empty()) {
        place = cache_directory(context);
        if (!place.empty()) place /= "store";
    }
    if (!place.empty()) return core::Store::open(place);
    Error error(Errc::not_found, "there is no place for the store");
    error.hint = "set HOME, XDG_CACHE_HOME or SLIPWAY_STORE";
    return fail(std::move(error));
}

Task<std::shared_ptr<core::SharedCache>> shared_cache()
{
    std::shared_ptr<core::SharedCache> none;
    CO_TRY(auto options, core::shared_cache_options(variable));
    if (!options) co_return none;
    const auto executor = co_await boost::asio::this_coro::executor;
    co_return core::SharedCache::open(executor, *std::move(options));
}

} // namespace slipway::cli
