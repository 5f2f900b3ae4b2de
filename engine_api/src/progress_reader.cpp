#include "progress_reader.hpp"

#include "base64.hpp"
#include "build_trace.hpp"
#include "json.hpp"
#include "one_line.hpp"
#include "refusal.hpp"
#include "secrets.hpp"

#include <slipway/engine/reference.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace slipway {

namespace {

struct Message {
    struct Detail {
        std::optional<std::int64_t> current;
        std::optional<std::int64_t> total;
    };
    struct Aux : engine::PushedImage {
        std::string id;
    };
    struct Failure {
        std::optional<std::int64_t> code;
        std::string message;
    };
    std::string stream;
    std::string status;
    std::string id;
    Detail detail;
    json::IfObject<Aux> aux;
    json::IfText trace; ///< `aux` of BuildKit's traces
    std::optional<Failure> failure;
    std::string error; ///< the older form of `failure`
};

} // namespace

template <>
struct json::Fields<Message::Detail> {
    static constexpr auto list = std::tuple{
        json::optional("current", &Message::Detail::current),
        json::optional("total", &Message::Detail::total)};
};
template <>
struct json::Fields<Message::Aux> {
    using T = Message::Aux;
    static constexpr auto list = std::tuple{
        json::optional("ID", &T::id),
        json::optional("Tag", &T::tag),
        json::optional("Digest", &T::digest),
        json::optional("Size", &T::size)};
};
template <>
struct json::Fields<Message::Failure> {
    static constexpr auto list = std::tuple{
        json::optional("code", &Message::Failure::code),
        json::optional("message", &Message::Failure::message)};
};
template <>
struct json::Fields<Message> {
    static constexpr auto list = std::tuple{
        json::optional("stream", &Message::stream),
        json::optional("status", &Message::status),
        json::optional("id", &Message::id),
        json::optional("progressDetail", &Message::detail),
        json::optional("aux", &Message::aux),
        json::optional("aux", &Message::trace),
        json::optional("errorDetail", &Message::failure),
        json::optional("error", &Message::error)};
};

namespace engine {

namespace {

bool is_hex(std::string_view text, std::size_t at_least)
{
    return text.size() >= at_least && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

bool is_image_id(std::string_view text)
{
    return is_hex(bare_id(text), 64) && bare_id(text).size() == 64;
}

std::string_view trimmed(std::string_view text)
{
    const auto end = text.find_last_not_of(" \r\n");
    return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

/// podman: "... while running runtime: exit status 42"; BuildKit: "...: exit code: 42"
std::optional<std::int64_t> exit_status_in(std::string_view message)
{
    for (const std::string_view words : {"exit status ", "exit code: "}) {
        const auto found = message.rfind(words);
        if (found == std::string_view::npos) continue;
        const auto digits = trimmed(message.substr(found + words.size()));
        const char* const last = digits.data() + digits.size();
        std::int64_t code = 0;
        const auto [end, error] = std::from_chars(digits.data(), last, code);
        if (error == std::errc() && end == last) return code;
    }
    return std::nullopt;
}

/// Of the names of loaded images together. One archive has some, or some hundreds.
constexpr std::size_t max_loaded_bytes = std::size_t{4} << 20U;

constexpr std::string_view trace_id = "moby.buildkit.trace";

Result<BuildTrace> trace_in(std::string_view aux)
{
    const auto bytes = from_base64(aux);
    if (!bytes) return fail(Errc::protocol, "BuildKit's trace is not base64");
    return during(decode_build_trace(*bytes), "reading BuildKit's trace");
}

/// podman: "latest: digest: sha256:... size: 528"
std::optional<PushedImage> pushed_in(std::string_view status)
{
    constexpr std::string_view words = ": digest: ";
    constexpr std::string_view more = " size: ";
    const auto found = status.find(words);
    const auto size = status.rfind(more);
    if (found == std::string_view::npos || size == std::string_view::npos || size < found) {
        return std::nullopt;
    }
    PushedImage pushed;
    pushed.tag = status.substr(0, found);
    pushed.digest = status.substr(found + words.size(), size - found - words.size());
    const std::string_view digits = status.substr(size + more.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), pushed.size);
    if (!pushed.digest.starts_with("sha256:")) return std::nullopt;
    return pushed;
}

} // namespace

bool asks_registry(Goal goal) noexcept
{
    return goal == Goal::pull || goal == Goal::pull_ended_by_layer || goal == Goal::push;
}

Error ProgressReader::failure(std::string_view text, std::optional<std::int64_t> code)
{
    std::string message = one_line(without_passwords(text));
    if (message.empty()) message = "the engine gave up and said no reason";
    failure_code_ = code ? code : exit_status_in(text);
    Errc kind = Errc::engine;
    if (asks_registry(goal_)) {
        kind = code_of_refusal(message);
    } else if (!failure_code_ && is_login_wanted(message)) {
        kind = Errc::unauthorized;
    }
    return Error(kind, std::move(message));
}

/// dockerd says it twice: in a status, and then in the aux.
void ProgressReader::look_for_push(Progress& progress)
{
    if (!progress.pushed) progress.pushed = pushed_in(progress.status);
    if (progress.pushed) digest_ = progress.pushed->digest;
}

/// "Loaded image: NAME" or "Loaded image ID: sha256:..."; podman has several names, with commas, in
/// one line.
Result<> ProgressReader::look_for_loaded(std::string_view line)
{
    for (const std::string_view start : {"Loaded image: ", "Loaded image ID: "}) {
        if (!line.starts_with(start)) continue;
        line.remove_prefix(start.size());
        while (!line.empty()) {
            const std::string_view name = line.substr(0, line.find(','));
            line.remove_prefix(std::min(line.size(), name.size() + 1));
            if (name.empty()) continue;
            loaded_bytes_ += name.size() + sizeof(std::string);
            if (loaded_bytes_ > max_loaded_bytes) {
                return fail(Errc::protocol, "the engine names loaded images without end");
            }
            loaded_.emplace_back(name);
        }
    }
    return ok();
}

Result<> ProgressReader::look_for_result(Progress& progress)
{
    const std::string_view status = progress.status;
    const std::string_view stream = trimmed(progress.stream);
    switch (goal_) {
    case Goal::pull:
    case Goal::pull_ended_by_layer: {
        constexpr std::string_view digest = "Digest: ";
        if (status.starts_with(digest)) digest_ = status.substr(digest.size());
        const bool done = status == "Download complete" || status == "Pull complete"
                          || status.starts_with("pulling image ");
        pulled_ =
            status.starts_with("Status: ") || (goal_ == Goal::pull_ended_by_layer ? done : pulled_);
        break;
    }
    case Goal::push:
        look_for_push(progress);
        break;
    case Goal::load:
        return look_for_loaded(stream);
    case Goal::import:
        if (is_image_id(status)) id_ = status;
        break;
    case Goal::build:
    case Goal::quiet_build: {
        constexpr std::string_view built = "Successfully built ";
        if (!progress.aux_id.empty()) {
            id_ = progress.aux_id;
        } else if (stream.starts_with(built) && is_hex(stream.substr(built.size()), 12)) {
            other_id_ = stream.substr(built.size());
        } else if (goal_ == Goal::quiet_build && is_image_id(stream)) {
            other_id_ = stream;
        }
        break;
    }
    }
    return ok();
}

Result<Progress> ProgressReader::message(std::string_view json)
{
    TRY(Message said, json::decode<Message>(std::string(json)));
    if (said.failure && (!said.failure->message.empty() || said.failure->code.value_or(0) != 0)) {
        const std::string& text =
            said.failure->message.empty() ? said.error : said.failure->message;
        return fail(failure(text, said.failure->code));
    }
    if (!said.error.empty()) return fail(failure(said.error, std::nullopt));
    Progress progress;
    progress.stream = std::move(said.stream);
    progress.status = std::move(said.status);
    progress.id = std::move(said.id);
    progress.current = said.detail.current;
    progress.total = said.detail.total;
    progress.aux_id = std::move(said.aux.value.id);
    if (!said.aux.value.digest.empty()) progress.pushed = std::move(said.aux.value);
    if (progress.id == trace_id) {
        TRY(progress.trace, trace_in(said.trace.value));
    }
    CHECK_OK(look_for_result(progress));
    return progress;
}

Result<std::vector<std::string>> ProgressReader::finish() const
{
    using Results = std::vector<std::string>;
    if (pulled_ && digest_.empty()) return Results{};
    if (pulled_ || (goal_ == Goal::push && !digest_.empty())) return Results{digest_};
    if (!loaded_.empty()) return loaded_;
    if (!id_.empty()) return Results{id_};
    if (!other_id_.empty()) return Results{other_id_};
    return fail(
        Errc::truncated, "the engine's messages ended without a result and without an error"
    );
}

} // namespace engine

} // namespace slipway
