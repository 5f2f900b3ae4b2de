#include "conformance/lab.hpp"

#include <algorithm>
#include <array>
#include <cstring>

using namespace slipway;
using namespace slipway::test;

// A tree of so many files that nothing may keep a list of them.

namespace {

constexpr std::size_t block = 512;
constexpr int files_of_directory = 1000;

/// A tar of `count` empty files in directories of a thousand, made while it is read.
class ManyFiles final : public engine::ByteSource {
public:
    explicit ManyFiles(int count) : count_(count) {}
    Task<std::size_t> read(std::span<char> into) override
    {
        while (rest_.size() < into.size() && !ended_) {
            make_more();
        }
        const std::size_t n = std::min(into.size(), rest_.size());
        std::memcpy(into.data(), rest_.data(), n);
        rest_.erase(0, n);
        co_return n;
    }

private:
    void make_more()
    {
        const std::string directory = "many/" + std::to_string(next_ / files_of_directory) + "/";
        TarHeader header;
        if (next_ == count_) {
            rest_ += tar_end();
            ended_ = true;
        } else {
            if (next_ % files_of_directory == 0) {
                header.type = '5';
                header.name = directory;
                rest_ += tar_header(header, 0);
            }
            header.type = '0';
            header.name = directory + std::to_string(next_);
            rest_ += tar_header(header, 0);
            ++next_;
        }
    }

    int count_;
    int next_ = 0;
    bool ended_ = false;
    std::string rest_;
};

/// Counts the files of a tar that has no content, and sees its end.
class FileCounter final : public engine::ByteSink {
public:
    Task<> write(std::string_view data) override
    {
        while (!data.empty()) {
            const std::size_t n = std::min(data.size(), block - held_.size());
            held_ += data.substr(0, n);
            data.remove_prefix(n);
            if (held_.size() < block) break;
            take(held_);
            held_.clear();
        }
        co_return ok();
    }
    int files() const { return files_; }
    int directories() const { return directories_; }
    int others() const { return others_; }

private:
    void take(std::string_view header)
    {
        if (header.find_first_not_of('\0') == std::string_view::npos) return; // of the end
        switch (header[156]) {
        case '0':
            ++files_;
            break;
        case '5':
            ++directories_;
            break;
        default: // a content, or a header of another kind
            ++others_;
        }
    }

    std::string held_;
    int files_ = 0;
    int directories_ = 0;
    int others_ = 0;
};

Task<> count_files(std::shared_ptr<engine::ByteSource> tar, FileCounter* counter)
{
    CO_CHECK(co_await engine::copy(*tar, *counter));
    co_return ok();
}

} // namespace

TEST_SUITE("Archive")
{
    TEST_CASE("very many files, in and out, in flat memory")
    {
        Lab lab;
        const auto id = lab.idle();
        const int count = sized(10'000, 200'000);
        const MemoryGrowth growth;
        lab.must(lab.archives.put(id, "/tmp", std::make_shared<ManyFiles>(count)));
        CHECK(growth.peak_bytes() < stream_memory);

        const MemoryGrowth growth_back;
        auto download = lab.must(lab.archives.get(id, "/tmp/many"));
        FileCounter counter;
        lab.must(
            count_files(std::shared_ptr<engine::ResponseStream>(std::move(download.tar)), &counter)
        );
        CHECK(growth_back.peak_bytes() < stream_memory);
        CHECK(counter.files() == count);
        CHECK(counter.directories() == 1 + count / files_of_directory);
        CHECK(counter.others() == 0);
        lab.remove(id);
    }
}
