#include "program_path.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>

namespace slipway::engine {

Result<std::filesystem::path> find_in_path(std::string_view path, std::string_view name)
{
    std::filesystem::path barred;
    while (!path.empty()) {
        const auto end = std::min(path.find(':'), path.size());
        const std::filesystem::path file = std::filesystem::path(path.substr(0, end)) / name;
        path.remove_prefix(std::min(end + 1, path.size()));
        std::error_code failed;
        if (!file.is_absolute() || !std::filesystem::is_regular_file(file, failed)) continue;
        if (::access(file.c_str(), X_OK) == 0) return file;
        if (barred.empty()) barred = file;
    }
    if (!barred.empty()) {
        return fail(Errc::permission_denied, barred.string() + " cannot be executed");
    }
    return fail(Errc::not_found, "there is no program " + std::string(name) + " in PATH");
}

} // namespace slipway::engine
