#include "discovery/config_file.hpp"

#include "owned_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace slipway::engine::discovery {
namespace {

constexpr std::size_t max_file_bytes = std::size_t{16} << 20;

tl::unexpected<Error> cannot_read(const std::filesystem::path& file, int code)
{
    const std::error_code cause(code, std::generic_category());
    const bool denied = code == EACCES || code == EPERM;
    Error error(
        denied ? Errc::permission_denied : Errc::io,
        "cannot read " + file.string() + ": " + cause.message()
    );
    error.cause = cause;
    return fail(std::move(error));
}

} // namespace

std::filesystem::path user_config_directory(const Environment& environment)
{
    std::filesystem::path config = environment.directory("XDG_CONFIG_HOME");
    if (config.empty() && !environment.home.empty()) config = environment.home / ".config";
    return config;
}

Result<std::optional<std::string>> read_text(const std::filesystem::path& file)
{
    // Without O_NONBLOCK a named pipe would hold us here for ever.
    const OwnedFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>{};
        return cannot_read(file, errno);
    }
    struct stat about {};
    if (::fstat(fd.get(), &about) != 0) return cannot_read(file, errno);
    if (!S_ISREG(about.st_mode)) {
        return fail(Errc::invalid_argument, file.string() + " is not a regular file");
    }
    std::string text;
    std::array<char, 8192> buffer{};
    for (;;) {
        const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
        if (count == 0) return text;
        if (count < 0) {
            if (errno == EINTR) continue;
            return cannot_read(file, errno);
        }
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > max_file_bytes) {
            return fail(Errc::invalid_argument, file.string() + " has more than 16 MiB");
        }
    }
}

std::string about_file(const std::filesystem::path& file, std::string_view message)
{
    constexpr std::string_view reply = "the engine's reply";
    if (message.starts_with(reply))
        return file.string() + std::string(message.substr(reply.size()));
    return file.string() + ": " + std::string(message);
}

} // namespace slipway::engine::discovery
