#include "tree.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace slipway::agent {

int do_tree_job(const Run& run, int kept) noexcept
{
    const auto work = [&] {
        const bool known = run.tree.encoding <= static_cast<std::uint8_t>(Encoding::zstd)
                           && run.tree.digest <= static_cast<std::uint8_t>(DigestKind::sha256);
        if (!known) return complain("the order", "an unknown encoding or digest", TreeEnd::refused);
        switch (static_cast<What>(run.what)) {
        case What::unpack:
            return unpack(run);
        case What::pack:
            return pack(run);
        case What::manifest:
            return write_manifest(run);
        case What::write_file:
            return write_file(run);
        case What::read_file:
            return read_file(run);
        case What::keep:
            return keep_directory(run, kept);
        case What::program:
            break;
        }
        return complain("the order", "an unknown one", TreeEnd::refused);
    };
    return static_cast<int>(work());
}

int make_directories(const std::string& path)
{
    for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
        const std::string part = path.substr(0, at);
        if (::mkdir(part.c_str(), 0777) != 0 && errno != EEXIST) return errno;
        if (at == std::string::npos) return 0;
    }
}

} // namespace slipway::agent
