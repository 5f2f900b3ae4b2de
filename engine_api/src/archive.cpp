#include "call.hpp"
#include "error_reply.hpp"
#include "secrets.hpp"
#include "tar_check.hpp"

#include <slipway/engine/archive.hpp>

#include <array>

namespace slipway::engine {

namespace {

constexpr std::string_view stat_header = "X-Docker-Container-Path-Stat";

Result<Request>
on_archive(std::string_view method, std::string_view container, std::string_view path)
{
    if (path.empty()) return fail(Errc::invalid_argument, "the path in the container is empty");
    TRY(Request request,
        request_on(method, "/containers/", segment_of(container, "container"), "/archive"));
    request.query("path", path);
    return request;
}

std::string
doing(std::string_view what, std::string_view path, std::string_view where, std::string_view id)
{
    std::string text(what);
    return text.append(path).append(where).append(short_id(id));
}

/// Goes through `open` because a large archive needs more time than a call that is one answer.
Task<> put_archive(Transport& transport, Result<Request> request, std::string what)
{
    std::vector<std::string> secrets;
    if (request) secrets = secrets_of(transport, *request);
    CO_TRY(auto reply, co_await open(transport, std::move(request), what));
    std::array<char, 4096> ignored{};
    for (;;) {
        auto count = co_await reply->read(ignored);
        if (!count) {
            Error error = hide(std::move(count).error(), secrets);
            co_return during<void>(fail(std::move(error)), std::move(what));
        }
        if (*count == 0) co_return ok();
    }
}

Task<Download> get_archive(Transport& transport, Result<Request> request, std::string what)
{
    CO_TRY(auto tar, co_await open_tar(transport, std::move(request), what));
    auto stat = parse_path_stat(tar->headers().get(stat_header));
    if (!stat) co_return during<Download>(fail(std::move(stat).error()), std::move(what));
    co_return Download{*std::move(stat), std::move(tar)};
}

/// The stat of a symlink that leads nowhere: podman says 404 and sends the header all the same.
bool is_dangling_link(const Response& reply)
{
    if (reply.status != 404 || !reply.headers.has(stat_header)) return false;
    const auto stat = parse_path_stat(reply.headers.get(stat_header));
    return stat && stat->type == FileType::symlink;
}

Task<PathStat> stat_path(Transport& transport, Result<Request> request, std::string what)
{
    if (!request) co_return during<PathStat>(fail(std::move(request).error()), std::move(what));
    const EngineAnswer answer = answer_to(transport, *request, 0);
    const std::vector<std::string> secrets = secrets_of(transport, *request);
    auto reply = co_await transport.send(*std::move(request));
    if (!reply) {
        Error error = hide(std::move(reply).error(), secrets);
        co_return during<PathStat>(fail(std::move(error)), std::move(what));
    }
    if (reply->status >= 300 && !is_dangling_link(*reply)) {
        Error error = error_from(*reply, answer.method, answer.route, transport.traits().kind);
        error = hide(std::move(error), secrets);
        co_return during<PathStat>(fail(std::move(error)), std::move(what));
    }
    co_return during(parse_path_stat(reply->headers.get(stat_header)), std::move(what));
}

} // namespace

Task<>
Archives::put(std::string_view container, std::string_view path, std::shared_ptr<ByteSource> tar)
{
    const PutArchive options;
    return put(container, path, std::move(tar), options);
}

Task<> Archives::put(
    std::string_view container,
    std::string_view path,
    std::shared_ptr<ByteSource> tar,
    const PutArchive& options
)
{
    auto request = on_archive("PUT", container, path);
    if (request) {
        request->query_flag("noOverwriteDirNonDir", options.no_overwrite_dir_non_dir)
            .query_flag("copyUIDGID", options.copy_uid_gid)
            .body(std::move(tar), "application/x-tar")
            .header_deadline(prompt_header);
    }
    std::string what = doing("putting files into ", path, " of container ", container);
    return put_archive(*transport_, std::move(request), std::move(what));
}

Task<Download> Archives::get(std::string_view container, std::string_view path)
{
    std::string what = doing("getting ", path, " from container ", container);
    auto request = on_archive("GET", container, path);
    if (request) request->header_deadline(prompt_header);
    return get_archive(*transport_, std::move(request), std::move(what));
}

Task<PathStat> Archives::stat(std::string_view container, std::string_view path)
{
    std::string what = doing("looking at ", path, " in container ", container);
    return stat_path(*transport_, on_archive("HEAD", container, path), std::move(what));
}

} // namespace slipway::engine
