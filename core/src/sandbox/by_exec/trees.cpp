#include "agent/entry_sink.hpp"
#include "archive/posix.hpp"
#include "archive/renamed_tar.hpp"
#include "archive/tar_records.hpp"
#include "archive/tar_stream.hpp"
#include "sandbox/by_exec/sandbox.hpp"
#include "sandbox/by_exec/selected_entries.hpp"
#include "workspace/relay.hpp"

#include <slipway/engine/archive.hpp>

#include <boost/asio/this_coro.hpp>

#include <filesystem>
#include <set>
#include <utility>

namespace slipway::core::by_exec {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

// What goes into the tar of a `get`, each path once; threads use it one after the other.
struct Packing {
    SelectedEntries patterns;
    std::shared_ptr<const FileTimes> times; ///< or none
    std::set<std::string> given;            ///< by earlier archives
    std::set<std::string> giving;           ///< by this one
    std::vector<std::string> lost;          ///< names of files whose other name is not asked for
};

using Names = std::function<bool(const std::string& path)>;

// Passes on the entries of an archive of `full` that `wanted` says, with paths below the directory.
Task<> give_archive(
    std::shared_ptr<Sandbox> sandbox,
    std::string full,
    std::string below,
    Names selected,
    std::shared_ptr<Packing> packing,
    engine::ByteSink& tar
)
{
    const auto executor = co_await asio::this_coro::executor;
    engine::Archives archives(sandbox->client.transport());
    CO_TRY(auto download, co_await archives.get(sandbox->container, full));
    const std::string strip = fs::path(full).filename().string();
    TarChange change;
    change.rename = [strip, below, selected, packing](const std::string& name
                    ) -> Result<std::optional<std::string>> {
        TRY(const std::string rest, path_below(strip, name));
        const std::string path = posix::join(below, rest);
        const bool wanted = selected(path); // asked for each, so that it knows what it has met
        if (!wanted || packing->given.contains(path)) return std::optional<std::string>();
        packing->giving.insert(path);
        return std::optional(path.empty() ? "." : path);
    };
    change.lost_link = [strip, below, packing](const std::string& name) -> Result<> {
        TRY(const std::string rest, path_below(strip, name));
        packing->giving.erase(packing->lost.emplace_back(posix::join(below, rest)));
        return ok();
    };
    if (packing->times) {
        change.mtime_ns = [times = packing->times](const std::string& name) {
            const auto found = times->find(name);
            return found == times->end() ? std::nullopt : std::optional(found->second);
        };
    }
    std::shared_ptr<engine::ByteSource> from = std::move(download.tar);
    const auto renamed = renamed_tar(executor, std::move(from), std::move(change), TarEnd::open);
    CO_CHECK(co_await engine::copy(*renamed, tar));
    packing->given.merge(packing->giving);
    packing->giving.clear();
    co_return ok();
}

// The last part of an archive's path is that of its entries; "/" and "." have none.
std::string top_of(const std::string& directory)
{
    std::string path = "/" + fs::path(directory).lexically_normal().relative_path().string();
    while (path.size() > 1 && path.ends_with('/')) {
        path.pop_back();
    }
    return path;
}

Task<> give_path(
    std::shared_ptr<Sandbox> sandbox,
    std::string top,
    TreeItem item,
    std::shared_ptr<Packing> packing,
    engine::ByteSink& tar
)
{
    CO_TRY(const std::string path, posix::clean_path(item.text, Errc::invalid_argument));
    const Names all = [](const std::string&) { return true; };
    const std::string full = path.empty() ? top : posix::join(top, path);
    auto given = co_await give_archive(sandbox, full, path, all, packing, tar);
    const bool missing = !given && given.error().code == Errc::not_found;
    if (missing && item.need == TreeItem::Need::optional) co_return ok();
    co_return given;
}

Task<> give_items(
    std::shared_ptr<Sandbox> sandbox,
    std::string directory,
    std::vector<TreeItem> items,
    std::shared_ptr<const FileTimes> times,
    engine::ByteSink& tar
)
{
    const std::string top = top_of(directory);
    const auto packing = std::make_shared<Packing>();
    packing->times = std::move(times);
    std::vector<TreeItem> paths;
    for (TreeItem& item : items) {
        CO_CHECK(check_item(item));
        if (has_archive_of_its_own(item)) {
            paths.push_back(std::move(item));
        } else {
            CO_CHECK(packing->patterns.add(item));
        }
    }
    for (const TreeItem& path : paths) {
        CO_CHECK(co_await give_path(sandbox, top, path, packing, tar));
    }
    if (paths.size() < items.size()) {
        const Names selected = [packing](const std::string& name) {
            return packing->patterns.has(name);
        };
        const std::string nothing;
        CO_CHECK(co_await give_archive(sandbox, top, nothing, selected, packing, tar));
        CO_CHECK(packing->patterns.check_found());
    }
    // Alone, the archive of such a file has its bytes.
    for (const std::string& path : std::exchange(packing->lost, {})) {
        TreeItem item(TreeItem::Kind::path, path);
        CO_CHECK(co_await give_path(sandbox, top, std::move(item), packing, tar));
    }
    const std::string end(tar_end_bytes, '\0');
    co_return co_await tar.write(end);
}

} // namespace

bool is_found_by_archive(std::string_view path)
{
    return path.find_first_of("*?[]\\") == std::string_view::npos;
}

bool has_archive_of_its_own(const TreeItem& item)
{
    return item.kind == TreeItem::Kind::path && is_found_by_archive(item.text);
}

Task<> get_by_archive(
    std::shared_ptr<Sandbox> sandbox,
    std::string directory,
    std::vector<TreeItem> items,
    std::shared_ptr<const FileTimes> times,
    engine::ByteSink& tar
)
{
    const std::string doing = "getting files from " + directory + " of the sandbox";
    co_return during(
        co_await give_items(sandbox, std::move(directory), std::move(items), std::move(times), tar),
        doing
    );
}

Task<> list_by_archive(
    std::shared_ptr<Sandbox> sandbox,
    std::string directory,
    std::vector<TreeItem> items,
    Digest digest,
    TreeEntries each
)
{
    const std::string doing = "listing files in " + directory + " of the sandbox";
    const auto executor = co_await asio::this_coro::executor;
    const auto give = [sandbox, directory = std::move(directory), items = std::move(items)](
                          engine::ByteSink& to
                      ) { return give_items(sandbox, directory, items, nullptr, to); };
    const auto tar = written_by(executor, give);
    const auto records = tar_records(executor, tar, digest);
    EntrySink entries(std::move(each));
    const auto copied = co_await engine::copy(*records, entries);
    Result<> done = copied ? entries.finish() : fail(copied.error());
    co_return during(std::move(done), doing);
}

} // namespace slipway::core::by_exec
