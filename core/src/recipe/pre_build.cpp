#include "recipe/pre_build.hpp"

#include "recipe/utf8.hpp"

#include <slipway/core/cross_config.hpp>

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace slipway::core {
namespace {

// dockerd's first builder takes lines of 64 KiB.
constexpr std::size_t max_step = 60'000;

// A string of JSON, in which a Dockerfile has words as they are. "<" could begin a here-document.
Result<std::string> json_text(std::string_view text)
{
    std::string out = "\"";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = letter_at(text, at);
        if (length == 0) return fail(Errc::invalid_argument, "it is not UTF-8");
        const char c = text[at];
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) < 0x20 || c == '<') {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += text.substr(at, length);
        }
        at += length;
    }
    return out + "\"";
}

struct Architecture {
    std::string_view begin; // of a target
    std::string_view end;
    std::string_view debian;
};

// The first that fits.
constexpr std::array architectures{
    Architecture{"aarch64-", "", "arm64"},
    Architecture{"arm", "hf", "armhf"},
    Architecture{"thumbv7", "hf", "armhf"},
    Architecture{"arm", "gnueabi", "armel"},
    Architecture{"arm", "musleabi", "armel"},
    Architecture{"i586-", "", "i386"},
    Architecture{"i686-", "", "i386"},
    Architecture{"loongarch64-", "", "loong64"},
    Architecture{"mips-", "", "mips"},
    Architecture{"mips64el-", "", "mips64el"},
    Architecture{"mips64-", "", "mips64"},
    Architecture{"mipsel-", "", "mipsel"},
    Architecture{"powerpc64le-", "", "ppc64el"},
    Architecture{"powerpc64-", "", "ppc64"},
    Architecture{"powerpc-", "", "powerpc"},
    Architecture{"riscv64", "", "riscv64"},
    Architecture{"s390x-", "", "s390x"},
    Architecture{"sparc64-", "", "sparc64"},
    Architecture{"x86_64-", "", "amd64"}};

// dockerd's first builder runs all stages above the wanted one, so what is below `stage` goes.
std::string up_to_stage(const std::string& dockerfile, const std::string& stage)
{
    const auto named = dockerfile.find(" AS " + stage + "\n");
    return dockerfile.substr(0, dockerfile.find("\nFROM ", named));
}

Error refused_commands(const CrossConfig& config, Errc code, std::string what, std::string hint)
{
    Error error(code, config.pre_build_place + ": the commands of pre-build: " + std::move(what));
    error.hint = std::move(hint);
    return error;
}

Result<std::string> run_step(const CrossConfig& config)
{
    std::vector<std::string> words{"/bin/sh", "-ec"};
    if (config.pre_build_script.empty()) {
        words.push_back(fmt::format("{}", fmt::join(config.pre_build, "\n")));
    } else {
        words.emplace_back("printf %s \"$1\" > /slipway-pre-build\n"
                           "chmod +x /slipway-pre-build\n"
                           "/slipway-pre-build \"$0\"\n"
                           "rm /slipway-pre-build");
        words.push_back(config.target);
        words.push_back(config.pre_build_script);
    }
    std::string step;
    for (const std::string& word : words) {
        auto text = json_text(word);
        if (!text) {
            return fail(refused_commands(
                config, Errc::invalid_argument, text.error().message, "write it in UTF-8"
            ));
        }
        step += (step.empty() ? "RUN [" : ", ") + *text;
    }
    step += "]\n";
    if (step.size() <= max_step) return step;
    return fail(refused_commands(
        config,
        Errc::unsupported,
        fmt::format("they have more than the {} bytes that builders take", max_step),
        "make an image of your own that has it done, and name it with the target's key image"
    ));
}

} // namespace

std::string_view debian_architecture(std::string_view target)
{
    const auto* const found = std::ranges::find_if(architectures, [&](const Architecture& known) {
        return target.starts_with(known.begin) && target.ends_with(known.end);
    });
    return found == architectures.end() ? std::string_view() : found->debian;
}

bool may_name_a_stage(std::string_view target)
{
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    };
    return !target.empty() && target.front() >= 'a' && target.front() <= 'z'
           && std::ranges::all_of(target, fits);
}

std::string pre_build_stage(std::string_view target)
{
    return std::string(target) + "-pre-build";
}

Result<ImageCatalog> with_pre_build(const CrossConfig& config, const ImageCatalog& images)
{
    if (!may_name_a_stage(config.target)) {
        return fail(refused_commands(
            config,
            Errc::unsupported,
            "no image can be named after the target '" + config.target + "'",
            "make an image of your own that has it done, and name it with the target's key image"
        ));
    }
    std::string text;
    std::string origin = "pre-build at " + config.pre_build_place;
    std::string from = config.image;
    if (from.empty()) {
        if (!images.has_target(config.target)) {
            return fail(
                Errc::invalid_argument,
                images.origin() + " has no stage for the target '" + config.target + "'"
            );
        }
        text = up_to_stage(images.text(), config.target) + "\n";
        from = config.target;
        origin += ", unless it is one of " + images.origin(); // a step that is to be corrected
    }
    TRY(const std::string step, run_step(config));
    text += fmt::format("FROM {} AS {}\n", from, pre_build_stage(config.target));
    if (const auto debian = debian_architecture(config.target); !debian.empty()) {
        text += fmt::format("ARG CROSS_DEB_ARCH={}\n", debian);
    }
    text += step;
    return ImageCatalog::parse(std::move(text), std::move(origin));
}

} // namespace slipway::core
