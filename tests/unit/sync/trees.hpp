#pragma once

#include "support/temp_directory.hpp"
#include "sync/tree_scan.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace slipway::test {

/// A directory with files, and what a scan finds in it.
class Tree {
public:
    std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
    void write(const std::string& name, const std::string& text) const
    {
        std::filesystem::create_directories(path(name).parent_path());
        std::ofstream(path(name), std::ios::binary) << text;
    }
    sync::Scan scan(sync::ScanOptions options = {}) const
    {
        const int root = ::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        REQUIRE(root >= 0);
        sync::Scan out = sync::scan_tree(root, options);
        ::close(root);
        return out;
    }
    std::map<std::string, sync::StateEntry> entries() const
    {
        std::map<std::string, sync::StateEntry> out;
        for (const sync::StateEntry& entry : scan().tree.state) {
            out.emplace(entry.path, entry);
        }
        return out;
    }

private:
    TempDirectory directory_;
};

inline sync::StateEntry entry(
    const std::string& path,
    agent::EntryKind kind = agent::EntryKind::file,
    std::uint64_t content = 1,
    std::uint64_t size = 1
)
{
    sync::StateEntry out;
    out.path = path;
    out.kind = static_cast<std::uint8_t>(kind);
    out.mode = 0644;
    if (kind == agent::EntryKind::file) {
        out.size = size;
        out.digest.low = content;
    }
    return out;
}
inline sync::StateEntry directory(const std::string& path)
{
    return entry(path, agent::EntryKind::directory);
}

} // namespace slipway::test
