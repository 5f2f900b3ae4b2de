#include "container_request.hpp"

#include <slipway/engine/containers.hpp>

namespace slipway {

namespace engine {

namespace {

struct ChangeText {
    std::string path;
    std::int32_t kind = 0;
};

} // namespace

} // namespace engine

template <>
struct json::Fields<engine::ChangeText> {
    using T = engine::ChangeText;
    static constexpr auto list =
        std::tuple{json::required("Path", &T::path), json::optional("Kind", &T::kind)};
};

namespace engine {

namespace {

Task<std::vector<FileChange>>
ask_changes(Transport& transport, Result<Request> request, std::string doing)
{
    using Reply = std::vector<ChangeText>;
    CO_TRY(Reply reply, co_await call<Reply>(transport, std::move(request), std::move(doing)));
    std::vector<FileChange> changes;
    changes.reserve(reply.size());
    for (ChangeText& change : reply) {
        changes.push_back({std::move(change.path), static_cast<ChangeKind>(change.kind)});
    }
    co_return changes;
}

} // namespace

Task<std::vector<FileChange>> Containers::changes(std::string_view id)
{
    auto request = on_container("GET", id, "/changes");
    if (request) request->deadline(disk_work);
    std::string doing = doing_to_container("asking what changed in", id);
    return ask_changes(*transport_, std::move(request), std::move(doing));
}

} // namespace engine

} // namespace slipway
