#include "build_trace.hpp"

#include "base64.hpp"
#include "json_stream.hpp"
#include "protobuf.hpp"
#include "support/fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

std::string varint(std::uint64_t value)
{
    std::string out;
    for (; value >= 0x80; value >>= 7U) {
        out += static_cast<char>((value & 0x7FU) | 0x80U);
    }
    return out + static_cast<char>(value);
}
std::string key(std::uint64_t id, unsigned type)
{
    return varint(id << 3U | type);
}
std::string bytes(std::uint64_t id, const std::string& value)
{
    return key(id, 2) + varint(value.size()) + value;
}
std::string number(std::uint64_t id, std::uint64_t value)
{
    return key(id, 0) + varint(value);
}
std::string timestamp(std::uint64_t seconds, std::uint64_t nanoseconds)
{
    return number(1, seconds) + number(2, nanoseconds);
}

Error error_of(const std::string& message)
{
    const auto trace = decode_build_trace(message);
    REQUIRE(!trace.has_value());
    CHECK(trace.error().code == Errc::protocol);
    return trace.error();
}

/// All that a recorded build says, and the bytes of its traces.
struct Recorded {
    std::vector<std::string> messages;
    BuildTrace all;

    explicit Recorded(const std::string& file)
    {
        const std::string text = fixture("engine/" + file);
        std::string_view rest = text;
        JsonSplitter splitter;
        for (;;) {
            const auto object = splitter.next(rest);
            REQUIRE(object.has_value());
            if (!*object) break;
            constexpr std::string_view aux = "\"aux\":\"";
            const std::string_view json = **object;
            const auto found = json.find(aux);
            if (found == std::string_view::npos) continue;
            const auto begin = found + aux.size();
            const auto message = from_base64(json.substr(begin, json.find('"', begin) - begin));
            REQUIRE(message.has_value());
            messages.push_back(*message);
            auto trace = decode_build_trace(*message);
            REQUIRE(trace.has_value());
            append(all.vertexes, trace->vertexes);
            append(all.statuses, trace->statuses);
            append(all.outputs, trace->outputs);
            append(all.warnings, trace->warnings);
        }
        REQUIRE(!messages.empty());
    }

    template <class T>
    static void append(std::vector<T>& to, const std::vector<T>& from)
    {
        to.insert(to.end(), from.begin(), from.end());
    }
    const BuildVertex* vertex(const std::string& part_of_name) const
    {
        const BuildVertex* last = nullptr;
        for (const BuildVertex& vertex : all.vertexes) {
            if (vertex.name.find(part_of_name) != std::string::npos) last = &vertex;
        }
        return last;
    }
};

} // namespace

TEST_SUITE("engine.build_trace")
{
    TEST_CASE("a build recorded from each engine has its steps, their order and their output")
    {
        for (const char* engine : {"docker-20.10", "docker-28.5"}) {
            CAPTURE(engine);
            const Recorded recorded(std::string(engine) + "/buildkit-ok.jsonl");
            const BuildVertex* run = recorded.vertex("RUN echo hello");
            const BuildVertex* copy = recorded.vertex("COPY --from=base");
            REQUIRE(run != nullptr);
            REQUIRE(copy != nullptr);
            CHECK(run->digest.starts_with("sha256:"));
            REQUIRE(run->started.has_value());
            REQUIRE(run->completed.has_value());
            CHECK(*run->started < *run->completed);
            CHECK(*run->completed <= *copy->started);
            CHECK(!run->cached);
            CHECK(run->error.empty());
            CHECK(std::ranges::find(copy->inputs, run->digest) != copy->inputs.end());
            std::string out;
            std::string err;
            for (const BuildOutput& output : recorded.all.outputs) {
                CHECK(output.vertex == run->digest);
                (output.stream == 2 ? err : out) += output.text;
            }
            CHECK(out == "hello\n");
            CHECK(err == "loud\n");
            CHECK(std::ranges::any_of(recorded.all.statuses, [](const BuildVertexStatus& status) {
                return status.id == "exporting layers" && status.started && status.completed;
            }));
            const auto seconds = run->started->time_since_epoch() / std::chrono::seconds(1);
            CHECK(seconds > 1'700'000'000);
        }
    }

    TEST_CASE("cached steps, a step that failed, and a warning")
    {
        const Recorded cached("docker-20.10/buildkit-cached.jsonl");
        REQUIRE(cached.vertex("RUN echo hello") != nullptr);
        CHECK(cached.vertex("RUN echo hello")->cached);
        CHECK(cached.all.outputs.empty());
        for (const char* engine : {"docker-20.10", "docker-28.5"}) {
            const Recorded failed(std::string(engine) + "/buildkit-failed-run.jsonl");
            REQUIRE(failed.vertex("exit 42") != nullptr);
            CHECK(failed.vertex("exit 42")->error.ends_with("exit code: 42"));
        }
        const Recorded warned("docker-28.5/buildkit-warning.jsonl");
        REQUIRE(warned.all.warnings.size() == 1);
        const BuildWarning& warning = warned.all.warnings.front();
        CHECK(warning.text.starts_with("MaintainerDeprecated: "));
        CHECK(warning.level == 1);
        CHECK(warning.details.size() == 1);
        CHECK(warning.url.starts_with("https://"));
        CHECK(warning.vertex.starts_with("sha256:"));
    }

    TEST_CASE("every member has its field")
    {
        const std::string vertex = bytes(1, "d") + bytes(2, "i1") + bytes(2, "i2") + bytes(3, "n")
                                   + number(4, 1) + bytes(5, timestamp(5, 6))
                                   + bytes(6, timestamp(7, 8)) + bytes(7, "e");
        const std::string status = bytes(1, "id") + bytes(2, "v") + bytes(3, "n") + number(4, 10)
                                   + number(5, 20) + bytes(6, timestamp(1, 1))
                                   + bytes(7, timestamp(2, 0)) + bytes(8, timestamp(3, 0));
        const std::string log =
            bytes(1, "v") + bytes(2, timestamp(1, 1)) + number(3, 2) + bytes(4, "\xff\n");
        const std::string warning = bytes(1, "v") + number(2, 3) + bytes(3, "short")
                                    + bytes(4, "one") + bytes(4, "two") + bytes(5, "url");
        const auto trace = decode_build_trace(
            bytes(4, warning) + bytes(3, log) + bytes(2, status) + bytes(1, vertex)
        );
        REQUIRE(trace.has_value());
        REQUIRE(trace->vertexes.size() == 1);
        CHECK(trace->vertexes[0].digest == "d");
        CHECK(trace->vertexes[0].inputs == std::vector<std::string>{"i1", "i2"});
        CHECK(trace->vertexes[0].name == "n");
        CHECK(trace->vertexes[0].cached);
        CHECK(trace->vertexes[0].started->time_since_epoch().count() == 5'000'000'006);
        CHECK(trace->vertexes[0].completed->time_since_epoch().count() == 7'000'000'008);
        CHECK(trace->vertexes[0].error == "e");
        REQUIRE(trace->statuses.size() == 1);
        CHECK(trace->statuses[0].id == "id");
        CHECK(trace->statuses[0].vertex == "v");
        CHECK(trace->statuses[0].name == "n");
        CHECK(trace->statuses[0].current == 10);
        CHECK(trace->statuses[0].total == 20);
        CHECK(trace->statuses[0].started->time_since_epoch().count() == 2'000'000'000);
        CHECK(trace->statuses[0].completed->time_since_epoch().count() == 3'000'000'000);
        REQUIRE(trace->outputs.size() == 1);
        CHECK(trace->outputs[0].vertex == "v");
        CHECK(trace->outputs[0].stream == 2);
        CHECK(trace->outputs[0].text == "\xff\n");
        REQUIRE(trace->warnings.size() == 1);
        CHECK(trace->warnings[0].level == 3);
        CHECK(trace->warnings[0].text == "short");
        CHECK(trace->warnings[0].details == std::vector<std::string>{"one", "two"});
        CHECK(trace->warnings[0].url == "url");
    }

    TEST_CASE("unknown fields of every type are passed over, in every message")
    {
        const std::string unknown = number(90, 1) + bytes(91, "x") + key(92, 1) + "12345678"
                                    + key(93, 5) + "1234" + number((1U << 29U) - 1, 1);
        const auto trace = decode_build_trace(
            unknown + bytes(1, unknown + bytes(3, "n") + bytes(5, unknown + timestamp(1, 0)))
            + bytes(2, unknown) + bytes(3, unknown) + bytes(4, unknown) + bytes(5, "later")
        );
        REQUIRE(trace.has_value());
        CHECK(trace->vertexes.at(0).name == "n");
        CHECK(trace->vertexes.at(0).started.has_value());
        CHECK(trace->statuses.size() == 1);
        CHECK(trace->outputs.size() == 1);
        CHECK(trace->warnings.size() == 1);
        CHECK(decode_build_trace("").has_value());
    }

    TEST_CASE("a moment that nanoseconds cannot reach is none")
    {
        const auto started = [](const std::string& moment) {
            const auto trace = decode_build_trace(bytes(1, bytes(5, moment)));
            REQUIRE(trace.has_value());
            return trace->vertexes.at(0).started;
        };
        const auto year_one = static_cast<std::uint64_t>(-62'135'596'800);
        CHECK(!started(timestamp(year_one, 0)).has_value());
        CHECK(!started(timestamp(1ULL << 62U, 0)).has_value());
        CHECK(!started(timestamp(1ULL << 63U, 0)).has_value());
        CHECK(!started(timestamp(9'223'372'036, 999'999'999)).has_value());
        CHECK(!started(timestamp(1, 1'000'000'000)).has_value());
        CHECK(!started(timestamp(1, static_cast<std::uint64_t>(-1))).has_value());
        CHECK(started("")->time_since_epoch().count() == 0);
        CHECK(
            started(timestamp(static_cast<std::uint64_t>(-1), 0))->time_since_epoch().count()
            == -1'000'000'000
        );
    }

    TEST_CASE("a field of the wrong type is named")
    {
        const std::pair<std::string, const char*> table[] = {
            {number(1, 1), "StatusResponse.vertexes is not bytes"},
            {bytes(1, number(1, 1)), "Vertex.digest is not bytes"},
            {bytes(1, number(2, 1)), "Vertex.inputs is not bytes"},
            {bytes(1, bytes(4, "x")), "Vertex.cached is not a number"},
            {bytes(1, number(5, 1)), "Vertex.started is not bytes"},
            {bytes(1, bytes(5, bytes(1, ""))), "Timestamp.seconds is not a number"},
            {bytes(2, bytes(4, "x")), "VertexStatus.current is not a number"},
            {bytes(3, number(4, 1)), "VertexLog.msg is not bytes"},
            {bytes(4, number(4, 1)), "VertexWarning.detail is not bytes"}};
        for (const auto& [message, said] : table) {
            CHECK(error_of(message).message == "the field " + std::string(said));
        }
    }

    TEST_CASE("malformed messages are errors")
    {
        const std::pair<std::string, const char*> table[] = {
            {"\x0a", "cut short in a number"}, // no length
            {"\x80", "cut short in a number"}, // half a key
            {"\x0a\x05"
             "abcd",
             "cut short in a field"}, // one byte missing
            {bytes(
                 1,
                 "\x0a\x05"
                 "abcd"
             ),
             "cut short in a field"},                         // the same inside
            {"\x0a" + varint(~0ULL), "cut short in a field"}, // a huge length
            {"\x0a" + varint(1ULL << 63U), "cut short in a field"},
            {key(90, 1) + "1234567", "cut short in a field"},
            {key(90, 5) + "123", "cut short in a field"},
            {key(90, 0) + std::string(10, '\xff'), "more than 64 bits"},
            {key(90, 0) + std::string(9, '\xff') + '\x02', "more than 64 bits"},
            {key(90, 0) + std::string(200, '\x80'), "more than 64 bits"},
            {std::string(1, '\0') + '\0', "a field that cannot be"},
            {key(1ULL << 29U, 0) + '\x01', "a field that cannot be"},
            {key(90, 3) + key(90, 4), "unknown type"}, // a group
            {key(90, 6), "unknown type"},
            {key(90, 7), "unknown type"}};
        for (const auto& [message, said] : table) {
            const std::string words = error_of(message).message;
            CAPTURE(words);
            CHECK(words.find(said) != std::string::npos);
        }
        CHECK(decode_build_trace(key(90, 0) + std::string(9, '\xff') + '\x01').has_value());
    }

    TEST_CASE("a message cut anywhere, or with any byte changed, ends without harm")
    {
        const Recorded recorded("docker-28.5/buildkit-warning.jsonl");
        std::size_t refused = 0;
        for (const std::string& message : recorded.messages) {
            for (std::size_t at = 0; at < message.size(); ++at) {
                refused += decode_build_trace(std::string_view(message).substr(0, at)) ? 0U : 1U;
                for (const char changed : {'\0', '\x7f', '\x80', '\xff'}) {
                    std::string other = message;
                    other[at] = changed;
                    refused += decode_build_trace(other) ? 0U : 1U;
                }
            }
        }
        CHECK(refused > recorded.messages.size());
    }

    TEST_CASE("messages in messages take no stack, and tiny entries no memory without bound")
    {
        std::string deep;
        for (int i = 0; i < 20'000; ++i) {
            deep = bytes(1, deep);
            if (deep.size() > 60'000) break;
        }
        CHECK(decode_build_trace(deep).has_value());
        std::string many;
        for (int i = 0; i < 100'000; ++i) {
            many += bytes(1, "");
        }
        CHECK(decode_build_trace(many)->vertexes.size() == 100'000);
        CHECK(error_of(many + bytes(1, "")).message.find("more entries") != std::string::npos);
    }
}
