#pragma once

#include "support/tar.hpp"

#include <slipway/engine/bytes.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace slipway::test {

/// Bytes that differ at every place, so that a lost or doubled piece shows.
inline std::string pattern(std::size_t size)
{
    std::string out(size, '\0');
    std::uint32_t state = 12345;
    for (char& c : out) {
        state = state * 1664525U + 1013904223U;
        c = static_cast<char>(state >> 24U);
    }
    return out;
}

/// The same text again and again, up to `size` bytes. Its length should not divide any buffer's.
class RepeatSource final : public engine::ByteSource {
public:
    RepeatSource(std::string text, std::uint64_t size) : text_(std::move(text)), left_(size) {}
    Task<std::size_t> read(std::span<char> into) override
    {
        const auto count = std::min<std::uint64_t>({into.size(), text_.size() - at_, left_});
        std::memcpy(into.data(), text_.data() + at_, count);
        at_ = (at_ + count) % text_.size();
        left_ -= count;
        co_return static_cast<std::size_t>(count);
    }
    std::uint64_t left() const { return left_; }

private:
    std::string text_;
    std::size_t at_ = 0;
    std::uint64_t left_;
};

/// Takes the same text again and again and counts its bytes; anything else is Errc::protocol.
class RepeatSink final : public engine::ByteSink {
public:
    explicit RepeatSink(std::string text) : text_(std::move(text)) {}
    Task<> write(std::string_view data) override
    {
        while (!data.empty()) {
            const auto count = std::min(data.size(), text_.size() - at_);
            if (std::memcmp(data.data(), text_.data() + at_, count) != 0) {
                co_return fail(
                    Errc::protocol, "other bytes than were sent, after " + std::to_string(bytes_)
                );
            }
            data.remove_prefix(count);
            at_ = (at_ + count) % text_.size();
            bytes_ += count;
        }
        co_return ok();
    }
    std::uint64_t bytes() const { return bytes_; }

private:
    std::string text_;
    std::size_t at_ = 0;
    std::uint64_t bytes_ = 0;
};

/// Counts, and takes a rest every so many bytes.
class SlowSink final : public engine::ByteSink {
public:
    SlowSink(std::shared_ptr<engine::ByteSink> next, std::uint64_t rest_every)
        : next_(std::move(next)), rest_every_(rest_every)
    {
    }
    Task<> write(std::string_view data) override
    {
        since_rest_ += data.size();
        if (since_rest_ >= rest_every_) {
            since_rest_ = 0;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return next_->write(data);
    }

private:
    std::shared_ptr<engine::ByteSink> next_;
    std::uint64_t rest_every_;
    std::uint64_t since_rest_ = 0;
};

/// One after the other.
class JoinedSource final : public engine::ByteSource {
public:
    explicit JoinedSource(std::vector<std::shared_ptr<engine::ByteSource>> parts)
        : parts_(std::move(parts))
    {
    }
    Task<std::size_t> read(std::span<char> into) override
    {
        while (at_ < parts_.size()) {
            const auto part = parts_[at_];
            CO_TRY(const std::size_t got, co_await part->read(into));
            if (got > 0) co_return got;
            ++at_;
        }
        co_return std::size_t{0};
    }

private:
    std::vector<std::shared_ptr<engine::ByteSource>> parts_;
    std::size_t at_ = 0;
};

/// A tar of one file that repeats a text up to `size` bytes, without ever being in memory.
inline std::shared_ptr<engine::ByteSource>
tar_of_one(const std::string& name, const std::string& text, std::uint64_t size)
{
    TarHeader header;
    header.name = name;
    std::vector<std::shared_ptr<engine::ByteSource>> parts;
    parts.push_back(engine::text_source(tar_header(header, size)));
    parts.push_back(std::make_shared<RepeatSource>(text, size));
    parts.push_back(engine::text_source(std::string((512 - size % 512) % 512, '\0') + tar_end()));
    return std::make_shared<JoinedSource>(std::move(parts));
}

/// How far this process's memory has grown above what it had at the start of the object.
class MemoryGrowth {
public:
    MemoryGrowth()
    {
        std::ofstream("/proc/self/clear_refs") << 5; // the peak begins anew
        before_ = kilobytes("VmRSS:");
    }
    std::uint64_t peak_bytes() const
    {
        const auto peak = kilobytes("VmHWM:");
        return peak > before_ ? (peak - before_) * 1024 : 0;
    }

private:
    static std::uint64_t kilobytes(const std::string& name)
    {
        std::ifstream status("/proc/self/status");
        std::string word;
        std::uint64_t number = 0;
        while (status >> word) {
            if (word == name && status >> number) return number;
        }
        return 0;
    }
    std::uint64_t before_ = 0;
};

/// What a stream of any size may add. The sanitizers keep freed memory for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::uint64_t stream_memory = std::uint64_t{1} << 30U;
#else
inline constexpr std::uint64_t stream_memory = std::uint64_t{16} << 20U;
#endif

} // namespace slipway::test
