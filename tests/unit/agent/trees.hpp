#pragma once

#include "session.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::test {

inline agent::TreeItem item(agent::ItemKind kind, bool required, std::string text)
{
    agent::TreeItem made;
    made.kind = static_cast<std::uint8_t>(kind);
    made.required = required;
    made.text = std::move(text);
    return made;
}
inline agent::TreeItem path(std::string text)
{
    return item(agent::ItemKind::path, true, std::move(text));
}
inline agent::TreeItem maybe(std::string text)
{
    return item(agent::ItemKind::path, false, std::move(text));
}
inline agent::TreeItem glob(std::string text)
{
    return item(agent::ItemKind::pattern, true, std::move(text));
}
inline agent::TreeItem maybe_glob(std::string text)
{
    return item(agent::ItemKind::pattern, false, std::move(text));
}

/// And the jobs that are no programs.
struct TreeSession : Session {
    static agent::Run order(agent::What what, const std::filesystem::path& place)
    {
        agent::Run run = program({place.string()});
        run.what = static_cast<std::uint8_t>(what);
        run.has_in = what == agent::What::unpack || what == agent::What::write_file;
        return run;
    }
    static agent::Run
    order(agent::What what, const std::filesystem::path& place, std::vector<agent::TreeItem> items)
    {
        agent::Run run = order(what, place);
        run.tree.items = std::move(items);
        return run;
    }
    Outcome pack(const std::filesystem::path& directory, std::vector<agent::TreeItem> items)
    {
        return client.run(order(agent::What::pack, directory, std::move(items)));
    }
    Outcome unpack(const std::filesystem::path& directory, std::string_view tar)
    {
        return client.run(order(agent::What::unpack, directory), tar);
    }
    Outcome manifest(
        const std::filesystem::path& directory,
        std::vector<agent::TreeItem> items,
        agent::DigestKind digest = agent::DigestKind::none
    )
    {
        agent::Run run = order(agent::What::manifest, directory, std::move(items));
        run.tree.digest = static_cast<std::uint8_t>(digest);
        return client.run(run);
    }
};

/// The records of a manifest.
inline std::vector<agent::Entry> entries_of(std::string_view manifest)
{
    std::vector<agent::Entry> out;
    while (!manifest.empty()) {
        std::uint32_t size = 0;
        REQUIRE(manifest.size() >= sizeof size);
        agent::Reader(manifest.substr(0, sizeof size))(size);
        manifest.remove_prefix(sizeof size);
        auto entry = agent::decode<agent::Entry>(manifest.substr(0, size));
        REQUIRE(entry);
        out.push_back(*std::move(entry));
        manifest.remove_prefix(size);
    }
    return out;
}

inline void write(const std::filesystem::path& path, std::string_view text)
{
    std::ofstream(path, std::ios::binary) << text;
}

inline std::string read(const std::filesystem::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline struct stat status_of(const std::filesystem::path& path)
{
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status;
}

inline void set_time(const std::filesystem::path& path, std::int64_t seconds, long ns)
{
    const timespec times[] = {{0, UTIME_OMIT}, {seconds, ns}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

} // namespace slipway::test
