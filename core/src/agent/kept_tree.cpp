#include "agent/kept_tree.hpp"

#include "agent/codec.hpp"
#include "agent/event.hpp"
#include "agent/kept_messages.hpp"
#include "agent/worker_job.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace slipway::core {

namespace {

using agent::KeptType;

Error no_answer(const char* why)
{
    return {Errc::protocol, std::string("the sandbox's agent sent a broken list of files: ") + why};
}

} // namespace

/// Both streams of the worker, and what it has said.
class KeptTree::Talk final : public engine::ByteSource, public engine::ByteSink {
public:
    explicit Talk(const boost::asio::any_io_executor& executor) : changed_(executor) {}

    template <class T>
    void say(KeptType type, const T& message)
    {
        agent::append_message(orders_, type, message);
        changed_.notify();
    }
    void say_no_more()
    {
        closed_ = true;
        changed_.notify();
    }
    void end(Result<> how)
    {
        ended_ = std::move(how);
        changed_.notify();
    }
    const std::optional<Result<>>& ended() const { return ended_; }
    Task<> wait() { return changed_.wait(); }

    Task<std::size_t> read(std::span<char> into) override
    {
        while (orders_.empty() && !closed_) {
            CO_CHECK(co_await changed_.wait());
        }
        const std::size_t n = std::min(orders_.size(), into.size());
        orders_.copy(into.data(), n);
        orders_.erase(0, n);
        co_return n;
    }

    Task<> write(std::string_view data) override
    {
        waiting_.append(data);
        std::size_t at = 0;
        for (;;) {
            const std::string_view rest = std::string_view(waiting_).substr(at);
            std::uint32_t size = 0;
            if (rest.size() < sizeof size) break;
            agent::Reader head(rest.substr(0, sizeof size));
            head(size);
            if (size == 0 || size > agent::max_message) {
                co_return fail(no_answer("a message without an end"));
            }
            if (rest.size() - sizeof size < size) break;
            CO_CHECK(take(rest.substr(sizeof size, size)));
            at += sizeof size + size;
        }
        waiting_.erase(0, at);
        changed_.notify();
        co_return ok();
    }

    bool waits = false;
    bool held = false;
    bool scanned = false;
    bool removed = false;
    TreeNews news;

private:
    Result<> take(std::string_view message)
    {
        const auto type = static_cast<KeptType>(static_cast<unsigned char>(message.front()));
        message.remove_prefix(1);
        switch (type) {
        case KeptType::waiting:
            waits = true;
            return ok();
        case KeptType::held:
            held = true;
            return ok();
        case KeptType::removed:
            removed = true;
            return ok();
        case KeptType::changed:
            return take_list(message, news.change.changed);
        case KeptType::caches:
            return take_list(message, news.caches);
        case KeptType::fresh:
            return take_list(message, news.fresh);
        case KeptType::gone:
            return take_list(message, news.change.gone);
        case KeptType::tagged:
            return take_list(message, news.tagged);
        case KeptType::scanned: {
            const auto told = agent::decode<agent::Scanned>(message);
            if (!told) return fail(no_answer("an end that is none"));
            news.from_base = told->from_base;
            news.now_ns = told->now_ns;
            scanned = true;
            return ok();
        }
        case KeptType::scan:
        case KeptType::remove:
            break;
        }
        return fail(no_answer("an unknown message"));
    }

    template <class Item>
    static Result<> take_list(std::string_view message, std::vector<Item>& into)
    {
        auto list = agent::decode<agent::List<Item>>(message);
        if (!list) return fail(no_answer("a list that is none"));
        std::ranges::move(list->items, std::back_inserter(into));
        return ok();
    }

    Event changed_;
    std::string orders_;
    bool closed_ = false;
    std::string waiting_; // of a message
    std::optional<Result<>> ended_;
};

namespace {

template <class Talk>
Task<> work(std::shared_ptr<AgentLink> link, agent::Run run, std::shared_ptr<Talk> talk)
{
    JobIo io;
    io.in = talk.get();
    io.out = talk.get();
    talk->end(co_await run_worker(std::move(link), std::move(run), std::move(io)));
    co_return ok();
}

} // namespace

KeptTree::KeptTree(std::shared_ptr<Talk> talk) : talk_(std::move(talk)) {}

KeptTree::~KeptTree()
{
    talk_->say_no_more();
}

Task<std::unique_ptr<KeptTree>> KeptTree::open(
    std::shared_ptr<AgentLink> link,
    std::string directory,
    AgentIds ids,
    std::function<bool()> on_wait
)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    std::unique_ptr<KeptTree> tree(new KeptTree(std::make_shared<Talk>(executor)));
    agent::Run run = tree_run(agent::What::keep, std::move(directory), ids, agent::Encoding::plain);
    tree->worker_ = engine::Child(executor, work(std::move(link), std::move(run), tree->talk_));
    while (!tree->talk_->held && !tree->talk_->waits && !tree->talk_->ended()) {
        CO_CHECK(co_await tree->talk_->wait());
    }
    if (tree->talk_->waits && !tree->talk_->held && !on_wait()) {
        co_return fail(Errc::conflict, "another client has it");
    }
    CO_CHECK(co_await tree->await(tree->talk_->held));
    co_return tree;
}

Task<> KeptTree::await(bool& done)
{
    while (!done && !talk_->ended()) {
        CO_CHECK(co_await talk_->wait());
    }
    if (std::exchange(done, false)) co_return ok();
    if (!*talk_->ended()) co_return fail(talk_->ended()->error());
    co_return fail(no_answer("it ended too early"));
}

Task<TreeNews> KeptTree::scan(ContentHash base)
{
    return look(base, false, 0);
}

Task<TreeNews> KeptTree::scan_caches(ContentHash base, std::int64_t since_ns)
{
    return look(base, true, since_ns);
}

Task<TreeNews> KeptTree::look(ContentHash base, bool caches, std::int64_t since_ns)
{
    talk_->news = TreeNews();
    agent::ScanOrder order;
    order.base_high = base.high;
    order.base_low = base.low;
    order.caches = caches;
    order.since_ns = since_ns;
    talk_->say(KeptType::scan, order);
    CO_CHECK(co_await await(talk_->scanned));
    co_return std::move(talk_->news);
}

Task<> KeptTree::remove(std::vector<std::string> paths)
{
    std::vector<agent::Paths> batches;
    agent::in_batches(paths, [&](const agent::Paths& batch) {
        batches.push_back(batch);
        return true;
    });
    for (const agent::Paths& batch : batches) {
        talk_->say(KeptType::remove, batch);
        CO_CHECK(co_await await(talk_->removed));
    }
    co_return ok();
}

Task<> KeptTree::close()
{
    talk_->say_no_more();
    while (!talk_->ended()) {
        CO_CHECK(co_await talk_->wait());
    }
    co_return *talk_->ended();
}

} // namespace slipway::core
