#include "agent/codec.hpp"
#include "archive/posix.hpp"
#include "store/results.hpp"
#include "store/sealed.hpp"

#include <slipway/core/store.hpp>

#include <map>

namespace slipway::core {

namespace {

// The last byte is the version of what follows.
constexpr std::string_view result_magic = "slipres\x01";

struct WireBlob {
    std::array<char, 32> digest{};
    std::uint64_t size = 0;

    void fields(auto& f, auto& self) const
    {
        f(self.digest);
        f(self.size);
    }
};

struct WireOutput {
    std::string path;
    std::uint8_t kind = 0;
    bool executable = false;
    WireBlob content;
    std::string link_target;

    void fields(auto& f, auto& self) const
    {
        f(self.path);
        f(self.kind);
        f(self.executable);
        f.field(self.content);
        f(self.link_target);
    }
};

struct WireResult {
    std::array<char, 32> key{};
    std::string unit;
    std::vector<WireOutput> outputs;
    WireBlob log;
    std::int64_t began_ms = 0;
    std::int64_t duration_ms = 0;
    std::string reason;

    void fields(auto& f, auto& self) const
    {
        f(self.key);
        f(self.unit);
        f(self.outputs);
        f.field(self.log);
        f(self.began_ms);
        f(self.duration_ms);
        f(self.reason);
    }
};

std::array<char, 32> wire_digest(const Sha256& digest)
{
    std::array<char, 32> out{};
    std::transform(digest.bytes.begin(), digest.bytes.end(), out.begin(), [](std::uint8_t byte) {
        return static_cast<char>(byte);
    });
    return out;
}

Sha256 digest_of_wire(const std::array<char, 32>& wire)
{
    Sha256 out;
    std::transform(wire.begin(), wire.end(), out.bytes.begin(), [](char byte) {
        return static_cast<std::uint8_t>(byte);
    });
    return out;
}

WireBlob wire_blob(const Blob& blob)
{
    return {wire_digest(blob.digest), blob.size};
}

Blob blob_of_wire(const WireBlob& wire)
{
    return {digest_of_wire(wire.digest), wire.size};
}

StoredOutput output_of_wire(WireOutput& wire)
{
    StoredOutput output;
    output.path = std::move(wire.path);
    output.kind = static_cast<StoredOutput::Kind>(wire.kind);
    output.executable = wire.executable;
    output.content = blob_of_wire(wire.content);
    output.link_target = std::move(wire.link_target);
    return output;
}

std::string not_sound(const StoredOutput& output)
{
    using Kind = StoredOutput::Kind;
    const auto clean = posix::clean_path(output.path, Errc::invalid_argument);
    if (!clean || *clean != output.path || output.path.find('\0') != std::string::npos) {
        return "is no clean relative path";
    }
    if (output.kind > Kind::symlink) return "is of no kind";
    if (output.kind != Kind::file && (output.executable || output.content != Blob())) {
        return "is no file, but has what files have";
    }
    const bool target =
        !output.link_target.empty() && output.link_target.find('\0') == std::string::npos;
    if (target != (output.kind == Kind::symlink)) return "has the target of a link, or lacks it";
    return {};
}

} // namespace

std::string StoredResult::encode() const
{
    WireResult wire;
    wire.key = wire_digest(key);
    wire.unit = unit;
    wire.outputs.reserve(outputs.size());
    for (const StoredOutput& output : outputs) {
        WireOutput& out = wire.outputs.emplace_back();
        out.path = output.path;
        out.kind = static_cast<std::uint8_t>(output.kind);
        out.executable = output.executable;
        out.content = wire_blob(output.content);
        out.link_target = output.link_target;
    }
    wire.log = wire_blob(log);
    wire.began_ms = began_ms;
    wire.duration_ms = duration_ms;
    wire.reason = reason;
    return store::seal(result_magic, agent::encode(wire));
}

std::optional<StoredResult> StoredResult::decode(std::string_view bytes)
{
    const auto payload = store::unseal(result_magic, bytes);
    if (!payload) return std::nullopt;
    auto wire = agent::decode<WireResult>(*payload);
    if (!wire) return std::nullopt;
    StoredResult result;
    result.key = digest_of_wire(wire->key);
    result.unit = std::move(wire->unit);
    result.outputs.reserve(wire->outputs.size());
    for (WireOutput& output : wire->outputs) {
        result.outputs.push_back(output_of_wire(output));
    }
    result.log = blob_of_wire(wire->log);
    result.began_ms = wire->began_ms;
    result.duration_ms = wire->duration_ms;
    result.reason = std::move(wire->reason);
    // One from elsewhere could otherwise lead its reader out of its directory.
    if (!store::complaint(result).empty()) return std::nullopt;
    return result;
}

} // namespace slipway::core

namespace slipway::store {

std::string complaint(const core::StoredResult& result)
{
    using core::StoredOutput;
    std::map<std::string_view, StoredOutput::Kind> seen;
    for (const StoredOutput& output : result.outputs) {
        std::string why = core::not_sound(output);
        const std::string_view path = output.path;
        for (std::size_t slash = path.find('/'); why.empty() && slash != std::string_view::npos;
             slash = path.find('/', slash + 1)) {
            const auto above = seen.find(path.substr(0, slash));
            const bool inside =
                above != seen.end() && above->second != StoredOutput::Kind::directory;
            if (inside) why = "is inside of an output that is no directory";
        }
        if (why.empty()) {
            // What is inside of it would come first: its directory is in the map by then.
            const auto next = seen.lower_bound(std::string(path) + "/");
            const bool has_inside = next != seen.end() && next->first.size() > path.size()
                                    && next->first.starts_with(path)
                                    && next->first[path.size()] == '/';
            if (has_inside) why = "stands behind what is in it";
        }
        if (why.empty() && !seen.emplace(path, output.kind).second) why = "is there twice";
        if (!why.empty()) return core::posix::printable(output.path) + " " + why;
    }
    return {};
}

std::vector<core::Blob> blobs_of(const core::StoredResult& result)
{
    std::vector<core::Blob> blobs;
    blobs.reserve(result.outputs.size() + 1);
    for (const core::StoredOutput& output : result.outputs) {
        if (output.kind == core::StoredOutput::Kind::file) blobs.push_back(output.content);
    }
    if (result.log != core::Blob()) blobs.push_back(result.log);
    return blobs;
}

} // namespace slipway::store
