#pragma once

#include "context.hpp"
#include "job_command.hpp"

#include <slipway/core/build_units.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace slipway::cli {

/// What `slipway build` and `slipway explain` are told about a project with a slipway.toml.
struct UnitChoice {
    std::vector<std::string> units;
    std::string target;  ///< empty: this machine's
    std::string profile; ///< "debug", "release"
    unsigned jobs = 0;
    bool force = false;
    bool keep_going = false;
    bool explain = false; ///< why, before it runs
    bool json = false;    ///< --message-format json
    bool shell_on_failure = false;
    std::string out_dir;
    std::string trace;
    std::string pin;
};

/// What an image is on the engine, which gets it when it has not.
/// Errors: those of provide_image; invalid_argument (it is for another platform).
Task<core::ResolvedToolchain>
resolve_image(Context& context, engine::Client client, ImageChoice choice);

/// As `slipway explain` writes it.
std::string forecast_text(const std::vector<core::UnitForecast>& units, bool json);

/// Builds the project of that directory. The exit code: of the first unit that failed.
Task<int> build_unit_project(Context& context, std::filesystem::path directory, UnitChoice choice);

/// Tells why units are stale; the exit code is 0 whether or not they are.
Task<int> explain_units(Context& context, std::filesystem::path directory, UnitChoice choice);

} // namespace slipway::cli
