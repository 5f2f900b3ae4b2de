#include "images/building.hpp"

#include <slipway/core/image_build.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/core/tar_writer.hpp>
#include <slipway/engine/build.hpp>
#include <slipway/engine/images.hpp>

#include <fmt/ranges.h>

namespace slipway::core {

Result<> check_choice(const ImageCatalog& catalog, const BuildChoice& choice)
{
    if (!catalog.has_target(choice.target)) {
        Error error(
            Errc::invalid_argument,
            catalog.origin() + " has no stage for the target '" + choice.target + "'"
        );
        error.hint = fmt::format("the targets are {}", fmt::join(catalog.targets(), ", "));
        return fail(std::move(error));
    }
    if (!choice.base.empty() && catalog.default_base().empty()) {
        Error error(Errc::invalid_argument, catalog.origin() + " takes no base image");
        error.hint = "it would need `ARG BASE=debian:bookworm-slim` before its first FROM";
        return fail(std::move(error));
    }
    if (!choice.base.empty()) {
        CHECK_OK(during(engine::parse_reference(choice.base), "the base image"));
    }
    return ok();
}

namespace {

std::shared_ptr<engine::ByteSource> context_of(const ImageCatalog& catalog)
{
    PackExtra dockerfile;
    dockerfile.path = "Dockerfile";
    dockerfile.bytes = catalog.text();
    PackOptions options;
    options.extras.push_back(std::move(dockerfile));
    return pack({}, std::move(options));
}

engine::BuildSpec
spec_of(const ImageCatalog& catalog, const BuildChoice& choice, const engine::Endpoint& endpoint)
{
    engine::BuildSpec spec;
    spec.tags.push_back(catalog.image_name(choice.target, choice.base));
    spec.target = choice.target;
    spec.no_cache = choice.no_cache;
    if (!choice.base.empty()) spec.build_args.emplace("BASE", choice.base);
    engine::add_proxies(spec.build_args, engine::proxy_variables(choice.proxies, endpoint));
    spec.labels.emplace("org.slipway.target", choice.target);
    return spec;
}

std::string base_of(const ImageCatalog& catalog, const BuildChoice& choice)
{
    return choice.base.empty() ? catalog.default_base() : choice.base;
}

std::string
hint_of_base(const NeededImage& image, const ImageCatalog& catalog, const BuildChoice& choice)
{
    std::string hint = hint_of_image(image, catalog.origin());
    const bool chosen = image.is_base && image.reference == base_of(catalog, choice);
    if (!chosen || choice.how_to_choose_base.empty()) return hint;
    const auto import = hint.rfind("; ") + 2;
    hint.insert(import, choice.how_to_choose_base + ", or ");
    return hint;
}

WhatToBuild
what_to_build(const ImageCatalog& catalog, const BuildChoice& choice, const engine::BuildSpec& spec)
{
    WhatToBuild what;
    what.dockerfile = catalog.text();
    what.target = spec.target;
    what.args = spec.build_args;
    what.environment = choice.environment;
    what.hint_of_missing = [catalog, choice](const NeededImage& image) {
        return hint_of_base(image, catalog, choice);
    };
    return what;
}

} // namespace

Task<std::string>
build_image(engine::Client client, ImageCatalog catalog, BuildChoice choice, OnImageEvent on_event)
{
    CO_CHECK(check_choice(catalog, choice));
    Building building;
    building.context = context_of(catalog);
    building.spec = spec_of(catalog, choice, client.endpoint());
    building.what = what_to_build(catalog, choice, building.spec);
    building.origin = catalog.origin();
    building.base = base_of(catalog, choice);
    building.hint_of_step =
        catalog.is_built_in()
            ? "the step's output is above; `--dockerfile FILE` builds from a file of yours"
            : "correct this step in " + catalog.origin();
    building.hint_of_copy = "the build sees no files but the Dockerfile itself";
    co_return co_await run_building(std::move(client), std::move(building), std::move(on_event));
}

Task<std::string>
ensure_image(engine::Client client, ImageCatalog catalog, BuildChoice choice, OnImageEvent on_event)
{
    CO_CHECK(check_choice(catalog, choice));
    std::string name = catalog.image_name(choice.target, choice.base);
    const auto there = co_await engine::Images(client.transport()).inspect(name);
    if (there) {
        co_return name;
    }
    if (there.error().code != Errc::not_found) {
        co_return fail(there.error());
    }
    co_return co_await build_image(client, catalog, choice, on_event);
}

} // namespace slipway::core
