#include "recipe/cross_files.hpp"

#include "recipe/cargo_members.hpp"
#include "recipe/cross_schema.hpp"
#include "recipe/toml_file.hpp"

#include <optional>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

bool is_file(const fs::path& path)
{
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

// Takes the table `name` out of `table`, whatever it is.
std::optional<toml::table> taken_out(toml::table& table, std::string_view name)
{
    toml::table* const found = table[name].as_table();
    if (found == nullptr) return {};
    return std::move(*found);
}

// What `over` says wins; a table is gone through by its keys. Places move with the values.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the checked keys
void merge_tables(toml::table& into, toml::table&& over)
{
    for (auto&& [key, value] : over) {
        toml::table* const one = into[key.str()].as_table();
        toml::table* const other = value.as_table();
        if (one != nullptr && other != nullptr) {
            merge_tables(*one, std::move(*other));
            continue;
        }
        into.insert_or_assign(key, std::move(value));
    }
}

class CrossFilesReader {
public:
    explicit CrossFilesReader(const CrossQuestion& question) : question_(question) {}

    Result<CrossFiles> read()
    {
        // The weakest first.
        CHECK_OK(read_manifests());
        CHECK_OK(read_own_file());
        return std::move(files_);
    }

private:
    // A value of the wrong type is found here, where it can be named.
    Result<> add(toml::node& node)
    {
        CHECK_OK(during(check_cross_table(node, files_.warnings), std::string(reading_cross)));
        merge_tables(files_.table, std::move(*node.as_table()));
        return ok();
    }

    static Result<toml::table> read_manifest(const fs::path& file)
    {
        auto table = read_toml(file);
        if (!table) table.error().hint = "correct this file, which cargo would refuse too";
        return table;
    }

    Result<> read_manifests()
    {
        const fs::path manifest = question_.root / "Cargo.toml";
        if (!is_file(manifest)) return ok();
        TRY(toml::table table, read_manifest(manifest));
        CHECK_OK(add_package(table));
        auto workspace = taken_out(table, "workspace");
        if (!workspace) return ok();
        for (const fs::path& member : member_manifests(question_.root, *workspace)) {
            TRY(toml::table of_member, read_manifest(member));
            CHECK_OK(add_package(of_member));
        }
        if (toml::node* const cross = (*workspace)["metadata"]["cross"].node()) return add(*cross);
        return ok();
    }

    Result<> add_package(toml::table& manifest)
    {
        toml::node* const cross = manifest["package"]["metadata"]["cross"].node();
        if (cross == nullptr) return ok();
        if (has_package_) {
            files_.warnings.push_back(
                place_of(cross->source())
                + ": package.metadata.cross is not read: that of another package comes before it"
            );
            return ok();
        }
        has_package_ = true;
        return add(*cross);
    }

    Result<> read_own_file()
    {
        const auto named = question_.environment.find("CROSS_CONFIG");
        const bool chosen = named != question_.environment.end() && !named->second.empty();
        const fs::path usual = question_.root / "Cross.toml";
        const fs::path file = chosen ? question_.directory / named->second : usual;
        std::error_code ignored;
        if (!chosen && !fs::exists(fs::symlink_status(file, ignored))) {
            const fs::path small = question_.root / "cross.toml";
            if (is_file(small)) {
                files_.warnings.push_back(
                    small.string() + " is not read: the name is Cross.toml, with a capital C"
                );
            }
            return ok();
        }
        auto table = read_toml(file);
        if (!table) {
            Error error = std::move(table).error();
            if (chosen) error.context.emplace_back("the variable CROSS_CONFIG");
            if (error.hint.empty()) {
                error.hint =
                    chosen ? "name a file with it, or unset it" : "make it a file, or remove it";
            }
            error.context.emplace_back(reading_cross);
            return fail(std::move(error));
        }
        return add(*table);
    }

    const CrossQuestion& question_;
    CrossFiles files_;
    bool has_package_ = false;
};

} // namespace

Result<CrossFiles> read_cross_files(const CrossQuestion& question)
{
    return CrossFilesReader(question).read();
}

} // namespace slipway::core
