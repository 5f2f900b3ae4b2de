#include "sandbox/pool/wanted.hpp"

#include "sandbox/pool/key.hpp"
#include "sandbox/pool/limits.hpp"

namespace slipway::core::pool {

Task<Wanted> find_out(engine::Client client, SandboxSpec spec, PoolOptions options)
{
    CO_CHECK(check(spec));
    CO_CHECK(check(options));
    Wanted wanted{client, spec, {}, options, spec.image, {}, {}, {}, {}};
    CO_TRY(wanted.ids, parse_ids(spec.user));
    CO_TRY(wanted.base, base_directory(options.directory));
    CO_TRY(wanted.image, co_await engine::Images(client.transport()).inspect(spec.image));
    wanted.spec.image = wanted.image.id;
    wanted.asked = wanted.spec;
    CO_TRY(wanted.spec.limits, co_await limits_on(client, wanted.base, spec.limits));
    if (options.policy == LeasePolicy::fresh) {
        wanted.key = key(client.endpoint()) + fresh_mark;
        wanted.options.idle = options.lease; // of a client that was killed, nobody takes it over
    } else {
        wanted.key = key(client.endpoint(), wanted.spec);
    }
    co_return wanted;
}

} // namespace slipway::core::pool
