#pragma once

#include "store/aside_hasher.hpp"
#include "store/base.hpp"
#include "store/blob_form.hpp"

#include <slipway/core/store.hpp>

namespace slipway::store {

/// Makes a blob's file in tmp/, and gives it its name when its digest is known.
class Inserter final : public core::BlobWriter {
public:
    /// Both are borrowed.
    Inserter(Base& base, Contexts& contexts) : base_(&base), contexts_(&contexts) {}
    Inserter(const Inserter&) = delete;
    Inserter& operator=(const Inserter&) = delete;
    ~Inserter() override;

    Result<> write(std::string_view bytes) override;
    Result<core::Blob> finish() override;

private:
    Result<> take(std::string_view bytes);
    Result<> begin(Form form);
    Result<> store(std::string_view bytes);
    Result<> store_packed(std::string_view bytes, bool last);
    Result<> store_raw(std::string_view bytes);

    Base* base_;
    Contexts* contexts_;
    AsideHasher hasher_;
    std::string head_; ///< until the form is known
    TempFile file_;    ///< from then on
    Trailer trailer_;
    Contexts::Packing packing_;
    std::string out_;
};

/// Makes the file of a blob of that digest by its stored bytes: one whole trailer stands behind
/// them.
Result<> publish_blob(Base& base, const core::Sha256& digest, std::string_view file);

/// From memory. Errors: those of all that writes.
Result<core::Blob> put_bytes(Base& base, Contexts& contexts, std::string_view bytes);
Result<core::Blob> put_file(Base& base, Contexts& contexts, int file);

} // namespace slipway::store
