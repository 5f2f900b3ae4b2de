#include "store/pins.hpp"

#include "archive/posix.hpp"
#include "store/sealed.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

// A pin's file has its name with '%' for each '/', and a '=' in front of a first '.'.
namespace slipway::store {

namespace posix = core::posix;

namespace {

constexpr std::size_t longest_pin = 128;

bool is_pin_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || std::string_view("._/-").find(c) != std::string_view::npos;
}

Result<std::string> path_of_pin(std::string_view name)
{
    const bool good = !name.empty() && name.size() <= longest_pin
                      && std::all_of(name.begin(), name.end(), is_pin_byte);
    if (!good) {
        Error error(Errc::invalid_argument, "not a pin's name: " + posix::printable(name));
        error.hint = "a name has 1 to 128 letters, digits, dots, lines and slashes";
        return fail(std::move(error));
    }
    std::string file = name.front() == '.' ? "=" : "";
    file += name;
    std::replace(file.begin(), file.end(), '/', '%');
    return std::string(pins_name) + "/" + file;
}

std::string name_of_pin(std::string file)
{
    if (file.starts_with('=')) file.erase(0, 1);
    std::replace(file.begin(), file.end(), '%', '/');
    return file;
}

} // namespace

Result<> pin(Base& base, std::string_view name, const core::Sha256& key)
{
    TRY(const std::string path, path_of_pin(name));
    TRY(TempFile file, base.temp());
    CHECK_OK(file.write(core::to_hex(key) + "\n"));
    if (::fsync(file.fd()) != 0) return fail(posix::error(errno, "writing", base.shown(path)));
    return base.publish(std::move(file), path);
}

Result<bool> unpin(Base& base, std::string_view name)
{
    CHECK_OK(base.need_writable());
    TRY(const std::string path, path_of_pin(name));
    if (::unlinkat(base.top(), path.c_str(), 0) == 0) return true;
    if (errno == ENOENT) return false;
    return fail(posix::error(errno, "removing", base.shown(path)));
}

Result<Pins> read_pins(const Base& base)
{
    Pins pins;
    Fd directory(::openat(base.top(), pins_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory && errno == ENOENT) return pins;
    if (!directory) return fail(posix::error(errno, "opening", base.shown(pins_name)));
    TRY(const auto names, posix::names_in(std::move(directory), base.shown(pins_name)));
    for (const std::string& name : names) {
        const std::string path = std::string(pins_name) + "/" + name;
        TRY(const auto file, read_small(base, path));
        if (!file) continue;
        std::string_view text = file->bytes;
        if (text.ends_with('\n')) text.remove_suffix(1);
        const auto key = core::sha256_from_hex(text);
        if (key && file->bytes.size() > text.size()) {
            pins.whole.push_back({name_of_pin(name), *key});
        } else {
            pins.damaged.push_back(path);
        }
    }
    std::sort(pins.whole.begin(), pins.whole.end(), [](const auto& a, const auto& b) {
        return a.name < b.name;
    });
    return pins;
}

} // namespace slipway::store
