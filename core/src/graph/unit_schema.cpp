#include "graph/unit_schema.hpp"

#include "graph/unit_keys.hpp"
#include "graph/unit_text.hpp"
#include "graph/unit_values.hpp"

#include <slipway/engine/reference.hpp>

#include <algorithm>
#include <array>

namespace slipway::core {
namespace {

constexpr std::string_view image_or_target = "write image = \"debian:bookworm-slim\", or target = "
                                             "\"{target}\" for one of slipway's own";
constexpr std::string_view toolchain_form =
    "write a table [toolchain.NAME] with image = \"debian:bookworm-slim\"";

/// What a table has, in the order of the file.
struct UnitTable {
    const toml::key* key;
    const toml::node* value;
};

std::vector<UnitTable> in_order_of_file(const toml::table& table)
{
    std::vector<UnitTable> out;
    out.reserve(table.size());
    for (const auto& [key, value] : table) {
        out.push_back({&key, &value});
    }
    std::ranges::sort(out, [](const UnitTable& a, const UnitTable& b) {
        const toml::source_position& one = a.key->source().begin;
        const toml::source_position& other = b.key->source().begin;
        return one.line != other.line ? one.line < other.line : one.column < other.column;
    });
    return out;
}

bool names_platform(std::string_view text)
{
    const auto slashes = std::ranges::count(text, '/');
    const bool parts = !text.empty() && text.front() != '/' && text.back() != '/'
                       && text.find("//") == std::string_view::npos;
    return parts && (slashes == 1 || slashes == 2) && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '.'
                      || c == '_' || c == '-';
           });
}

class UnitSchema {
public:
    UnitSchema(const std::filesystem::path& file, const UnitVariables& variables)
        : file_(file), values_(file, variables)
    {
        out_.path = file;
    }

    Result<UnitFile> read(const toml::table& root)
    {
        static constexpr std::array<std::string_view, 3> known{"build", "toolchain", "unit"};
        FilePlace units{1, 1};
        for (const UnitTable& one : in_order_of_file(root)) {
            const std::string_view key = one.key->str();
            values_.enter("", "");
            if (std::ranges::find(known, key) == known.end())
                return fail(std::move(values_.unknown_key(*one.key, "", known)).error());
            if (!one.value->is_table())
                return fail(std::move(values_.wrong_type(*one.value, key, "a table")).error());
            if (key == "unit") units = place_in_file(one.key->source());
            (key == "build"  ? build_
             : key == "unit" ? units_
                             : toolchains_) = one.value->as_table();
        }
        // In the order in which one needs the other.
        CHECK_OK(each("toolchain", toolchains_));
        CHECK_OK(each("unit", units_));
        if (out_.units.empty()) {
            return unit_mistake(
                file_,
                units,
                "there is no unit",
                "a unit is a table: [unit.NAME] with command and outputs"
            );
        }
        CHECK_OK(build());
        return std::move(out_);
    }

private:
    Result<> build()
    {
        static constexpr std::array<std::string_view, 1> known{"default"};
        if (build_ == nullptr) return ok();
        values_.enter("build", "");
        for (const auto& [key, value] : *build_) {
            if (key.str() != known[0]) return values_.unknown_key(key, "", known);
            std::vector<UnitPath> names;
            CHECK_OK(values_.names(value, known[0], names));
            if (names.empty()) {
                return unit_mistake(
                    file_,
                    place_in_file(value.source()),
                    "build.default is empty",
                    "leave it out to build all units"
                );
            }
            for (UnitPath& name : names) {
                CHECK_OK(check_unit_exists(out_, "build.default", name));
                out_.defaults.push_back(std::move(name.text));
            }
        }
        return ok();
    }

    Result<> each(std::string_view kind, const toml::table* table)
    {
        if (table == nullptr) return ok();
        const std::vector<UnitTable> tables = in_order_of_file(*table);
        if (kind == "unit") out_.units.reserve(tables.size());
        for (const UnitTable& one : tables) {
            const std::string_view name = one.key->str();
            CHECK_OK(values_.check_name(kind, name, one.key->source()));
            values_.enter(kind, name);
            if (!one.value->is_table()) return values_.wrong_type(*one.value, "", "a table");
            const toml::table& content = *one.value->as_table();
            CHECK_OK(kind == "unit" ? unit(*one.key, content) : toolchain(*one.key, content));
        }
        return ok();
    }

    Result<> unit(const toml::key& key, const toml::table& table)
    {
        Unit& unit = out_.units.emplace_back();
        unit.name = key.str();
        unit.place = place_in_file(key.source());
        CHECK_OK(UnitKeys(values_, unit).read(key, table));
        std::vector<std::string> names;
        if (const toml::node* const node = table.get("toolchain")) {
            for (const UnitToolchain& one : out_.toolchains) {
                if (one.name == unit.toolchain) return ok();
                names.push_back(one.name);
            }
            return values_.wrong_value(
                *node,
                "toolchain",
                "there is no toolchain " + in_quotes(unit.toolchain),
                names.empty() ? std::string(toolchain_form)
                              : meant_or_all(unit.toolchain, names, "the toolchains are")
            );
        }
        if (out_.toolchains.size() == 1) {
            unit.toolchain = out_.toolchains.front().name;
            return ok();
        }
        if (out_.toolchains.empty()) {
            return values_.wrong_table(
                key.source(), "has no toolchain, and the file has none", std::string(toolchain_form)
            );
        }
        std::ranges::transform(out_.toolchains, std::back_inserter(names), &UnitToolchain::name);
        return values_.wrong_table(
            key.source(),
            "has no toolchain, and the file has more than one",
            "write toolchain = \"" + names.front() + "\", "
                + meant_or_all("", names, "or another of")
        );
    }

    Result<> toolchain(const toml::key& key, const toml::table& table)
    {
        static constexpr std::array<std::string_view, 3> known{"image", "platform", "target"};
        UnitToolchain& toolchain = out_.toolchains.emplace_back();
        toolchain.name = key.str();
        toolchain.place = place_in_file(key.source());
        for (const auto& [name, value] : table) {
            if (std::ranges::find(known, name.str()) == known.end())
                return values_.unknown_key(name, "", known);
            std::string& text = name.str() == "image"      ? toolchain.image
                                : name.str() == "platform" ? toolchain.platform
                                                           : toolchain.target;
            CHECK_OK(values_.text(value, name.str(), text));
            if (name.str() == "target" && text.empty()) {
                return unit_mistake(
                    file_,
                    place_in_file(value.source()),
                    "toolchain." + toolchain.name + ".target is empty",
                    std::string(image_or_target)
                );
            }
            if (name.str() == "image" && !engine::parse_reference(text)) {
                return values_.wrong_value(
                    value,
                    "image",
                    in_quotes(text) + " is no image reference",
                    "write one as in debian:bookworm-slim"
                );
            }
            if (name.str() == "platform" && !names_platform(text)) {
                return values_.wrong_value(
                    value,
                    "platform",
                    in_quotes(text) + " is no platform",
                    "write one as in linux/amd64 or linux/arm/v7"
                );
            }
        }
        if (toolchain.image.empty() == toolchain.target.empty()) {
            const toml::node* const target = table.get("target");
            return values_.wrong_table(
                target != nullptr ? target->source() : key.source(),
                target != nullptr ? "has both image and target" : "has no image",
                std::string(
                    target != nullptr ? std::string_view("leave one of them out") : image_or_target
                )
            );
        }
        return ok();
    }

    const std::filesystem::path& file_;
    UnitValues values_;
    const toml::table* build_ = nullptr;
    const toml::table* toolchains_ = nullptr;
    const toml::table* units_ = nullptr;
    UnitFile out_;
};

} // namespace

Result<UnitFile>
units_of(const toml::table& root, const std::filesystem::path& file, const UnitVariables& variables)
{
    return UnitSchema(file, variables).read(root);
}

} // namespace slipway::core
