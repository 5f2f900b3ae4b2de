#include "store/sealed.hpp"

#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace slipway::store {

namespace posix = core::posix;

namespace {

constexpr std::string_view note_magic = "slipnot\x01";
constexpr std::size_t seal_bytes = 16;
// Ours have much less; a file that grew by a defect is not read into memory.
constexpr off_t most_small = off_t{256} << 20U;

std::string_view text_of(const core::Sha256& key)
{
    return {reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()};
}

} // namespace

std::string seal(std::string_view magic, std::string_view payload)
{
    std::string out(magic);
    out += payload;
    out += core::bytes_of(core::content_hash(out));
    return out;
}

std::optional<std::string_view> unseal(std::string_view magic, std::string_view bytes)
{
    if (bytes.size() < magic.size() + seal_bytes || !bytes.starts_with(magic)) return std::nullopt;
    const std::string_view sealed = bytes.substr(0, bytes.size() - seal_bytes);
    if (core::bytes_of(core::content_hash(sealed)) != bytes.substr(sealed.size())) {
        return std::nullopt;
    }
    return sealed.substr(magic.size());
}

std::string encode_note(const core::Sha256& key, std::string_view bytes)
{
    return seal(note_magic, std::string(text_of(key)).append(bytes));
}

std::optional<std::string> decode_note(const core::Sha256& key, std::string_view file)
{
    const auto payload = unseal(note_magic, file);
    if (!payload || !payload->starts_with(text_of(key))) return std::nullopt;
    return std::string(payload->substr(key.bytes.size()));
}

Result<std::optional<SmallFile>> read_small(const Base& base, const std::string& name)
{
    const Fd fd(::openat(base.top(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT) return std::nullopt;
    SmallFile file;
    if (!fd || ::fstat(fd.get(), &file.status) != 0) {
        return fail(posix::error(errno, "opening", base.shown(name)));
    }
    // What is too long is damaged, and its begin tells so.
    const off_t size = std::clamp<off_t>(file.status.st_size, 0, most_small);
    file.bytes.resize(static_cast<std::size_t>(size));
    std::size_t have = 0;
    while (have < file.bytes.size()) {
        const ssize_t got = ::read(fd.get(), file.bytes.data() + have, file.bytes.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(posix::error(errno, "reading", base.shown(name)));
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    file.bytes.resize(have);
    return file;
}

} // namespace slipway::store
