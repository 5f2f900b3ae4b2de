#include "agent/selection.hpp"
#include "fuzz.hpp"
#include "graph/parse_unit_file.hpp"
#include "graph/unit_notes.hpp"
#include "graph/unit_paths.hpp"

#include <algorithm>
#include <string>

// A slipway.toml: what is taken holds together, and what depends on what is what a look at each
// pair of units gives.

using namespace slipway;
using namespace slipway::core;
using namespace slipway::fuzz;

namespace {

const UnitVariables variables{"aarch64-unknown-linux-gnu", "release"};

std::string_view bare(std::string_view path)
{
    return path.substr(0, path.size() - (path.ends_with('/') ? 1 : 0));
}

bool at_or_below(std::string_view path, std::string_view above)
{
    return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

/// Whether the agent would find a path, or what a directory of that name may have in it.
bool could_find(std::string_view text, std::string_view path, bool directory)
{
    agent::Selection selection;
    agent::TreeItem item;
    const bool pattern = is_unit_pattern(text);
    item.kind =
        static_cast<std::uint8_t>(pattern ? agent::ItemKind::pattern : agent::ItemKind::path);
    item.text = text;
    require(selection.add(item).empty(), "an item is none");
    bool selected = false;
    auto states = selection.begin(selected);
    while (!path.empty() && !selected) {
        const std::string_view name = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), name.size() + 1));
        states = selection.step(states, name, selected);
    }
    return selected || (directory && !states.empty());
}

bool depends(const Unit& unit, const Unit& other)
{
    const auto finds = [&](const std::vector<UnitPath>& paths, const UnitPath& output) {
        return std::ranges::any_of(paths, [&](const UnitPath& path) {
            return could_find(path.text, bare(output.text), output.text.ends_with('/'))
                   || (!is_unit_pattern(path.text) && at_or_below(path.text, bare(output.text)));
        });
    };
    return std::ranges::any_of(other.outputs, [&](const UnitPath& output) {
        const auto is = [&](const UnitPath& path) {
            return at_or_below(path.text, bare(output.text));
        };
        return finds(unit.inputs, output) || finds(unit.discover, output)
               || std::ranges::any_of(unit.inputs_from, is) || (unit.depfile && is(*unit.depfile));
    });
}

void check_path(const UnitPath& path)
{
    const std::string_view text = path.text;
    require(path.place.line > 0 && path.place.column > 0, "a path has no place");
    require(!text.empty() && text.front() != '/', "a path is not relative");
    for (std::string_view rest = bare(text);;) {
        const std::string_view name = rest.substr(0, rest.find('/'));
        require(!name.empty() && name != "." && name != "..", "a path is not clean");
        if (name.size() == rest.size()) break;
        rest.remove_prefix(name.size() + 1);
    }
    require(!at_or_below(bare(text), ".slipway"), "a path is slipway's own");
}

void check_unit(const UnitFile& file, const Unit& unit)
{
    require(!unit.command.empty() && !unit.command.front().empty(), "a unit without a command");
    require(
        std::ranges::count(file.toolchains, unit.toolchain, &UnitToolchain::name) == 1,
        "a toolchain is not there"
    );
    for (const auto* const paths :
         {&unit.inputs, &unit.discover, &unit.inputs_from, &unit.outputs, &unit.scratch}) {
        std::ranges::for_each(*paths, check_path);
    }
    if (unit.depfile) check_path(*unit.depfile);
    require(unit.cpus > 0 && unit.memory_bytes >= 0, "a limit makes no sense");
    require(unit.deadline.count() >= 0, "a deadline makes no sense");
    for (const UnitPath& dep : unit.deps) {
        require(std::ranges::count(unit.deps, dep.text, &UnitPath::text) == 1, "a dep twice");
        require(std::ranges::count(file.units, dep.text, &Unit::name) == 1, "a dep is no unit");
    }
    for (const Unit& other : file.units) {
        const bool linked = std::ranges::count(unit.deps, other.name, &UnitPath::text) == 1;
        if (&other == &unit) {
            require(!linked, "a unit waits for itself");
            continue;
        }
        require(linked || !depends(unit, other), "a dependency was not found");
        for (const UnitPath& output : unit.outputs) {
            const bool clash = std::ranges::any_of(other.outputs, [&](const UnitPath& one) {
                return at_or_below(bare(output.text), bare(one.text));
            });
            require(!clash, "two units make the same");
        }
    }
}

/// Those that nobody waits for go, one after the other: at the end all.
bool has_cycle(const UnitFile& file)
{
    std::vector<const Unit*> left;
    for (const Unit& unit : file.units) {
        left.push_back(&unit);
    }
    for (;;) {
        const std::vector<const Unit*> before = left;
        const auto gone = std::remove_if(left.begin(), left.end(), [&](const Unit* unit) {
            return std::ranges::none_of(unit->deps, [&](const UnitPath& dep) {
                return std::ranges::any_of(before, [&](const Unit* one) {
                    return one->name == dep.text;
                });
            });
        });
        if (gone == left.end()) return !left.empty();
        left.erase(gone, left.end());
    }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = text_of(data, size);
    const auto file = parse_unit_file(text, "slipway.toml", variables);
    if (!file) {
        check_error(file.error());
        require(file.error().message.starts_with("slipway.toml:"), "an error has no place");
        require(!file.error().hint.empty(), "an error has no hint");
        return 0;
    }
    require(!file->units.empty(), "there is nothing to build");
    if (file->units.size() > 24) return 0;
    for (const Unit& unit : file->units) {
        check_unit(*file, unit);
    }
    require(!has_cycle(*file), "units wait for each other");
    const std::string notes = encode_unit_notes(*file, text, variables);
    const auto again = decode_unit_notes(notes, text, "slipway.toml", variables);
    require(again && *again == *file, "what was noted is another file");
    return 0;
}
