#pragma once

#include <slipway/core/workspace.hpp>
#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace slipway::core {

/// The name that an entry gets, made from its clean old one; nothing leaves it out.
using RenameEntry = std::function<Result<std::optional<std::string>>(const std::string& name)>;

/// Gets the name of a hard link whose target is left out, and so is it.
using LostLink = std::function<Result<>(const std::string& name)>;

/// Gets the new name of a symlink and what it points to; true: it is left out.
using LeaveLink = std::function<bool(const std::string& name, const std::string& target)>;

/// The time of an entry by its new name, in ns since 1970, where the archive has about the
/// same in whole seconds; none: as it is.
using EntryTime = std::function<std::optional<std::int64_t>(const std::string& name)>;

struct TarChange {
    RenameEntry rename;
    std::optional<Owner> owner{}; ///< of all entries; unset: as it is
    LostLink lost_link{};         ///< none: such a link is an error
    LeaveLink leave_link{};       ///< none: all symlinks are in it
    EntryTime mtime_ns{};         ///< none: all as they are
};

enum class TarEnd {
    whole, ///< with its end mark
    open,  ///< another one follows
};

/// The end mark of a tar: two blocks of zeros.
inline constexpr std::size_t tar_end_bytes = 1024;

/// A tar with other names, made while it is read, on a thread; memory does not grow with it.
/// Sockets and devices are left out. `change.rename` is called on that thread.
///
/// Errors of `read`: those of `from` and of `change`, truncated, engine, protocol as in list_tar;
///   protocol (a link to what is left out, without `lost_link`).
std::shared_ptr<engine::ByteSource> renamed_tar(
    const boost::asio::any_io_executor& executor,
    std::shared_ptr<engine::ByteSource> from,
    TarChange change,
    TarEnd end
);

} // namespace slipway::core
