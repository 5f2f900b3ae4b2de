#include "workspace/relay.hpp"

#include "agent/event.hpp"

#include <slipway/engine/child.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace slipway::core {

class Relay::Middle final : public engine::ByteSink {
public:
    explicit Middle(const boost::asio::any_io_executor& executor) : changed_(executor) {}

    Task<> write(std::string_view data) override
    {
        waiting_ = data;
        changed_.notify();
        while (!waiting_.empty() && !left_) {
            auto woken = co_await changed_.wait();
            if (!woken) {
                waiting_ = {};
                co_return fail(std::move(woken).error());
            }
        }
        waiting_ = {};
        if (left_) co_return fail(Errc::cancelled, "nobody reads any more");
        co_return ok();
    }

    Task<std::size_t> read(std::span<char> into)
    {
        while (waiting_.empty() && !end_) {
            CO_CHECK(co_await changed_.wait());
        }
        if (waiting_.empty()) {
            if (!*end_) co_return fail(end_->error());
            co_return 0;
        }
        const std::size_t n = std::min(waiting_.size(), into.size());
        waiting_.copy(into.data(), n);
        waiting_.remove_prefix(n);
        if (waiting_.empty()) changed_.notify();
        co_return n;
    }

    void finish(Result<> how)
    {
        end_ = std::move(how);
        changed_.notify();
    }

    void leave()
    {
        left_ = true;
        changed_.notify();
    }

private:
    Event changed_;
    std::string_view waiting_; // of the write that waits
    std::optional<Result<>> end_;
    bool left_ = false;
};

Relay::Relay(const boost::asio::any_io_executor& executor)
    : middle(std::make_shared<Middle>(executor))
{
}

engine::ByteSink& Relay::sink() const
{
    return *middle;
}

void Relay::finish(Result<> how) const
{
    middle->finish(std::move(how));
}

Task<std::size_t> Relay::read(std::span<char> into) const
{
    return middle->read(into);
}

void Relay::leave() const
{
    middle->leave();
}

namespace {

using Write = std::function<Task<>(engine::ByteSink&)>;

Task<> write_into(Relay relay, Write write)
{
    relay.finish(co_await write(relay.sink()));
    co_return ok();
}

class Written final : public engine::ByteSource {
public:
    Written(const boost::asio::any_io_executor& executor, Write write)
        : relay_(executor), writing_(executor, write_into(relay_, std::move(write)))
    {
    }
    Written(const Written&) = delete;
    Written& operator=(const Written&) = delete;
    ~Written() override { relay_.leave(); }

    Task<std::size_t> read(std::span<char> into) override { return relay_.read(into); }

private:
    Relay relay_;
    engine::Child writing_;
};

} // namespace

std::shared_ptr<engine::ByteSource> written_by(
    const boost::asio::any_io_executor& executor, std::function<Task<>(engine::ByteSink&)> write
)
{
    return std::make_shared<Written>(executor, std::move(write));
}

} // namespace slipway::core
