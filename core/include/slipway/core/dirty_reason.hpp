#pragma once

#include <slipway/core/record.hpp>

#include <optional>
#include <string>
#include <vector>

namespace slipway::core {

/// Why a unit has to run, with a name that scripts can rely on.
struct DirtyReason {
    /// fresh-build                   nothing is known of it
    /// forced                        it was asked for
    /// toolchain-changed, features-changed, profile-configuration-changed,
    /// target-configuration-changed, compile-kind-changed (the platform), path-to-source-changed,
    /// package-changed, recipe-changed, mode-changed
    /// command-changed
    /// env-vars-changed              which ones the unit sets or takes from the caller
    /// env-var-changed               the value of one
    /// config-settings-changed       the network
    /// declared-outputs-changed
    /// dep-info-output-changed       the depfile is another one
    /// missing-file, new-file, changed-file, changed-file-type   an input, declared or discovered
    /// discoverable-files-changed    a file came or went that could be discovered
    /// number-of-dependencies-changed, unit-dependency-name-changed
    /// unit-dependency-info-changed  the outputs of one are others
    /// stale-dependency              one is to run first, and may make other outputs
    /// missing-output, changed-output   somebody has removed or changed what it made
    /// record-damaged                what was known of it cannot be read
    /// unfinished-run                its last run failed or was killed, or somebody wrote to what
    /// it
    ///                               was made of meanwhile
    /// nothing-obvious
    std::string name;
    std::string subject{}; ///< which file, variable, unit, ...; may be empty
    std::optional<std::string> before{};
    std::optional<std::string> after{};

    friend bool operator==(const DirtyReason&, const DirtyReason&) = default;
};

/// "changed-file src/main.c: file 1f2e... -> file 99ab..."
std::string describe(const DirtyReason& reason);

/// Why a unit is another one than that of its name which was built last.
std::vector<DirtyReason> identity_reasons(const Record& before, const Record& after);

/// Why what a unit made under the key of `before` is not good under that of `after`: records of
/// `result_record`.
std::vector<DirtyReason> freshness_reasons(const Record& before, const Record& after);

} // namespace slipway::core
