#include "call.hpp"

#include <slipway/engine/images.hpp>

namespace slipway {

namespace engine {

namespace {

struct CommitReply {
    std::string id;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::CommitReply> {
    static constexpr auto list = std::tuple{json::required("Id", &engine::CommitReply::id)};
};

namespace engine {

namespace {

/// `pause` is always there, since engines have different defaults; so is a body, which podman 4
/// wants, and where it ignores what a body can say and `changes` can too.
Result<Request> commit_request(const CommitContainer& what)
{
    CHECK_OK(segment_of(what.container, "container"));
    if (!what.repository.empty()) {
        CHECK_OK(parse_reference(what.repository));
    }
    Request request("POST", "/commit");
    request.query("container", what.container)
        .query("repo", what.repository)
        .query("tag", what.tag)
        .query("comment", what.comment)
        .query("author", what.author)
        .query("pause", what.pause ? "1" : "0");
    for (const std::string& change : what.changes) {
        request.query("changes", change);
    }
    request.json("{}").deadline(disk_work);
    return request;
}

Task<std::string> commit_container(Transport& transport, Result<Request> request, std::string doing)
{
    CO_TRY(
        CommitReply reply,
        co_await call<CommitReply>(transport, std::move(request), std::move(doing))
    );
    co_return std::move(reply.id);
}

} // namespace

Task<std::string> Images::commit(const CommitContainer& what)
{
    std::string doing = "making an image of container " + std::string(short_id(what.container));
    return commit_container(*transport_, commit_request(what), std::move(doing));
}

} // namespace engine

} // namespace slipway
