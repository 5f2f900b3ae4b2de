#include "graph/unit_outputs.hpp"

#include "graph/unit_paths.hpp"
#include "graph/unit_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace slipway::core {
namespace {

std::string_view without_slash(std::string_view path)
{
    if (path.ends_with('/')) path.remove_suffix(1);
    return path;
}

void sort_once(std::vector<std::uint32_t>& units)
{
    std::ranges::sort(units);
    units.erase(std::unique(units.begin(), units.end()), units.end());
}

} // namespace

Result<> UnitOutputs::add_all(const UnitFile& file)
{
    file_ = &file;
    entries_.reserve(2 * file.units.size());
    for (std::uint32_t unit = 0; unit < file.units.size(); ++unit) {
        const std::vector<UnitPath>& outputs = file.units[unit].outputs;
        for (std::uint32_t number = 0; number < outputs.size(); ++number) {
            const std::string_view path = without_slash(outputs[number].text);
            CHECK_OK(add(path, {unit, number}));
            sorted_.push_back({path, {unit, number}});
        }
    }
    std::ranges::sort(sorted_, {}, &Sorted::path);
    std::ranges::copy_if(sorted_, std::back_inserter(directories_), [&](const Sorted& one) {
        return path_of(one.output).text.ends_with('/');
    });
    return ok();
}

Result<> UnitOutputs::add(std::string_view path, const Output& output)
{
    const auto [at, fresh] = entries_.try_emplace(path, Entry{output, true});
    if (!fresh) {
        const bool same = at->second.is_output;
        return refused(output, at->second.output, same ? "one" : "above");
    }
    // From below to above: what is above one that is there is there as well.
    std::string_view above = path;
    for (;;) {
        const std::size_t slash = above.rfind('/');
        if (slash == std::string_view::npos) return ok();
        above = above.substr(0, slash);
        const auto [entry, first] = entries_.try_emplace(above, Entry{output, false});
        if (first) continue;
        if (!entry->second.is_output) return ok();
        return refused(output, entry->second.output, "below");
    }
}

tl::unexpected<Error>
UnitOutputs::refused(const Output& output, const Output& earlier, std::string_view how) const
{
    const UnitPath& path = path_of(output);
    const UnitPath& other = path_of(earlier);
    const bool own = output.unit == earlier.unit;
    const std::string of_other =
        own ? std::string() : " of unit " + file_->units[earlier.unit].name;
    std::string what;
    if (how == "one") {
        what = own ? "stands twice" : "is one" + of_other + " as well";
        if (!own) what = "is one of unit " + file_->units[earlier.unit].name + " as well";
    } else if (how == "above") {
        what = "has " + std::string(own ? "its own " : "") + in_quotes(other.text) + of_other
               + " below it";
    } else {
        what = "is below " + std::string(own ? "its own " : "") + in_quotes(other.text) + of_other;
    }
    return unit_mistake(
        file_->path,
        path.place,
        fmt::format(
            "output {} of unit {} {} ({})",
            in_quotes(path.text),
            file_->units[output.unit].name,
            what,
            line_of(file_->path, other.place)
        ),
        own ? "leave one of them out" : "each path has one unit that makes it"
    );
}

UnitOutputs::Sight UnitOutputs::look(std::string_view path) const
{
    for (std::size_t end = 0; end != std::string_view::npos;) {
        end = path.find('/', end == 0 ? 0 : end + 1);
        const auto entry = entries_.find(path.substr(0, end));
        if (entry == entries_.end()) return {};
        if (entry->second.is_output) return {&entry->second.output, false};
    }
    return {nullptr, true};
}

std::vector<std::uint32_t> UnitOutputs::units_below(std::string_view path) const
{
    const std::string prefix = std::string(path) + '/';
    std::vector<std::uint32_t> units;
    for (auto [at, end] = below(sorted_, prefix); at != end; ++at) {
        units.push_back(at->output.unit);
    }
    sort_once(units);
    return units;
}

const std::vector<std::uint32_t>& UnitOutputs::units_matched(const std::string& pattern)
{
    const auto [at, fresh] = matched_.try_emplace(pattern);
    std::vector<std::uint32_t>& units = at->second;
    if (!fresh) return units;
    const UnitPattern compiled(pattern);
    const auto hold = [&](std::string_view path, const Output& output) {
        if (compiled.could_match(path, path_of(output).text.ends_with('/')))
            units.push_back(output.unit);
    };
    // What it could find has its prefix; save for an output that its first names are in. Of many
    // with that prefix those are left that have a name with its suffix, or could have one in them.
    constexpr std::ptrdiff_t few = 32;
    Range outputs = below(sorted_, compiled.prefix());
    const auto count = outputs.second - outputs.first;
    if (count > few) {
        sort_names();
        const std::string suffix(compiled.suffix().rbegin(), compiled.suffix().rend());
        const auto ends_so = [&](const Named& name) { return name.backwards.starts_with(suffix); };
        auto name = std::ranges::lower_bound(names_, suffix, {}, &Named::backwards);
        const auto end = std::partition_point(name, names_.end(), ends_so);
        if (end - name < count) {
            for (; name != end; ++name) {
                hold(name->output.path, name->output.output);
            }
            outputs = below(directories_, compiled.prefix());
        }
    }
    for (auto one = outputs.first; one != outputs.second; ++one) {
        hold(one->path, one->output);
    }
    if (const Output* const above = look(compiled.literal()).output)
        hold(without_slash(path_of(*above).text), *above);
    sort_once(units);
    return units;
}

UnitOutputs::Range UnitOutputs::below(const std::vector<Sorted>& outputs, std::string_view prefix)
{
    const auto begin = std::ranges::lower_bound(outputs, prefix, {}, &Sorted::path);
    const auto end = std::partition_point(begin, outputs.end(), [&](const Sorted& one) {
        return one.path.starts_with(prefix);
    });
    return {begin, end};
}

void UnitOutputs::sort_names()
{
    if (!names_.empty()) return;
    for (const Sorted& output : sorted_) {
        std::string_view rest = output.path;
        while (!rest.empty()) {
            const std::string_view name = rest.substr(0, rest.find('/'));
            rest.remove_prefix(std::min(rest.size(), name.size() + 1));
            names_.push_back({{name.rbegin(), name.rend()}, output});
        }
    }
    std::ranges::sort(names_, {}, &Named::backwards);
}

const UnitPath& UnitOutputs::path_of(const Output& output) const
{
    return file_->units[output.unit].outputs[output.number];
}

} // namespace slipway::core
