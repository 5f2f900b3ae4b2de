#include "archive/posix.hpp"
#include "digest/look.hpp"

#include <slipway/core/record.hpp>
#include <slipway/core/toolchain.hpp>

#include <fcntl.h>

#include <cerrno>

namespace slipway::core {

// The names of the compiler's libraries have a hash of what they were made of; cargo and rustc are
// told apart as files of this machine are.
Result<Sha256> host_toolchain_digest(const HostToolchain& toolchain)
{
    const std::filesystem::path libraries = toolchain.from / "lib";
    Fd opened(::open(libraries.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) return fail(posix::error(errno, "opening", libraries.native()));
    TRY(std::vector<std::string> names, posix::names_in(std::move(opened), libraries.native()));
    Record::Table programs;
    for (const char* const name : {"rustc", "cargo"}) {
        const FileMark mark = mark_of(std::filesystem::path(toolchain.from) / "bin" / name);
        programs.emplace(name, std::to_string(mark.size) + " " + std::to_string(mark.mtime_ns));
    }
    Record record("host-toolchain", 1);
    record.add("host", toolchain.host)
        .add("target", toolchain.target)
        .add("source", toolchain.with_source)
        .add("libraries", std::move(names))
        .add("programs", std::move(programs));
    return record.digest();
}

} // namespace slipway::core
