#pragma once

#include <slipway/core/input_digests.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace slipway::core::graph {

/// What a build has seen of the files below its root: each is looked at once, many together.
class SeenFiles {
public:
    /// Errors: those of InputDigests::open.
    static Result<SeenFiles> open(std::filesystem::path root, std::filesystem::path notes);

    /// What stands at each of the paths, for `look`. Looked at anew when `again`.
    /// Errors: those of InputDigests::look.
    Result<> look_at(const std::vector<std::string>& paths, bool again);
    /// What a path is, as it was seen. It stays where it is. Errors: as look_at.
    Result<const DigestedPath*> look(const std::string& path);
    /// Null when nobody has looked.
    const DigestedPath* known(const std::string& path) const;
    void each(const std::function<void(const std::string&, const DigestedPath&)>& tell) const;
    /// Whether files are still as they were seen.
    bool unchanged(const std::vector<std::string>& paths) const;

    const InputDigests& digests() const noexcept { return digests_; }
    /// As InputDigests::stop_when.
    void stop_when(const std::atomic<bool>* stop) noexcept { digests_.stop_when(stop); }
    /// Writes what was learned. Errors: io, permission_denied.
    Result<> save() { return digests_.save(); }

private:
    explicit SeenFiles(InputDigests digests) : digests_(std::move(digests)) {}

    InputDigests digests_;
    std::unordered_map<std::string, DigestedPath> seen_;
};

} // namespace slipway::core::graph
