#include "cache/http_cache.hpp"
#include "workspace/on_thread.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace slipway::core::cache {

namespace {

using Said = Verdict::Said;
using State = std::shared_ptr<HttpCacheState>;
using Bytes = std::shared_ptr<const std::string>;
using Clock = std::chrono::steady_clock;

// Larger blobs are asked for before they are sent.
constexpr std::size_t worth_a_question = std::size_t{16} << 10U;
// Larger ones would keep everybody waiting while they are hashed.
constexpr std::size_t hashed_at_once = std::size_t{1} << 20U;
// An answer that is no longer is no reason to take long.
constexpr std::size_t short_answer = std::size_t{64} << 10U;

tl::unexpected<Error> failure(
    const HttpCacheState& state, std::string text, std::string_view method, const std::string& path
)
{
    Error error(Errc::engine, std::move(text));
    error.context.push_back(std::string(method) + " " + state.requests.place().path + path);
    return fail(std::move(error));
}

// What is too slow each time would hold up a build as a dead server does, only for longer.
std::string slowness(const HttpCacheState& state, Clock::time_point since)
{
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since);
    if (took <= state.options.answer_limit / 2) return {};
    return "an answer took " + std::to_string(took.count()) + " ms";
}

std::optional<std::uint64_t> length_of(const engine::Response& answer)
{
    const std::string_view text = answer.headers.get("Content-Length");
    std::uint64_t length = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (failed != std::errc{} || end != text.data() + text.size() || text.empty()) return {};
    return length;
}

// `size`: only as many bytes are the same thing; nothing: any.
Task<bool> is_there(State state, std::string path, std::optional<std::uint64_t> size)
{
    engine::Request request = state->requests.make("HEAD", path);
    CO_TRY(const engine::Response answer, co_await state->client.send(std::move(request)));
    const Verdict verdict = verdict_of_head(answer);
    if (verdict.said == Said::failed) co_return failure(*state, verdict.text, "HEAD", path);
    co_return verdict.said == Said::yes && (!size || length_of(answer) == size);
}

Task<Verdict> send_object(State state, std::string path, Bytes bytes, Sha256 digest)
{
    engine::Request request = state->requests.put(path, std::move(bytes), digest);
    CO_TRY(const engine::Response answer, co_await state->client.send(std::move(request)));
    co_return verdict_of_put(answer, state->requests.place().s3);
}

// Those of the path and, the first time, of the URL. False when there was nothing left to make.
Task<bool> make_collections(State state, std::string path)
{
    const std::string whole = state->requests.place().path + path;
    bool asked = false;
    for (auto slash = whole.find('/', 1); slash != std::string::npos;
         slash = whole.find('/', slash + 1)) {
        const std::string collection = whole.substr(0, slash + 1);
        if (state->collections.contains(collection)) continue;
        asked = true;
        engine::Request request = state->requests.make_whole("MKCOL", collection);
        CO_TRY(const engine::Response answer, co_await state->client.send(std::move(request)));
        // Other answers say that it is there, or that it may not be made: the next PUT tells.
        if (answer.status >= 500 && answer.status != 501 && answer.status != 507) {
            co_return failure(*state, "HTTP " + std::to_string(answer.status), "MKCOL", path);
        }
        state->collections.insert(collection);
    }
    co_return asked;
}

Task<Sha256> digest_of(Bytes bytes)
{
    if (bytes->size() <= hashed_at_once) co_return sha256(*bytes);
    const std::function<Result<Sha256>(const std::atomic<bool>&)> work =
        [bytes](const std::atomic<bool>&) -> Result<Sha256> { return sha256(*bytes); };
    co_return co_await on_thread<Sha256>(work);
}

} // namespace

Task<> fetch_object(
    State state,
    SharedCache::Kind kind,
    Sha256 name,
    std::uint64_t most,
    std::shared_ptr<Outcome> outcome
)
{
    const std::string path = path_of(kind, name);
    engine::Request request = state->requests.make("GET", path);
    constexpr auto all = std::numeric_limits<std::size_t>::max();
    const std::size_t cut = most < all ? static_cast<std::size_t>(most) + 1 : all;
    request.answer_cut(std::max(cut, short_answer)); // a refusal has a text
    const auto since = Clock::now();
    CO_TRY(engine::Response answer, co_await state->client.send(std::move(request)));
    const Verdict verdict = verdict_of_get(answer, state->requests.place().s3);
    if (verdict.said == Said::failed) co_return failure(*state, verdict.text, "GET", path);
    if (answer.body.size() <= short_answer) outcome->slow = slowness(*state, since);
    if (verdict.said == Said::no) {
        outcome->missed = true;
        co_return ok();
    }
    if (answer.body.size() > most) {
        co_return failure(*state, "more than " + std::to_string(most) + " bytes", "GET", path);
    }
    if (kind == SharedCache::Kind::blob) state->given.insert(path);
    outcome->bytes = std::move(answer.body);
    co_return ok();
}

Task<> store_object(
    State state, SharedCache::Kind kind, Sha256 name, Bytes bytes, std::shared_ptr<Outcome> outcome
)
{
    const std::string path = path_of(kind, name);
    const bool s3 = state->requests.place().s3;
    if (kind == SharedCache::Kind::blob && bytes->size() > worth_a_question
        && !state->given.contains(path)) {
        CO_TRY(const bool there, co_await is_there(state, path, bytes->size()));
        if (there) co_return ok();
    }
    Sha256 digest{};
    if (s3) {
        CO_TRY(digest, co_await digest_of(bytes));
    }
    const auto since = Clock::now();
    CO_TRY(Verdict verdict, co_await send_object(state, path, bytes, digest));
    if (bytes->size() <= short_answer) outcome->slow = slowness(*state, since);
    if ((verdict.said == Said::conflict || verdict.may_lack_directory) && !s3) {
        CO_TRY(const bool news, co_await make_collections(state, path));
        if (news) {
            CO_TRY(verdict, co_await send_object(state, path, bytes, digest));
        }
    }
    if (verdict.said == Said::failed) co_return failure(*state, verdict.text, "PUT", path);
    if (verdict.said == Said::conflict) {
        CO_TRY(const bool there, co_await is_there(state, path, std::nullopt));
        if (there) co_return ok();
        verdict.said = Said::refused;
    }
    const std::string why = "PUT " + state->requests.place().path + path + ": " + verdict.text;
    if (verdict.said == Said::yes) outcome->stored = true;
    if (verdict.said == Said::too_large) outcome->too_large = why;
    if (verdict.said == Said::refused) outcome->refused = why;
    co_return ok();
}

} // namespace slipway::core::cache
