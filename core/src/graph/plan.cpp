#include "graph/plan.hpp"

#include "archive/posix.hpp"

#include <slipway/core/suggest.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace slipway::core::graph {

namespace {

std::string place_text(const UnitFile& file, const FilePlace& place)
{
    return fmt::format("{}:{}:{}", file.path.filename().native(), place.line, place.column);
}

bool is_pattern(std::string_view text)
{
    return text.find_first_of("*?[\\") != std::string_view::npos;
}

UnitIdentity
identity_of(const BuildOrder& order, const PlannedUnit& planned, std::vector<Sha256> dependencies)
{
    UnitIdentity identity;
    identity.recipe = "command";
    identity.recipe_version = command_recipe;
    identity.path = ".";
    identity.name = planned.unit->name;
    identity.profile = order.variables.profile;
    identity.target = order.variables.target;
    identity.platform = planned.toolchain->platform;
    identity.toolchain = planned.toolchain->digest;
    identity.dependencies = std::move(dependencies);
    return identity;
}

std::vector<Sha256> actions_needed(const BuildPlan& plan, const PlannedUnit& planned)
{
    std::vector<Sha256> actions;
    for (const std::size_t place : planned.dependencies) {
        actions.push_back(plan.units[place].action_id);
    }
    return actions;
}

class Planner {
public:
    Planner(
        const BuildOrder& order,
        const Layout& layout,
        SeenFiles& seen,
        const MadeBefore& made_before
    )
        : order_(&order), seen_(&seen), ask_made_before_(&made_before), names_(layout.root())
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
        CHECK_OK(look_at_inputs(sorted));
        TRY(const std::vector<std::string> before, (*ask_made_before_)());
        made_before_.insert(before.begin(), before.end());
        for (const Unit* unit : sorted) {
            CHECK_OK(add(*unit, wanted.contains(unit->name)));
        }
        CHECK_OK(seen_->look_at(found_, false));
        plan_.listed = names_.looked_at();
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
        for (const UnitPath& dependency : unit.deps) {
            const std::size_t place = places_.at(dependency.text);
            planned.dependencies.push_back(place);
            plan_.units[place].dependents.push_back(plan_.units.size());
        }
        CHECK_OK(find_inputs(unit, planned));
        identify(planned);
        places_.emplace(unit.name, plan_.units.size());
        plan_.units.push_back(std::move(planned));
        return ok();
    }

    // Those that are no patterns and that nobody makes: a look at all together is quicker.
    Result<> look_at_inputs(const std::vector<const Unit*>& units)
    {
        std::vector<std::string> paths;
        for (const Unit* unit : units) {
            for (const auto* const all : {&unit->inputs, &unit->discover}) {
                for (const UnitPath& path : *all) {
                    if (!is_pattern(path.text) && !made_.has(path.text)) paths.push_back(path.text);
                }
            }
        }
        return seen_->look_at(paths, false);
    }

    void identify(PlannedUnit& planned) const
    {
        planned.action_id =
            action_id(identity_of(*order_, planned, actions_needed(plan_, planned)));
        const std::string& name = planned.unit->name;
        planned.directory = Layout::unit_name(name, planned.action_id);
        planned.label = name + " " + order_->variables.target + " " + order_->variables.profile;
    }

    Result<> find_inputs(const Unit& unit, PlannedUnit& planned)
    {
        for (const UnitPath& input : unit.inputs) {
            TRY(const Meaning meant, meaning(unit, input));
            if (meant.itself) planned.files.push_back(input.text);
            if (!meant.sources) continue;
            planned.files.insert(planned.files.end(), meant.sources->begin(), meant.sources->end());
            found_.insert(found_.end(), meant.sources->begin(), meant.sources->end());
        }
        for (const UnitPath& list : unit.inputs_from) {
            if (made_.has(list.text)) continue;
            planned.files.push_back(list.text);
            found_.push_back(list.text);
        }
        unique(planned.files);
        TRY(planned.discoverable, discoverable(unit));
        return ok();
    }

    Result<std::shared_ptr<const DiscoverableFiles>> discoverable(const Unit& unit)
    {
        std::vector<std::string> texts;
        std::vector<Meaning> all;
        for (const UnitPath& pattern : unit.discover) {
            TRY(Meaning meant, meaning(unit, pattern));
            texts.push_back(pattern.text);
            all.push_back(std::move(meant));
        }
        auto& known = discoverable_[texts];
        if (known) return known;
        const auto files = std::make_shared<DiscoverableFiles>();
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i].itself) files->paths.push_back(texts[i]);
            if (!all[i].sources) continue;
            const std::vector<std::string>& paths = *all[i].sources;
            files->paths.insert(files->paths.end(), paths.begin(), paths.end());
        }
        unique(files->paths);
        files->digest = names_digest(files->paths);
        known = files;
        return known;
    }

    Error at_place(const UnitPath& path, Error error) const
    {
        error.message = place_text(order_->file, path.place) + ": " + error.message;
        return error;
    }

    // What a path of the file means: neither, where a dependency makes it.
    struct Meaning {
        bool itself = false;
        SourceNames::Paths sources{};
    };

    Result<Meaning> meaning(const Unit& unit, const UnitPath& input)
    {
        auto found = DigestedPath::Kind::directory;
        if (!is_pattern(input.text)) {
            const DigestedPath* const seen = seen_->known(input.text);
            if (seen == nullptr) return Meaning{}; // it comes with the dependency that makes it
            found = made_before_.contains(input.text) ? DigestedPath::Kind::missing : seen->kind;
        }
        if (found != DigestedPath::Kind::directory && found != DigestedPath::Kind::missing) {
            return Meaning{true};
        }
        if (found == DigestedPath::Kind::directory) {
            auto all = sources(input.text);
            if (!all) return fail(at_place(input, std::move(all).error()));
            if (!(*all)->empty()) return Meaning{false, *std::move(all)};
            TRY(const bool by_dependency, dependency_makes(unit, input.text));
            if (by_dependency) return Meaning{};
        }
        Error error(
            Errc::not_found,
            fmt::format(
                "unit {} has the input {}, {}",
                unit.name,
                posix::printable(input.text),
                is_pattern(input.text) ? "which no file matches"
                : found == DigestedPath::Kind::directory
                    ? "a directory without any file"
                    : "which is not there, and no unit makes it"
            )
        );
        return fail(at_place(input, std::move(error)));
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
    SeenFiles* seen_;
    const MadeBefore* ask_made_before_;
    SourceNames names_;
    OutputPaths made_; // by all units, also those that are not built
    std::unordered_set<std::string> made_before_;
    std::unordered_map<std::string, SourceNames::Paths> sources_;
    std::map<std::vector<std::string>, std::shared_ptr<const DiscoverableFiles>> discoverable_;
    std::unordered_map<std::string, const Unit*> by_name_;
    std::unordered_map<std::string, std::size_t> places_;
    std::unordered_set<const Unit*> visited_;
    std::vector<std::string> found_; // by patterns, and not looked at yet
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
    if (files_.contains(path)) return true;
    if (directories_.empty()) return false;
    for (std::string_view at = path; !at.empty(); at = posix::split(at).first) {
        if (directories_.contains(at)) return true;
    }
    return false;
}

Result<BuildPlan> plan_build(
    const BuildOrder& order, const Layout& layout, SeenFiles& seen, const MadeBefore& made_before
)
{
    return Planner(order, layout, seen, made_before).go();
}

Record action_of(const BuildOrder& order, const BuildPlan& plan, const PlannedUnit& planned)
{
    return action_record(identity_of(order, planned, actions_needed(plan, planned)));
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
