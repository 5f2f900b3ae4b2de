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

Task<> ensure_pulled(
    engine::Client client,
    engine::Environment environment,
    std::string reference,
    OnImageEvent on_event
)
{
    CO_CHECK(engine::parse_reference(reference));
    auto there = co_await engine::Images(client.transport()).inspect(reference);
    if (there) {
        co_return ok();
    }
    if (there.error().code != Errc::not_found) {
        co_return fail(std::move(there).error());
    }
    const std::string any_platform;
    co_return co_await pull_image(client, environment, reference, any_platform, on_event);
}

} // namespace slipway::core
