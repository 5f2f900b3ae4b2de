#include "images/pull.hpp"

#include <slipway/engine/images.hpp>
#include <slipway/engine/reference.hpp>

namespace slipway::core {

Task<> follow(engine::ProgressStream& stream, BuildLog& log)
{
    for (;;) {
        CO_TRY(const auto message, co_await stream.next());
        if (!message) break;
        log.add(*message);
    }
    co_return ok();
}

bool may_want_login(const Error& error)
{
    return error.code == Errc::unauthorized
           || error.message.find("access to the resource is denied") != std::string::npos;
}

std::string hint_of_tls(const Error& error, const std::string& reference, engine::EngineKind kind)
{
    const auto says = [&](std::string_view words) {
        return error.message.find(words) != std::string::npos;
    };
    const auto parsed = engine::parse_reference(reference);
    if (!parsed) return {};
    const std::string registry = engine::registry_of(*parsed);
    const bool podman = kind == engine::EngineKind::podman;
    if (says("x509: ") || says("failed to verify certificate")) {
        const std::string directory = podman ? "/etc/containers/certs.d/" : "/etc/docker/certs.d/";
        return "the engine does not trust the certificate of " + registry
               + ": put that of its authority, in PEM, into " + directory + registry
               + "/ca.crt on the engine's machine";
    }
    if (says("server gave HTTP response to HTTPS client")) {
        return registry + " speaks no TLS: allow that in the engine's "
               + (podman ? "registries.conf, with `insecure = true` for this registry"
                         : "daemon.json, under `insecure-registries`");
    }
    return {};
}

Task<> pull_image(
    engine::Client client,
    engine::Environment environment,
    std::string reference,
    std::string platform,
    OnImageEvent on_event
)
{
    ImageEvent search;
    search.kind = ImageEvent::Kind::pull;
    search.text = "Looking for credentials for " + reference;
    on_event(search);
    CO_TRY(
        const engine::Credentials credentials,
        co_await engine::find_credentials(std::move(environment), reference)
    );
    engine::PullImage what;
    what.reference = reference;
    what.auth = credentials.auth;
    what.platform = platform;
    auto stream = co_await engine::Images(client.transport()).pull(what);
    Result<> pulled = ok();
    if (stream) {
        BuildLog log(std::move(on_event));
        pulled = co_await follow(*stream, log);
    } else {
        pulled = fail(std::move(stream).error());
    }
    if (!pulled) {
        Error error = std::move(pulled).error();
        if (may_want_login(error)) {
            error.hint = engine::how_to_log_in(credentials);
        } else if (auto hint = hint_of_tls(error, reference, client.traits().kind); !hint.empty()) {
            error.hint = std::move(hint);
        } else if (error.hint.empty()) {
            error.hint =
                "check the name and the engine's access to its registry, or bring the image "
                "in with `slipway images import FILE.tar "
                + reference + "`";
        }
        co_return fail(std::move(error));
    }
    co_return ok();
}

std::string platform_of(const engine::ImageInfo& image)
{
    return image.os + "/" + image.architecture
           + (image.variant.empty() ? std::string() : "/" + image.variant);
}

bool fits_platform(const std::string& has, const std::string& wanted)
{
    return has == wanted || has.starts_with(wanted + "/") || has.ends_with("/");
}

Task<> ensure_pulled(
    engine::Client client,
    engine::Environment environment,
    std::string reference,
    OnImageEvent on_event,
    std::string platform
)
{
    CO_CHECK(engine::parse_reference(reference));
    auto there = co_await engine::Images(client.transport()).inspect(reference);
    if (there && (platform.empty() || fits_platform(platform_of(*there), platform))) {
        co_return ok();
    }
    if (!there && there.error().code != Errc::not_found) {
        co_return fail(std::move(there).error());
    }
    co_return co_await pull_image(client, environment, reference, platform, on_event);
}

Task<> check_platform(engine::Client client, std::string reference, std::string platform)
{
    CO_TRY(
        const engine::ImageInfo image,
        co_await engine::Images(client.transport()).inspect(reference)
    );
    const std::string has = platform_of(image);
    if (fits_platform(has, platform)) co_return ok();
    Error error(
        Errc::unsupported, "the image " + reference + " is for " + has + ", not for " + platform
    );
    error.hint = "leave the platform out, or name an image that there is for " + platform;
    co_return fail(std::move(error));
}

} // namespace slipway::core
