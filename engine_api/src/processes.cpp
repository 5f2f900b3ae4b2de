#include "container_request.hpp"

#include <slipway/engine/containers.hpp>

#include <algorithm>

namespace slipway {

template <>
struct json::Fields<engine::ProcessTable> {
    using T = engine::ProcessTable;
    static constexpr auto list =
        std::tuple{json::optional("Titles", &T::titles), json::optional("Processes", &T::rows)};
};

namespace engine {

namespace {

constexpr std::string_view white_space = " \t";

/// The words of a line; what is left after `most` - 1 of them is the last.
std::vector<std::string> words_of(std::string_view line, std::size_t most)
{
    std::vector<std::string> words;
    for (;;) {
        const auto start = line.find_first_not_of(white_space);
        if (start == std::string_view::npos) return words;
        line.remove_prefix(start);
        const bool last = words.size() + 1 == most;
        const auto end = last ? line.find_last_not_of(white_space) + 1
                              : std::min(line.find_first_of(white_space), line.size());
        words.emplace_back(line.substr(0, end));
        line.remove_prefix(last ? line.size() : end);
    }
}

/// Podman 4 gives each line of the container's own `ps` as one text. No title has a space inside.
void split_lines(ProcessTable& table)
{
    if (table.titles.size() != 1) return;
    std::vector<std::string> titles = words_of(table.titles.front(), SIZE_MAX);
    if (titles.size() < 2) return;
    for (std::vector<std::string>& row : table.rows) {
        if (row.size() == 1) row = words_of(row.front(), titles.size());
    }
    table.titles = std::move(titles);
}

Task<ProcessTable> ask_processes(Transport& transport, Result<Request> request, std::string doing)
{
    EngineAnswer answer;
    if (request) answer = answer_to(transport, *request, 0);
    CO_TRY(const Response reply, co_await exchange(transport, std::move(request), doing));
    answer.status = reply.status;
    // Podman 4 has sent its status before it finds that nothing runs.
    Result<ProcessTable> table =
        reply.body.empty() ? fail(Errc::conflict, "the container does not run, or has no ps")
                           : json::decode<ProcessTable>(reply.body);
    if (table) {
        split_lines(*table);
    } else {
        table.error().answer = std::move(answer);
    }
    co_return during(std::move(table), std::move(doing));
}

} // namespace

Task<ProcessTable> Containers::top(std::string_view id, std::string_view ps_args)
{
    auto request = on_container("GET", id, "/top");
    if (request) request->query("ps_args", ps_args);
    std::string doing = doing_to_container("listing the processes of", id);
    return ask_processes(*transport_, std::move(request), std::move(doing));
}

} // namespace engine

} // namespace slipway
