#include "ipc.hpp"

#include "descriptor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

namespace slipway::agent {

namespace {

constexpr const char* queues = "/dev/mqueue";
constexpr long queues_magic = 0x19800202;

struct Kind {
    const char* list;
    std::string_view id_column;
    const char* name;
    int (*remove)(int id);
};

constexpr std::array kinds{
    Kind{
        "/proc/sysvipc/shm",
        "shmid",
        "shared memory",
        [](int id) { return ::shmctl(id, IPC_RMID, nullptr); }},
    Kind{
        "/proc/sysvipc/msg",
        "msqid",
        "message queue",
        [](int id) { return ::msgctl(id, IPC_RMID, nullptr); }},
    Kind{
        "/proc/sysvipc/sem",
        "semid",
        "semaphores",
        [](int id) { return ::semctl(id, 0, IPC_RMID); }},
};

struct Item {
    const Kind* kind;
    int id = 0;
    uid_t creator = 0; ///< may remove it, whoever it was given to
};

std::string read_all(const char* path)
{
    std::string out;
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> part{};
    ssize_t got = 0;
    while (file && (got = ::read(file.get(), part.data(), part.size())) > 0) {
        out.append(part.data(), static_cast<std::size_t>(got));
    }
    return out;
}

std::string_view cut(std::string_view& text, char at)
{
    const std::size_t end = text.find(at);
    const std::string_view first = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return first;
}

std::vector<std::string_view> words_of(std::string_view line)
{
    std::vector<std::string_view> out;
    while (!line.empty()) {
        const std::string_view word = cut(line, ' ');
        if (!word.empty()) out.push_back(word);
    }
    return out;
}

template <class Number>
bool parse(const std::vector<std::string_view>& words, std::size_t at, Number& out)
{
    if (at >= words.size()) return false;
    const std::string_view word = words[at];
    return std::from_chars(word.data(), word.data() + word.size(), out).ec == std::errc();
}

/// A kernel that has them not has no list of them either.
std::vector<Item> list_items()
{
    std::vector<Item> out;
    for (const Kind& kind : kinds) {
        const std::string text = read_all(kind.list);
        std::string_view rest = text;
        const auto columns = words_of(cut(rest, '\n'));
        const auto column = [&](std::string_view name) {
            return static_cast<std::size_t>(
                std::find(columns.begin(), columns.end(), name) - columns.begin()
            );
        };
        const std::size_t id_at = column(kind.id_column);
        const std::size_t creator_at = column("cuid");
        while (!rest.empty()) {
            const auto words = words_of(cut(rest, '\n'));
            Item item{&kind};
            if (parse(words, id_at, item.id) && parse(words, creator_at, item.creator)) {
                out.push_back(item);
            }
        }
    }
    return out;
}

void remove_items(const std::vector<Item>& items)
{
    for (const Item& item : items) {
        item.kind->remove(item.id);
    }
}

void remove_items_as(uid_t uid, const std::vector<Item>& items)
{
    const pid_t child = ::fork();
    if (child == 0) {
        if (::syscall(SYS_setresuid, uid, uid, uid) == 0) remove_items(items);
        ::_exit(0);
    }
    while (child > 0 && ::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
}

std::string clear_system_v()
{
    std::vector<Item> items = list_items();
    if (items.empty()) return {};
    remove_items(items);
    items = list_items();
    std::vector<uid_t> creators;
    creators.reserve(items.size());
    for (const Item& item : items) {
        creators.push_back(item.creator);
    }
    std::sort(creators.begin(), creators.end());
    creators.erase(std::unique(creators.begin(), creators.end()), creators.end());
    for (const uid_t creator : creators) {
        remove_items_as(creator, items);
    }
    if (!creators.empty()) items = list_items();
    if (items.empty()) return {};
    const Item& left = items.front();
    return std::string(left.kind->name) + " " + std::to_string(left.id) + " of uid "
           + std::to_string(left.creator) + " is left";
}

bool has_queues()
{
    struct statfs status {};
    return ::statfs(queues, &status) == 0 && status.f_type == queues_magic;
}

std::string clear_queues()
{
    if (!has_queues()) return {};
    DIR* list = ::opendir(queues);
    if (list == nullptr) return std::string(queues) + ": " + ::strerror(errno);
    std::string problem;
    while (const dirent* entry = ::readdir(list)) {
        if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
        if (::unlinkat(::dirfd(list), entry->d_name, 0) != 0 && problem.empty()) {
            problem = std::string(queues) + "/" + entry->d_name + ": " + ::strerror(errno);
        }
    }
    ::closedir(list);
    return problem;
}

} // namespace

bool is_machines_ipc()
{
    constexpr ino_t first_ipc_namespace = 0xEFFFFFFF; // PROC_IPC_INIT_INO of the kernel
    struct stat status {};
    return ::stat("/proc/self/ns/ipc", &status) != 0 || status.st_ino == first_ipc_namespace;
}

void forbid_hidden_queues()
{
    const rlimit none{};
    if (!has_queues()) ::setrlimit(RLIMIT_MSGQUEUE, &none);
}

std::string clear_ipc()
{
    const std::string left = clear_system_v();
    const std::string queues_left = clear_queues();
    return left.empty() ? queues_left : left;
}

} // namespace slipway::agent
