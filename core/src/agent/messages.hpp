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

enum class What : std::uint8_t {
    program = 0,
    unpack = 1,
    pack = 2,
    manifest = 3,
    write_file = 4,
    read_file = 5,
    keep = 6,
};
inline constexpr std::uint8_t last_what = 6;

struct Limit {
    std::uint8_t resource = 0; ///< RLIMIT_*
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;

    static void fields(auto& f, auto& m) { f(m.resource), f(m.soft), f(m.hard); }
};

enum class ItemKind : std::uint8_t { path = 0, pattern = 1 };

/// A part of a tree that is asked for.
struct TreeItem {
    std::uint8_t kind = 0; ///< an ItemKind
    bool required = true;
    std::string text;

    static void fields(auto& f, auto& m) { f(m.kind), f(m.required), f(m.text); }
};

enum class Encoding : std::uint8_t { plain = 0, zstd = 1 };
enum class DigestKind : std::uint8_t { none = 0, xxh3 = 1, sha256 = 2 };

/// What a job has that is no program.
struct TreeOrder {
    std::vector<TreeItem> items; ///< of pack and manifest
    std::uint8_t encoding = 0;   ///< an Encoding, of the stream that carries the files
    std::uint8_t digest = 0;     ///< a DigestKind, of manifest
    std::uint16_t mode = 0;      ///< of write_file
    bool has_mtime = false;      ///< likewise; else it is the time of writing
    std::int64_t mtime_ns = 0;

    static void fields(auto& f, auto& m)
    {
        f(m.items), f(m.encoding), f(m.digest), f(m.mode), f(m.has_mtime), f(m.mtime_ns);
    }
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
    /// Of a tree job: a stream socket came as a descriptor, and is its stdin and its stdout.
    bool own_stream = false;
    std::uint32_t window = 0;
    TreeOrder tree;

    static void fields(auto& f, auto& m)
    {
        f(m.what), f(m.argv), f(m.env), f(m.cwd);
        f(m.has_ids), f(m.uid), f(m.gid), f(m.groups);
        f(m.umask), f(m.limits), f(m.deadline_ms);
        f(m.terminal), f(m.rows), f(m.columns);
        f(m.has_in), f(m.own_stream), f(m.window);
        f.field(m.tree);
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

/// The exit code of a job that is no program.
enum class TreeEnd : std::uint8_t {
    done = 0,
    failed = 1,  ///< the sandbox could not
    missing = 2, ///< what was required is not there
    broken = 3,  ///< the stream that came is cut or is none
    refused = 4, ///< the order makes no sense
};

enum class EntryKind : std::uint8_t {
    file = 0,
    directory = 1,
    symlink = 2,
    fifo = 3,
    socket = 4,
    character_device = 5,
    block_device = 6,
};

/// One of a manifest; no message, but a record on the job's stdout, after its size in 4 bytes.
struct Entry {
    std::string path;
    std::uint8_t kind = 0; ///< an EntryKind
    std::uint16_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::string link_target;
    std::uint32_t major = 0; ///< of a device
    std::uint32_t minor = 0;
    std::uint32_t links = 0; ///< names that it has
    std::uint64_t file_system = 0;
    std::uint64_t inode = 0;
    std::string digest;          ///< of a file, when asked for
    std::uint64_t allocated = 0; ///< bytes of a file that are no hole

    static void fields(auto& f, auto& m)
    {
        f(m.path), f(m.kind), f(m.mode), f(m.uid), f(m.gid), f(m.size), f(m.mtime_ns);
        f(m.link_target), f(m.major), f(m.minor), f(m.links), f(m.file_system), f(m.inode);
        f(m.digest), f(m.allocated);
    }
};

} // namespace slipway::agent
