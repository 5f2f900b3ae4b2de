#include "owned_objects.hpp"

#include "text.hpp"

#include <slipway/core/labels.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace slipway::cli {

namespace {

using Cells = std::vector<std::string>;

std::string age_text(std::int64_t created)
{
    const std::int64_t seconds = std::max<std::int64_t>(0, std::time(nullptr) - created);
    if (seconds < 60) return fmt::format("{} s", seconds);
    if (seconds < 3'600) return fmt::format("{} min", seconds / 60);
    if (seconds < 86'400) return fmt::format("{} h", seconds / 3'600);
    return fmt::format("{} d", seconds / 86'400);
}

std::string_view use_text(const core::OwnedObject& object)
{
    const bool agents = object.purpose == "agent" && object.kind == core::OwnedObject::Kind::volume;
    switch (object.in_use) {
    case core::InUse::yes:
        return "in use";
    case core::InUse::idle:
        return agents ? "another version's" : "idle";
    case core::InUse::kept:
        return "kept";
    case core::InUse::no:
        return "left behind";
    case core::InUse::unknown:
        break;
    }
    return agents ? "kept for sandboxes" : "somebody else's";
}

// "sha256:0123456789ab": sandboxes are made from ids.
std::string short_image(const std::string& image)
{
    constexpr std::size_t digits = 12;
    const std::string_view prefix = "sha256:";
    return image.starts_with(prefix) ? image.substr(0, prefix.size() + digits) : image;
}

Cells cells_of(const core::OwnedObject& object)
{
    const bool container = object.kind == core::OwnedObject::Kind::container;
    return {
        object.name,
        object.purpose,
        container ? short_image(object.image) : "-",
        container ? object.state : std::string(kind_text(object.kind)),
        container ? age_text(object.created) : "-",
        std::string(use_text(object)),
    };
}

std::string table(const std::vector<Cells>& rows, const Style& style)
{
    std::vector<std::size_t> widths(rows.front().size());
    for (const Cells& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths.at(i) = std::max(widths.at(i), width_of(row.at(i)));
        }
    }
    std::string text;
    for (const Cells& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line +=
                i + 1 == row.size() ? row.at(i) : fmt::format("{:<{}}  ", row.at(i), widths.at(i));
        }
        text += (text.empty() ? style.bold(line) : line) + "\n";
    }
    return text;
}

} // namespace

std::string_view kind_text(core::OwnedObject::Kind kind) noexcept
{
    return kind == core::OwnedObject::Kind::volume ? "volume" : "container";
}

std::string objects_text(const std::vector<core::OwnedObject>& objects, const Style& style)
{
    std::vector<Cells> rows;
    rows.push_back({"NAME", "PURPOSE", "IMAGE", "STATE", "AGE", "USE"});
    for (const core::OwnedObject& object : objects) {
        rows.push_back(cells_of(object));
    }
    return table(rows, style);
}

std::string volumes_text(const std::vector<core::OwnedObject>& volumes, const Style& style)
{
    std::vector<Cells> rows;
    rows.push_back({"NAME", "USE", "IMAGE", "FOR"});
    for (const core::OwnedObject& volume : volumes) {
        const std::string_view what =
            volume.purpose == core::cargo_purpose       ? "cargo's registries of "
            : volume.purpose == core::toolchain_purpose ? "a copy of the toolchain "
                                                        : "";
        rows.push_back({
            volume.name,
            std::string(use_text(volume)),
            volume.image.empty() ? "-" : short_image(volume.image),
            std::string(what) + volume.kept_as,
        });
    }
    return table(rows, style);
}

} // namespace slipway::cli
