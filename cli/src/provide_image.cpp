#include "engine.hpp"
#include "image_report.hpp"
#include "job_command.hpp"

namespace slipway::cli {

Task<std::string> provide_image(Context& context, engine::Client client, ImageChoice choice)
{
    if (!choice.image.empty()) {
        CO_CHECK(co_await pull_and_show(context, client, choice.image));
        co_return choice.image;
    }
    const core::ImageCatalog& catalog = core::ImageCatalog::built_in();
    core::BuildChoice build;
    build.target = choice.target;
    build.base = base_image(catalog);
    build.environment = context.environment;
    build.proxies = proxies_for(context);
    build.how_to_choose_base = "name one that it has in the variable SLIPWAY_BASE_IMAGE";
    co_return co_await build_and_show(context, client, catalog, build, BuildWhen::missing);
}

} // namespace slipway::cli
