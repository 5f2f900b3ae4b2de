#include "images/build_log.hpp"
#include "images/builder_choice.hpp"
#include "images/dockerfile.hpp"
#include "images/pull.hpp"

#include <slipway/core/image_build.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/core/tar_writer.hpp>
#include <slipway/engine/build.hpp>
#include <slipway/engine/images.hpp>

#include <fmt/ranges.h>

#include <algorithm>

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

/// What to do about an image that the engine cannot have.
std::string
hint_of_image(const NeededImage& image, const ImageCatalog& catalog, const BuildChoice& choice)
{
    const std::string& name = image.reference;
    const std::string import = "bring it in with `slipway images import FILE.tar " + name + "`";
    std::string hint = "the engine has no image " + name + " and cannot fetch it";
    if (!image.is_base) {
        return hint + ", and no stage of " + catalog.origin() + " has that name; correct it, or "
               + import;
    }
    if (name != base_of(catalog, choice) || choice.how_to_choose_base.empty()) {
        return hint + "; " + import;
    }
    return hint + "; " + choice.how_to_choose_base + ", or " + import;
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
        return hint_of_image(image, catalog, choice);
    };
    return what;
}

/// For the classic builder, which fetches images itself.
Task<std::vector<engine::Credentials>> credentials_for(const WhatToBuild& what)
{
    std::vector<std::string> images;
    for (const NeededImage& image : needs_of(what.dockerfile, what.target, what.args).images) {
        if (engine::parse_reference(image.reference)) images.push_back(image.reference);
    }
    return engine::find_all_credentials(what.environment, std::move(images));
}

/// What the search for the credentials of `image` gave.
const engine::Credentials*
of_image(const std::vector<engine::Credentials>& credentials, const std::string& image)
{
    const auto reference = engine::parse_reference(image);
    if (!reference) return nullptr;
    const std::string registry = engine::registry_of(*reference);
    const auto found = std::ranges::find(credentials, registry, &engine::Credentials::registry);
    return found == credentials.end() ? nullptr : &*found;
}

/// The image that a step takes and no stage is.
std::optional<NeededImage>
image_of_step(const std::string& step, const WhatToBuild& what, const std::string& base)
{
    if (step.starts_with("FROM ")) return NeededImage{image_of_from(step.substr(5), base)};
    for (NeededImage& image : needs_of(what.dockerfile, what.target, what.args).images) {
        const bool named = step.find("from=" + image.reference) != std::string::npos;
        if (!image.is_base && named) return std::move(image);
    }
    return std::nullopt;
}

std::string hint_of_step(const BuildStep& step, const ImageCatalog& catalog)
{
    const std::string& text = step.event.text;
    const auto has = [&](std::string_view words) { return text.find(words) != std::string::npos; };
    if (step.saw_no_network) {
        return "the engine's containers reach no network: check its DNS and proxy settings";
    }
    if (text.starts_with("RUN ") && (has("type=secret") || has("type=ssh"))) {
        return "Slipway passes no secrets and no ssh keys to a build: do without this mount, or "
               "take what the step makes from an image that has it, with FROM or COPY --from";
    }
    if (!has("--from=") && (text.starts_with("COPY ") || text.starts_with("ADD "))) {
        return "the build sees no files but the Dockerfile itself";
    }
    if (catalog.is_built_in()) {
        return "the step's output is above; `--dockerfile FILE` builds from a file of yours";
    }
    return "correct this step in " + catalog.origin();
}

/// The engine's error with what we know of the step in which it came.
Error explained(
    Error error,
    const BuildLog& log,
    std::optional<std::int64_t> code,
    const ImageCatalog& catalog,
    const BuildChoice& choice,
    const WhatToBuild& what,
    engine::EngineKind kind,
    const std::vector<engine::Credentials>& credentials
)
{
    if (error.code == Errc::cancelled) return error;
    if (log.step() == nullptr) {
        if (error.hint.empty() && error.message.find("parse error") != std::string::npos) {
            error.hint = "correct " + catalog.origin();
        }
        return error;
    }
    const ImageEvent& step = log.step()->event;
    if (code) {
        error.message = "step " + step.place + " failed with exit code " + std::to_string(*code);
    } else {
        error.message = "step " + step.place + ": " + error.message;
    }
    if (!error.hint.empty()) return error;
    const auto image =
        code ? std::nullopt : image_of_step(step.text, what, base_of(catalog, choice));
    if (!image) {
        error.hint = hint_of_step(*log.step(), catalog);
        return error;
    }
    const auto* const searched =
        may_want_login(error) ? of_image(credentials, image->reference) : nullptr;
    error.hint = searched != nullptr ? engine::how_to_log_in(*searched)
                                     : hint_of_tls(error, image->reference, kind);
    if (error.hint.empty()) error.hint = hint_of_image(*image, catalog, choice);
    return error;
}

} // namespace

Task<std::string>
build_image(engine::Client client, ImageCatalog catalog, BuildChoice choice, OnImageEvent on_event)
{
    CO_CHECK(check_choice(catalog, choice));
    engine::BuildSpec spec = spec_of(catalog, choice, client.endpoint());
    const WhatToBuild what = what_to_build(catalog, choice, spec);
    CO_TRY(spec.builder, co_await choose_builder(client, what, on_event));
    std::vector<engine::Credentials> credentials;
    if (spec.builder == engine::Builder::classic) {
        CO_TRY(credentials, co_await credentials_for(what));
        spec.registries = engine::for_build(credentials);
    }
    auto begun = co_await engine::Builds(client.transport()).build(context_of(catalog), spec);
    if (!begun) {
        // dockerd parses the Dockerfile before it answers.
        if (begun.error().code == Errc::invalid_argument && begun.error().hint.empty()) {
            begun.error().hint = "correct " + catalog.origin();
        }
        co_return fail(std::move(begun).error());
    }
    engine::ProgressStream stream = *std::move(begun);
    BuildLog log(std::move(on_event), StepPlaces(what.dockerfile, what.target));
    auto followed = co_await follow(stream, log);
    if (followed) {
        log.finish();
    } else {
        if (followed.error().code != Errc::cancelled) log.fail();
        const auto code = stream.failure_code();
        const auto kind = client.traits().kind;
        Error said = std::move(followed).error();
        co_return fail(
            explained(std::move(said), log, code, catalog, choice, what, kind, credentials)
        );
    }
    co_return spec.tags.front();
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
