#pragma once

#include "agent/glob.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::agent {

/// All items of a job, followed together in one walk from directory to directory.
class Selection {
public:
    /// An item, and the part of it that the names in a directory are held against.
    struct State {
        std::uint32_t item = 0;
        std::uint32_t part = 0;

        friend auto operator<=>(const State&, const State&) = default;
    };
    using States = std::vector<State>; ///< sorted, each once

    /// Returns why it is no item, or an empty text.
    std::string_view add(const TreeItem& item);

    /// What is looked for in the directory itself. `selected`: an item means the directory.
    States begin(bool& selected);
    /// What is looked for below `name`. `selected`: an item means it.
    States step(const States& states, std::string_view name, bool& selected);
    /// What `step` has found under `name` with these states is not there after all.
    void forget(const States& states, std::string_view name);

    /// Those that go on behind a symlink: a path means what the system finds there.
    States behind_symlink(const States& states) const;
    /// The names that are looked for, when they are known without listing the directory.
    bool are_names(const States& states, std::vector<std::string_view>& names) const;

    /// The first required item that was not found, or none.
    const TreeItem* missing() const;

private:
    struct Item {
        TreeItem item;
        std::vector<ItemPart> parts;
        std::ptrdiff_t found = 0; ///< how often
    };

    void reach(State state, States& states, bool& selected, int times);
    States follow(const States& states, std::string_view name, bool& selected, int times);

    std::vector<Item> items_;
};

} // namespace slipway::agent
