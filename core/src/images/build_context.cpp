#include "images/build_context.hpp"

#include "images/dockerfile.hpp"
#include "small_file.hpp"

#include <algorithm>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_ignore_file = std::size_t{1} << 20U;

bool is_from_elsewhere(std::string_view source)
{
    return source.find("://") != std::string_view::npos || source.starts_with("git@");
}

// The part of a source that is no pattern.
void add_source(ContextNeeds& needs, std::string_view source)
{
    std::string plain;
    for (const auto& part : fs::path(source).lexically_normal()) {
        const std::string& name = part.native();
        if (name == "..") needs.all = true; // the engine has its own view of it
        if (name.find_first_of("*?[") != std::string::npos) break;
        if (name.empty() || name == "/" || name == ".") continue;
        plain += (plain.empty() ? "" : "/") + name;
    }
    if (plain.empty()) needs.all = true;
    needs.paths.push_back(std::move(plain));
}

void add_copy(ContextNeeds& needs, std::string_view arguments)
{
    auto words = words_of(arguments);
    const auto first = std::ranges::find_if(words, [](const std::string& word) {
        return !word.starts_with("--");
    });
    const bool from_image = std::any_of(words.begin(), first, [](const std::string& word) {
        return word.starts_with("--from=");
    });
    if (from_image || first == words.end()) return;
    const bool is_plain =
        arguments.find_first_of("$\"'\\`") == std::string_view::npos && !first->starts_with('[');
    if (!is_plain) {
        needs.all = true;
        return;
    }
    std::for_each(first, std::prev(words.end()), [&](const std::string& word) {
        if (!word.starts_with("<<") && !is_from_elsewhere(word)) add_source(needs, word);
    });
}

// A mount is of the context unless it says what else it is.
bool mounts_context(std::string_view arguments)
{
    return std::ranges::any_of(words_of(arguments), [](const std::string& word) {
        if (!word.starts_with("--mount=")) return false;
        const bool binds =
            word.find("type=") == std::string::npos || word.find("type=bind") != std::string::npos;
        return binds && word.find("from=") == std::string::npos;
    });
}

bool has_symlink_on_the_way(const fs::path& context, const std::string& path)
{
    fs::path at = context;
    std::error_code ignored;
    return std::ranges::any_of(fs::path(path), [&](const fs::path& part) {
        at /= part;
        return fs::is_symlink(at, ignored);
    });
}

bool is_at_or_below(std::string_view path, std::string_view top)
{
    return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

} // namespace

ContextNeeds context_needs(std::string_view dockerfile)
{
    ContextNeeds needs;
    for (const Instruction& instruction : instructions_of(dockerfile)) {
        if (instruction.keyword == "COPY" || instruction.keyword == "ADD") {
            add_copy(needs, instruction.arguments);
        } else if (instruction.keyword == "RUN" && mounts_context(instruction.arguments)) {
            needs.all = true;
        }
    }
    return needs;
}

ContextNeeds context_needs(std::string_view dockerfile, const fs::path& context)
{
    ContextNeeds needs = context_needs(dockerfile);
    needs.all = needs.all || std::ranges::any_of(needs.paths, [&](const std::string& path) {
                    return has_symlink_on_the_way(context, path);
                });
    return needs;
}

Result<IgnoreRules> read_ignore_rules(const fs::path& dockerfile, const fs::path& context)
{
    for (const fs::path& file :
         {fs::path(dockerfile.string() + ".dockerignore"), context / ".dockerignore"}) {
        std::error_code ignored;
        if (!fs::exists(fs::symlink_status(file, ignored))) continue;
        auto text = read_small_file(file, max_ignore_file);
        if (!text) {
            text.error().hint = "make it a file with a pattern in each line, or remove it";
            return fail(std::move(text).error());
        }
        return IgnoreRules::parse(*text, file.string());
    }
    return IgnoreRules();
}

EntryFilter context_filter(ContextNeeds needs, IgnoreRules rules, std::string dockerfile)
{
    return [needs = std::move(needs),
            rules = std::move(rules),
            dockerfile = std::move(dockerfile)](std::string_view path, EntryType type) {
        // Some builders would apply it once more, and others not.
        if (path == dockerfile || path == ".dockerignore") return false;
        const bool is_directory = type == EntryType::directory;
        const bool wanted =
            needs.all || std::ranges::any_of(needs.paths, [&](const auto& need) {
                return is_at_or_below(path, need) || (is_directory && is_at_or_below(need, path));
            });
        if (!wanted) return false;
        return !rules.ignores(path) || (is_directory && rules.may_let_in_below(path));
    };
}

} // namespace slipway::core
