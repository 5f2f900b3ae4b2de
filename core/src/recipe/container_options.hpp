#pragma once

#include <slipway/core/cross_config.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// What flags of `docker run` ask for.
struct ContainerOptions {
    ContainerWishes container;
    std::vector<std::string> env; ///< "NAME" of a variable to pass on, or "NAME=value"; in order
    std::vector<BesideWorkspace> volumes{};
};

/// Reads the flags of `docker run` that cross hands on to it. They are parted into words as by a
/// shell, with its quotes and backslashes, but nothing is expanded. Those that only say how docker
/// itself is to behave (--rm, -i, -t, --init) change nothing. `place` is where they stand, for
/// errors; `directory` is what a relative --env-file or -v starts from.
///
/// Errors: invalid_argument (a quote without its end; no flag of docker's; no value, or one
///   without a meaning; a file that cannot be read), unsupported (docker knows it and Slipway
///   cannot do it).
Result<ContainerOptions> read_container_options(
    std::string_view text, const std::string& place, const std::filesystem::path& directory
);

} // namespace slipway::core
