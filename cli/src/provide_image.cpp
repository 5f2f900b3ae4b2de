#include "image_report.hpp"
#include "job_command.hpp"

namespace slipway::cli {

Task<std::string> provide_image(Context& context, engine::Client client, ImageChoice choice)
{
    if (!choice.image.empty()) {
        CO_CHECK(co_await pull_and_show(context, client, choice.image));
        co_return choice.image;
    }
    core::BuildChoice build;
    build.target = choice.target;
    co_return co_await build_and_show(
        context, client, core::ImageCatalog::built_in(), build, BuildWhen::missing
    );
}

} // namespace slipway::cli
