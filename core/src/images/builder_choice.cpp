#include "images/builder_choice.hpp"

#include "images/pull.hpp"

#include <slipway/engine/images.hpp>
#include <slipway/engine/reference.hpp>
#include <slipway/engine/system.hpp>

#include <fmt/ranges.h>

namespace slipway::core {
namespace {

using engine::Builder;

/// Without docker 23 neither here-documents nor COPY --link, unless a `# syntax=` line brings a
/// frontend that has them.
Result<> check_frontend(const BuildNeeds& needs, const engine::Traits& traits)
{
    const bool knows = traits.buildkit_has_heredocs || !needs.syntax.empty();
    if (knows || needs.newer_buildkit_only.empty()) return ok();
    Error error(
        Errc::unsupported,
        fmt::format(
            "the Dockerfile uses {}, which BuildKit knows since docker 23; this is {}",
            fmt::join(needs.newer_buildkit_only, ", "),
            traits.server
        )
    );
    error.hint = "do without, or let BuildKit load a newer frontend with the first line "
                 "`# syntax=docker/dockerfile:1`, which takes an engine that reaches Docker Hub";
    return fail(std::move(error));
}

/// Falls back to the classic builder, or says why it cannot.
Result<Builder>
classic_instead(const BuildNeeds& needs, Error why, std::string note, const OnImageEvent& on_event)
{
    if (!needs.buildkit_only.empty()) {
        why.hint += fmt::format(
            " (the classic builder cannot step in: it has no {})",
            fmt::join(needs.buildkit_only, ", ")
        );
        return fail(std::move(why));
    }
    ImageEvent event;
    event.text = std::move(note);
    on_event(event);
    return Builder::classic;
}

/// An image that is there, but for a platform for which BuildKit will not take it.
struct Mismatch {
    std::string reference;
    std::string has;
    std::string wanted;
};

/// Makes sure of an image of a FROM, a COPY --from or a RUN --mount=from=. `hint` is for one that
/// cannot be pulled, unless it is for want of credentials.
Task<std::optional<Mismatch>> bring_in(
    engine::Client client,
    engine::Environment environment,
    NeededImage image,
    std::string hint,
    OnImageEvent on_event
)
{
    if (!engine::parse_reference(image.reference)) {
        co_return std::nullopt; // BuildKit says it better, with the line
    }
    auto there = co_await engine::Images(client.transport()).inspect(image.reference);
    if (!there && there.error().code != Errc::not_found) {
        co_return fail(std::move(there).error());
    }
    if (there && !image.platform.empty() && fits_platform(platform_of(*there), image.platform)) {
        co_return std::nullopt;
    }
    if (there && image.platform.empty()) {
        if (!client.traits().buildkit_minds_platform) co_return std::nullopt;
        CO_TRY(const auto version, co_await engine::System(client.transport()).version());
        Mismatch found{
            image.reference, platform_of(*there), version.os + "/" + version.architecture};
        if (fits_platform(found.has, found.wanted)) co_return std::nullopt;
        co_return found;
    }
    auto pulled = co_await pull_image(
        client, std::move(environment), image.reference, image.platform, on_event
    );
    if (!pulled) {
        Error error = std::move(pulled).error();
        const bool known = may_want_login(error)
                           || !hint_of_tls(error, image.reference, client.traits().kind).empty();
        if (error.code != Errc::cancelled && !known) error.hint = hint;
        co_return fail(std::move(error));
    }
    co_return std::nullopt;
}

Result<Builder> without_frontend(Error why, const BuildNeeds& needs, const OnImageEvent& on_event)
{
    if (why.code == Errc::cancelled) return fail(std::move(why));
    why.hint = "`# syntax=` has BuildKit load " + needs.syntax
               + " to read the Dockerfile: give the engine that image, or take the line out";
    std::string note = "the classic builder builds, because " + needs.syntax
                       + ", which `# syntax=` names, cannot be had: " + why.message;
    return classic_instead(needs, std::move(why), std::move(note), on_event);
}

Result<Builder>
for_other_platform(const Mismatch& found, const BuildNeeds& needs, const OnImageEvent& on_event)
{
    Error why(
        Errc::unsupported,
        "the engine's image " + found.reference + " is for " + found.has
            + ", and BuildKit takes only one for " + found.wanted
    );
    why.hint = "write `FROM --platform=" + found.has + "`, or pull the image for " + found.wanted;
    std::string note = "the classic builder builds, because " + why.message;
    return classic_instead(needs, std::move(why), std::move(note), on_event);
}

} // namespace

Task<Builder> choose_builder(engine::Client client, WhatToBuild what, OnImageEvent on_event)
{
    if (!client.traits().can_buildkit) {
        co_return Builder::classic;
    }
    const BuildNeeds needs = needs_of(what.dockerfile, what.target, what.args);
    CO_CHECK(check_frontend(needs, client.traits()));
    if (!needs.syntax.empty()) {
        auto frontend = co_await ensure_pulled(client, what.environment, needs.syntax, on_event);
        if (!frontend) {
            co_return without_frontend(std::move(frontend).error(), needs, on_event);
        }
    }
    for (const NeededImage& image : needs.images) {
        const std::string hint = what.hint_of_missing(image);
        CO_TRY(
            const auto mismatch, co_await bring_in(client, what.environment, image, hint, on_event)
        );
        if (mismatch) {
            co_return for_other_platform(*mismatch, needs, on_event);
        }
    }
    co_return Builder::buildkit;
}

} // namespace slipway::core
