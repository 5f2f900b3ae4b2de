#include "log_query.hpp"

#include "time_text.hpp"

namespace slipway::engine {

Result<> add_log_query(Request& request, const LogOptions& options, const Traits& traits)
{
    if (!options.out && !options.err) {
        return fail(Errc::invalid_argument, "neither output is asked for");
    }
    if (options.details && !traits.can_log_details) {
        return fail(Errc::unsupported, "this engine's logs have no details");
    }
    request.query_flag("stdout", options.out)
        .query_flag("stderr", options.err)
        .query_flag("follow", options.follow)
        .query_flag("timestamps", options.timestamps)
        .query_flag("details", options.details);
    if (options.since) request.query("since", unix_text(*options.since));
    if (options.until) request.query("until", unix_text(*options.until));
    if (options.tail) request.query("tail", std::to_string(*options.tail));
    return ok();
}

} // namespace slipway::engine
