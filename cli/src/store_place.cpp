#include "store_place.hpp"

#include "job_command.hpp"

#include <cstdlib>

namespace slipway::cli {

Result<std::filesystem::path> store_directory(const Context& context)
{
    const char* const chosen = std::getenv("SLIPWAY_STORE");
    if (chosen != nullptr && *chosen != '\0') {
        const std::filesystem::path path = chosen;
        if (path.is_absolute()) return path;
        TRY(const auto here, current_directory());
        return (here / path).lexically_normal();
    }
    const std::filesystem::path cache = cache_directory(context);
    if (!cache.empty()) return cache / "store";
    Error error(Errc::invalid_argument, "there is no place for the store: HOME is not set");
    error.hint = "set SLIPWAY_STORE to a directory";
    return fail(std::move(error));
}

Result<core::Store> open_store(const Context& context)
{
    TRY(auto directory, store_directory(context));
    auto store = core::Store::open(std::move(directory));
    if (!store && store.error().hint.empty()) {
        store.error().hint = "SLIPWAY_STORE=DIRECTORY has it elsewhere";
    }
    return store;
}

} // namespace slipway::cli
