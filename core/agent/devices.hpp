#pragma once

#include <sys/types.h>

#include <map>
#include <string>

namespace slipway::agent {

/// What stands in /dev, where jobs of root can write, and itself: for the next job it is as it was.
class Devices {
public:
    /// As it is now.
    Devices();

    /// Removes what has come since. Returns what else is not as it was, or an empty text.
    std::string clear() const;

private:
    struct Entry {
        mode_t mode = 0;
        dev_t device = 0;
        uid_t uid = 0;
        gid_t gid = 0;
        std::string target; ///< of a link

        friend bool operator==(const Entry&, const Entry&) = default;
    };
    using Entries = std::map<std::string, Entry>;

    static Entries look();

    Entries first_;
};

} // namespace slipway::agent
