#include "archive/content_hasher.hpp"
#include "images/build_context.hpp"
#include "images/building.hpp"
#include "path_inside.hpp"
#include "recipe/pre_build.hpp"

#include <slipway/core/dockerfile_image.hpp>
#include <slipway/core/tar_writer.hpp>
#include <slipway/engine/images.hpp>

#include <fmt/format.h>

#include <array>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t name_digits = 12;

// Where the Dockerfile goes when it does not stand in the context.
constexpr std::string_view name_of_outsider = ".slipway.Dockerfile";

std::string path_in_context(const fs::path& file, const fs::path& context)
{
    return path_inside(file, context).value_or(name_of_outsider).string();
}

PackOptions options_of(const EntryFilter& keep)
{
    PackOptions options;
    options.keep = keep;
    options.skip_tagged_caches = true;
    return options;
}

std::vector<PackRoot> roots_of(const fs::path& context)
{
    if (context.empty()) return {};
    PackRoot root;
    root.local = context;
    return {root};
}

Error not_readable(Error error, const fs::path& context)
{
    error.context.push_back("reading " + context.string() + " for the Dockerfile");
    if (error.hint.empty()) {
        error.hint = "name in .dockerignore what the Dockerfile does not copy";
    }
    return error;
}

// What of the context goes to the engine, without times: they stay out of an image's digest, too.
Task<std::string> words_of_context(fs::path context, EntryFilter keep)
{
    std::string words;
    if (context.empty()) co_return words;
    const std::shared_ptr<TarSource> tar = pack(roots_of(context), options_of(keep));
    std::vector<char> buffer(std::size_t{256} << 10U);
    while (true) {
        const auto got = co_await tar->read(buffer);
        if (!got) co_return fail(not_readable(got.error(), context));
        if (*got == 0) break;
    }
    CO_TRY(const Manifest manifest, tar->manifest());
    for (const auto& [path, entry] : manifest.entries) {
        words += fmt::format(
            "{}{}{} {:o} {}{}{}",
            path,
            '\0',
            to_string(entry.type),
            entry.mode,
            entry.link_target,
            '\0',
            entry.content ? bytes_of(*entry.content) : std::string()
        );
    }
    co_return words;
}

// No part has a NUL in it, save those of the context, which come last.
std::string digits_of(const DockerfileImage& image, const std::string& words_of_files)
{
    std::string all = image.text;
    const auto add = [&all](std::string_view part) {
        all += '\0';
        all += part;
    };
    add(image.label);
    add(image.file);
    for (const auto& [name, value] : image.args) {
        add(name);
        add(value);
    }
    all += '\0';
    add(words_of_files);
    const ContentHash hash = content_hash(all);
    return fmt::format("{:016x}", hash.high).substr(0, name_digits);
}

bool mentions(const std::string& text, std::string_view name)
{
    return text.find(name) != std::string::npos;
}

Building building_of(
    const DockerfileImage& image, const BuildChoice& choice, const engine::Endpoint& endpoint
)
{
    Building building;
    PackOptions options = options_of(image.keep);
    PackExtra dockerfile;
    dockerfile.path = image.file;
    dockerfile.bytes = image.text;
    options.extras.push_back(std::move(dockerfile));
    building.context = pack(roots_of(image.context), std::move(options));
    engine::BuildSpec& spec = building.spec;
    spec.tags.push_back(image.name);
    spec.dockerfile = image.file;
    for (const auto& [name, value] : image.args) {
        spec.build_args.emplace(name, value);
    }
    engine::add_proxies(spec.build_args, engine::proxy_variables(choice.proxies, endpoint));
    spec.labels.emplace("org.slipway.target", image.label);
    building.what.dockerfile = image.text;
    building.what.args = spec.build_args;
    building.what.environment = choice.environment;
    building.what.hint_of_missing = [origin = image.origin](const NeededImage& needed) {
        return hint_of_image(needed, origin);
    };
    building.origin = image.origin;
    building.hint_of_step = "correct this step in " + image.origin;
    building.hint_of_copy = "the build sees the files of its context, save those that "
                            ".dockerignore names and directories that a CACHEDIR.TAG marks; the "
                            "context is the workspace, or what the key dockerfile.context names";
    return building;
}

} // namespace

Task<DockerfileImage> plan_dockerfile_image(CrossConfig config, std::string own_image)
{
    const CrossDockerfile& dockerfile = *config.dockerfile;
    DockerfileImage image;
    image.text = dockerfile.text;
    image.origin = dockerfile.file.string();
    image.label =
        (may_name_a_stage(config.target) ? config.target : std::string("custom")) + "-dockerfile";
    image.needs_own_image = starts_from_own_image(config);
    image.args = dockerfile.build_args;
    // An argument that is not declared is an error to some builders, and a warning to others.
    const std::string base = image.needs_own_image ? std::move(own_image) : config.image;
    if (!base.empty() && mentions(image.text, "CROSS_BASE_IMAGE")) {
        image.args.emplace("CROSS_BASE_IMAGE", base);
    }
    const auto debian = debian_architecture(config.target);
    if (!debian.empty() && mentions(image.text, "CROSS_DEB_ARCH")) {
        image.args.emplace("CROSS_DEB_ARCH", debian);
    }
    const ContextNeeds needs = context_needs(image.text, dockerfile.context);
    image.file = name_of_outsider;
    if (needs.all || !needs.paths.empty()) {
        image.context = dockerfile.context;
        image.file = path_in_context(dockerfile.file, dockerfile.context);
        CO_TRY(IgnoreRules rules, read_ignore_rules(dockerfile.file, dockerfile.context));
        image.keep = context_filter(needs, std::move(rules), image.file);
    }
    CO_TRY(const std::string files, co_await words_of_context(image.context, image.keep));
    image.name = "slipway/" + image.label + ":" + digits_of(image, files);
    co_return image;
}

Task<std::string> ensure_dockerfile_image(
    engine::Client client, DockerfileImage image, BuildChoice choice, OnImageEvent on_event
)
{
    const auto there = co_await engine::Images(client.transport()).inspect(image.name);
    if (there) co_return image.name;
    if (there.error().code != Errc::not_found) co_return fail(there.error());
    Building building = building_of(image, choice, client.endpoint());
    co_return co_await run_building(std::move(client), std::move(building), std::move(on_event));
}

} // namespace slipway::core
