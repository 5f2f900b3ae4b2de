#include "graph/unit_links.hpp"

#include "graph/unit_cycles.hpp"
#include "graph/unit_outputs.hpp"
#include "graph/unit_paths.hpp"
#include "graph/unit_text.hpp"

#include <fmt/format.h>

namespace slipway::core {
namespace {

enum class Needed {
    with_all_below, ///< a path, or a pattern
    alone,          ///< a file
    written,        ///< a file that is its own, else another unit's
};

class UnitLinks {
public:
    explicit UnitLinks(UnitFile& file) : file_(&file), edges_(file.units.size()) {}

    Result<> link()
    {
        CHECK_OK(outputs_.add_all(*file_));
        numbers_.reserve(file_->units.size());
        for (std::uint32_t i = 0; i < file_->units.size(); ++i) {
            numbers_.emplace(file_->units[i].name, i);
        }
        linked_by_.assign(file_->units.size(), UINT32_MAX);
        for (std::uint32_t i = 0; i < file_->units.size(); ++i) {
            CHECK_OK(link(i));
        }
        return check_unit_cycles(*file_, edges_);
    }

private:
    Result<> link(std::uint32_t number)
    {
        number_ = number;
        unit_ = &file_->units[number];
        std::vector<UnitPath> named;
        named.swap(unit_->deps);
        for (const UnitPath& dep : named) {
            const auto known = numbers_.find(dep.text);
            if (known == numbers_.end())
                return check_unit_exists(*file_, "unit." + unit_->name + ".deps", dep);
            add(known->second, dep.place);
        }
        for (const UnitPath& path : unit_->inputs) {
            CHECK_OK(need(path, Needed::with_all_below));
        }
        for (const UnitPath& path : unit_->discover) {
            CHECK_OK(need(path, Needed::with_all_below));
        }
        for (const UnitPath& path : unit_->inputs_from) {
            CHECK_OK(need(path, Needed::alone));
        }
        return unit_->depfile ? need(*unit_->depfile, Needed::written) : ok();
    }

    Result<> need(const UnitPath& path, Needed how)
    {
        if (how != Needed::with_all_below || !is_unit_pattern(path.text))
            return need_path(path, path.text, how);
        const UnitPattern pattern(path.text);
        if (pattern.is_literal()) return need_path(path, pattern.literal(), how);
        if (!pattern.literal().empty()) {
            // Below an own directory there is nothing that others make.
            const UnitOutputs::Output* const output = outputs_.look(pattern.literal()).output;
            if (output != nullptr && output->unit == number_) return own(path, *output);
        }
        for (const std::uint32_t unit : outputs_.units_matched(path.text)) {
            if (unit != number_) add(unit, path.place);
        }
        return ok();
    }

    Result<> need_path(const UnitPath& path, std::string_view text, Needed how)
    {
        const UnitOutputs::Sight sight = outputs_.look(text);
        if (sight.output != nullptr) {
            if (sight.output->unit != number_) {
                add(sight.output->unit, path.place);
            } else if (how != Needed::written) {
                return own(path, *sight.output);
            }
        } else if (sight.is_above && how == Needed::with_all_below) {
            for (const std::uint32_t unit : outputs_.units_below(text)) {
                if (unit != number_) add(unit, path.place);
            }
        }
        return ok();
    }

    tl::unexpected<Error> own(const UnitPath& path, const UnitOutputs::Output& output) const
    {
        const UnitPath& made = outputs_.path_of(output);
        const bool same = made.text == path.text || made.text == path.text + '/';
        return unit_mistake(
            file_->path,
            path.place,
            fmt::format(
                "input {} of unit {} is {} ({})",
                in_quotes(path.text),
                unit_->name,
                same ? "its own output" : "below its own output " + in_quotes(made.text),
                line_of(file_->path, made.place)
            ),
            "a unit cannot need what it makes"
        );
    }

    void add(std::uint32_t unit, const FilePlace& place)
    {
        if (linked_by_[unit] == number_) return;
        linked_by_[unit] = number_;
        edges_[number_].push_back(unit);
        unit_->deps.push_back({file_->units[unit].name, place});
    }

    UnitFile* file_;
    UnitOutputs outputs_;
    std::unordered_map<std::string_view, std::uint32_t> numbers_; // by name
    UnitEdges edges_;
    std::vector<std::uint32_t> linked_by_; // for each unit the last that has it
    std::uint32_t number_ = 0;
    Unit* unit_ = nullptr;
};

} // namespace

Result<> link_units(UnitFile& file)
{
    return UnitLinks(file).link();
}

} // namespace slipway::core
