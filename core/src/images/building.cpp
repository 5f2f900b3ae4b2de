#include "images/building.hpp"

#include "images/build_log.hpp"
#include "images/dockerfile.hpp"
#include "images/pull.hpp"

#include <algorithm>

namespace slipway::core {
namespace {

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

std::string hint_of_step(const BuildStep& step, const Building& building)
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
        return building.hint_of_copy;
    }
    return building.hint_of_step;
}

/// The engine's error with what we know of the step in which it came.
Error explained(
    Error error,
    const BuildLog& log,
    std::optional<std::int64_t> code,
    const Building& building,
    engine::EngineKind kind,
    const std::vector<engine::Credentials>& credentials
)
{
    if (error.code == Errc::cancelled) return error;
    if (log.step() == nullptr) {
        if (error.hint.empty() && error.message.find("parse error") != std::string::npos) {
            error.hint = "correct " + building.origin;
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
    const auto image = code ? std::nullopt : image_of_step(step.text, building.what, building.base);
    if (!image) {
        error.hint = hint_of_step(*log.step(), building);
        return error;
    }
    const auto* const searched =
        may_want_login(error) ? of_image(credentials, image->reference) : nullptr;
    error.hint = searched != nullptr ? engine::how_to_log_in(*searched)
                                     : hint_of_tls(error, image->reference, kind);
    if (error.hint.empty()) error.hint = building.what.hint_of_missing(*image);
    return error;
}

} // namespace

std::string hint_of_image(const NeededImage& image, const std::string& origin)
{
    const std::string& name = image.reference;
    const std::string import = "bring it in with `slipway images import FILE.tar " + name + "`";
    const std::string hint = "the engine has no image " + name + " and cannot fetch it";
    if (image.is_base) return hint + "; " + import;
    return hint + ", and no stage of " + origin + " has that name; correct it, or " + import;
}

Task<std::string> run_building(engine::Client client, Building building, OnImageEvent on_event)
{
    engine::BuildSpec& spec = building.spec;
    CO_TRY(spec.builder, co_await choose_builder(client, building.what, on_event));
    std::vector<engine::Credentials> credentials;
    if (spec.builder == engine::Builder::classic) {
        CO_TRY(credentials, co_await credentials_for(building.what));
        spec.registries = engine::for_build(credentials);
    }
    auto begun = co_await engine::Builds(client.transport()).build(building.context, spec);
    if (!begun) {
        // dockerd parses the Dockerfile before it answers.
        if (begun.error().code == Errc::invalid_argument && begun.error().hint.empty()) {
            begun.error().hint = "correct " + building.origin;
        }
        co_return fail(std::move(begun).error());
    }
    engine::ProgressStream stream = *std::move(begun);
    BuildLog log(std::move(on_event), StepPlaces(building.what.dockerfile, spec.target));
    auto followed = co_await follow(stream, log);
    if (followed) {
        log.finish();
        co_return spec.tags.front();
    }
    if (followed.error().code != Errc::cancelled) log.fail();
    const auto code = stream.failure_code();
    const auto kind = client.traits().kind;
    Error said = std::move(followed).error();
    co_return fail(explained(std::move(said), log, code, building, kind, credentials));
}

} // namespace slipway::core
