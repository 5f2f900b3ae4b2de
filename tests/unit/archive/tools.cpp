#include "tools.hpp"

#include "support/run.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace slipway::test {

namespace fs = std::filesystem;

namespace {

class Pieces final : public engine::ByteSource {
public:
    Pieces(std::string text, std::size_t step, std::optional<Error> error)
        : text_(std::move(text)), step_(step), error_(std::move(error))
    {
    }
    Task<std::size_t> read(std::span<char> into) override
    {
        const std::size_t count = std::min({into.size(), step_, text_.size() - at_});
        if (count == 0 && error_) co_return fail(*error_);
        std::memcpy(into.data(), text_.data() + at_, count);
        at_ += count;
        co_return count;
    }

private:
    std::string text_;
    std::size_t step_;
    std::optional<Error> error_;
    std::size_t at_ = 0;
};

Task<std::string> drain_task(std::shared_ptr<engine::ByteSource> from, std::size_t step)
{
    std::string out;
    std::vector<char> buffer(step);
    const std::span<char> space(buffer);
    for (;;) {
        CO_TRY(const std::size_t got, co_await from->read(space));
        if (got == 0) co_return out;
        out.append(buffer.data(), got);
    }
}

void put_octal(std::string& block, std::size_t at, std::size_t width, std::uint64_t value)
{
    std::array<char, 32> text{};
    std::snprintf(
        text.data(),
        text.size(),
        "%0*llo",
        static_cast<int>(width - 1),
        static_cast<unsigned long long>(value)
    );
    block.replace(at, width - 1, text.data(), width - 1);
}

[[noreturn]] void give_up(const std::string& what)
{
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

} // namespace

TempDir::TempDir()
{
    std::string name = (fs::temp_directory_path() / "slipway-test-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) give_up("mkdtemp");
    path_ = name;
}

TempDir::~TempDir()
{
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

void write_file(const fs::path& path, std::string_view bytes)
{
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) give_up("writing " + path.native());
}

std::string read_file(const fs::path& path)
{
    std::ifstream in(path, std::ios::binary);
    if (!in) give_up("reading " + path.native());
    std::string out(static_cast<std::size_t>(fs::file_size(path)), '\0');
    in.read(out.data(), static_cast<std::streamsize>(out.size()));
    if (!in) give_up("reading " + path.native());
    return out;
}

void set_mtime(const fs::path& path, std::int64_t ns)
{
    std::int64_t seconds = ns / 1'000'000'000;
    std::int64_t rest = ns % 1'000'000'000;
    if (rest < 0) {
        rest += 1'000'000'000;
        --seconds;
    }
    const std::array<timespec, 2> times{{{seconds, rest}, {seconds, rest}}};
    if (::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
        give_up("utimensat " + path.native());
    }
}

void shell(const std::string& command)
{
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command); // NOLINT
}

std::shared_ptr<engine::ByteSource> pieces(std::string text, std::size_t step)
{
    return std::make_shared<Pieces>(std::move(text), step, std::nullopt);
}

std::shared_ptr<engine::ByteSource> pieces_then(std::string text, Error error)
{
    return std::make_shared<Pieces>(std::move(text), 65536, std::move(error));
}

Result<std::string> drain(std::shared_ptr<engine::ByteSource> from, std::size_t step)
{
    return run(drain_task(std::move(from), step));
}

Packed packed_with_manifest(std::vector<core::PackRoot> roots, core::PackOptions options)
{
    const auto source = core::pack(std::move(roots), std::move(options));
    auto tar = drain(source);
    if (!tar) throw std::runtime_error(tar.error().message);
    return {*std::move(tar), std::make_shared<core::Manifest>(source->manifest().value())};
}

std::string packed(std::vector<core::PackRoot> roots, core::PackOptions options)
{
    return packed_with_manifest(std::move(roots), std::move(options)).tar;
}

Result<core::Unpacked> unpacked(std::string tar, const fs::path& into, core::UnpackOptions options)
{
    return run(core::unpack(pieces(std::move(tar)), into, std::move(options)));
}

std::vector<std::string> lines(const std::vector<core::KeptEntry>& kept)
{
    std::vector<std::string> out;
    for (const auto& [path, reason] : kept) {
        out.push_back(path + ": " + std::string(core::to_string(reason)));
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::map<std::string, std::string> snapshot(const fs::path& dir)
{
    std::map<std::string, std::string> out;
    std::map<std::uint64_t, std::string> first_names;
    std::vector<fs::path> all(fs::recursive_directory_iterator(dir), {});
    std::sort(all.begin(), all.end());
    for (const fs::path& path : all) {
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0) give_up("lstat");
        std::ostringstream text;
        text << std::oct << status.st_mode << std::dec << ' ' << status.st_mtim.tv_sec << '.'
             << status.st_mtim.tv_nsec;
        const std::string name = path.lexically_relative(dir).native();
        if (S_ISLNK(status.st_mode)) text << " -> " << fs::read_symlink(path).native();
        if (S_ISREG(status.st_mode)) {
            text << " is " << first_names.try_emplace(status.st_ino, name).first->second << ' '
                 << std::hash<std::string>()(read_file(path)) << ' ' << status.st_size;
        }
        out.emplace(name, text.str());
    }
    return out;
}

std::string differences(
    const std::map<std::string, std::string>& got, const std::map<std::string, std::string>& wanted
)
{
    std::string out;
    for (const auto& [name, text] : wanted) {
        const auto found = got.find(name);
        const std::string now = found != got.end() ? found->second : "nothing";
        if (now != text)
            out.append(name).append(": ").append(now).append(" not ").append(text) += '\n';
    }
    for (const auto& [name, text] : got) {
        if (!wanted.contains(name)) out.append("unexpected ").append(name) += '\n';
    }
    return out;
}

std::string raw_header(const Raw& raw)
{
    std::string block(512, '\0');
    block.replace(0, std::min<std::size_t>(raw.name.size(), 100), raw.name, 0, 100);
    put_octal(block, 100, 8, raw.mode);
    put_octal(block, 108, 8, 0);
    put_octal(block, 116, 8, 0);
    put_octal(block, 124, 12, raw.size);
    put_octal(block, 136, 12, static_cast<std::uint64_t>(raw.mtime));
    block[156] = raw.type;
    block.replace(157, std::min<std::size_t>(raw.link.size(), 100), raw.link, 0, 100);
    block.replace(257, 8, std::string("ustar\00000", 8));
    block.replace(148, 8, 8, ' ');
    unsigned sum = 0;
    for (const char c : block) {
        sum += static_cast<unsigned char>(c);
    }
    put_octal(block, 148, 7, sum);
    block[154] = '\0';
    return block;
}

std::string raw_padded(std::string_view bytes)
{
    std::string out(bytes);
    out.resize((out.size() + 511) / 512 * 512);
    return out;
}

std::string raw_file(std::string name, std::string_view bytes, std::uint32_t mode)
{
    Raw raw;
    raw.name = std::move(name);
    raw.size = bytes.size();
    raw.mode = mode;
    return raw_header(raw) + raw_padded(bytes);
}

std::string raw_dir(std::string name)
{
    Raw raw;
    raw.name = std::move(name);
    raw.type = '5';
    raw.mode = 0755;
    return raw_header(raw);
}

std::string raw_symlink(std::string name, std::string target)
{
    Raw raw;
    raw.name = std::move(name);
    raw.type = '2';
    raw.link = std::move(target);
    return raw_header(raw);
}

std::string raw_hard_link(std::string name, std::string target)
{
    Raw raw;
    raw.name = std::move(name);
    raw.type = '1';
    raw.link = std::move(target);
    return raw_header(raw);
}

std::string raw_pax(const std::vector<std::pair<std::string, std::string>>& records, char type)
{
    std::string body;
    for (const auto& [key, value] : records) {
        std::string rest(" ");
        rest.append(key).append("=").append(value).append("\n");
        std::size_t length = rest.size() + 1;
        while (std::to_string(length).size() + rest.size() != length) {
            length = std::to_string(length).size() + rest.size();
        }
        body.append(std::to_string(length)).append(rest);
    }
    Raw raw;
    raw.name = "PaxHeaders/x";
    raw.type = type;
    raw.size = body.size();
    return raw_header(raw) + raw_padded(body);
}

std::string raw_end()
{
    return std::string(1024, '\0');
}

} // namespace slipway::test
