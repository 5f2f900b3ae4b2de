#include "store/results.hpp"

#include "archive/posix.hpp"
#include "store/blob_reader.hpp"
#include "store/sealed.hpp"

#include <algorithm>

namespace slipway::store {

namespace posix = core::posix;

Result<> put_result(Base& base, const core::StoredResult& result)
{
    CHECK_OK(base.need_writable());
    if (const std::string why = complaint(result); !why.empty()) {
        return fail(Errc::invalid_argument, "a result that cannot be stored: " + why);
    }
    const std::string name = name_of(Kind::result, result.key);
    TRY(TempFile file, base.temp());
    CHECK_OK(file.write(result.encode()));
    // Who collects has looked at the blobs before this result was there: their new stamps tell.
    TRY(const Fd locked, base.lock(Base::Lock::shared));
    for (const core::Blob& blob : blobs_of(result)) {
        if (base.stamp_locked(name_of(Kind::blob, blob.digest))) continue;
        return fail(
            Errc::not_found, "a result's blob is not in the store: " + core::to_hex(blob.digest)
        );
    }
    return base.publish_locked(std::move(file), name);
}

std::optional<core::StoredResult> find_result(Base& base, const core::Sha256& key)
{
    const std::string name = name_of(Kind::result, key);
    const auto file = read_small(base, name);
    if (!file || !*file) return std::nullopt;
    auto result = core::StoredResult::decode((*file)->bytes);
    if (!result || result->key != key) {
        base.drop(name, (*file)->status);
        return std::nullopt;
    }
    const auto blobs = blobs_of(*result);
    const auto there = [&](const core::Blob& blob) { return has_blob(base, blob); };
    if (!std::all_of(blobs.begin(), blobs.end(), there)) return std::nullopt;
    if (!base.use(name, posix::mtime_ns((*file)->status))) return std::nullopt;
    return result;
}

Result<> put_note(Base& base, const core::Sha256& key, std::string_view bytes)
{
    return base.write(name_of(Kind::note, key), encode_note(key, bytes));
}

std::optional<std::string> find_note(Base& base, const core::Sha256& key)
{
    const std::string name = name_of(Kind::note, key);
    const auto file = read_small(base, name);
    if (!file || !*file) return std::nullopt;
    auto bytes = decode_note(key, (*file)->bytes);
    if (!bytes) base.drop(name, (*file)->status);
    if (!bytes || !base.use(name, posix::mtime_ns((*file)->status))) return std::nullopt;
    return bytes;
}

} // namespace slipway::store
