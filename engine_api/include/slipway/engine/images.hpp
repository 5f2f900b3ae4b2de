#pragma once

#include <slipway/engine/auth.hpp>
#include <slipway/engine/filters.hpp>
#include <slipway/engine/progress.hpp>
#include <slipway/engine/reference.hpp>
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

/// The images of an engine. Valid as long as the transport. Errors beside the listed ones are those
/// of Containers; aggregates are passed as named objects, for the same reason.
class Images {
public:
    explicit Images(Transport& transport) noexcept : transport_(&transport) {}

    /// API: GET /images/json.
    Task<std::vector<ImageSummary>> list(const ListImages& options);
    Task<std::vector<ImageSummary>> list(ListImages&& options) = delete;

    /// Errors: not_found. API: GET /images/{name}/json.
    Task<ImageInfo> inspect(std::string_view image);

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

private:
    Transport* transport_;
};

} // namespace slipway::engine
