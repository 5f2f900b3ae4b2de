#include "build_trace.hpp"

#include "protobuf.hpp"

#include <limits>

namespace slipway::engine {

namespace {

// An entry of two bytes becomes a struct of some hundred.
constexpr std::size_t max_entries = 100'000;

/// What is being read, for messages: "Vertex.name".
struct TracePlace {
    const char* message;
    const char* field;
};

Result<> expect(const WireField& field, WireField::Type type, TracePlace place)
{
    if (field.type == type) return ok();
    const char* wanted = type == WireField::Type::bytes ? " is not bytes" : " is not a number";
    return fail(
        Errc::protocol, std::string("the field ") + place.message + "." + place.field + wanted
    );
}

Result<> read(const WireField& field, std::string& into, TracePlace place)
{
    CHECK_OK(expect(field, WireField::Type::bytes, place));
    into = field.bytes;
    return ok();
}

Result<> read(const WireField& field, std::vector<std::string>& into, TracePlace place)
{
    CHECK_OK(expect(field, WireField::Type::bytes, place));
    into.emplace_back(field.bytes);
    return ok();
}

Result<> read(const WireField& field, std::int64_t& into, TracePlace place)
{
    CHECK_OK(expect(field, WireField::Type::number, place));
    into = static_cast<std::int64_t>(field.number);
    return ok();
}

Result<> read(const WireField& field, bool& into, TracePlace place)
{
    CHECK_OK(expect(field, WireField::Type::number, place));
    into = field.number != 0;
    return ok();
}

/// Calls `on_field` for each field of a message.
template <class OnField>
Result<> each_field(std::string_view message, OnField on_field)
{
    WireReader reader(message);
    for (;;) {
        TRY(const auto field, reader.next());
        if (!field) return ok();
        CHECK_OK(on_field(*field));
    }
}

std::optional<BuildTime> moment(std::int64_t seconds, std::int64_t nanoseconds)
{
    constexpr std::int64_t per_second = 1'000'000'000;
    constexpr std::int64_t reach = std::numeric_limits<std::int64_t>::max() / per_second - 1;
    if (seconds < -reach || seconds > reach) return std::nullopt;
    if (nanoseconds < 0 || nanoseconds >= per_second) return std::nullopt;
    return BuildTime(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds));
}

Result<> read(const WireField& field, std::optional<BuildTime>& into, TracePlace place)
{
    CHECK_OK(expect(field, WireField::Type::bytes, place));
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    CHECK_OK(each_field(field.bytes, [&](const WireField& part) -> Result<> {
        switch (part.id) {
        case 1:
            return read(part, seconds, {"Timestamp", "seconds"});
        case 2:
            return read(part, nanoseconds, {"Timestamp", "nanos"});
        default:
            return ok();
        }
    }));
    into = moment(seconds, nanoseconds);
    return ok();
}

Result<> read_field(const WireField& field, BuildVertex& vertex)
{
    constexpr const char* name = "Vertex";
    switch (field.id) {
    case 1:
        return read(field, vertex.digest, {name, "digest"});
    case 2:
        return read(field, vertex.inputs, {name, "inputs"});
    case 3:
        return read(field, vertex.name, {name, "name"});
    case 4:
        return read(field, vertex.cached, {name, "cached"});
    case 5:
        return read(field, vertex.started, {name, "started"});
    case 6:
        return read(field, vertex.completed, {name, "completed"});
    case 7:
        return read(field, vertex.error, {name, "error"});
    default:
        return ok();
    }
}

Result<> read_field(const WireField& field, BuildVertexStatus& status)
{
    constexpr const char* name = "VertexStatus";
    switch (field.id) {
    case 1:
        return read(field, status.id, {name, "ID"});
    case 2:
        return read(field, status.vertex, {name, "vertex"});
    case 3:
        return read(field, status.name, {name, "name"});
    case 4:
        return read(field, status.current, {name, "current"});
    case 5:
        return read(field, status.total, {name, "total"});
    case 7: // 6 is when this was said
        return read(field, status.started, {name, "started"});
    case 8:
        return read(field, status.completed, {name, "completed"});
    default:
        return ok();
    }
}

Result<> read_field(const WireField& field, BuildOutput& output)
{
    constexpr const char* name = "VertexLog";
    switch (field.id) {
    case 1:
        return read(field, output.vertex, {name, "vertex"});
    case 3:
        return read(field, output.stream, {name, "stream"});
    case 4:
        return read(field, output.text, {name, "msg"});
    default:
        return ok();
    }
}

Result<> read_field(const WireField& field, BuildWarning& warning)
{
    constexpr const char* name = "VertexWarning";
    switch (field.id) {
    case 1:
        return read(field, warning.vertex, {name, "vertex"});
    case 2:
        return read(field, warning.level, {name, "level"});
    case 3:
        return read(field, warning.text, {name, "short"});
    case 4:
        return read(field, warning.details, {name, "detail"});
    case 5:
        return read(field, warning.url, {name, "url"});
    default:
        return ok();
    }
}

template <class T>
Result<> add_entry(const WireField& field, std::vector<T>& into, const char* name)
{
    CHECK_OK(expect(field, WireField::Type::bytes, {"StatusResponse", name}));
    T& entry = into.emplace_back();
    return each_field(field.bytes, [&](const WireField& part) { return read_field(part, entry); });
}

} // namespace

Result<BuildTrace> decode_build_trace(std::string_view message)
{
    BuildTrace trace;
    std::size_t entries = 0;
    CHECK_OK(each_field(message, [&](const WireField& field) -> Result<> {
        if (++entries > max_entries) {
            return fail(Errc::protocol, "more entries than a message can have that means it");
        }
        switch (field.id) {
        case 1:
            return add_entry(field, trace.vertexes, "vertexes");
        case 2:
            return add_entry(field, trace.statuses, "statuses");
        case 3:
            return add_entry(field, trace.outputs, "logs");
        case 4:
            return add_entry(field, trace.warnings, "warnings");
        default:
            return ok();
        }
    }));
    return trace;
}

} // namespace slipway::engine
