#include "agent/items.hpp"
#include "archive/posix.hpp"
#include "sandbox/by_exec/run_script.hpp"
#include "sandbox/by_exec/sandbox.hpp"

#include <slipway/core/labels.hpp>

#include <fmt/format.h>

#include <filesystem>

namespace slipway::core::by_exec {

namespace fs = std::filesystem;

namespace {

// 1: the temporary name, 2: its directory.
constexpr const char* write_script = "mkdir -p -- \"$2\" && umask 077 && cat >\"$1\"";

// 1: the temporary name, 2: the name, 3: mode, 4: seconds since 1970 or nothing.
constexpr const char* rename_script = R"(
if [ -d "$2" ] && [ ! -h "$2" ]; then echo "$2: Is a directory" >&2; exit 4; fi
chmod "$3" "$1" && { [ -z "$4" ] || touch -c -d "@$4" -- "$1"; } || exit 1
if [ -h "$2" ]; then rm -f -- "$2" || exit; fi
mv -f -- "$1" "$2"
)";

constexpr const char* remove_script = "rm -f -- \"$1\"";

constexpr const char* read_script = R"(
if [ ! -e "$1" ]; then echo "$1: No such file or directory" >&2; exit 3; fi
if [ ! -f "$1" ]; then echo "$1: not a regular file" >&2; exit 4; fi
exec cat -- "$1"
)";

Task<> put_whole(
    std::shared_ptr<Sandbox> sandbox,
    std::string path,
    FileAttributes attributes,
    std::shared_ptr<engine::ByteSource> bytes
)
{
    const std::string directory = fs::path(path).parent_path().string();
    const std::string temporary = directory + "/." + unique_name("file");
    std::vector<std::string> words{temporary, directory};
    // Its own step: that the source has failed looks like the end of the input to a shell.
    auto done = co_await run_script(sandbox, write_script, std::move(words), bytes.get(), nullptr);
    if (done) {
        constexpr std::int64_t second = 1'000'000'000;
        const std::string time =
            attributes.mtime_ns ? std::to_string(*attributes.mtime_ns / second) : std::string();
        std::vector<std::string> how{
            temporary, path, fmt::format("{:o}", attributes.mode & posix::mode_bits), time};
        done = co_await run_script(sandbox, rename_script, std::move(how), nullptr, nullptr);
    }
    if (!done) {
        std::vector<std::string> what{temporary};
        co_await run_script(sandbox, remove_script, std::move(what), nullptr, nullptr);
    }
    co_return done;
}

} // namespace

Task<> put_file_by_exec(
    std::shared_ptr<Sandbox> sandbox,
    std::string path,
    FileAttributes attributes,
    std::shared_ptr<engine::ByteSource> bytes
)
{
    CO_CHECK(check_file_path(path));
    const std::string doing = "putting the file " + path + " into the sandbox";
    co_return during(
        co_await put_whole(sandbox, std::move(path), std::move(attributes), std::move(bytes)), doing
    );
}

Task<> get_file_by_exec(std::shared_ptr<Sandbox> sandbox, std::string path, engine::ByteSink& bytes)
{
    CO_CHECK(check_file_path(path));
    const std::string doing = "getting the file " + path + " of the sandbox";
    std::vector<std::string> words(1, path);
    co_return during(
        co_await run_script(sandbox, read_script, std::move(words), nullptr, &bytes), doing
    );
}

} // namespace slipway::core::by_exec
