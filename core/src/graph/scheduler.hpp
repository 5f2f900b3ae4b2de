#pragma once

#include <slipway/core/unit_file.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace slipway::core::graph {

/// What units that run at once share: processors, memory, connections, caches that one of them has
/// at a time. One that wants more than there is runs when nothing else does.
class Tokens {
public:
    struct Capacity {
        double cpus = 1;
        std::int64_t memory_bytes = 0; ///< 0: not known, and not counted
        unsigned network = 4;          ///< units with network
    };
    explicit Tokens(Capacity capacity) : capacity_(capacity) {}

    /// Takes what the unit needs, if it is there.
    bool take(const Unit& unit);
    void give_back(const Unit& unit);
    /// No unit can have any now.
    bool full() const noexcept { return running_ != 0 && cpus_ >= thousandths(capacity_.cpus); }

private:
    static std::int64_t thousandths(double cpus) noexcept;
    bool fits(const Unit& unit) const;

    Capacity capacity_;
    std::size_t running_ = 0;
    std::int64_t cpus_ = 0; ///< thousandths: sums of them are exact
    std::int64_t memory_bytes_ = 0;
    unsigned network_ = 0;
    std::set<std::string> locked_; ///< names of caches
};

struct BuildPlan;

/// Which units may begin: those whose dependencies have all been built, the ones with the longest
/// chain of dependents first.
class ReadyUnits {
public:
    /// Ranks and places.
    using Ready = std::set<std::pair<std::int64_t, std::size_t>>;

    explicit ReadyUnits(const BuildPlan& plan);

    /// In the order in which they should begin.
    const Ready& ready() const noexcept { return ready_; }
    /// It is somebody else's now.
    void take(std::size_t place);
    void built(std::size_t place);
    /// It has failed: what needs it, in order, never becomes ready.
    std::vector<std::size_t> failed(std::size_t place);

private:
    const BuildPlan* plan_;
    std::vector<std::size_t> missing_; ///< dependencies that are not built
    std::vector<std::int64_t> rank_;   ///< less: earlier
    std::vector<bool> out_;            ///< it needs one that has failed
    Ready ready_;
};

} // namespace slipway::core::graph
