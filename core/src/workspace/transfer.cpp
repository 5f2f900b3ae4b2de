#include "workspace/advice.hpp"
#include "workspace/ignored.hpp"

#include <slipway/core/container_files.hpp>
#include <slipway/core/tar_reader.hpp>
#include <slipway/core/tar_writer.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/pause.hpp>

#include <algorithm>
#include <chrono>

namespace slipway::core {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

// "/home/me/project" -> "home/me/project": the name of the root in an archive of "/".
std::string inside(const fs::path& root)
{
    return root.relative_path().string();
}

struct UnpackRequest {
    fs::path path;        // in the container
    fs::path destination; // here
    UnpackOptions options{};
};

Task<Unpacked> get_and_unpack(std::shared_ptr<ContainerFiles> container, UnpackRequest request)
{
    for (auto wait = 20ms;; wait *= 2) {
        CO_TRY(auto tar, co_await container->get(request.path));
        auto unpacked = co_await unpack(std::move(tar), request.destination, request.options);
        // Rootless podman gives an empty archive while it still cleans up after a command that has
        // just ended. Unpacking twice does no harm.
        if (unpacked || unpacked.error().code != Errc::truncated || wait > 640ms) {
            co_return unpacked;
        }
        CO_CHECK(co_await engine::pause(wait));
    }
}

// The tar holds a hard link to a file that the filter left out, as between cargo's
// target/T/debug/app and target/T/debug/deps/app-0123. Asked for by itself it comes with its bytes.
Task<Unpacked>
fetch_linked_file(std::shared_ptr<ContainerFiles> container, fs::path root, std::string file)
{
    const fs::path path = root / file;
    UnpackRequest request;
    request.path = path;
    request.destination = path.parent_path();
    return get_and_unpack(std::move(container), std::move(request));
}

} // namespace

Task<std::shared_ptr<const SentWorkspace>>
send_workspace(std::shared_ptr<ContainerFiles> container, Workspace workspace, Owner owner)
{
    const std::string doing = "sending " + workspace.root.string() + " to the container";
    const auto sent = std::make_shared<SentWorkspace>();
    CO_TRY(sent->copied, during(copied_entries(workspace.root), doing));
    CO_TRY(sent->image, during(co_await container->list(workspace.root), doing));
    std::vector<PackRoot> roots(1);
    roots[0].local = workspace.root;
    roots[0].inside = inside(workspace.root);
    PackOptions options;
    options.uid = owner.uid;
    options.gid = owner.gid;
    options.skip_tagged_caches = true;
    options.keep = sent->copied;
    const auto tar = pack(std::move(roots), std::move(options));
    CO_CHECK(advised(co_await container->put(tar), doing, to_read_advice));
    CO_TRY(sent->files, during(tar->manifest(), doing));
    co_return sent;
}

Task<Fetched> fetch_workspace(
    std::shared_ptr<ContainerFiles> container,
    Workspace workspace,
    std::shared_ptr<const SentWorkspace> sent
)
{
    const std::string doing = "bringing files back to " + workspace.root.string();
    UnpackRequest request;
    request.path = workspace.root;
    request.destination = workspace.root;
    request.options.strip = workspace.root.filename().string();
    request.options.sent = std::shared_ptr<const Manifest>(sent, &sent->files);
    request.options.stood = std::shared_ptr<const Manifest>(sent, &sent->image);
    request.options.sent_root = inside(workspace.root);
    request.options.keep = both_of(workspace.bring_back, sent->copied);
    CO_TRY(
        const Unpacked unpacked,
        advised(co_await get_and_unpack(container, std::move(request)), doing, to_write_advice)
    );
    Fetched fetched;
    fetched.written = unpacked.written;
    fetched.kept = unpacked.kept;
    fetched.bytes = unpacked.written_bytes;
    for (const UnresolvedFile& link : unpacked.unresolved) {
        CO_TRY(
            const Unpacked file,
            advised(
                co_await fetch_linked_file(container, workspace.root, link.path),
                doing,
                to_write_advice
            )
        );
        fetched.written.push_back(link.path);
        fetched.bytes += file.written_bytes;
    }
    CO_TRY(
        Removed removed,
        advised(
            remove_deleted(workspace.root, deleted(sent->files, unpacked)), doing, to_write_advice
        )
    );
    fetched.removed = std::move(removed.removed);
    fetched.kept.insert(fetched.kept.end(), removed.kept.begin(), removed.kept.end());
    co_return fetched;
}

} // namespace slipway::core
