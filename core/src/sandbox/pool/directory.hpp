#pragma once

#include "archive/posix.hpp"

#include <slipway/core/lease.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// What this user's programs on this machine know of their sandboxes. The engine has the truth;
/// this says which ones there may be, and who has which:
///
///     BASE/pools/KEY/CONTAINER/       one sandbox; locked (flock) by the process that has it, and
///                                     for a moment, shared, by one that looks who has it
///                              road   how its agent is reached
///                              agent/ on the road "socket", all that the sandbox sees of this
///                                  s  the agent's
///     BASE/engines/KEY                what was found out about an engine
namespace slipway::core::pool {

/// $XDG_RUNTIME_DIR/slipway, or /tmp/slipway-UID: made when missing, the user's alone.
///
/// Errors: io, permission_denied (somebody else made it).
Result<std::filesystem::path> base_directory(const std::filesystem::path& wanted);

/// Tells pools apart, those of other users and machines too: what a sandbox's label says.
std::string pool_mark(const std::filesystem::path& base);

/// One sandbox, ours as long as this lives, also when this process is killed.
class Entry {
public:
    /// A new one. Errors: io.
    static Result<Entry>
    make(const std::filesystem::path& base, const std::string& key, const std::string& container);
    /// One that is there. Nothing when somebody has it or it is gone.
    static std::optional<Entry> take(const std::filesystem::path& directory);
    /// Whether somebody has it. Asking does not keep anybody from taking it.
    static bool is_taken(const std::filesystem::path& directory);

    static std::filesystem::path
    place(const std::filesystem::path& base, const std::string& key, const std::string& container);
    static bool is_there(
        const std::filesystem::path& base, const std::string& key, const std::string& container
    );

    const std::filesystem::path& directory() const noexcept { return directory_; }
    std::string container() const { return directory_.filename().string(); }
    /// In a directory of its own, which the sandbox sees.
    std::filesystem::path socket() const { return directory_ / "agent" / "s"; }

    /// Nothing as long as the sandbox is not ready.
    static std::optional<Road> road_in(const std::filesystem::path& directory);
    std::optional<Road> road() const { return road_in(directory_); }
    Result<> set_road(Road road) const;
    /// Its place in the order of use is the last.
    void used() const noexcept;
    /// The sandbox is gone. The entry stays locked until it is dropped. Where another one has taken
    /// its place, since the base was removed and made anew, that one stays.
    void erase() const noexcept;

private:
    bool in_place() const noexcept;

    Entry(std::filesystem::path directory, posix::Fd lock)
        : directory_(std::move(directory)), lock_(std::move(lock))
    {
    }

    std::filesystem::path directory_;
    posix::Fd lock_;
};

/// The directories of the entries of all pools whose keys begin so, the last used first.
std::vector<std::filesystem::path> entries(const std::filesystem::path& base, std::string_view key);

/// Something about an engine that one process does at a time, until this is dropped or the process
/// has ended. Nothing when somebody else is at it; no descriptor where nothing can be locked.
std::optional<posix::Fd> try_lock(const std::filesystem::path& base, const std::string& key);

/// What a file below BASE/engines says; empty when there is none.
std::string recall(const std::filesystem::path& base, const std::string& key);
/// The names of all such files.
std::vector<std::string> remembered(const std::filesystem::path& base);
/// What cannot be written is found out again the next time.
void remember(const std::filesystem::path& base, const std::string& key, const std::string& text);
void forget(const std::filesystem::path& base, const std::string& key);

} // namespace slipway::core::pool
