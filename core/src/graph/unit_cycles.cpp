#include "graph/unit_cycles.hpp"

#include "graph/unit_text.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace slipway::core {
namespace {

constexpr std::size_t most_told = 8;

/// A unit on the way, and which of its dependencies is looked at.
struct UnitStep {
    std::uint32_t unit;
    std::uint32_t edge = 0;
};

std::string told_lines(const std::vector<std::uint32_t>& lines)
{
    const auto last = lines.end() - 1;
    return fmt::format("{} and {}", fmt::join(lines.begin(), last, ", "), *last);
}

tl::unexpected<Error> refused_cycle(const UnitFile& file, std::vector<UnitStep> cycle)
{
    std::rotate(cycle.begin(), std::ranges::min_element(cycle, {}, &UnitStep::unit), cycle.end());
    const Unit& first = file.units[cycle.front().unit];
    std::string way;
    std::vector<std::uint32_t> lines;
    const std::size_t told = std::min(cycle.size(), most_told);
    for (std::size_t i = 0; i < told; ++i) {
        const Unit& unit = file.units[cycle[i].unit];
        way += fmt::format("{} ({}) -> ", unit.name, line_of(file.path, unit.place));
        lines.push_back(unit.deps[cycle[i].edge].place.line);
    }
    if (told < cycle.size()) way += fmt::format("{} more -> ", cycle.size() - told);
    const bool alone = cycle.size() == 1;
    std::string hint = "remove one of the dependencies";
    if (alone) {
        hint = fmt::format("the dependency is from line {}: remove it", lines.front());
    } else if (told == cycle.size()) {
        hint = "the dependencies are from lines " + told_lines(lines) + ": remove one of them";
    }
    return unit_mistake(
        file.path,
        first.place,
        (alone ? "a unit waits for itself: " : "units wait for each other: ") + way + first.name,
        std::move(hint)
    );
}

} // namespace

Result<> check_unit_cycles(const UnitFile& file, const UnitEdges& edges)
{
    enum class Seen : std::uint8_t { no, on_the_way, done };
    std::vector<Seen> seen(file.units.size(), Seen::no);
    std::vector<UnitStep> way;
    for (std::uint32_t start = 0; start < edges.size(); ++start) {
        if (seen[start] != Seen::no) continue;
        way.push_back({start});
        seen[start] = Seen::on_the_way;
        while (!way.empty()) {
            UnitStep& at = way.back();
            if (at.edge == edges[at.unit].size()) {
                seen[at.unit] = Seen::done;
                way.pop_back();
                if (!way.empty()) ++way.back().edge;
                continue;
            }
            const std::uint32_t next = edges[at.unit][at.edge];
            if (seen[next] == Seen::on_the_way) {
                const auto begin = std::ranges::find(way, next, &UnitStep::unit);
                return refused_cycle(file, {begin, way.end()});
            }
            if (seen[next] == Seen::done) {
                ++at.edge;
                continue;
            }
            seen[next] = Seen::on_the_way;
            way.push_back({next});
        }
    }
    return ok();
}

} // namespace slipway::core
