#include "agent/codec.hpp"
#include "agent/frames.hpp"
#include "agent/kept_messages.hpp"
#include "archive/cache_tag.hpp"
#include "descriptor.hpp"
#include "sync/crew.hpp"
#include "sync/files.hpp"
#include "sync/remove_tree.hpp"
#include "sync/tree_scan.hpp"
#include "tree.hpp"
#include "walk.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::agent {

namespace {

constexpr const char* tree_name = "tree";

/// What is said to the client.
class Answers {
public:
    template <class T>
    bool say(KeptType type, const T& message)
    {
        append_message(out_, type, message);
        return out_.size() < kept_batch_bytes || flush();
    }
    bool flush()
    {
        const bool good = sync::write_all(1, out_);
        out_.clear();
        return good;
    }
    template <class Item>
    bool list(KeptType type, const std::vector<Item>& items)
    {
        return in_batches(items, [&](const List<Item>& batch) { return say(type, batch); });
    }

private:
    std::string out_;
};

struct Nothing {
    static void fields(auto&, auto&) {}
};

/// A directory whose files stay, from its lock to its end.
class Kept {
public:
    Kept(const std::string& path, int own) : path_(&path), own_(own) {}

    TreeEnd run()
    {
        TreeEnd end = open();
        if (end == TreeEnd::done) end = lock();
        // While the client looks at its side, unless it has an order already.
        if (end == TreeEnd::done && !has_order()) end = look(ScanOrder());
        while (end == TreeEnd::done) {
            std::string message;
            bool left = false;
            end = receive(message, left);
            if (end != TreeEnd::done || left) break;
            end = obey(message);
        }
        return end;
    }

private:
    TreeEnd failed(int error) const { return complain(*path_, error); }
    TreeEnd failed(const sync::ScanProblem& problem) const
    {
        const std::string what = problem.path.empty() ? *path_ : *path_ + "/" + problem.path;
        return problem.error == 0 ? complain(what, "it changed while it was read")
                                  : complain(what, problem.error);
    }

    /// The tag keeps others from carrying the directory that is ours about.
    TreeEnd open()
    {
        root_ = Fd(::open(path_->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!root_) return failed(errno);
        put("CACHEDIR.TAG", std::string(core::cache_tag) + "\n");
        put(".gitignore", "*\n");
        return TreeEnd::done;
    }

    /// What cannot be written is made again some other time.
    void put(const char* name, std::string_view bytes) const
    {
        if (::faccessat(own_.get(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return;
        replace(name, bytes);
    }
    void replace(const char* name, std::string_view bytes) const
    {
        const std::string draft = std::string(name) + ".new";
        ::unlinkat(own_.get(), draft.c_str(), 0);
        const Fd file(::openat(
            own_.get(), draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644
        ));
        const bool good = file && sync::write_all(file.get(), bytes)
                          && ::renameat(own_.get(), draft.c_str(), own_.get(), name) == 0;
        if (!good) ::unlinkat(own_.get(), draft.c_str(), 0);
    }

    /// Of our own directory: a job may have its reasons to lock its own.
    TreeEnd lock()
    {
        if (::flock(own_.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) return failed(errno);
            if (!answers_.say(KeptType::waiting, Nothing()) || !answers_.flush()) return gone();
            int error = 0;
            do {
                error = ::flock(own_.get(), LOCK_EX) == 0 ? 0 : errno;
            } while (error == EINTR);
            if (error != 0) return failed(error);
        }
        std::string bytes;
        const Fd file(
            ::openat(own_.get(), tree_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        );
        if (file && sync::read_all(file.get(), bytes)) {
            if (auto known = sync::decode_known_tree(bytes)) tree_ = *std::move(known);
        }
        if (!answers_.say(KeptType::held, Nothing()) || !answers_.flush()) return gone();
        return TreeEnd::done;
    }

    static bool has_order()
    {
        constexpr int patience_ms = 2; // one of this machine takes less
        pollfd input{0, POLLIN, 0};
        return ::poll(&input, 1, patience_ms) > 0;
    }

    static TreeEnd gone() { return complain("the client", errno, TreeEnd::broken); }

    /// `left`: there is none, and there will be none.
    TreeEnd receive(std::string& message, bool& left)
    {
        std::string head;
        if (!take(sizeof(std::uint32_t), head)) return gone();
        left = head.empty();
        if (left) return TreeEnd::done;
        std::uint32_t size = 0;
        Reader read(head);
        read(size);
        if (head.size() < sizeof size || size == 0 || size > max_message) {
            return complain("the client", "it sent no message", TreeEnd::broken);
        }
        if (!take(size, message)) return gone();
        return message.size() == size
                   ? TreeEnd::done
                   : complain("the client", "it sent half a message", TreeEnd::broken);
    }

    /// Less at the end of stdin.
    static bool take(std::size_t size, std::string& bytes)
    {
        bytes.resize(size);
        std::size_t done = 0;
        while (done < size) {
            const ssize_t got = ::read(0, bytes.data() + done, size - done);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return false;
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        bytes.resize(done);
        return true;
    }

    TreeEnd obey(std::string_view message)
    {
        const auto type = static_cast<KeptType>(static_cast<unsigned char>(message.front()));
        message.remove_prefix(1);
        if (type == KeptType::scan) {
            if (const auto order = decode<ScanOrder>(message)) return scan(*order);
        } else if (type == KeptType::remove) {
            if (const auto order = decode<Paths>(message)) return remove(*order);
        }
        return complain("the client", "an unknown message", TreeEnd::refused);
    }

    TreeEnd look(const ScanOrder& order)
    {
        const sync::Memo memo(tree_);
        sync::Threads crew;
        sync::ScanOptions options;
        options.memo = &memo;
        options.crew = &crew;
        options.caches = order.caches;
        options.since_ns = order.since_ns;
        options.tolerant = true; // the client may be about to remove it
        now_ = sync::scan_tree(root_.get(), options);
        if (!now_->problems.empty()) return failed(now_->problems.front());
        sync::drop_young(now_->tree, now_->young_ns);
        return TreeEnd::done;
    }

    TreeEnd scan(const ScanOrder& order)
    {
        if (!now_ || order.caches) {
            const TreeEnd end = look(order);
            if (end != TreeEnd::done) return end;
        }
        const core::ContentHash base{order.base_high, order.base_low};
        Scanned told;
        told.now_ns = now_->young_ns;
        told.from_base = base != core::ContentHash() && sync::digest_of(tree_) == base;
        const bool is_new = tree_.state != now_->tree.state || tree_.marks != now_->tree.marks;
        sync::StateChange change;
        if (is_new || !told.from_base) {
            change = sync::change_between(
                told.from_base ? tree_.state : sync::TreeState(), now_->tree.state
            );
        }
        if (is_new) tree_ = std::move(now_->tree);
        const bool good = answers_.list(KeptType::changed, change.changed)
                          && answers_.list(KeptType::gone, change.gone)
                          && answers_.list(KeptType::caches, now_->caches)
                          && answers_.list(KeptType::fresh, now_->fresh)
                          && answers_.list(KeptType::tagged, now_->tagged)
                          && answers_.say(KeptType::scanned, told) && answers_.flush();
        now_.reset();
        // After the answer: nobody waits for it.
        if (is_new) replace(tree_name, sync::encode(tree_));
        return good ? TreeEnd::done : gone();
    }

    TreeEnd remove(const Paths& order)
    {
        for (const std::string& path : order.items) {
            const bool inside = !path.empty() && path.front() != '/'
                                && ("/" + path + "/").find("/../") == std::string::npos;
            if (!inside) return complain(path, "it is outside of the directory", TreeEnd::refused);
            std::string failed;
            if (const int error = sync::remove_tree(root_.get(), path, failed)) {
                return complain(*path_ + "/" + failed, error);
            }
        }
        const bool good = answers_.say(KeptType::removed, Nothing()) && answers_.flush();
        return good ? TreeEnd::done : gone();
    }

    const std::string* path_;
    Fd root_;
    Fd own_;
    sync::KnownTree tree_;          ///< as it was last told, or noted
    std::optional<sync::Scan> now_; ///< looked at ahead of the client's order
    Answers answers_;
};

} // namespace

TreeEnd keep_directory(const Run& run, int own)
{
    return Kept(run.argv.front(), own).run();
}

} // namespace slipway::agent
