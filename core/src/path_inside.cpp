#include "path_inside.hpp"

namespace slipway::core {

namespace fs = std::filesystem;

std::optional<fs::path> path_inside(const fs::path& path, const fs::path& directory)
{
    fs::path way = path.lexically_relative(directory);
    if (way.empty() || *way.begin() == "..") return std::nullopt;
    return way;
}

bool is_in(const fs::path& path, const fs::path& directory)
{
    return path_inside(path, directory).has_value();
}

} // namespace slipway::core
