#pragma once

#include "agent/messages.hpp"

#include <string>
#include <string_view>
#include <vector>

/// How an item of a tree is written: core/agent/PROTOCOL.md. Nothing here does I/O: the client
/// refuses what the agent would refuse.
namespace slipway::agent {

/// What stands between two slashes of an item.
struct ItemPart {
    enum class Kind {
        literal,     ///< `text` is a name
        glob,        ///< `text` matches names
        directories, ///< any number of directories: `**`
    };
    Kind kind = Kind::literal;
    std::string text;

    friend bool operator==(const ItemPart&, const ItemPart&) = default;
};

/// The parts of an item, none for the directory itself. `directories` is never the last, nor does
/// one follow another. Returns why it is no item, or an empty text.
std::string_view parse_item(const TreeItem& item, std::vector<ItemPart>& parts);

/// Whether a part of kind `glob` matches the whole of a name.
bool glob_matches(std::string_view glob, std::string_view name);

} // namespace slipway::agent
