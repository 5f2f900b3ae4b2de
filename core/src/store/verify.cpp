#include "store/verify.hpp"

#include "archive/posix.hpp"
#include "store/blob_reader.hpp"
#include "store/inventory.hpp"
#include "store/pins.hpp"
#include "store/results.hpp"
#include "store/sealed.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace slipway::store {

namespace posix = core::posix;

namespace {

class Verification {
public:
    Verification(Base& base, Contexts& contexts) : base_(&base), contexts_(&contexts) {}

    Result<core::VerifyReport> run()
    {
        // Results first: the blobs of those are there already.
        TRY(const Listed results, list(*base_, Kind::result));
        TRY(const Listed notes, list(*base_, Kind::note));
        TRY(const Listed blobs, list(*base_, Kind::blob));
        for (const Item& blob : blobs.items) {
            check_blob(blob.key);
        }
        for (const Item& result : results.items) {
            check_result(result.key);
        }
        for (const Item& note : notes.items) {
            check_note(note.key);
        }
        for (const Listed* listed : {&blobs, &results, &notes}) {
            for (const std::string& other : listed->others) {
                damaged(other);
            }
        }
        TRY(const Pins pins, read_pins(*base_));
        for (const std::string& path : pins.damaged) {
            damaged(path);
        }
        std::sort(report_.damaged.begin(), report_.damaged.end());
        std::sort(report_.incomplete.begin(), report_.incomplete.end());
        return report_;
    }

private:
    // Removes it if it is what was seen.
    void damaged(const std::string& name, const struct stat& seen)
    {
        base_->drop(name, seen);
        report_.damaged.push_back(name);
    }
    void damaged(const std::string& name)
    {
        struct stat seen {};
        if (::fstatat(base_->top(), name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0) {
            damaged(name, seen);
        }
    }

    void check_blob(const core::Sha256& digest)
    {
        const std::string name = name_of(Kind::blob, digest);
        struct stat seen {};
        if (::fstatat(base_->top(), name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) return;
        ++report_.blobs;
        const auto open = open_any_blob(*base_, digest);
        const auto good = open && *open ? is_good(*contexts_, digest, **open) : Result<bool>(false);
        if (good && *good) {
            blobs_.insert({(*open)->trailer.size, digest});
        } else {
            damaged(name, seen); // what cannot be read is no better
        }
    }

    void check_result(const core::Sha256& key)
    {
        const std::string name = name_of(Kind::result, key);
        const auto file = read_small(*base_, name);
        if (file && !*file) return;
        ++report_.results;
        if (!file) {
            damaged(name);
            return;
        }
        const auto result = core::StoredResult::decode((*file)->bytes);
        if (!result || result->key != key) {
            damaged(name, (*file)->status);
            return;
        }
        const auto blobs = blobs_of(*result);
        const auto there = [&](const core::Blob& blob) {
            if (blobs_.contains({blob.size, blob.digest})) return true;
            // One that came while the others were read.
            const auto open = open_blob(*base_, blob);
            const auto good =
                open && *open ? is_good(*contexts_, blob.digest, **open) : Result<bool>(false);
            return good && *good;
        };
        if (std::all_of(blobs.begin(), blobs.end(), there)) return;
        base_->drop(name, (*file)->status);
        report_.incomplete.push_back(result->unit);
    }

    void check_note(const core::Sha256& key)
    {
        const std::string name = name_of(Kind::note, key);
        const auto file = read_small(*base_, name);
        if (!file) {
            damaged(name);
        } else if (*file && !decode_note(key, (*file)->bytes)) {
            damaged(name, (*file)->status);
        }
    }

    Base* base_;
    Contexts* contexts_;
    core::VerifyReport report_;
    std::set<std::pair<std::uint64_t, core::Sha256>> blobs_;
};

} // namespace

Result<core::VerifyReport> verify(Base& base, Contexts& contexts)
{
    return Verification(base, contexts).run();
}

Result<core::StoreUsage> usage(const Base& base)
{
    core::StoreUsage usage;
    for (const auto& [kind, counter] :
         {std::pair(Kind::blob, &usage.blobs),
          std::pair(Kind::result, &usage.results),
          std::pair(Kind::note, &usage.notes)}) {
        TRY(const Listed listed, list(base, kind));
        *counter = listed.items.size();
        for (const Item& item : listed.items) {
            usage.bytes += item.disk;
        }
    }
    TRY(const Pins pins, read_pins(base));
    usage.pins = pins.whole.size();
    TRY(const Leases leases, living_leases(base.top(), base.lease(), LeaseCare::look));
    usage.users = leases.names.size();
    return usage;
}

} // namespace slipway::store
