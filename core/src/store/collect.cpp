#include "store/collect.hpp"

#include "archive/posix.hpp"
#include "store/clock.hpp"
#include "store/pins.hpp"
#include "store/plan.hpp"
#include "store/results.hpp"
#include "store/sealed.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

// A collection first looks at everything without any lock, and chooses. Then it removes a few files
// at a time with the exclusive lock, and looks again at each: whoever uses an old file stamps it
// with the shared lock before, and whoever uses a fresh one without a lock has had a lease before,
// which is seen by then.
namespace slipway::store {

namespace posix = core::posix;

namespace {

constexpr std::size_t removals_at_once = 256;

// What others may be using.
struct Claims {
    std::optional<std::int64_t> horizon; // what was used later than this is in use
    std::set<core::Sha256> pinned;

    bool in_use(std::int64_t used) const { return horizon && used >= *horizon; }
};

Result<Claims> claims_now(const Base& base, LeaseCare care)
{
    Claims claims;
    TRY(const Leases leases, living_leases(base.top(), base.lease(), care));
    claims.horizon = leases.oldest;
    if (base.has_used()) {
        const std::int64_t own = base.lease().since();
        claims.horizon = claims.horizon ? std::min(*claims.horizon, own) : own;
    }
    if (claims.horizon) *claims.horizon -= fresh_ns;
    TRY(const Pins pins, read_pins(base));
    for (const core::Store::Pin& pin : pins.whole) {
        claims.pinned.insert(pin.key);
    }
    return claims;
}

// The places of a result's blobs, each once; those that are not there are left out.
std::vector<std::size_t> places_of(const core::StoredResult& result, const std::vector<Item>& blobs)
{
    std::vector<std::size_t> places;
    for (const core::Blob& blob : blobs_of(result)) {
        const auto at = std::lower_bound(
            blobs.begin(),
            blobs.end(),
            blob.digest,
            [](const Item& a, const auto& b) { return a.key < b; }
        );
        if (at != blobs.end() && at->key == blob.digest) {
            places.push_back(static_cast<std::size_t>(at - blobs.begin()));
        }
    }
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    return places;
}

Result<Contents> look(const Base& base, const Claims& claims)
{
    Contents contents;
    // Results last: the blobs of each one that is found then are there by now.
    TRY(Listed notes, list(base, Kind::note));
    TRY(Listed blobs, list(base, Kind::blob));
    TRY(Listed results, list(base, Kind::result));
    contents.blobs = std::move(blobs.items);
    for (const Item& note : notes.items) {
        contents.records.emplace_back().item = note;
    }
    for (const Item& item : results.items) {
        TRY(const auto file, read_small(base, name_of(Kind::result, item.key)));
        if (!file) continue;
        Holding& record = contents.records.emplace_back();
        record.item = item;
        record.item.mtime = posix::mtime_ns(file->status);
        record.pinned = claims.pinned.contains(item.key);
        const auto result = core::StoredResult::decode(file->bytes);
        record.damaged = !result || result->key != item.key;
        if (!record.damaged) record.blobs = places_of(*result, contents.blobs);
    }
    return contents;
}

// Files from the future, as a clock that jumped leaves them, would never grow old.
Result<> bring_back(Base& base, Contents& contents)
{
    std::vector<Item*> late;
    const std::int64_t latest = now_ns() + fresh_ns;
    for (Holding& record : contents.records) {
        if (record.item.mtime > latest) late.push_back(&record.item);
    }
    for (Item& blob : contents.blobs) {
        if (blob.mtime > latest) late.push_back(&blob);
    }
    for (std::size_t i = 0; i < late.size();) {
        TRY(const Fd locked, base.lock(Base::Lock::exclusive));
        // Not later than what their owners have used.
        CHECK_OK(living_leases(base.top(), base.lease(), LeaseCare::lower));
        const std::size_t end = std::min(late.size(), i + removals_at_once);
        for (; i < end; ++i) {
            const std::string name = name_of(late[i]->kind, late[i]->key);
            const std::int64_t now = now_ns();
            const std::array<timespec, 2> times{posix::to_timespec(now), posix::to_timespec(now)};
            if (::utimensat(base.top(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0) {
                late[i]->mtime = now;
            }
        }
    }
    return ok();
}

enum class Removal { done, gone, kept };

// With the exclusive lock.
Removal remove_if_unused(const Base& base, const Item& item, const Claims& claims)
{
    const std::string name = name_of(item.kind, item.key);
    struct stat now {};
    if (::fstatat(base.top(), name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) return Removal::gone;
    const std::int64_t mtime = posix::mtime_ns(now);
    if (mtime != item.mtime || claims.in_use(mtime)) return Removal::kept;
    if (::unlinkat(base.top(), name.c_str(), 0) == 0) return Removal::done;
    return errno == ENOENT ? Removal::gone : Removal::kept;
}

class Collection {
public:
    Collection(Base& base, const Contents& contents, core::GcReport& report)
        : base_(&base), contents_(&contents), report_(&report)
    {
    }

    Result<> remove(const Plan& plan)
    {
        std::vector<bool> wanted(contents_->blobs.size()); // by results that stay after all
        const auto remove_record = [&](std::size_t at, const Claims& claims) {
            const Holding& record = contents_->records[at];
            const bool result = record.item.kind == Kind::result;
            const bool pinned =
                result && !record.damaged && claims.pinned.contains(record.item.key);
            const Removal how =
                pinned ? Removal::kept : remove_if_unused(*base_, record.item, claims);
            count(how, record.item, report_->results, result);
            if (how != Removal::kept) return;
            for (const std::size_t blob : record.blobs) {
                wanted[blob] = true;
            }
        };
        const auto remove_blob = [&](std::size_t at, const Claims& claims) {
            const Item& blob = contents_->blobs[at];
            const Removal how = wanted[at] ? Removal::kept : remove_if_unused(*base_, blob, claims);
            count(how, blob, report_->blobs, true);
        };
        CHECK_OK(in_batches(plan.records, remove_record));
        return in_batches(plan.blobs, remove_blob);
    }

private:
    void count(Removal how, const Item& item, std::uint64_t& counter, bool counted)
    {
        if (how == Removal::kept) {
            ++report_->in_use;
            return;
        }
        report_->left_bytes -= item.disk;
        if (how == Removal::gone) return; // by somebody else
        report_->bytes += item.disk;
        if (counted) ++counter;
    }

    Result<> in_batches(
        const std::vector<std::size_t>& places,
        const std::function<void(std::size_t, const Claims&)>& one
    )
    {
        for (std::size_t i = 0; i < places.size();) {
            TRY(const Fd locked, base_->lock(Base::Lock::exclusive));
            TRY(const Claims claims, claims_now(*base_, LeaseCare::lower));
            const std::size_t end = std::min(places.size(), i + removals_at_once);
            for (; i < end; ++i) {
                one(places[i], claims);
            }
        }
        return ok();
    }

    Base* base_;
    const Contents* contents_;
    core::GcReport* report_;
};

// As if all of the plan had been done.
void tell_plan(const Plan& plan, const Contents& contents, core::GcReport& report)
{
    for (const std::size_t at : plan.records) {
        const Item& item = contents.records[at].item;
        report.results += item.kind == Kind::result ? 1 : 0;
        report.bytes += item.disk;
    }
    for (const std::size_t at : plan.blobs) {
        report.bytes += contents.blobs[at].disk;
    }
    report.blobs = plan.blobs.size();
    report.left_bytes -= report.bytes;
}

} // namespace

Result<core::GcReport>
collect(Base& base, const core::GcOptions& options, const std::function<void()>& planned)
{
    if (!options.dry_run) {
        CHECK_OK(base.need_writable());
        CHECK_OK(base.clear_dead());
    }
    TRY(const Claims claims, claims_now(base, LeaseCare::look));
    TRY(Contents contents, look(base, claims));
    if (!options.dry_run) {
        CHECK_OK(bring_back(base, contents));
    }
    const auto in_use = [&](std::int64_t used) { return claims.in_use(used); };
    const Plan plan = plan_collection(contents, options, now_ns(), in_use);
    planned();

    core::GcReport report;
    report.in_use = plan.in_use;
    for (const Holding& record : contents.records) {
        report.left_bytes += record.item.disk;
    }
    for (const Item& blob : contents.blobs) {
        report.left_bytes += blob.disk;
    }
    if (options.dry_run) {
        tell_plan(plan, contents, report);
    } else {
        CHECK_OK(Collection(base, contents, report).remove(plan));
    }
    return report;
}

} // namespace slipway::store
