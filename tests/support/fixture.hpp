#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace slipway::test {

/// The bytes of a file under fixtures/.
inline std::string fixture(std::string_view name)
{
    const auto file = std::filesystem::path(SLIPWAY_FIXTURES) / name;
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error("there is no fixture " + file.string());
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// A recorded reply of dockerd 20.10 or podman 4.3.
inline std::string docker_reply(const std::string& name)
{
    return fixture("engine/docker-20.10/" + name);
}
inline std::string podman_reply(const std::string& name)
{
    return fixture("engine/podman-4.3/" + name);
}

} // namespace slipway::test
