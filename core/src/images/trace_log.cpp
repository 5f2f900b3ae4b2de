#include "images/trace_log.hpp"

#include "images/build_log.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

namespace slipway::core {
namespace {

/// "[host 2/3] RUN x"; BuildKit's own doings have no such numbers in their brackets.
std::optional<ImageEvent> as_vertex_step(std::string_view name)
{
    const std::size_t end = name.find("] ");
    if (!name.starts_with('[') || end == std::string_view::npos) return std::nullopt;
    const std::string_view place = name.substr(1, end - 1);
    const std::string_view numbers = place.substr(place.rfind(' ') + 1);
    const std::size_t slash = numbers.find('/');
    if (slash == 0 || slash == std::string_view::npos || slash + 1 == numbers.size()
        || numbers.find_first_not_of("0123456789/") != std::string_view::npos) {
        return std::nullopt;
    }
    ImageEvent step;
    step.kind = ImageEvent::Kind::step;
    step.place = place;
    step.text = name.substr(end + 2);
    return step;
}

/// When one step fails, BuildKit stops the others, which then have errors too.
bool was_stopped(const engine::BuildVertex& vertex)
{
    return vertex.error.find("context canceled") != std::string::npos;
}

/// In the order in which they began. BuildKit lists them in any.
std::vector<const engine::BuildVertex*> begun_of(const engine::BuildTrace& trace)
{
    std::vector<const engine::BuildVertex*> begun;
    for (const engine::BuildVertex& vertex : trace.vertexes) {
        if (vertex.started) begun.push_back(&vertex);
    }
    std::ranges::stable_sort(begun, {}, [](const engine::BuildVertex* v) { return *v->started; });
    return begun;
}

} // namespace

bool tells_of_no_network(std::string_view line)
{
    static constexpr std::array<std::string_view, 4> signs{
        "Temporary failure resolving",
        "Temporary failure in name resolution",
        "Could not resolve host",
        "Network is unreachable",
    };
    return std::ranges::any_of(signs, [&](std::string_view sign) {
        return line.find(sign) != std::string_view::npos;
    });
}

void TraceLog::tell(ImageEvent::Kind kind, std::string_view text, std::string_view place)
{
    ImageEvent event;
    event.kind = kind;
    event.text = text;
    event.place = place;
    on_event_(event);
}

bool TraceLog::has_begun(const std::string& digest) const
{
    const auto found = vertexes_.find(digest);
    return found != vertexes_.end() && found->second.begun;
}

// What a step wrote comes before its end, and its end before the beginning of what follows it.
void TraceLog::add(const engine::BuildTrace& trace)
{
    const auto begun = begun_of(trace);
    std::vector<const engine::BuildOutput*> waiting;
    std::unordered_map<std::string_view, std::vector<const engine::BuildOutput*>> of_vertex;
    for (const engine::BuildOutput& output : trace.outputs) {
        if (has_begun(output.vertex)) {
            write(output);
        } else {
            waiting.push_back(&output);
            of_vertex[output.vertex].push_back(&output);
        }
    }
    std::vector<const engine::BuildVertex*> fresh;
    for (const engine::BuildVertex* vertex : begun) {
        if (!has_begun(vertex->digest)) {
            fresh.push_back(vertex);
        } else if (vertex->completed) {
            end(*vertex);
        }
    }
    for (const engine::BuildVertex* vertex : fresh) {
        begin(*vertex);
        const auto wrote = of_vertex.extract(vertex->digest);
        if (!wrote.empty()) {
            for (const engine::BuildOutput* output : wrote.mapped()) {
                write(*output);
            }
        }
        if (vertex->completed) end(*vertex);
    }
    for (const engine::BuildOutput* output : waiting) { // of what is not known to have begun
        if (of_vertex.contains(output->vertex)) write(*output);
    }
    for (const engine::BuildVertexStatus& status : trace.statuses) {
        show(status);
    }
    for (const engine::BuildWarning& warning : trace.warnings) {
        tell(ImageEvent::Kind::note, "[Warning] " + warning.text, {});
    }
}

void TraceLog::begin(const engine::BuildVertex& news)
{
    Vertex& vertex = vertexes_[news.digest];
    if (vertex.begun) return; // twice in one trace
    vertex.begun = true;
    vertex.turn = ++begun_;
    if (auto step = as_vertex_step(news.name)) {
        vertex.is_step = true;
        vertex.step.event = *std::move(step);
        std::string& place = vertex.step.event.place;
        if (one_stage_) place.erase(0, place.rfind(' ') + 1);
        on_event_(vertex.step.event);
    } else {
        vertex.step.event.text = news.name;
        tell(ImageEvent::Kind::note, news.name, {});
    }
}

void TraceLog::end(const engine::BuildVertex& news)
{
    Vertex& vertex = vertexes_[news.digest];
    flush(vertex);
    if (!news.error.empty()) {
        vertex.failed = vertex.failed || !was_stopped(news);
        return;
    }
    if (vertex.done) return; // some are reported twice
    vertex.done = true;
    if (!vertex.is_step) return;
    const std::string& place = vertex.step.event.place;
    if (news.cached && !vertex.step.event.text.starts_with("FROM ")) {
        tell(ImageEvent::Kind::note, " ---> Using cache", place);
    }
    tell(ImageEvent::Kind::done, {}, place);
}

void TraceLog::write(const engine::BuildOutput& output)
{
    Vertex& vertex = vertexes_[output.vertex];
    LineJoiner& lines = vertex.lines.at(output.stream == 2 ? 1 : 0);
    lines.add(output.text, [&](std::string_view line) { tell_line(vertex, line); });
}

void TraceLog::flush(Vertex& vertex)
{
    for (LineJoiner& lines : vertex.lines) {
        lines.finish([&](std::string_view line) { tell_line(vertex, line); });
    }
}

void TraceLog::tell_line(Vertex& vertex, std::string_view line)
{
    vertex.step.saw_no_network = vertex.step.saw_no_network || tells_of_no_network(line);
    tell(ImageEvent::Kind::output, line, vertex.step.event.place);
}

void TraceLog::show(const engine::BuildVertexStatus& status)
{
    engine::Progress message;
    message.status = status.name.empty() ? status.id : status.name;
    if (status.total > 0) {
        message.current = status.current;
        message.total = status.total;
        tell(ImageEvent::Kind::pull, pull_text(message), {});
    } else if (!std::exchange(told_status_[status.vertex + " " + status.id], true)) {
        tell(ImageEvent::Kind::note, message.status, {});
    }
}

void TraceLog::finish()
{
    for (auto& [digest, vertex] : vertexes_) {
        flush(vertex);
    }
}

const BuildStep* TraceLog::step() const
{
    const Vertex* failed = nullptr;
    const Vertex* last = nullptr;
    bool something_else_failed = false;
    for (const auto& [digest, vertex] : vertexes_) {
        if (!vertex.is_step) {
            something_else_failed = something_else_failed || vertex.failed;
        } else if (vertex.failed) {
            if (failed == nullptr || vertex.turn < failed->turn) failed = &vertex;
        } else if (vertex.begun && !vertex.done) {
            if (last == nullptr || vertex.turn > last->turn) last = &vertex;
        }
    }
    if (failed != nullptr) return &failed->step;
    return something_else_failed || last == nullptr ? nullptr : &last->step;
}

} // namespace slipway::core
