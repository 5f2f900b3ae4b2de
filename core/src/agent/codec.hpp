#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::agent {

/// Writes fields one after the other; see PROTOCOL.md for their forms.
class Writer {
public:
    explicit Writer(std::string& to) : to_(&to) {}

    void operator()(std::unsigned_integral auto value)
    {
        std::array<char, sizeof value> bytes{};
        for (std::size_t i = 0; i < sizeof value; ++i) {
            bytes[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xff);
        }
        to_->append(bytes.data(), bytes.size());
    }
    void operator()(std::int64_t value) { (*this)(static_cast<std::uint64_t>(value)); }
    void operator()(bool value) { (*this)(static_cast<std::uint8_t>(value)); }
    void operator()(std::string_view text)
    {
        (*this)(static_cast<std::uint32_t>(text.size()));
        to_->append(text);
    }
    void operator()(const std::string& text) { (*this)(std::string_view(text)); }
    template <std::size_t N>
    void operator()(const std::array<char, N>& bytes)
    {
        to_->append(bytes.data(), bytes.size());
    }
    template <std::size_t N>
    void operator()(const std::array<std::uint8_t, N>& bytes)
    {
        to_->append(bytes.begin(), bytes.end());
    }
    template <class T>
    void operator()(const std::vector<T>& list)
    {
        (*this)(static_cast<std::uint32_t>(list.size()));
        for (const T& item : list) {
            field(item);
        }
    }

    /// A field of any form, or a record of them.
    template <class T>
    void field(const T& value)
    {
        if constexpr (requires { value.fields(*this, value); }) {
            value.fields(*this, value);
        } else {
            (*this)(value);
        }
    }

private:
    std::string* to_;
};

/// Reads what Writer wrote. After a field that is cut or has no meaning everything stays as it is
/// and `whole` is false.
class Reader {
public:
    explicit Reader(std::string_view from) : from_(from) {}

    template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>) void operator()(T& value)
    {
        const auto bytes = take(sizeof value);
        if (!good_) return;
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < sizeof value; ++i) {
            sum |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
        }
        value = static_cast<T>(sum);
    }
    void operator()(std::int64_t& value)
    {
        std::uint64_t bits = 0;
        (*this)(bits);
        value = static_cast<std::int64_t>(bits);
    }
    void operator()(bool& value)
    {
        std::uint8_t byte = 0;
        (*this)(byte);
        good_ = good_ && byte <= 1;
        if (good_) value = byte == 1;
    }
    void operator()(std::string& text)
    {
        std::uint32_t size = 0;
        (*this)(size);
        text = take(size);
    }
    template <std::size_t N>
    void operator()(std::array<char, N>& bytes)
    {
        const auto taken = take(N);
        if (good_) taken.copy(bytes.data(), N);
    }
    template <std::size_t N>
    void operator()(std::array<std::uint8_t, N>& bytes)
    {
        const auto taken = take(N);
        if (good_) std::copy(taken.begin(), taken.end(), bytes.begin());
    }
    template <class T>
    void operator()(std::vector<T>& list)
    {
        std::uint32_t size = 0;
        (*this)(size);
        list.clear();
        // Each item has a byte at least: a size that lies takes no memory.
        for (std::uint32_t i = 0; i < size && good_; ++i) {
            field(list.emplace_back());
        }
    }

    template <class T>
    void field(T& value)
    {
        if constexpr (requires { value.fields(*this, value); }) {
            value.fields(*this, value);
        } else {
            (*this)(value);
        }
    }

    bool good() const noexcept { return good_; }
    /// All was there, and nothing is left.
    bool whole() const noexcept { return good_ && from_.empty(); }

private:
    std::string_view take(std::size_t size)
    {
        good_ = good_ && size <= from_.size();
        if (!good_) return {};
        const auto taken = from_.substr(0, size);
        from_.remove_prefix(size);
        return taken;
    }

    std::string_view from_;
    bool good_ = true;
};

/// A message's payload.
template <class T>
std::string encode(const T& message)
{
    std::string payload;
    Writer(payload).field(message);
    return payload;
}

/// The message, if the payload is one from its first byte to its last.
template <class T>
std::optional<T> decode(std::string_view payload)
{
    std::optional<T> message(std::in_place);
    Reader reader(payload);
    reader.field(*message);
    if (!reader.whole()) message.reset();
    return message;
}

} // namespace slipway::agent
