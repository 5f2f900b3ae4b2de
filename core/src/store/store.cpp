#include "store/base.hpp"
#include "store/blob_form.hpp"
#include "store/blob_reader.hpp"
#include "store/blob_writer.hpp"
#include "store/collect.hpp"
#include "store/pins.hpp"
#include "store/results.hpp"
#include "store/verify.hpp"

#include <slipway/core/store.hpp>

#include <fmt/format.h>

namespace slipway::core {

struct Store::State {
    store::Base base;
    store::Contexts contexts;
};

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(std::filesystem::path directory)
{
    auto state = std::make_unique<State>();
    CHECK_OK(during(state->base.open(std::move(directory)), "opening the store"));
    return Store(std::move(state));
}

bool Store::writable() const noexcept
{
    return state_->base.writable();
}

const std::filesystem::path& Store::directory() const noexcept
{
    return state_->base.directory();
}

Result<std::unique_ptr<BlobWriter>> Store::blob_writer()
{
    CHECK_OK(state_->base.need_writable());
    return std::make_unique<store::Inserter>(state_->base, state_->contexts);
}

Result<Blob> Store::put(std::string_view bytes)
{
    return store::put_bytes(state_->base, state_->contexts, bytes);
}

Result<Blob> Store::put_file(int file)
{
    return store::put_file(state_->base, state_->contexts, file);
}

bool Store::has(const Blob& blob)
{
    return store::has_blob(state_->base, blob);
}

Result<> Store::read(const Blob& blob, const std::function<Result<>(std::string_view)>& to)
{
    return store::read_blob(state_->base, state_->contexts, blob, to);
}

Result<> Store::read_into(const Blob& blob, int file)
{
    return store::read_blob_into(state_->base, state_->contexts, blob, file);
}

Result<> Store::put_result(const StoredResult& result)
{
    return store::put_result(state_->base, result);
}

std::optional<StoredResult> Store::find_result(const Sha256& key)
{
    return store::find_result(state_->base, key);
}

Result<> Store::put_note(const Sha256& key, std::string_view bytes)
{
    return store::put_note(state_->base, key, bytes);
}

std::optional<std::string> Store::find_note(const Sha256& key)
{
    return store::find_note(state_->base, key);
}

Result<std::string> Store::export_form(const Blob& blob)
{
    return store::export_blob(state_->base, state_->contexts, blob);
}

Result<> Store::import_form(const Blob& blob, std::string_view bytes)
{
    return store::import_blob(state_->base, state_->contexts, blob, bytes);
}

Result<> Store::pin(std::string_view name, const Sha256& key)
{
    return store::pin(state_->base, name, key);
}

Result<bool> Store::unpin(std::string_view name)
{
    return store::unpin(state_->base, name);
}

Result<std::vector<Store::Pin>> Store::pins() const
{
    TRY(auto pins, store::read_pins(state_->base));
    return std::move(pins.whole);
}

Result<GcReport> Store::collect(const GcOptions& options)
{
    return during(store::collect(state_->base, options), "collecting the store's garbage");
}

Result<VerifyReport> Store::verify()
{
    return during(store::verify(state_->base, state_->contexts), "verifying the store");
}

Result<StoreUsage> Store::usage() const
{
    return store::usage(state_->base);
}

} // namespace slipway::core
