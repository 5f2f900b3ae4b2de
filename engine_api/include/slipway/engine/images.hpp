#pragma once

#include <slipway/engine/auth.hpp>
#include <slipway/engine/commit.hpp>
#include <slipway/engine/filters.hpp>
#include <slipway/engine/image_transfer.hpp>
#include <slipway/engine/progress.hpp>
#include <slipway/engine/reference.hpp>
#include <slipway/engine/registry.hpp>
#include <slipway/engine/transport.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

struct ImageSummary {
    std::string id; ///< "sha256:..."; of the manifest where containerd keeps the images
    std::vector<std::string> repo_tags;
    std::vector<std::string> repo_digests;
    std::int64_t created = 0; ///< Unix seconds
    std::int64_t size = 0;    ///< bytes
    std::map<std::string, std::string> labels;
    std::int64_t shared_size = -1; ///< bytes in layers of other images too; -1: not counted
    std::int64_t containers = -1;  ///< that use it; -1: not counted
};

/// The image goes by `reference` here, whatever spelling the engine uses.
bool has_tag(const ImageSummary& image, std::string_view reference);

struct ImageConfig {
    std::vector<std::string> env;
    std::vector<std::string> cmd;
    std::vector<std::string> entrypoint;
    std::map<std::string, std::string> labels;
    std::string user;
    std::string working_dir;
};

struct ImageInfo {
    std::string id;
    std::vector<std::string> repo_tags;
    std::vector<std::string> repo_digests;
    std::string created;      ///< RFC 3339; may be empty
    std::int64_t size = 0;    ///< bytes
    std::string architecture; ///< Go's name: "amd64"
    std::string os;
    std::string variant;
    ImageConfig config;
    std::vector<std::string> layers; ///< digests of the uncompressed layers, lowest first
};

struct ListImages {
    bool all = false; ///< also intermediate ones
    Filters filters;
};

struct ImportImage {
    std::string repository; ///< "slipway/base"; empty: the image gets no name
    std::string tag;        ///< podman 4 ignores it: tag the result
    std::string message;
    std::string platform;             ///< "os/arch[/variant]"
    std::vector<std::string> changes; ///< Dockerfile lines: "ENV A=b"
};

struct PullImage {
    std::string reference; ///< ":latest" is added where there is neither tag nor digest
    std::string platform;  ///< "os/arch[/variant]"; empty: the engine's own
    std::optional<RegistryAuth> auth{};
};

struct RemoveImage {
    bool force = false; ///< dockerd: also when tagged more than once or used by a stopped container
    bool no_prune = false; ///< keep untagged parents
};

/// One thing a removal did; exactly one member is set.
struct RemovedImage {
    std::string untagged;
    std::string deleted;
};

/// One step an image was made in, the latest first.
struct HistoryEntry {
    std::string id;           ///< "<missing>" where only the layer is here
    std::int64_t created = 0; ///< Unix seconds
    std::string created_by;   ///< the command
    std::vector<std::string> tags;
    std::int64_t size = 0; ///< bytes that the step added
    std::string comment;
};

struct PruneImages {
    bool named = false; ///< also those that have a name, if no container uses them
    Filters filters;    ///< "label", "until"
};

struct PrunedImages {
    std::vector<RemovedImage> removed;
    std::uint64_t reclaimed_bytes = 0; ///< as far as the engine counts it
};

/// The images of an engine. Valid as long as the transport. Errors beside the listed ones are those
/// of Containers; aggregates are passed as named objects, for the same reason.
class Images {
public:
    explicit Images(Transport& transport) noexcept : transport_(&transport) {}

    /// API: GET /images/json.
    Task<std::vector<ImageSummary>> list(const ListImages& options);
    Task<std::vector<ImageSummary>> list(ListImages&& options) = delete;

    /// With a `platform` ("os/arch[/variant]") that of an image for several.
    /// Errors: not_found (also: not for that platform), invalid_argument (what is no platform),
    ///   unsupported (`platform` below API 1.49). API: GET /images/{name}/json; `platform` 1.49+.
    Task<ImageInfo> inspect(std::string_view image, std::string_view platform = {});

    /// Makes an image of one layer from the tar of a root file system.
    /// Errors: invalid_argument, and whatever `tar` fails with; then those of ProgressStream.
    /// API: POST /images/create?fromSrc=-.
    Task<ProgressStream> import(std::shared_ptr<ByteSource> tar, const ImportImage& options);
    Task<ProgressStream> import(std::shared_ptr<ByteSource> tar, ImportImage&& options) = delete;

    /// Adds a name. Errors: not_found, invalid_argument, conflict. API: POST /images/{name}/tag.
    Task<> tag(std::string_view image, std::string_view repository, std::string_view tag);

    /// Errors: not_found, conflict (in use). API: DELETE /images/{name}.
    Task<std::vector<RemovedImage>> remove(std::string_view image);
    Task<std::vector<RemovedImage>> remove(std::string_view image, const RemoveImage& options);

    /// Fetches an image from its registry. A refusal can come here or from the stream: engines
    /// differ. Errors: invalid_argument (the reference), not_found, unauthorized; then those of
    /// ProgressStream. API: POST /images/create?fromImage=; `platform` 1.32+.
    Task<ProgressStream> pull(const PullImage& what);
    Task<ProgressStream> pull(PullImage&& what) = delete;

    /// Sends an image to the registry in its name. A refusal can come here or from the stream. The
    /// result of the stream is the digest; see Progress::pushed too.
    /// Errors: invalid_argument (the reference, or one with a digest), not_found, unauthorized,
    ///   unsupported (`platform` below API 1.46); then those of ProgressStream.
    /// API: POST /images/{name}/push; `platform` 1.46+.
    Task<ProgressStream> push(const PushImage& what);
    Task<ProgressStream> push(PushImage&& what) = delete;

    /// Takes in the images of an archive that `save` made, plain or compressed; their names and ids
    /// are the stream's `results`. Podman answers when it is done. Engines may take an archive that
    /// is cut short for a whole one, so `tar` must fail, and not end, when it has no more to give.
    /// Errors: engine (podman: what is no such archive), unsupported (`platform` below API 1.48),
    ///   and whatever `tar` fails with; then those of ProgressStream.
    /// API: POST /images/load; `platform` 1.48+.
    Task<ProgressStream> load(std::shared_ptr<ByteSource> tar);
    Task<ProgressStream> load(std::shared_ptr<ByteSource> tar, const LoadImages& options);
    Task<ProgressStream> load(std::shared_ptr<ByteSource>, LoadImages&&) = delete;

    /// A tar of images for `load`. Its end is an error when it is not whole. Podman writes it to
    /// its own disk before the first byte comes.
    /// Errors: invalid_argument (none named), not_found, unsupported (`platform` below API 1.48);
    ///   of the stream: truncated, engine (with the engine's text), protocol.
    /// API: GET /images/{name}/get, and /images/get for several; `platform` 1.48+.
    Task<std::unique_ptr<ResponseStream>> save(const SaveImages& what);
    Task<std::unique_ptr<ResponseStream>> save(SaveImages&& what) = delete;

    /// With a `platform` as of `inspect`. Errors: not_found, invalid_argument (what is no
    ///   platform), unsupported (`platform` below API 1.48).
    /// API: GET /images/{name}/history; `platform` 1.48+.
    Task<std::vector<HistoryEntry>> history(std::string_view image, std::string_view platform = {});

    /// Removes images that no container uses: those without a name, or all.
    /// Errors: invalid_argument (a filter), unsupported (`named` on podman before 4.8: see
    ///   Traits::prune_tagged). API: POST /images/prune.
    Task<PrunedImages> prune(const PruneImages& options);
    Task<PrunedImages> prune(PruneImages&& options) = delete;

    /// Makes an image of a container's files, without those of volumes, and returns its id. Podman
    /// adds PATH, TERM and container=podman to its environment.
    /// Errors: not_found, invalid_argument (the name; dockerd: a change; podman: engine),
    ///   unsupported (`pause` on rootless podman with cgroup v1). API: POST /commit.
    Task<std::string> commit(const CommitContainer& what);
    Task<std::string> commit(CommitContainer&& what) = delete;

    /// Asks a registry what it has under such a name; the Hub where the term names none.
    /// Errors: invalid_argument (no term), unauthorized, engine (no registry answers), not_found
    ///   (podman: nothing found, or no registry answers). API: GET /images/search.
    Task<std::vector<FoundImage>> search(const SearchImages& what);
    Task<std::vector<FoundImage>> search(SearchImages&& what) = delete;

    /// Asks the image's registry for its digest and platforms, without a pull.
    /// Errors: not_found, unauthorized, engine (no registry answers), unsupported (podman: see
    ///   Traits::can_inspect_distribution). API: GET /distribution/{name}/json, 1.30+.
    Task<DistributionInfo> distribution(std::string_view image);
    Task<DistributionInfo> distribution(std::string_view image, const RegistryAuth& auth);
    Task<DistributionInfo> distribution(std::string_view image, RegistryAuth&& auth) = delete;

private:
    Transport* transport_;
};

} // namespace slipway::engine
