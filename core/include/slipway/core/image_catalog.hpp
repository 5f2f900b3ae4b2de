#pragma once

#include <slipway/engine/result.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// The images that Slipway can build: the stages of one Dockerfile. A stage whose name has two '-'
/// or more is a target triple; the others only serve them.
class ImageCatalog {
public:
    /// Dockerfile.images as it was when this library was built; needs no file.
    static const ImageCatalog& built_in();

    /// Reads the text of a Dockerfile. `origin` is what people call it: a path.
    /// Errors: invalid_argument (no stage is named after a target; two stages have one name).
    static Result<ImageCatalog> parse(std::string text, std::string origin);

    /// Reads a file. Errors: not_found, permission_denied, io, and those of `parse`.
    static Result<ImageCatalog> load(const std::filesystem::path& file);

    const std::string& text() const noexcept { return text_; }
    const std::string& origin() const noexcept { return origin_; }
    bool is_built_in() const noexcept { return built_in_; }

    /// The target triples, in the order of the file.
    const std::vector<std::string>& targets() const noexcept { return targets_; }
    bool has_target(std::string_view target) const noexcept;

    /// The words of the stage's label org.slipway.languages ("c c++ rust"), which a stage takes
    /// over from the one that it begins with. Empty: it has no such label, so nothing is known.
    std::vector<std::string> languages(std::string_view target) const;

    /// Whether that target can be built for: an error when its label names languages and this is
    /// not one of them. Errors: unsupported (the hint has the targets that do have it).
    Result<> check_language(std::string_view target, std::string_view language) const;

    /// The value of the `ARG BASE=` before the first stage; empty when there is none.
    const std::string& default_base() const noexcept { return default_base_; }

    /// "slipway/<target>:<12 hex digits>". The digits stand for the Dockerfile, the base and the
    /// target: whatever changes one of them gives another image. An empty `base` is the default.
    std::string image_name(std::string_view target, std::string_view base = {}) const;

private:
    ImageCatalog() = default;

    std::string text_;
    std::string origin_;
    std::string default_base_;
    std::vector<std::string> targets_;
    std::map<std::string, std::vector<std::string>, std::less<>> languages_; // by stage
    bool built_in_ = false;
};

} // namespace slipway::core
