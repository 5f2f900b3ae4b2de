#pragma once

#include "agent/selection.hpp"

#include <slipway/core/tree.hpp>
#include <slipway/engine/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::core::by_exec {

/// Says which entries of an archive of a whole directory patterns mean. Asked in the archive's
/// order, where what is below a directory follows it.
class SelectedEntries {
public:
    /// Errors: invalid_argument (an item that is none).
    Result<> add(const TreeItem& item);

    /// `path` is below the directory; empty for that itself.
    bool has(std::string_view path);

    /// Errors: not_found (a required item has met nothing).
    Result<> check_found() const;

private:
    struct Level {
        std::string name;
        agent::Selection::States states;
        bool whole = false; ///< it, and all below
    };

    agent::Selection selection_;
    std::vector<Level> levels_; ///< from the directory to the last path that was asked for
};

/// What the agent would say of an item. Errors: invalid_argument.
Result<> check_item(const TreeItem& item);

} // namespace slipway::core::by_exec
