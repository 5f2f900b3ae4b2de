#include "archive/posix.hpp"
#include "images/dockerfile.hpp"

#include <slipway/core/image_catalog.hpp>

#include <xxhash.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <system_error>

namespace slipway::core {

/// Generated from Dockerfile.images by cmake/embed.cmake.
std::string_view embedded_images_dockerfile() noexcept;

namespace {

constexpr std::size_t max_dockerfile = std::size_t{4} << 20U;

/// The name in `FROM [--flag] image AS name`.
std::optional<std::string> stage_name(const std::string& arguments)
{
    const auto words = words_of(arguments);
    if (words.size() < 3) return std::nullopt;
    const std::string& as = words[words.size() - 2];
    const bool named = as.size() == 2 && (as[0] | 0x20) == 'a' && (as[1] | 0x20) == 's';
    if (!named) return std::nullopt;
    return words.back();
}

bool looks_like_triple(const std::string& name)
{
    return std::count(name.begin(), name.end(), '-') >= 2;
}

/// The value of `BASE=value`, without quotes.
std::optional<std::string> base_of(std::string_view argument)
{
    constexpr std::string_view name = "BASE=";
    if (!argument.starts_with(name)) return std::nullopt;
    argument.remove_prefix(name.size());
    const bool quoted = argument.size() >= 2 && argument.front() == argument.back()
                        && (argument.front() == '"' || argument.front() == '\'');
    if (quoted) argument = argument.substr(1, argument.size() - 2);
    return std::string(argument);
}

/// The value of a label in `name=value "other name"="other value"`.
std::optional<std::string> label_in(std::string_view arguments, std::string_view name)
{
    std::string word;
    char quote = '\0';
    const auto value = [&]() -> std::optional<std::string> {
        const bool is_it = word.starts_with(name) && word.substr(name.size()).starts_with('=');
        if (is_it) return word.substr(name.size() + 1);
        return std::nullopt;
    };
    for (const char c : arguments) {
        if (quote != '\0' && c == quote) {
            quote = '\0';
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        } else if (quote == '\0' && (c == ' ' || c == '\t')) {
            if (auto found = value()) return found;
            word.clear();
        } else {
            word += c;
        }
    }
    return value();
}

std::string first_hex_digits(const std::string& text)
{
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, hash);
    std::string hex;
    for (std::size_t i = 0; i < 6; ++i) {
        std::array<char, 3> two{};
        std::snprintf(two.data(), two.size(), "%02x", unsigned{bytes.digest[i]});
        hex += two.data();
    }
    return hex;
}

Errc kind_of(int error_number)
{
    switch (error_number) {
    case ENOENT:
    case ENOTDIR:
        return Errc::not_found;
    case EACCES:
    case EPERM:
        return Errc::permission_denied;
    default:
        return Errc::io;
    }
}

} // namespace

const ImageCatalog& ImageCatalog::built_in()
{
    static const ImageCatalog catalog = [] {
        auto parsed = parse(std::string(embedded_images_dockerfile()), "the built-in image file");
        if (!parsed) throw std::logic_error(describe(parsed.error()));
        parsed->built_in_ = true;
        return *std::move(parsed);
    }();
    return catalog;
}

Result<ImageCatalog> ImageCatalog::parse(std::string text, std::string origin)
{
    ImageCatalog catalog;
    std::set<std::string> stages;
    std::string stage; // the one that the instructions are of
    for (const Instruction& instruction : instructions_of(text)) {
        if (instruction.keyword == "ARG" && stages.empty()) {
            for (const std::string& word : words_of(instruction.arguments)) {
                if (auto base = base_of(word)) catalog.default_base_ = *std::move(base);
            }
        }
        if (instruction.keyword == "LABEL" && !stages.empty()) {
            const auto label = label_in(instruction.arguments, "org.slipway.languages");
            if (label) catalog.languages_[stage] = words_of(*label);
        }
        if (instruction.keyword != "FROM") continue;
        const auto name = stage_name(instruction.arguments);
        stage = name.value_or("");
        catalog.languages_[stage] = catalog.languages(image_of_from(instruction.arguments, ""));
        if (!name) {
            stages.insert("");
            continue;
        }
        if (!stages.insert(*name).second) {
            return fail(
                Errc::invalid_argument,
                origin + ": two stages have the name '" + posix::printable(*name) + "'"
            );
        }
        if (looks_like_triple(*name)) catalog.targets_.push_back(*name);
    }
    if (catalog.targets_.empty()) {
        Error error(Errc::invalid_argument, origin + ": no stage is named after a target");
        error.hint = "a target's stage begins with `FROM image AS aarch64-unknown-linux-gnu`";
        return fail(std::move(error));
    }
    catalog.text_ = std::move(text);
    catalog.origin_ = std::move(origin);
    return catalog;
}

Result<ImageCatalog> ImageCatalog::load(const std::filesystem::path& file)
{
    const auto cannot = [&](int error_number) {
        const std::error_code cause(error_number, std::generic_category());
        Error error(kind_of(error_number), "reading " + file.string() + ": " + cause.message());
        error.cause = cause;
        return fail(std::move(error));
    };
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(
        std::fopen(file.c_str(), "re"), &std::fclose
    );
    if (!in) return cannot(errno);
    std::string text;
    std::array<char, 4096> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), in.get())) {
        text.append(buffer.data(), got);
        if (text.size() > max_dockerfile) {
            return fail(
                Errc::invalid_argument,
                file.string() + " is no Dockerfile: it has more than "
                    + std::to_string(max_dockerfile >> 20U) + " MiB"
            );
        }
    }
    if (std::ferror(in.get()) != 0) return cannot(errno);
    return parse(std::move(text), file.string());
}

bool ImageCatalog::has_target(std::string_view target) const noexcept
{
    return std::find(targets_.begin(), targets_.end(), target) != targets_.end();
}

std::vector<std::string> ImageCatalog::languages(std::string_view target) const
{
    const auto found = languages_.find(target);
    return found == languages_.end() ? std::vector<std::string>{} : found->second;
}

Result<> ImageCatalog::check_language(std::string_view target, std::string_view language) const
{
    const auto has = [&](std::string_view one) {
        const std::vector<std::string> named = languages(one);
        return std::ranges::find(named, language) != named.end();
    };
    const std::vector<std::string> named = languages(target);
    if (named.empty() || has(target)) return ok();
    std::vector<std::string> others;
    std::ranges::copy_if(targets_, std::back_inserter(others), has);
    Error error(
        Errc::unsupported,
        fmt::format(
            "the image for {} has no {}: it is for {}", target, language, fmt::join(named, ", ")
        )
    );
    error.hint = fmt::format("those with {} are {}", language, fmt::join(others, ", "));
    return fail(std::move(error));
}

std::string ImageCatalog::image_name(std::string_view target, std::string_view base) const
{
    // A NUL stands in no Dockerfile, reference or stage name, so the parts cannot run together.
    std::string all = text_;
    all += '\0';
    all += base.empty() ? std::string_view(default_base_) : base;
    all += '\0';
    all += target;
    return "slipway/" + std::string(target) + ":" + first_hex_digits(all);
}

} // namespace slipway::core
