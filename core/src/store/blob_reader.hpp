#pragma once

#include "store/base.hpp"
#include "store/blob_form.hpp"

#include <slipway/core/store.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::store {

using Sink = std::function<Result<>(std::string_view)>;

/// A blob's file.
struct OpenBlob {
    std::string name;
    Fd fd;
    struct stat status {};
    Trailer trailer;
};

/// Nothing when there is none of that digest and size; one whose trailer is damaged is removed.
/// Errors: io, permission_denied.
Result<std::optional<OpenBlob>> open_blob(const Base& base, const core::Blob& blob);

/// The same whatever its size, and it is left where it is.
Result<std::optional<OpenBlob>> open_any_blob(const Base& base, const core::Sha256& digest);

/// It counts as used from now on.
bool has_blob(Base& base, const core::Blob& blob);

/// What goes into `unpack` by pieces: fills the buffer, and returns how much there is; 0: the end.
using Source = std::function<Result<std::size_t>(char*, std::size_t)>;

/// Unpacks `trailer.stored` bytes of `from`, gives them to `to` and compares digest and size.
/// False: they are others, and `to` has had some. Never gives more than the blob's size.
Result<bool> unpack(
    Contexts& contexts,
    const core::Blob& blob,
    const Trailer& trailer,
    const Source& from,
    const Sink& to
);

/// See Store.
Result<> read_blob(Base& base, Contexts& contexts, const core::Blob& blob, const Sink& to);
Result<> read_blob_into(Base& base, Contexts& contexts, const core::Blob& blob, int file);
Result<std::string> export_blob(Base& base, Contexts& contexts, const core::Blob& blob);
Result<>
import_blob(Base& base, Contexts& contexts, const core::Blob& blob, std::string_view bytes);

/// Whether the open one's bytes are those of its digest. Errors: io.
Result<bool> is_good(Contexts& contexts, const core::Sha256& digest, const OpenBlob& open);

} // namespace slipway::store
