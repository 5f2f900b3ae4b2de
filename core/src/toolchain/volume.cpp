#include "toolchain/volume.hpp"

#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"
#include "sandbox/pool/directory.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/remove.hpp"
#include "sandbox/settle.hpp"
#include "toolchain/contents.hpp"
#include "toolchain/parts.hpp"
#include "workspace/on_thread.hpp"

#include <slipway/core/inventory.hpp>
#include <slipway/core/labels.hpp>
#include <slipway/core/tar_writer.hpp>
#include <slipway/engine/archive.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/pause.hpp>
#include <slipway/engine/volumes.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace slipway::core {

namespace asio = boost::asio;

using namespace std::chrono_literals;

namespace {

constexpr const char* carried_at = "/slipway-toolchain";
// Put there when all else is: what has it is whole.
constexpr const char* complete_toolchain = ".slipway-complete";

std::string name_of_copy(const ToolchainCopy& copy, const ContentHash& contents)
{
    const ContentHash hash = content_hash(fmt::format(
        "{} {}:{} {:016x}{:016x}",
        this_user(),
        copy.owner.uid,
        copy.owner.gid,
        contents.high,
        contents.low
    ));
    return fmt::format("slipway-{}-{:016x}", toolchain_purpose, hash.high);
}

class CopyOfToolchain {
public:
    CopyOfToolchain(ToolchainCopy copy, ContentHash contents)
        : copy_(std::move(copy)),
          contents_(contents),
          name_(name_of_copy(copy_, contents)),
          memory_key_(pool::key(copy_.client.endpoint()) + "-" + name_)
    {
    }

    Task<std::string> provide()
    {
        CO_TRY(bool whole, co_await is_known_whole());
        if (whole) co_return name_;
        auto lock = pool::try_lock(copy_.base, memory_key_);
        while (!lock) {
            CO_CHECK(co_await engine::pause(20ms));
            lock = pool::try_lock(copy_.base, memory_key_);
        }
        CO_TRY(whole, co_await is_known_whole()); // somebody has filled it just before
        if (whole) co_return name_;
        CO_CHECK(during(co_await fill(), "copying the toolchain " + copy_.toolchain.name));
        CO_TRY(const auto volume, co_await volumes().inspect(name_));
        pool::remember(copy_.base, memory_key_, volume.created_at);
        co_return name_;
    }

private:
    engine::Volumes volumes() { return engine::Volumes(copy_.client.transport()); }
    engine::Archives archives() { return engine::Archives(copy_.client.transport()); }

    // Somebody may have removed it, and an engine makes an empty one when it mounts it.
    Task<bool> is_known_whole()
    {
        auto volume = co_await volumes().inspect(name_);
        if (!volume && volume.error().code == Errc::not_found) co_return false;
        CO_TRY(const engine::VolumeInfo found, std::move(volume));
        const auto purpose = found.labels.find(std::string(purpose_label));
        if (purpose == found.labels.end() || purpose->second != toolchain_purpose) {
            Error error(
                Errc::conflict, "the volume " + name_ + " is there, and it is not slipway's"
            );
            error.hint = "rename it, or remove it when nobody needs it";
            co_return fail(std::move(error));
        }
        const std::string known = pool::recall(copy_.base, memory_key_);
        co_return !known.empty() && known == found.created_at;
    }

    Task<> make_volume()
    {
        engine::VolumeSpec spec;
        spec.name = name_;
        spec.labels = labels_of_copy(copy_.toolchain);
        CO_CHECK(co_await volumes().create(spec));
        co_return ok();
    }

    Task<> fill()
    {
        CO_CHECK(co_await make_volume());
        const auto is_whole = std::make_shared<bool>(false);
        const std::function<Task<>(std::string)> look = [this, is_whole](std::string carrier) {
            return look_for_mark(std::move(carrier), is_whole);
        };
        CO_CHECK(co_await with_carrier(look));
        if (*is_whole) co_return ok();
        if (copy_.toolchain.on_copy) copy_.toolchain.on_copy();
        // Whatever somebody who was killed has left in it.
        const auto swept = co_await clean_up(copy_.client, copy_.base, Clean::left_behind);
        if (!swept && swept.error().code == Errc::cancelled) co_return fail(swept.error());
        CO_CHECK(co_await empty());
        const std::function<Task<>(std::string)> send = [this](std::string carrier) {
            return put_all(std::move(carrier));
        };
        auto sent = co_await with_carrier(send);
        if (!sent && sent.error().code != Errc::cancelled) {
            static_cast<void>(co_await volumes().remove(name_)); // else the next one empties it
        }
        co_return sent;
    }

    // An engine lets go of a volume somewhat after its container is gone. One that a sandbox has
    // all the same is filled as it is.
    Task<> empty()
    {
        for (auto step = 20ms; step < 1s; step *= 2) {
            const auto gone = co_await volumes().remove(name_);
            if (!gone && gone.error().code == Errc::cancelled) co_return fail(gone.error());
            if (gone || gone.error().code != Errc::conflict) break;
            CO_CHECK(co_await engine::pause(step));
        }
        co_return co_await make_volume();
    }

    // A container that has the volume, removed when `work` is done.
    Task<> with_carrier(std::function<Task<>(std::string carrier)> work)
    {
        engine::ContainerSpec spec;
        spec.image = copy_.image;
        spec.name = unique_name(toolchain_purpose);
        spec.entrypoint.emplace().emplace_back("/never-started");
        spec.labels = labels_for(toolchain_purpose);
        spec.network_disabled = true;
        spec.host.network_mode = "none";
        engine::Mount mount;
        mount.type = "volume";
        mount.source = name_;
        mount.target = carried_at;
        mount.volume.emplace().no_copy = true;
        mount.volume->labels = labels_of_copy(copy_.toolchain);
        spec.host.mounts.push_back(std::move(mount));
        const auto executor = co_await asio::this_coro::executor;
        engine::Child making(executor, make(spec));
        const Settled made = co_await settle(making);
        Result<> done = made.result;
        if (made.interrupted) {
            done = fail(Errc::cancelled, "interrupted");
        } else if (done) {
            done = co_await work(spec.name);
        }
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        const auto gone = co_await remove_container(copy_.client, spec.name);
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        CO_CHECK(std::move(done));
        if (!gone && gone.error().code != Errc::not_found) co_return fail(gone.error());
        co_return ok();
    }

    Task<> make(engine::ContainerSpec spec)
    {
        CO_CHECK(co_await engine::Containers(copy_.client.transport()).create(spec));
        co_return ok();
    }

    Task<> look_for_mark(std::string carrier, std::shared_ptr<bool> is_whole)
    {
        const std::string mark = std::string(carried_at) + "/" + complete_toolchain;
        const auto there = co_await archives().stat(carrier, mark);
        if (!there && there.error().code != Errc::not_found) co_return fail(there.error());
        *is_whole = there.has_value();
        co_return ok();
    }

    Task<> put_all(std::string carrier)
    {
        std::vector<PackRoot> roots(1);
        roots[0].local = copy_.toolchain.from;
        PackOptions options;
        options.uid = copy_.owner.uid;
        options.gid = copy_.owner.gid;
        options.skip_tagged_caches = true; // as they are not looked at
        options.keep = [toolchain = copy_.toolchain](std::string_view path, EntryType) {
            return is_needed(toolchain, path);
        };
        const auto tar = pack(std::move(roots), std::move(options));
        CO_CHECK(co_await archives().put(carrier, carried_at, tar));
        CO_TRY(const Manifest sent, tar->manifest());
        if (digest_of_contents(sent) != contents_) {
            Error error(Errc::io, copy_.toolchain.from.string() + " changed while it was copied");
            error.hint = "wait for what installs or updates the toolchain, then try again";
            co_return fail(std::move(error));
        }
        PackOptions last;
        last.extras.emplace_back().path = complete_toolchain;
        last.extras.back().mode = 0444;
        std::vector<PackRoot> none;
        const std::shared_ptr<engine::ByteSource> mark = pack(std::move(none), std::move(last));
        CO_CHECK(co_await archives().put(carrier, carried_at, mark));
        co_return ok();
    }

    ToolchainCopy copy_;
    ContentHash contents_;
    std::string name_;
    std::string memory_key_;
};

} // namespace

std::map<std::string, std::string> labels_of_copy(const HostToolchain& toolchain)
{
    auto labels = labels_for(toolchain_purpose);
    labels.emplace(workspace_label, posix::printable(toolchain.from.native()));
    labels.emplace(user_label, this_user());
    return labels;
}

Task<std::string> toolchain_volume(ToolchainCopy copy)
{
    const std::function<Result<Manifest>(const std::atomic<bool>&)> work =
        [&copy](const std::atomic<bool>& stop) { return contents_of(copy.toolchain, stop); };
    CO_TRY(const Manifest contents, co_await on_thread(work));
    CopyOfToolchain made(std::move(copy), digest_of_contents(contents));
    co_return co_await made.provide();
}

} // namespace slipway::core
