#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// Where the steps of a Dockerfile stand, so that they are counted alike, whoever builds: as
/// BuildKit has it, "host 2/3" is the second of three steps in the stage `host`, and "2/3" that of
/// a file with one stage. What makes no layer (ENV, LABEL, a FROM of an earlier stage, what we add
/// ourselves) is no step.
class StepPlaces {
public:
    /// Knows no file.
    StepPlaces() = default;
    StepPlaces(std::string_view dockerfile, std::string_view target);

    /// The place of instruction `number` of the file, with `text` as the builder shows it, as
    /// dockerd's classic builder counts: from 1 on, through all stages. Empty: it is no step.
    /// Nothing: it is none of the file, so the builder's own number must do.
    std::optional<std::string> in_file(std::size_t number, std::string_view text) const;

    /// The same of instruction `number` in stage number `stage`, both from 1 on, as podman counts.
    std::optional<std::string>
    in_stage(std::size_t stage, std::size_t number, std::string_view text) const;

    /// The file has one stage, which then needs no name. BuildKit's newer versions give it all the
    /// same.
    bool one_stage() const noexcept { return one_stage_; }

private:
    struct Entry {
        std::string keyword;
        std::string place; // empty: no step
    };
    static std::optional<std::string>
    look_up(const std::vector<Entry>& entries, std::size_t number, std::string_view text);

    bool one_stage_ = false;
    std::vector<Entry> file_;
    std::vector<std::vector<Entry>> stages_;
};

} // namespace slipway::core
