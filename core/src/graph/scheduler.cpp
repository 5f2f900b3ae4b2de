#include "graph/scheduler.hpp"

#include "graph/plan.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace slipway::core::graph {

std::int64_t Tokens::thousandths(double cpus) noexcept
{
    return std::llround(cpus * 1'000);
}

bool Tokens::fits(const Unit& unit) const
{
    const bool memory =
        capacity_.memory_bytes == 0 || memory_bytes_ + unit.memory_bytes <= capacity_.memory_bytes;
    const bool network = unit.network == "none" || network_ < capacity_.network;
    return memory && network && cpus_ + thousandths(unit.cpus) <= thousandths(capacity_.cpus);
}

bool Tokens::take(const Unit& unit)
{
    for (const UnitCache& cache : unit.caches) {
        if (cache.locked && locked_.contains(cache.name)) return false;
    }
    if (running_ != 0 && !fits(unit)) return false;
    ++running_;
    cpus_ += thousandths(unit.cpus);
    memory_bytes_ += unit.memory_bytes;
    network_ += unit.network == "none" ? 0U : 1U;
    for (const UnitCache& cache : unit.caches) {
        if (cache.locked) locked_.insert(cache.name);
    }
    return true;
}

void Tokens::give_back(const Unit& unit)
{
    --running_;
    cpus_ -= thousandths(unit.cpus);
    memory_bytes_ -= unit.memory_bytes;
    network_ -= unit.network == "none" ? 0U : 1U;
    for (const UnitCache& cache : unit.caches) {
        if (cache.locked) locked_.erase(cache.name);
    }
}

ReadyUnits::ReadyUnits(const BuildPlan& plan)
    : plan_(&plan), missing_(plan.units.size()), rank_(plan.units.size()), out_(plan.units.size())
{
    // Dependents stand behind, so their ranks are known.
    for (std::size_t i = plan.units.size(); i-- > 0;) {
        for (const std::size_t dependent : plan.units[i].dependents) {
            rank_[i] = std::min(rank_[i], rank_[dependent] - 1);
        }
        missing_[i] = plan.units[i].dependencies.size();
    }
    for (std::size_t i = 0; i < plan.units.size(); ++i) {
        if (missing_[i] == 0) ready_.emplace(rank_[i], i);
    }
}

void ReadyUnits::take(std::size_t place)
{
    ready_.erase({rank_[place], place});
}

void ReadyUnits::built(std::size_t place)
{
    for (const std::size_t dependent : plan_->units[place].dependents) {
        if (--missing_[dependent] == 0) ready_.emplace(rank_[dependent], dependent);
    }
}

std::vector<std::size_t> ReadyUnits::failed(std::size_t place)
{
    std::vector<std::size_t> all;
    std::vector<std::size_t> left{place};
    while (!left.empty()) {
        const std::size_t one = left.back();
        left.pop_back();
        for (const std::size_t dependent : plan_->units[one].dependents) {
            if (out_[dependent]) continue;
            out_[dependent] = true;
            all.push_back(dependent);
            left.push_back(dependent);
        }
    }
    std::ranges::sort(all);
    return all;
}

} // namespace slipway::core::graph
