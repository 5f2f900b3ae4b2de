#include "store/plan.hpp"

#include <algorithm>
#include <limits>

namespace slipway::store {

namespace {

class Planner {
public:
    Planner(
        const Contents& contents, std::int64_t now, const std::function<bool(std::int64_t)>& in_use
    )
        : contents_(&contents),
          now_(now),
          in_use_(&in_use),
          goes_(contents.records.size()),
          blob_goes_(contents.blobs.size()),
          references_(contents.blobs.size())
    {
        for (const Holding& record : contents.records) {
            left_ += record.item.disk;
            for (const std::size_t blob : record.blobs) {
                ++references_[blob];
            }
        }
        for (const Item& blob : contents.blobs) {
            left_ += blob.disk;
        }
    }

    void by_age(std::int64_t cutoff)
    {
        for (std::size_t i = 0; i < goes_.size(); ++i) {
            const Holding& record = contents_->records[i];
            if (record.damaged || used(record.item) <= cutoff) try_record(i);
        }
        for (std::size_t i = 0; i < blob_goes_.size(); ++i) {
            if (references_[i] == 0 && used(contents_->blobs[i]) <= cutoff) try_blob(i);
        }
    }

    void by_size(std::uint64_t most)
    {
        struct Candidate {
            std::int64_t used;
            bool record;
            std::size_t at;
        };
        std::vector<Candidate> order;
        for (std::size_t i = 0; i < goes_.size(); ++i) {
            if (!goes_[i]) order.push_back({used(contents_->records[i].item), true, i});
        }
        for (std::size_t i = 0; i < blob_goes_.size(); ++i) {
            const bool alone = references_[i] == 0 && !blob_goes_[i];
            if (alone) order.push_back({used(contents_->blobs[i]), false, i});
        }
        std::stable_sort(order.begin(), order.end(), [](const Candidate& a, const Candidate& b) {
            return a.used < b.used;
        });
        for (const Candidate& candidate : order) {
            if (left_ <= most) return;
            if (!candidate.record) {
                try_blob(candidate.at);
            } else if (try_record(candidate.at)) {
                for (const std::size_t blob : contents_->records[candidate.at].blobs) {
                    if (references_[blob] == 0) try_blob(blob);
                }
            }
        }
    }

    Plan take()
    {
        const auto older = [&](std::size_t a, std::size_t b) {
            return contents_->records[a].item.mtime < contents_->records[b].item.mtime;
        };
        std::stable_sort(plan_.records.begin(), plan_.records.end(), older);
        plan_.in_use = static_cast<std::uint64_t>(
            std::count(record_stays_.begin(), record_stays_.end(), true)
            + std::count(blob_stays_.begin(), blob_stays_.end(), true)
        );
        return std::move(plan_);
    }

private:
    std::int64_t used(const Item& item) const { return std::min(item.mtime, now_); }

    bool try_record(std::size_t at)
    {
        if (goes_[at]) return false;
        const Holding& record = contents_->records[at];
        // A damaged one is of no use to anybody.
        if (!record.damaged && (record.pinned || (*in_use_)(used(record.item)))) {
            record_stays_[at] = true;
            return false;
        }
        goes_[at] = true;
        left_ -= record.item.disk;
        plan_.records.push_back(at);
        for (const std::size_t blob : record.blobs) {
            --references_[blob];
        }
        return true;
    }

    void try_blob(std::size_t at)
    {
        if (blob_goes_[at]) return;
        const Item& blob = contents_->blobs[at];
        if ((*in_use_)(used(blob))) {
            blob_stays_[at] = true;
            return;
        }
        blob_goes_[at] = true;
        left_ -= blob.disk;
        plan_.blobs.push_back(at);
    }

    const Contents* contents_;
    std::int64_t now_;
    const std::function<bool(std::int64_t)>* in_use_;
    std::vector<bool> goes_;
    std::vector<bool> blob_goes_;
    std::vector<bool> record_stays_ = std::vector<bool>(goes_.size());
    std::vector<bool> blob_stays_ = std::vector<bool>(blob_goes_.size());
    std::vector<std::size_t> references_;
    std::uint64_t left_ = 0;
    Plan plan_;
};

} // namespace

Plan plan_collection(
    const Contents& contents,
    const core::GcOptions& options,
    std::int64_t now,
    const std::function<bool(std::int64_t)>& in_use
)
{
    // An age of centuries, as a very long one is, needs no exactness.
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t longest = std::numeric_limits<std::int64_t>::max() / (second * 2);
    const std::int64_t age = std::clamp<std::int64_t>(options.older_than.count(), 0, longest);
    Planner planner(contents, now, in_use);
    planner.by_age(now - age * second);
    if (options.most_bytes) planner.by_size(*options.most_bytes);
    return planner.take();
}

} // namespace slipway::store
