#pragma once

#include <slipway/core/record.hpp>

#include <random>
#include <string>

namespace slipway::test {

/// Small random records: alike often enough that a sloppy encoding of two would be the same.
class RandomRecords {
public:
    explicit RandomRecords(std::uint32_t seed) : random_(seed) {}

    core::Record next()
    {
        core::Record record(text(), below(3));
        for (std::uint32_t i = below(4); i > 0; --i) {
            std::string name = text();
            if (record.find(name) == nullptr) record.add(std::move(name), value());
        }
        return record;
    }

    std::uint32_t below(std::uint32_t end)
    {
        return std::uniform_int_distribution<std::uint32_t>(0, end - 1)(random_);
    }

    std::string text()
    {
        constexpr std::string_view letters("a\0\x01 ='\\", 7);
        std::string out;
        for (std::uint32_t i = below(4); i > 0; --i) {
            out += letters[below(static_cast<std::uint32_t>(letters.size()))];
        }
        return out;
    }

    core::Record::Value value()
    {
        switch (below(6)) {
        case 0:
            return text();
        case 1:
            return static_cast<std::int64_t>(below(3)) - 1;
        case 2:
            return below(2) == 1;
        case 3: {
            core::Sha256 digest;
            digest.bytes[below(2)] = static_cast<std::uint8_t>(below(3));
            return digest;
        }
        case 4: {
            core::Record::List list;
            for (std::uint32_t i = below(4); i > 0; --i) {
                list.push_back(text());
            }
            return list;
        }
        default: {
            core::Record::Table table;
            for (std::uint32_t i = below(4); i > 0; --i) {
                table.insert_or_assign(text(), text());
            }
            return table;
        }
        }
    }

private:
    std::mt19937 random_;
};

} // namespace slipway::test
