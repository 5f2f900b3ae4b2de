#pragma once

#include <sys/resource.h>

#include <array>
#include <string>

namespace slipway::agent {

/// What limits this process, and with it all jobs. A job of the same user could change that.
class OwnLimits {
public:
    /// As they are now. Jobs cannot change them from now on, where this process may see to that.
    OwnLimits();

    /// What is not as it was, or an empty text.
    std::string check() const;

private:
    using Limits = std::array<rlimit, RLIM_NLIMITS>;

    static Limits look();

    Limits first_;
    std::string badness_; ///< for the system that is out of memory
};

} // namespace slipway::agent
