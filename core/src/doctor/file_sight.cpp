#include "doctor/file_sight.hpp"

#include "doctor/marker.hpp"
#include "sandbox/remove.hpp"

#include <slipway/core/labels.hpp>
#include <slipway/engine/archive.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/images.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <random>

namespace slipway::core {
namespace {

constexpr const char* purpose = "probe";
constexpr std::size_t empty_tar_bytes = 10240; // one record of zeros

std::string inside(std::size_t index)
{
    return "/slipway-probe/" + std::to_string(index);
}

/// One directory on its way to a verdict.
struct Tried {
    DirectorySight sight;
    std::optional<Marker> marker; // none: it could not be made
};

std::vector<Tried> with_markers(const std::vector<std::filesystem::path>& directories)
{
    std::vector<Tried> all;
    for (const auto& directory : directories) {
        Tried tried;
        tried.sight.directory = directory;
        auto marker = Marker::make(directory);
        if (marker) {
            tried.marker.emplace(*std::move(marker));
        } else {
            tried.sight.detail = describe(marker.error());
        }
        all.push_back(std::move(tried));
    }
    return all;
}

/// An image to make the container from.
struct Base {
    std::string id;
    bool ours = false; // imported for this purpose
};

Task<Base> base_image(engine::Client client)
{
    engine::Images images(client.transport());
    const engine::ListImages all;
    CO_TRY(const std::vector<engine::ImageSummary> there, co_await images.list(all));
    Base base;
    const auto smallest = std::min_element(there.begin(), there.end(), [](auto& a, auto& b) {
        return a.size < b.size;
    });
    if (smallest != there.end()) {
        base.id = smallest->id;
        co_return base;
    }
    engine::ImportImage import;
    const auto nothing = engine::text_source(std::string(empty_tar_bytes, '\0'));
    CO_TRY(auto stream, co_await images.import(nothing, import));
    CO_TRY(base.id, co_await stream.result());
    base.ours = true;
    co_return base;
}

engine::ContainerSpec spec_of(const std::string& image, const std::vector<Tried*>& tried)
{
    engine::ContainerSpec spec;
    spec.image = image;
    spec.name = unique_name(purpose);
    spec.cmd = std::vector<std::string>{"/never-started"};
    spec.labels = labels_for(purpose);
    spec.network_disabled = true;
    spec.host.network_mode = "none";
    for (std::size_t i = 0; i < tried.size(); ++i) {
        engine::Mount mount;
        // The directory around the fresh one: podman would make that one where it is missing.
        mount.source = tried[i]->sight.directory.string();
        mount.target = inside(i);
        mount.read_only = true;
        spec.host.mounts.push_back(std::move(mount));
    }
    return spec;
}

Task<> look_inside(engine::Client client, std::string container, std::vector<Tried*> tried)
{
    engine::Archives archives(client.transport());
    for (std::size_t i = 0; i < tried.size(); ++i) {
        DirectorySight& sight = tried[i]->sight;
        const std::string fresh = tried[i]->marker->directory().filename().string();
        const std::string path = inside(i) + "/" + fresh + "/" + Marker::file_name;
        const auto stat = co_await archives.stat(container, path);
        if (stat) {
            const bool same =
                stat->type == engine::FileType::regular && stat->size == Marker::file_size;
            sight.sight = same ? FileSight::seen : FileSight::not_seen;
        } else if (stat.error().code == Errc::not_found) {
            sight.sight = FileSight::not_seen;
        } else {
            sight.detail = describe(stat.error());
        }
    }
    co_return ok();
}

/// Makes a container with all the binds, looks, and removes it. The error is that of the creation.
Task<> try_together(engine::Client client, std::string image, std::vector<Tried*> tried)
{
    engine::Containers containers(client.transport());
    const engine::ContainerSpec spec = spec_of(image, tried);
    const auto made = co_await containers.create(spec);
    if (made) {
        co_await look_inside(client, spec.name, tried);
    }
    const auto gone =
        co_await remove_container(client, spec.name); // by name: it may be there after all
    if (!made) {
        co_return fail(made.error());
    }
    if (!gone && gone.error().code != Errc::not_found) {
        for (Tried* one : tried) {
            one->sight.detail = describe(gone.error());
        }
    }
    co_return ok();
}

/// dockerd refuses a bind source that it does not have, without saying which of them it means.
void note_refusal(DirectorySight& sight, const Error& refusal)
{
    const bool absent =
        refusal.code == Errc::invalid_argument
        && refusal.message.find("bind source path does not exist") != std::string::npos;
    sight.sight = absent ? FileSight::not_seen : FileSight::unknown;
    sight.detail = absent ? refusal.message : describe(refusal);
}

Task<> try_all(engine::Client client, std::string image, std::vector<Tried*> tried)
{
    const auto together = co_await try_together(client, image, tried);
    if (together) {
        co_return ok();
    }
    if (tried.size() == 1) {
        note_refusal(tried.front()->sight, together.error());
        co_return ok();
    }
    for (Tried* one : tried) {
        const std::vector<Tried*> alone(1, one);
        const auto result = co_await try_together(client, image, alone);
        if (!result) {
            note_refusal(one->sight, result.error());
        }
    }
    co_return ok();
}

} // namespace

Task<std::vector<DirectorySight>>
look_at_files(engine::Client client, std::vector<std::filesystem::path> directories)
{
    std::vector<Tried> all = with_markers(directories);
    std::vector<Tried*> possible;
    for (Tried& tried : all) {
        if (tried.marker) possible.push_back(&tried);
    }
    if (!possible.empty()) {
        const auto base = co_await base_image(client);
        if (base) {
            co_await try_all(client, base->id, possible);
            if (base->ours) {
                const auto removed = co_await engine::Images(client.transport()).remove(base->id);
                if (!removed && removed.error().code != Errc::not_found) {
                    possible.front()->sight.detail = describe(removed.error());
                }
            }
        } else {
            for (Tried* tried : possible) {
                tried->sight.detail = describe(base.error());
            }
        }
    }
    std::vector<DirectorySight> sights;
    sights.reserve(all.size());
    for (Tried& tried : all) {
        sights.push_back(std::move(tried.sight));
    }
    co_return sights;
}

} // namespace slipway::core
