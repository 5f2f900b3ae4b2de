#pragma once

#include "context.hpp"

#include <slipway/core/dockerfile_image.hpp>
#include <slipway/core/image_build.hpp>
#include <slipway/engine/client.hpp>

#include <map>
#include <string>

namespace slipway::cli {

/// Shows a build or a pull: steps as progress, and the output of a step only when it fails, or all
/// of it with --verbose.
class ImageReport {
public:
    /// `building` is announced at the first event: an image that is there gives none.
    explicit ImageReport(Printer& printer, std::string building = {})
        : printer_(&printer), building_(std::move(building))
    {
    }

    void show(const core::ImageEvent& event);
    /// Prints the step that failed and what it wrote, once.
    void show_failed_step();

private:
    struct Step {
        core::ImageEvent event;
        std::string output;
        bool cut = false; // the start of the output was dropped
    };

    void show_output(const core::ImageEvent& event);

    Printer* printer_;
    std::string building_;
    std::map<std::string, Step> steps_; // under way, by place
    std::string shown_;                 // place of the step whose line came last
    std::string failed_;                // place of the step that failed
};

/// The base image to build from: `option` when it is not empty, else SLIPWAY_BASE_IMAGE, else
/// empty, which is the catalog's. The variable stands in the environment of whatever is built, so
/// it is passed over for a Dockerfile that takes no base.
std::string base_image(const core::ImageCatalog& catalog, const std::string& option = {});

/// As core::check_choice; the hint of an unknown target says which one may have been meant.
Result<> check_target(const core::ImageCatalog& catalog, const core::BuildChoice& choice);

/// Builds the image of a target, `always` or only when the engine does not have it, and shows how
/// it goes. Returns its reference. Errors: those of core::build_image.
enum class BuildWhen { missing, always };
Task<std::string> build_and_show(
    Context& context,
    engine::Client client,
    core::ImageCatalog catalog,
    core::BuildChoice choice,
    BuildWhen when
);

/// Builds the image of a project's Dockerfile when the engine does not have it, and shows how it
/// goes. Errors: those of core::ensure_dockerfile_image.
Task<std::string> build_and_show(
    Context& context, engine::Client client, core::DockerfileImage image, core::BuildChoice choice
);

/// Pulls an image, for `platform` unless that is empty, when the engine does not have it, and shows
/// how it goes.
/// Errors: those of core::ensure_pulled.
Task<>
pull_and_show(Context& context, engine::Client client, std::string reference, std::string platform);

} // namespace slipway::cli
