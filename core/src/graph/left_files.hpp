#pragma once

#include "graph/run_unit.hpp"
#include "graph/source_names.hpp"

#include <slipway/core/tree.hpp>
#include <slipway/engine/result.hpp>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace slipway::core::graph {

/// What a unit has left in its work directory, held against what its file declares.
class LeftFiles {
public:
    /// Errors: invalid_argument (a pattern of Unit::scratch that is none), not_found (a file to
    /// send has gone).
    static Result<LeftFiles> expect(const UnitRun& order);

    void add(const TreeEntry& entry);
    /// What is wrong, for the user; empty: nothing is.
    std::string complaint() const;
    std::string hint() const;

private:
    struct Sent {
        EntryType type = EntryType::file;
        std::uint64_t size = 0;
        std::int64_t mtime_ns = 0;
        std::string link_target{};
        bool seen = false; ///< something is there
    };

    bool is_declared(std::string_view path) const;
    std::vector<std::string> removed() const;

    const UnitRun* order_ = nullptr;
    std::vector<PathPattern> scratch_;
    std::unordered_map<std::string, Sent> sent_;
    std::vector<std::string> undeclared_;
    std::vector<std::string> modified_;
    std::unordered_map<std::string, EntryType> made_; // at the place of an output
};

} // namespace slipway::core::graph
