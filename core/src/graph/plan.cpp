#include "graph/plan.hpp"

#include "archive/posix.hpp"

#include <slipway/core/suggest.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace slipway::core::graph {

namespace {

constexpr std::uint32_t command_recipe = 1;

std::string place_text(const UnitFile& file, const FilePlace& place)
{
    return fmt::format("{}:{}:{}", file.path.filename().native(), place.line, place.column);
}

bool is_pattern(std::string_view text)
{
    return text.find_first_of("*?[\\") != std::string_view::npos;
}

enum class Found { nothing, directory, other };

Found what_is_at(const std::filesystem::path& path)
{
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return Found::nothing;
    return S_ISDIR(status.st_mode) ? Found::directory : Found::other;
}

class Planner {
public:
    Planner(
        const BuildOrder& order, const Layout& layout, const std::vector<std::string>& made_before
    )
        : order_(&order),
          root_(layout.root()),
          names_(layout.root()),
          made_before_(made_before.begin(), made_before.end())
    {
        for (const Unit& unit : order.file.units) {
            by_name_.emplace(unit.name, &unit);
            for (const UnitPath& output : unit.outputs) {
                made_.add(output.text);
            }
        }
    }

    Result<BuildPlan> go()
    {
        TRY(const std::vector<std::string> asked, asked_units());
        const std::unordered_set<std::string> wanted(asked.begin(), asked.end());
        TRY(const std::vector<std::string> all, units_to_build(order_->file, order_->units));
        std::vector<const Unit*> sorted;
        for (const std::string& name : all) {
            visit(by_name_.at(name), sorted);
        }
        for (const Unit* unit : sorted) {
            CHECK_OK(add(*unit, wanted.contains(unit->name)));
        }
        return std::move(plan_);
    }

private:
    Result<std::vector<std::string>> asked_units() const
    {
        if (!order_->units.empty()) return order_->units;
        if (!order_->file.defaults.empty()) return order_->file.defaults;
        std::vector<std::string> all;
        for (const Unit& unit : order_->file.units) {
            all.push_back(unit.name);
        }
        return all;
    }

    // Depth first without recursion: a chain may be as long as the file.
    void visit(const Unit* first, std::vector<const Unit*>& sorted)
    {
        struct Step {
            const Unit* unit;
            std::size_t next = 0;
        };
        if (!visited_.insert(first).second) return;
        std::vector<Step> way{{first}};
        while (!way.empty()) {
            Step& step = way.back();
            if (step.next == step.unit->deps.size()) {
                sorted.push_back(step.unit);
                way.pop_back();
                continue;
            }
            const Unit* const next = by_name_.at(step.unit->deps[step.next++].text);
            if (visited_.insert(next).second) way.push_back({next});
        }
    }

    Result<> add(const Unit& unit, bool asked)
    {
        PlannedUnit planned;
        planned.unit = &unit;
        planned.asked = asked;
        planned.toolchain = &order_->toolchains.at(unit.toolchain);
        std::vector<Sha256> actions;
        for (const UnitPath& dependency : unit.deps) {
            const std::size_t place = places_.at(dependency.text);
            planned.dependencies.push_back(place);
            actions.push_back(plan_.units[place].action_id);
            plan_.units[place].dependents.push_back(plan_.units.size());
        }
        CHECK_OK(find_inputs(unit, planned));
        identify(unit, std::move(actions), planned);
        places_.emplace(unit.name, plan_.units.size());
        plan_.units.push_back(std::move(planned));
        return ok();
    }

    void identify(const Unit& unit, std::vector<Sha256> actions, PlannedUnit& planned) const
    {
        UnitIdentity identity;
        identity.recipe = "command";
        identity.recipe_version = command_recipe;
        identity.path = ".";
        identity.name = unit.name;
        identity.profile = order_->variables.profile;
        identity.target = order_->variables.target;
        identity.platform = planned.toolchain->platform;
        identity.toolchain = planned.toolchain->digest;
        identity.dependencies = std::move(actions);
        planned.action = action_record(identity);
        planned.action_id = planned.action.digest();
        planned.directory = Layout::unit_name(unit.name, planned.action_id);
        planned.label =
            unit.name + " " + order_->variables.target + " " + order_->variables.profile;
    }

    Result<> find_inputs(const Unit& unit, PlannedUnit& planned)
    {
        for (const UnitPath& input : unit.inputs) {
            CHECK_OK(during_place(input, add_paths(unit, input, planned.files)));
        }
        for (const UnitPath& list : unit.inputs_from) {
            if (!made_.has(list.text)) planned.files.push_back(list.text);
        }
        unique(planned.files);
        for (const UnitPath& pattern : unit.discover) {
            CHECK_OK(during_place(pattern, add_paths(unit, pattern, planned.discoverable)));
        }
        unique(planned.discoverable);
        planned.discoverable_digest = names_digest(planned.discoverable);
        std::erase_if(planned.discoverable, [&](const std::string& path) {
            return std::ranges::binary_search(planned.files, path);
        });
        return ok();
    }

    Result<> during_place(const UnitPath& path, Result<> result) const
    {
        if (result) return result;
        result.error().message =
            place_text(order_->file, path.place) + ": " + result.error().message;
        return result;
    }

    Result<> add_paths(const Unit& unit, const UnitPath& input, std::vector<std::string>& paths)
    {
        const bool pattern = is_pattern(input.text);
        const bool made = made_.has(input.text);
        if (made) return ok(); // it comes with the dependency that makes it
        const Found found = pattern ? Found::directory : what_is_at(root_ / input.text);
        if (found == Found::other) {
            paths.push_back(input.text);
            return ok();
        }
        if (found == Found::directory) {
            TRY(const auto all, sources(input.text));
            paths.insert(paths.end(), all->begin(), all->end());
            if (!all->empty()) return ok();
            TRY(const bool by_dependency, dependency_makes(unit, input.text));
            if (by_dependency) return ok();
        }
        Error error(
            Errc::not_found,
            fmt::format(
                "unit {} has the input {}, {}",
                unit.name,
                posix::printable(input.text),
                pattern                     ? "which no file matches"
                : found == Found::directory ? "a directory without any file"
                                            : "which is not there, and no unit makes it"
            )
        );
        return fail(std::move(error));
    }

    // Whether a pattern means an output of a dependency.
    Result<bool> dependency_makes(const Unit& unit, const std::string& text) const
    {
        TRY(const PathPattern pattern, PathPattern::parse(text));
        for (const UnitPath& dependency : unit.deps) {
            for (const UnitPath& output : by_name_.at(dependency.text)->outputs) {
                // What is in an output that is a directory is not known yet.
                if (output.text.ends_with('/') || pattern.matches(output.text)) return true;
            }
        }
        return false;
    }

    // Those that a pattern means, without what units make.
    Result<SourceNames::Paths> sources(const std::string& pattern)
    {
        if (const auto known = sources_.find(pattern); known != sources_.end()) {
            return known->second;
        }
        TRY(const auto all, names_.matching(pattern));
        const auto own = std::make_shared<std::vector<std::string>>();
        for (const std::string& path : *all) {
            if (!made_.has(path) && !made_before_.contains(path)) own->push_back(path);
        }
        return sources_.emplace(pattern, own).first->second;
    }

    static void unique(std::vector<std::string>& paths)
    {
        std::ranges::sort(paths);
        paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    }

    const BuildOrder* order_;
    std::filesystem::path root_;
    SourceNames names_;
    OutputPaths made_; // by all units, also those that are not built
    std::unordered_set<std::string> made_before_;
    std::unordered_map<std::string, SourceNames::Paths> sources_;
    std::unordered_map<std::string, const Unit*> by_name_;
    std::unordered_map<std::string, std::size_t> places_;
    std::unordered_set<const Unit*> visited_;
    BuildPlan plan_;
};

} // namespace

void OutputPaths::add(std::string_view output)
{
    if (output.ends_with('/')) {
        directories_.emplace(output.substr(0, output.size() - 1));
    } else {
        files_.emplace(output);
    }
}

bool OutputPaths::has(std::string_view path) const
{
    if (files_.contains(std::string(path))) return true;
    if (directories_.empty()) return false;
    for (std::string_view at = path; !at.empty(); at = posix::split(at).first) {
        if (directories_.contains(std::string(at))) return true;
    }
    return false;
}

Result<BuildPlan> plan_build(
    const BuildOrder& order, const Layout& layout, const std::vector<std::string>& made_before
)
{
    return Planner(order, layout, made_before).go();
}

} // namespace slipway::core::graph

namespace slipway::core {

namespace {

Error no_such_unit(const UnitFile& file, const std::string& name)
{
    std::vector<std::string> names;
    for (const Unit& unit : file.units) {
        names.push_back(unit.name);
    }
    Error error(
        Errc::invalid_argument,
        fmt::format("{} has no unit {}", file.path.native(), posix::printable(name))
    );
    if (const auto meant = nearest(name, names)) {
        error.hint = "did you mean " + *meant + "?";
    } else if (!names.empty()) {
        names.resize(std::min<std::size_t>(names.size(), 20));
        error.hint = fmt::format("its units: {}", fmt::join(names, ", "));
    }
    return error;
}

} // namespace

Result<std::vector<std::string>>
units_to_build(const UnitFile& file, const std::vector<std::string>& asked)
{
    std::unordered_map<std::string, const Unit*> by_name;
    for (const Unit& unit : file.units) {
        by_name.emplace(unit.name, &unit);
    }
    std::vector<std::string> left = asked.empty() ? file.defaults : asked;
    if (left.empty()) {
        for (const Unit& unit : file.units) {
            left.push_back(unit.name);
        }
    }
    std::unordered_set<std::string> wanted;
    while (!left.empty()) {
        const std::string name = std::move(left.back());
        left.pop_back();
        const auto unit = by_name.find(name);
        if (unit == by_name.end()) {
            return fail(no_such_unit(file, name));
        }
        if (!wanted.insert(name).second) continue;
        for (const UnitPath& dependency : unit->second->deps) {
            left.push_back(dependency.text);
        }
    }
    std::vector<std::string> sorted;
    for (const Unit& unit : file.units) {
        if (wanted.contains(unit.name)) sorted.push_back(unit.name);
    }
    return sorted;
}

} // namespace slipway::core
