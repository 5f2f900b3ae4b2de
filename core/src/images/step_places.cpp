#include "images/step_places.hpp"

#include "ascii.hpp"
#include "images/dockerfile.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace slipway::core {
namespace {

// What nobody knows is a step too: podman takes notice only when it comes there.
constexpr std::array<std::string_view, 13> makes_no_layer{
    "ARG",
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME"};

std::string lower(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

/// What follows AS in the arguments of a FROM, in lower case; empty: nothing.
std::string name_in_from(const std::vector<std::string>& words)
{
    if (words.size() < 3 || upper(words[words.size() - 2]) != "AS") return {};
    return lower(words.back());
}

/// Whether `FROM words` starts from an image and not from nothing or from one of `stages`.
bool takes_an_image(const std::vector<std::string>& words, const std::set<std::string>& stages)
{
    const auto source =
        std::ranges::find_if(words, [](const auto& word) { return !word.starts_with("--"); });
    return source == words.end() || (*source != "scratch" && !stages.contains(lower(*source)));
}

} // namespace

StepPlaces::StepPlaces(std::string_view dockerfile, std::string_view target)
{
    struct Stage {
        std::string name;
        std::vector<std::pair<std::string, bool>> instructions{}; // keyword, is a step
    };
    std::vector<std::string> before; // the first FROM
    std::vector<Stage> stages;
    std::set<std::string> names;
    for (const Instruction& one : instructions_of(dockerfile)) {
        if (one.keyword == "FROM") {
            one_stage_ = stages.empty();
            // What follows the target is not built.
            if (!stages.empty() && stages.back().name == lower(target)) break;
            const auto words = words_of(one.arguments);
            Stage stage;
            stage.name = name_in_from(words);
            stage.instructions.emplace_back(one.keyword, takes_an_image(words, names));
            if (!stage.name.empty()) names.insert(stage.name);
            stages.push_back(std::move(stage));
        } else if (stages.empty()) {
            before.push_back(one.keyword);
        } else {
            const bool step =
                std::ranges::find(makes_no_layer, one.keyword) == makes_no_layer.end();
            stages.back().instructions.emplace_back(one.keyword, step);
        }
    }
    for (const std::string& keyword : before) {
        file_.push_back({keyword, {}});
    }
    for (std::size_t i = 0; i < stages.size(); ++i) {
        const Stage& stage = stages[i];
        std::string before_numbers;
        if (!one_stage_) {
            before_numbers = (stage.name.empty() ? "stage-" + std::to_string(i) : stage.name) + " ";
        }
        const auto all =
            std::ranges::count_if(stage.instructions, [](auto& s) { return s.second; });
        std::size_t number = 0;
        std::vector<Entry>& entries = stages_.emplace_back();
        for (const auto& [keyword, step] : stage.instructions) {
            Entry entry{keyword, {}};
            if (step) {
                entry.place = before_numbers + std::to_string(++number) + "/" + std::to_string(all);
            }
            entries.push_back(entry);
            file_.push_back(std::move(entry));
        }
    }
}

std::optional<std::string>
StepPlaces::look_up(const std::vector<Entry>& entries, std::size_t number, std::string_view text)
{
    constexpr std::string_view our_label = "LABEL ";
    if (number == 0) return std::nullopt;
    if (number > entries.size()) {
        // Builders put the labels of the request behind the last instruction.
        if (text.starts_with(our_label)) return std::string();
        return std::nullopt;
    }
    const Entry& entry = entries[number - 1];
    const std::string_view keyword = text.substr(0, text.find(' '));
    if (upper(keyword) != entry.keyword) return std::nullopt; // a trigger of the base image
    return entry.place;
}

std::optional<std::string> StepPlaces::in_file(std::size_t number, std::string_view text) const
{
    if (stages_.empty()) return std::nullopt;
    return look_up(file_, number, text);
}

std::optional<std::string>
StepPlaces::in_stage(std::size_t stage, std::size_t number, std::string_view text) const
{
    if (stage == 0 || stage > stages_.size()) return std::nullopt;
    return look_up(stages_[stage - 1], number, text);
}

} // namespace slipway::core
