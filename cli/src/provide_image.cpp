#include "engine.hpp"
#include "image_report.hpp"
#include "job_command.hpp"

#include <slipway/engine/reference.hpp>

namespace slipway::cli {
namespace {

const core::ImageCatalog& catalog_of(const ImageChoice& choice)
{
    return choice.catalog ? *choice.catalog : core::ImageCatalog::built_in();
}

core::BuildChoice build_choice(const Context& context, const ImageChoice& choice)
{
    core::BuildChoice build;
    build.target = choice.target;
    build.base = base_image(catalog_of(choice));
    build.environment = context.environment;
    build.how_to_choose_base = "name one that it has in the variable SLIPWAY_BASE_IMAGE";
    return build;
}

Task<> provide_dockerfile(Context& context, engine::Client client, ImageChoice choice)
{
    ImageChoice own;
    own.target = choice.dockerfile->needs_own_image ? choice.own_target : "";
    core::BuildChoice build = build_choice(context, own);
    build.proxies = proxies_for(context);
    if (!own.target.empty()) {
        CO_CHECK(co_await build_and_show(
            context, client, core::ImageCatalog::built_in(), build, BuildWhen::missing
        ));
    }
    CO_CHECK(co_await build_and_show(context, client, *choice.dockerfile, build));
    co_return ok();
}

} // namespace

bool lacks_image(const Error& error)
{
    if (error.code != Errc::not_found || !error.answer) return false;
    const std::string& route = error.answer->route;
    return route.ends_with("/containers/create") || route.find("/images/") != std::string::npos;
}

Result<std::string> image_reference(const Context& context, const ImageChoice& choice)
{
    if (!choice.image.empty()) {
        CHECK_OK(engine::parse_reference(choice.image));
        return choice.image;
    }
    const core::ImageCatalog& catalog = catalog_of(choice);
    const core::BuildChoice build = build_choice(context, choice);
    CHECK_OK(check_target(catalog, build));
    return catalog.image_name(build.target, build.base);
}

Task<std::string> provide_image(Context& context, engine::Client client, ImageChoice choice)
{
    if (choice.dockerfile) {
        CO_CHECK(co_await provide_dockerfile(context, client, choice));
    }
    if (!choice.image.empty()) {
        if (!choice.dockerfile) {
            CO_CHECK(co_await pull_and_show(context, client, choice.image, choice.platform));
        }
        co_return choice.image;
    }
    const core::ImageCatalog& catalog = catalog_of(choice);
    core::BuildChoice build = build_choice(context, choice);
    build.proxies = proxies_for(context);
    co_return co_await build_and_show(context, client, catalog, build, BuildWhen::missing);
}

} // namespace slipway::cli
