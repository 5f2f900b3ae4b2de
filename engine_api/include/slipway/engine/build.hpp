#pragma once

#include <slipway/engine/auth.hpp>
#include <slipway/engine/container_spec.hpp>
#include <slipway/engine/filters.hpp>
#include <slipway/engine/progress.hpp>
#include <slipway/engine/prune.hpp>
#include <slipway/engine/transport.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// Who builds. Classic is dockerd's first builder, and on podman buildah; BuildKit is dockerd's
/// other one (Traits::can_buildkit).
///
/// BuildKit runs only the stages that are needed, independent ones at the same time, keeps its own
/// cache, and knows RUN --mount, COPY --chmod and, where Traits::buildkit_has_heredocs,
/// here-documents and COPY --link. We give it no session, so what it would ask its client for
/// cannot be had: credentials for a registry, secrets, ssh keys. Images of FROM, COPY --from and
/// `# syntax=` must therefore be in the engine before (Images::pull), or in a registry that dockerd
/// 29.6 or newer may read without credentials; older ones say "no active sessions". Such a
/// BuildKit does not look at an image here that is of another platform, either.
enum class Builder { classic, buildkit };

/// What to build, and how. Absent members are left to the engine.
struct BuildSpec {
    Builder builder = Builder::classic;
    std::vector<std::string> tags; ///< "name[:tag]"
    std::string dockerfile;        ///< path inside the context; empty: "Dockerfile"
    std::string target;            ///< stage to stop at; empty: the last
    std::string platform;          ///< "os/arch[/variant]"
    /// ARG values; absent ones are taken from the engine's own environment. They appear in no
    /// Error, unless the engine repeats them in its words (passwords of URLs are masked even then).
    /// An image keeps them in its history: they are no place for a secret.
    std::map<std::string, std::optional<std::string>> build_args;
    std::map<std::string, std::string> labels;
    std::vector<std::string> cache_from;  ///< BuildKit: in a registry
    std::vector<std::string> extra_hosts; ///< "name:address"
    std::vector<Ulimit> ulimits;
    /// Of RUN steps; podman uses the host's when empty. BuildKit: "default", "host" or "none".
    std::string network_mode;
    bool no_cache = false;    ///< BuildKit: cache mounts begin empty, too
    bool pull = false;        ///< ask the registry for newer bases; see Builder
    bool quiet = false;       ///< no output of steps; podman and BuildKit then stream the bare id
    bool keep_failed = false; ///< keep containers of failed steps; else they are always removed
    bool squash = false;      ///< dockerd: experimental
    // BuildKit has none of the limits down to `cgroup_parent`, nor `keep_failed` and `registries`.
    std::optional<std::int64_t> memory;      ///< bytes
    std::optional<std::int64_t> memory_swap; ///< bytes of memory and swap; -1 = no limit
    std::optional<std::int64_t> cpu_shares;
    std::optional<std::int64_t> cpu_period; ///< microseconds
    std::optional<std::int64_t> cpu_quota;  ///< microseconds
    std::string cpuset_cpus;                ///< "0-2"
    std::string cpuset_mems;
    std::string cgroup_parent;
    std::optional<std::int64_t> shm_size; ///< bytes
    std::string build_id;                 ///< for `cancel`; the classic builder ignores it
    /// By registry, as in a docker config file: "ghcr.io", "https://index.docker.io/v1/". See
    /// find_all_credentials and for_build.
    std::map<std::string, RegistryAuth> registries;
};

/// Absent limits are the engine's own.
struct PruneBuildCache {
    bool all = false;                             ///< also what is not dangling
    Filters filters;                              ///< "until", "id", "type", "inuse", ...
    std::optional<std::int64_t> keep_bytes{};     ///< to leave in any case
    std::optional<std::int64_t> max_used_bytes{}; ///< API 1.48+
    std::optional<std::int64_t> min_free_bytes{}; ///< API 1.48+
};

/// Image builds. Valid as long as the transport.
class Builds {
public:
    explicit Builds(Transport& transport) noexcept : transport_(&transport) {}

    /// Builds from a tar of the context (plain, gzip, bzip2 or xz) that holds the Dockerfile and
    /// has the ignore file applied already. Engines take a context that is cut short for a whole
    /// one, so `context` must fail, and not end, when it has no more to give.
    ///
    /// A Dockerfile that does not parse is an error here by dockerd's classic builder and one of
    /// the stream by the others. An ignore file in the context is applied by some builders and not
    /// by others, BuildKit among them.
    /// Errors: invalid_argument, engine, unsupported (BuildKit where there is none, or a member
    ///   that it would pass over), and whatever `context` fails with; then those of
    ///   ProgressStream, whose result is the id of the image.
    /// API: POST /build, 1.24+; `target` 1.29+, `platform` 1.32+, BuildKit 1.39+. Source:
    /// api/swagger.yaml of moby.
    Task<ProgressStream> build(std::shared_ptr<ByteSource> context, const BuildSpec& spec);
    Task<ProgressStream> build(std::shared_ptr<ByteSource> context, BuildSpec&& spec) = delete;

    /// Builds what the engine fetches itself, without credentials: a context as a tar by HTTP, a
    /// single Dockerfile by HTTP, or a git repository ("https://host/repo.git#branch:directory").
    /// Errors show neither a password of `url` nor its query.
    /// Errors: those of `build`, and unsupported (podman: see Traits::can_build_remote); what
    ///   cannot be fetched is engine or, on dockerd's classic builder, invalid_argument.
    /// API: POST /build?remote=, 1.24+.
    Task<ProgressStream> build_remote(std::string_view url, const BuildSpec& spec);
    Task<ProgressStream> build_remote(std::string_view url, BuildSpec&& spec) = delete;

    /// Ends a BuildKit build by its BuildSpec::build_id. An id that is not known is no error.
    /// Errors: invalid_argument (an empty id), unsupported (podman). API: POST /build/cancel.
    Task<> cancel(std::string_view build_id);

    /// Removes records of BuildKit's cache; the classic builder has none but its images.
    /// Errors: invalid_argument, unsupported (podman: see Traits::can_prune_build_cache; a limit
    ///   that the API has not yet). API: POST /build/prune, 1.31+.
    Task<Pruned> prune(const PruneBuildCache& options);
    Task<Pruned> prune(PruneBuildCache&& options) = delete;

private:
    Transport* transport_;
};

} // namespace slipway::engine
