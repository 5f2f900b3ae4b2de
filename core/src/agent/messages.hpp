#pragma once

#include "agent/frames.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The messages that have fields; core/agent/PROTOCOL.md says what they mean. `fields` names them
/// in their order, for `encode` and `decode` alike (codec.hpp).
namespace slipway::agent {

struct Hello {
    std::uint16_t lowest = protocol_version;
    std::uint16_t highest = protocol_version;
    std::uint32_t lease_ms = 0;
    Nonce nonce{};

    static void fields(auto& f, auto& m) { f(m.lowest), f(m.highest), f(m.lease_ms), f(m.nonce); }
};

struct Welcome {
    Nonce nonce{};
    std::uint16_t version = 0;
    std::uint64_t jobs = 0; ///< started since the sandbox began
    bool unclean = false;   ///< the last reset did not end well
    std::string build;      ///< of the agent

    static void fields(auto& f, auto& m)
    {
        f(m.nonce), f(m.version), f(m.jobs), f(m.unclean), f(m.build);
    }
};

struct Busy {
    Nonce nonce{};
    std::uint32_t left_ms = 0; ///< of the other client's lease

    static void fields(auto& f, auto& m) { f(m.nonce), f(m.left_ms); }
};

struct Refused {
    Nonce nonce{};
    std::uint16_t lowest = protocol_version;
    std::uint16_t highest = protocol_version;

    static void fields(auto& f, auto& m) { f(m.nonce), f(m.lowest), f(m.highest); }
};

struct ResetDone {
    bool clean = true;
    std::string reason; ///< why it is not

    static void fields(auto& f, auto& m) { f(m.clean), f(m.reason); }
};

enum class What : std::uint8_t { program = 0, unpack = 1, pack = 2 };

struct Limit {
    std::uint8_t resource = 0; ///< RLIMIT_*
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;

    static void fields(auto& f, auto& m) { f(m.resource), f(m.soft), f(m.hard); }
};

inline constexpr std::uint16_t default_umask = 0xffff;

struct Run {
    std::uint8_t what = 0; ///< a What
    std::vector<std::string> argv;
    std::vector<std::string> env;
    std::string cwd;
    bool has_ids = false;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
    std::uint16_t umask = default_umask;
    std::vector<Limit> limits;
    std::uint64_t deadline_ms = 0;
    bool terminal = false;
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
    bool has_in = false; ///< else stdin is /dev/null
    std::uint32_t window = 0;

    static void fields(auto& f, auto& m)
    {
        f(m.what), f(m.argv), f(m.env), f(m.cwd);
        f(m.has_ids), f(m.uid), f(m.gid), f(m.groups);
        f(m.umask), f(m.limits), f(m.deadline_ms);
        f(m.terminal), f(m.rows), f(m.columns);
        f(m.has_in), f(m.window);
    }
};

enum class Stream : std::uint8_t { in = 0, out = 1, err = 2 };

struct Window {
    std::uint8_t stream = 0; ///< a Stream
    std::uint32_t more = 0;

    static void fields(auto& f, auto& m) { f(m.stream), f(m.more); }
};

struct Resize {
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;

    static void fields(auto& f, auto& m) { f(m.rows), f(m.columns); }
};

struct Signal {
    std::uint8_t number = 0;

    static void fields(auto& f, auto& m) { f(m.number); }
};

struct Cancel {
    std::uint8_t signal = 15; ///< SIGTERM
    std::uint32_t grace_ms = 0;

    static void fields(auto& f, auto& m) { f(m.signal), f(m.grace_ms); }
};

struct Started {
    std::uint32_t pid = 0;

    static void fields(auto& f, auto& m) { f(m.pid); }
};

enum class Ending : std::uint8_t { exited = 0, signaled = 1 };

struct Exit {
    static constexpr std::uint8_t out_of_memory = 1;
    static constexpr std::uint8_t timed_out = 2;
    static constexpr std::uint8_t cancelled = 4;
    static constexpr std::uint8_t left_processes = 8;

    std::uint8_t how = 0; ///< an Ending
    std::uint8_t code = 0;
    std::uint8_t flags = 0;
    std::uint64_t user_us = 0;
    std::uint64_t system_us = 0;
    std::uint64_t memory_kib = 0;

    static void fields(auto& f, auto& m)
    {
        f(m.how), f(m.code), f(m.flags), f(m.user_us), f(m.system_us), f(m.memory_kib);
    }
};

enum class Step : std::uint8_t {
    find = 1,
    execute = 2,
    directory = 3,
    ids = 4,
    limits = 5,
    process = 6,
    terminal = 7,
    message = 8,
};

struct Failed {
    std::uint8_t step = 0;   ///< a Step
    std::uint32_t error = 0; ///< errno
    std::string text;

    static void fields(auto& f, auto& m) { f(m.step), f(m.error), f(m.text); }
};

} // namespace slipway::agent
