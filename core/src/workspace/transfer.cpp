#include <slipway/core/tar_reader.hpp>
#include <slipway/core/tar_writer.hpp>
#include <slipway/core/workspace.hpp>
#include <slipway/engine/archive.hpp>
#include <slipway/engine/pause.hpp>

#include <algorithm>
#include <chrono>

namespace slipway::core {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

// A file here that we may not touch; the engine's own refusals carry its answer.
template <class T>
Result<T> advised(Result<T> result, const std::string& doing, std::string_view advice)
{
    if (!result && result.error().code == Errc::permission_denied && !result.error().answer
        && result.error().hint.empty()) {
        result.error().hint = advice;
    }
    return during(std::move(result), doing);
}

constexpr std::string_view to_read = "make it readable for you, or keep it outside the workspace";
constexpr std::string_view to_write = "you need the right to write there: see its owner and mode";

// "/home/me/project" -> "home/me/project": the name of the root in an archive of "/".
std::string inside(const fs::path& root)
{
    return root.relative_path().string();
}

struct UnpackRequest {
    std::string path;     // in the container
    fs::path destination; // here
    UnpackOptions options{};
};

Task<Unpacked> get_and_unpack(engine::Client client, std::string container, UnpackRequest request)
{
    engine::Archives archives(client.transport());
    for (auto wait = 20ms;; wait *= 2) {
        CO_TRY(auto download, co_await archives.get(container, request.path));
        std::shared_ptr<engine::ByteSource> tar = std::move(download.tar);
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
fetch_linked_file(engine::Client client, std::string container, fs::path root, std::string file)
{
    const fs::path path = root / file;
    UnpackRequest request;
    request.path = path.string();
    request.destination = path.parent_path();
    return get_and_unpack(std::move(client), std::move(container), std::move(request));
}

// What the image has at the root. dockerd has made that directory by now, if the command starts in
// it.
Task<Manifest> list_image(engine::Client client, std::string container, fs::path root)
{
    engine::Archives archives(client.transport());
    const std::string path = root.string();
    auto download = co_await archives.get(container, path);
    if (!download && download.error().code == Errc::not_found) co_return Manifest();
    if (!download) co_return fail(std::move(download).error());
    if (download->stat.type != engine::FileType::directory) co_return Manifest();
    std::shared_ptr<engine::ByteSource> tar = std::move(download->tar);
    std::string strip = root.filename().string();
    co_return co_await list_tar(std::move(tar), std::move(strip));
}

} // namespace

Task<std::shared_ptr<const SentWorkspace>>
send_workspace(engine::Client client, std::string container, Workspace workspace, Owner owner)
{
    const std::string doing = "sending " + workspace.root.string() + " to the container";
    const auto sent = std::make_shared<SentWorkspace>();
    CO_TRY(sent->image, during(co_await list_image(client, container, workspace.root), doing));
    std::vector<PackRoot> roots(1);
    roots[0].local = workspace.root;
    roots[0].inside = inside(workspace.root);
    PackOptions options;
    options.uid = owner.uid;
    options.gid = owner.gid;
    options.skip_tagged_caches = true;
    const auto tar = pack(std::move(roots), std::move(options));
    engine::Archives archives(client.transport());
    CO_CHECK(advised(co_await archives.put(container, "/", tar), doing, to_read));
    CO_TRY(sent->files, during(tar->manifest(), doing));
    co_return sent;
}

Task<Fetched> fetch_workspace(
    engine::Client client,
    std::string container,
    Workspace workspace,
    std::shared_ptr<const SentWorkspace> sent
)
{
    const std::string doing = "bringing files back to " + workspace.root.string();
    UnpackRequest request;
    request.path = workspace.root.string();
    request.destination = workspace.root;
    request.options.strip = workspace.root.filename().string();
    request.options.sent = std::shared_ptr<const Manifest>(sent, &sent->files);
    request.options.stood = std::shared_ptr<const Manifest>(sent, &sent->image);
    request.options.sent_root = inside(workspace.root);
    request.options.keep = workspace.bring_back;
    CO_TRY(
        const Unpacked unpacked,
        advised(co_await get_and_unpack(client, container, std::move(request)), doing, to_write)
    );
    Fetched fetched;
    fetched.written = unpacked.written;
    fetched.kept = unpacked.kept;
    fetched.bytes = unpacked.written_bytes;
    for (const UnresolvedFile& link : unpacked.unresolved) {
        CO_TRY(
            const Unpacked file,
            advised(
                co_await fetch_linked_file(client, container, workspace.root, link.path),
                doing,
                to_write
            )
        );
        fetched.written.push_back(link.path);
        fetched.bytes += file.written_bytes;
    }
    CO_TRY(
        Removed removed,
        advised(remove_deleted(workspace.root, deleted(sent->files, unpacked)), doing, to_write)
    );
    fetched.removed = std::move(removed.removed);
    fetched.kept.insert(fetched.kept.end(), removed.kept.begin(), removed.kept.end());
    co_return fetched;
}

} // namespace slipway::core
