#include "doctor/marker.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace slipway::core {
namespace {

tl::unexpected<Error> failure(const std::string& doing)
{
    const std::error_code cause(errno, std::generic_category());
    const bool denied = cause == std::errc::permission_denied
                        || cause == std::errc::operation_not_permitted
                        || cause == std::errc::read_only_file_system;
    Error error(denied ? Errc::permission_denied : Errc::io, doing + ": " + cause.message());
    error.cause = cause;
    return fail(std::move(error));
}

} // namespace

Result<Marker> Marker::make(const std::filesystem::path& parent)
{
    std::string name = (parent / ".slipway-probe-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        return failure("making a directory in " + parent.string());
    Marker marker{std::filesystem::path(name)};
    // An engine that maps root to another user must be able to look inside.
    if (::chmod(name.c_str(), 0755) != 0) return failure("changing the mode of " + name);
    const std::string file = name + "/" + file_name;
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0) return failure("making " + file);
    const std::string content(file_size, '.');
    const bool whole = ::write(descriptor, content.data(), content.size()) == file_size;
    ::close(descriptor);
    if (!whole) return failure("writing " + file);
    return marker;
}

Marker::Marker(Marker&& other) noexcept : directory_(std::move(other.directory_))
{
    other.directory_.clear();
}

Marker::~Marker()
{
    if (directory_.empty()) return;
    ::unlink((directory_ / file_name).c_str());
    ::rmdir(directory_.c_str());
}

} // namespace slipway::core
