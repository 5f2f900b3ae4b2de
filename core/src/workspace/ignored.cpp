#include "workspace/ignored.hpp"

#include "archive/ignore_file.hpp"
#include "small_file.hpp"

#include <cstddef>
#include <string_view>
#include <system_error>
#include <utility>

namespace slipway::core {

namespace {

namespace fs = std::filesystem;

constexpr const char* ignore_file = ".slipwayignore";
constexpr std::size_t longest = std::size_t{1} << 20U;

} // namespace

Result<EntryFilter> copied_entries(const fs::path& root)
{
    const fs::path file = root / ignore_file;
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(file, ignored))) return EntryFilter();
    auto text = read_small_file(file, longest);
    if (!text) {
        text.error().hint = "make it a file with a pattern in each line, or remove it";
        return fail(std::move(text).error());
    }
    TRY(IgnoreRules rules, IgnoreRules::parse(*text, file.string()));
    return [rules = std::move(rules)](std::string_view path, EntryType type) {
        return !rules.ignores(path)
               || (type == EntryType::directory && rules.may_let_in_below(path));
    };
}

EntryFilter both_of(EntryFilter first, EntryFilter second)
{
    if (!first) return second;
    if (!second) return first;
    return [first = std::move(first),
            second = std::move(second)](std::string_view path, EntryType type) {
        return first(path, type) && second(path, type);
    };
}

} // namespace slipway::core
