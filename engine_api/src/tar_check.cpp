#include "tar_check.hpp"

#include "call.hpp"
#include "one_line.hpp"
#include "secrets.hpp"

#include <algorithm>
#include <charconv>

namespace slipway {

namespace {

/// What dockerd puts behind the bytes it had: the first in a container's archive, the second in
/// saved images.
struct TarFailure {
    struct Detail {
        std::string message;
    };
    std::string message;
    Detail detail;
};

} // namespace

template <>
struct json::Fields<TarFailure::Detail> {
    static constexpr auto list =
        std::tuple{json::optional("message", &TarFailure::Detail::message)};
};
template <>
struct json::Fields<TarFailure> {
    static constexpr auto list = std::tuple{
        json::optional("message", &TarFailure::message),
        json::optional("errorDetail", &TarFailure::detail)};
};

namespace engine {

namespace {

constexpr std::size_t max_pax_bytes = std::size_t{1} << 20U;
constexpr std::size_t text_bytes = 4096; ///< no engine's text is longer
constexpr std::uint64_t max_size = std::uint64_t{1} << 62U;

bool all_zeros(std::string_view bytes)
{
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

std::optional<std::uint64_t> octal(std::string_view field)
{
    const auto first = field.find_first_not_of(' ');
    field.remove_prefix(first == std::string_view::npos ? field.size() : first);
    field = field.substr(0, field.find_first_of(std::string_view(" \0", 2)));
    if (field.empty()) return 0;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, 8);
    if (error != std::errc() || end != field.data() + field.size()) return std::nullopt;
    return value;
}

/// GNU's form for what does not fit in octal: the first bit set, then the number.
std::optional<std::uint64_t> base_256(std::string_view field)
{
    std::uint64_t value = static_cast<unsigned char>(field.front()) & 0x7fU;
    for (const char c : field.substr(1)) {
        if (value > max_size >> 8U) return std::nullopt; // negative numbers end here too
        value = value << 8U | static_cast<unsigned char>(c);
    }
    return value;
}

std::optional<std::uint64_t> size_field(std::string_view field)
{
    const bool binary = (static_cast<unsigned char>(field.front()) & 0x80U) != 0;
    const auto value = binary ? base_256(field) : octal(field);
    return value && *value <= max_size ? value : std::nullopt;
}

/// Old writers summed signed bytes.
bool checksum_fits(std::string_view block)
{
    const auto wanted = octal(block.substr(148, 8));
    std::int64_t sum = 0;
    std::int64_t signed_sum = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
        const char c = i >= 148 && i < 156 ? ' ' : block[i];
        sum += static_cast<unsigned char>(c);
        signed_sum += static_cast<signed char>(c);
    }
    return wanted && (std::cmp_equal(*wanted, sum) || std::cmp_equal(*wanted, signed_sum));
}

/// The engine's own words at the end of `bytes`, or nothing.
std::string words_at_end(std::string_view bytes)
{
    for (const std::string_view start : {R"({"message")", R"({"errorDetail")"}) {
        const auto found = bytes.rfind(start);
        if (found == std::string_view::npos) continue;
        const auto said = json::decode<TarFailure>(std::string(bytes.substr(found)));
        if (!said) continue;
        return one_line(said->message.empty() ? said->detail.message : said->message);
    }
    return {};
}

} // namespace

void TarCheck::remember(std::string_view bytes)
{
    recent_.append(bytes.substr(bytes.size() - std::min(bytes.size(), text_bytes)));
    if (recent_.size() > 2 * text_bytes) recent_.erase(0, recent_.size() - text_bytes);
}

void TarCheck::skip(std::uint64_t bytes)
{
    data_left_ = (bytes + block_size - 1) / block_size * block_size;
}

/// Takes the size from "LENGTH size=NUMBER\n", which may be one of many records.
void TarCheck::take_pax_record()
{
    std::string_view rest = pax_;
    while (!rest.empty()) {
        std::size_t length = 0;
        const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), length);
        const auto digits = static_cast<std::size_t>(parsed.ptr - rest.data());
        // The length counts its own digits, too.
        if (parsed.ec != std::errc() || length <= digits || length > rest.size()) break;
        std::string_view record = rest.substr(digits, length - digits);
        rest.remove_prefix(length);
        if (!record.starts_with(" size=")) continue;
        record.remove_prefix(6);
        std::uint64_t size = 0;
        const auto number = std::from_chars(record.data(), record.data() + record.size(), size);
        pax_size_ =
            number.ec == std::errc::result_out_of_range ? max_size : std::min(size, max_size);
    }
    pax_.clear();
    in_pax_ = false;
}

Result<> TarCheck::refuse_header() const
{
    if (std::string words = words_at_end(recent_); !words.empty()) {
        return fail(Errc::engine, "the archive broke off: " + words);
    }
    if (zero_blocks_ > 1) return fail(Errc::protocol, "the archive goes on after its end");
    return fail(
        Errc::protocol, "there is no tar header at byte " + std::to_string(total_ - block_size)
    );
}

Result<> TarCheck::take_header()
{
    const std::string_view block(block_.data(), block_.size());
    const auto size = size_field(block.substr(124, 12));
    if (!size || !checksum_fits(block)) return refuse_header();
    const char type = block[156];
    if (type == 'x') { // records for the next header
        if (*size > max_pax_bytes) return fail(Errc::protocol, "a tar header of over 1 MiB");
        in_pax_ = true;
        pax_left_ = static_cast<std::size_t>(*size);
        skip(*size);
        if (*size == 0) take_pax_record();
        return ok();
    }
    if (type == 'g' || type == 'L' || type == 'K') { // of all headers; a long name; a long link
        skip(*size);
        return ok();
    }
    const std::uint64_t data = pax_size_.value_or(*size);
    pax_size_.reset();
    if (type >= '1' && type <= '6') return ok(); // links, devices, directories: no data
    if (type == 'S' && block[482] != 0) {
        in_sparse_map_ = true;
        sparse_data_ = data;
        return ok();
    }
    skip(data);
    return ok();
}

Result<> TarCheck::take_block()
{
    if (in_sparse_map_) {
        if (block_[504] == 0) {
            in_sparse_map_ = false;
            skip(sparse_data_);
        }
        return ok();
    }
    if (all_zeros({block_.data(), block_.size()})) {
        zero_blocks_ = std::min(zero_blocks_ + 1, 2);
        return ok();
    }
    return zero_blocks_ == 0 ? take_header() : refuse_header();
}

Result<> TarCheck::take(std::string_view bytes)
{
    remember(bytes);
    while (!bytes.empty()) {
        if (data_left_ > 0) {
            const auto count =
                static_cast<std::size_t>(std::min<std::uint64_t>(data_left_, bytes.size()));
            if (in_pax_) {
                const std::size_t part = std::min(count, pax_left_);
                pax_.append(bytes.substr(0, part));
                pax_left_ -= part;
            }
            data_left_ -= count;
            total_ += count;
            bytes.remove_prefix(count);
            if (in_pax_ && data_left_ == 0) take_pax_record();
            continue;
        }
        const std::size_t count = std::min(bytes.size(), block_size - filled_);
        std::copy_n(bytes.data(), count, block_.data() + filled_);
        filled_ += count;
        total_ += count;
        bytes.remove_prefix(count);
        if (filled_ == block_size) {
            filled_ = 0;
            CHECK_OK(take_block());
        }
    }
    return ok();
}

Result<> TarCheck::finish() const
{
    if (zero_blocks_ == 2 && all_zeros({block_.data(), filled_})) return ok();
    if (std::string words = words_at_end(recent_); !words.empty()) {
        return fail(Errc::engine, "the archive broke off: " + words);
    }
    if (zero_blocks_ == 2) return fail(Errc::protocol, "the archive goes on after its end");
    return fail(
        Errc::truncated,
        "the archive ended too early, after " + std::to_string(total_)
            + " bytes and without its end mark"
    );
}

namespace {

/// What a reader shares with its stream, which may be dropped while the reader waits.
struct Checking {
    std::unique_ptr<ResponseStream> tar;
    std::string doing;
    EngineAnswer answer;
    std::vector<std::string> secrets;
    TarCheck check;
};

Task<std::size_t> read_checked(std::shared_ptr<Checking> state, std::span<char> into)
{
    auto count = co_await state->tar->read(into);
    if (count) {
        const std::string_view bytes(into.data(), *count);
        const auto sound = bytes.empty() ? state->check.finish() : state->check.take(bytes);
        if (sound) co_return count;
        count = fail(sound.error());
    }
    count = fail(hide(std::move(count).error(), state->secrets));
    if (!count.error().answer) count.error().answer = state->answer;
    co_return during(std::move(count), state->doing);
}

class CheckedTar final : public ResponseStream {
public:
    explicit CheckedTar(std::shared_ptr<Checking> state) : state_(std::move(state)) {}
    ~CheckedTar() override { CheckedTar::close(); }

    Task<std::size_t> read(std::span<char> into) override { return read_checked(state_, into); }
    int status() const noexcept override { return state_->tar->status(); }
    const Headers& headers() const noexcept override { return state_->tar->headers(); }
    void close() noexcept override { state_->tar->close(); }

private:
    std::shared_ptr<Checking> state_;
};

} // namespace

std::unique_ptr<ResponseStream> checked_tar(
    std::unique_ptr<ResponseStream> tar,
    std::string doing,
    EngineAnswer answer,
    std::vector<std::string> secrets
)
{
    const auto state = std::make_shared<Checking>();
    answer.status = tar->status();
    state->tar = std::move(tar);
    state->doing = std::move(doing);
    state->answer = std::move(answer);
    state->secrets = std::move(secrets);
    return std::make_unique<CheckedTar>(state);
}

Task<std::unique_ptr<ResponseStream>>
open_tar(Transport& transport, Result<Request> request, std::string doing)
{
    EngineAnswer answer;
    std::vector<std::string> secrets;
    if (request) {
        answer = answer_to(transport, *request, 0);
        secrets = secrets_of(transport, *request);
    }
    CO_TRY(auto tar, co_await open(transport, std::move(request), doing));
    co_return checked_tar(std::move(tar), std::move(doing), std::move(answer), std::move(secrets));
}

} // namespace engine

} // namespace slipway
